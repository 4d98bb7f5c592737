"""Text that strangers may have written, made safe to print: in pages and drawings, in LaTeX and BibTeX."""

import re

# What moves a cursor or turns the direction of the text after it: C0 and C1, formats and bidi controls, separators of
# lines and paragraphs, halves of a surrogate pair. Line breaks and tabs stay.
_UNPRINTABLE = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
# Braces have names here: BibTeX counts them even where a backslash stands before them.
_LATEX = {
    **{mark: f"\\{mark}" for mark in "&%$#_"},
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "×": r"$\times$",
    "±": r"$\pm$",
    "−": "$-$",
    "–": "--",
    "≤": r"$\le$",
    "≥": r"$\ge$",
    "→": r"$\to$",
    "·": r"$\cdot$",
    "○": r"$\circ$",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",  # \textquotedbl is an error in LaTeX's first encoding, OT1
}


def printable(text: str) -> str:
    """The text with a question mark for every control character, bidi controls among them."""
    return _UNPRINTABLE.sub("?", text)


def one_line(text: object) -> str:
    """A text as one line that changes nothing on a terminal."""
    return printable(" ".join(str(text).split()))


def plain(text: object, longest: int = 300) -> str:
    """The same, cut where it is long."""
    said = one_line(text)
    return said if len(said) <= longest else f"{said[:longest]}..."


def latex(text: object) -> str:
    """Text with every character that LaTeX or BibTeX gives a meaning said as itself; line breaks become spaces."""
    return "".join(_LATEX.get(mark, mark) for mark in one_line(text))

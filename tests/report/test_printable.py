"""Text of strangers, made safe to print."""

import pytest

from ticketbench.report.printable import latex, one_line, printable


@pytest.mark.parametrize(
    "mark",
    ["\x1b", "\x00", "\x07", "\x9b", "\r", "\u202e", "\u2066", "\u200f", "\u2028", "\ufeff", "\ud800", "\U000e0041"],
)
def test_control_characters_and_those_that_turn_the_direction_of_a_text_become_question_marks(mark):
    assert printable(f"a{mark}b") == "a?b"


def test_line_breaks_tabs_and_letters_of_any_script_stay():
    text = "a\n\tb\xa0é 日本 ± ×"

    assert printable(text) == text
    assert one_line(" a\n b\x1b ") == "a b?"


def test_latex_says_every_character_as_itself():
    assert latex("a_b & 5 % of $x$ {y} \\input{z} #1 ~^\n<>") == (
        r"a\_b \& 5 \% of \$x\$ \textbraceleft{}y\textbraceright{} "
        r"\textbackslash{}input\textbraceleft{}z\textbraceright{} \#1 \textasciitilde{}\textasciicircum{} "
        r"\textless{}\textgreater{}"
    )
    assert latex('mode="erk"\x07') == "mode=''erk''?"

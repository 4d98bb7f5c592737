"""How each method is drawn: one colour, dash and mark on every page, told apart without colour too."""

from collections.abc import Mapping
from dataclasses import dataclass

# Marks as SVG paths in the square from -1 to 1.
_MARKS = {
    "circle": "M.95,0A.95,.95,0,1,1,-.95,0A.95,.95,0,1,1,.95,0Z",
    "square": "M-.82,-.82H.82V.82H-.82Z",
    "diamond": "M0,-1.15L1.05,0L0,1.15L-1.05,0Z",
    "up": "M0,-1.1L1.05,.8H-1.05Z",
    "down": "M0,1.1L-1.05,-.8H1.05Z",
    "right": "M1.1,0L-.8,1.05V-1.05Z",
    "left": "M-1.1,0L.8,-1.05V1.05Z",
    "plus": "M-.35,-1.1H.35V-.35H1.1V.35H.35V1.1H-.35V.35H-1.1V-.35H-.35Z",
    "bar": "M-1.15,-.45H1.15V.45H-1.15Z",
    "pentagon": "M0,-1.1L1.05,-.3L.65,.95H-.65L-1.05,-.3Z",
}
_SOLID, _DASHED, _DOTTED, _MIXED = (1, 0), (6, 3), (1.5, 3), (7, 2.5, 1.5, 2.5)


@dataclass(frozen=True)
class Look:
    """Colour as a CSS value, dash as lengths on and off, mark as an SVG path."""

    colour: str
    dash: tuple[float, ...]
    mark: str

    @property
    def dash_array(self) -> str:
        """The dash as SVG says it."""
        return " ".join(f"{length:g}" for length in self.dash) if self.dash != _SOLID else "none"


def _look(number: int, dash: tuple[float, ...], mark: str) -> Look:
    return Look(f"var(--method-{number})", dash, _MARKS[mark])


# Rewound: solid. Reinitialized: dashed. Retrained: dash and dot. Random or not trained: dotted.
_KNOWN = {
    "imp": _look(0, _SOLID, "circle"),
    "imp-late": _look(1, _SOLID, "square"),
    "imp-reinit": _look(2, _DASHED, "circle"),
    "one-shot": _look(3, _SOLID, "up"),
    "one-shot-reinit": _look(4, _DASHED, "up"),
    "fine-tune": _look(5, _MIXED, "diamond"),
    "lr-rewind": _look(6, _MIXED, "right"),
    "prune-only": _look(7, _DOTTED, "plus"),
    "random-layer": _look(8, _DOTTED, "bar"),
    "random-global": _look(9, _DOTTED, "pentagon"),
    # Those that most often lead a family, and so are drawn together.
    "obd": _look(2, _SOLID, "diamond"),
    "lamp": _look(6, _SOLID, "square"),
    "synflow": _look(3, _DASHED, "down"),
    "snip": _look(6, _DASHED, "right"),
    "grasp": _look(5, _DASHED, "left"),
    "rigl": _look(4, _SOLID, "pentagon"),
    "gradual": _look(6, _SOLID, "left"),
    "set": _look(7, _DASHED, "up"),
    "movement": _look(5, _SOLID, "left"),
    "edge-popup": _look(7, _SOLID, "down"),
    "erk": _look(7, _DOTTED, "diamond"),
    "early-bird": _look(4, _MIXED, "up"),
}
# Controls of a method: beside its own look, whatever that is.
CONTROLS = {
    "shuffled": _look(6, _DASHED, "diamond"),
    "reinitialized": _look(2, _DASHED, "square"),
    "random-layer": _look(8, _DOTTED, "bar"),
    "small-dense": _look(3, _MIXED, "down"),
    "long-dense": _look(5, _MIXED, "up"),
}
OTHER_CONTROL = _look(9, _DOTTED, "plus")
# Tickets in the cells of a transfer matrix.
FOUND_ELSEWHERE = _look(4, _SOLID, "square")
FOUND_THERE = _look(0, _SOLID, "circle")
RANDOM = _KNOWN["random-layer"]
DENSE_LINE = Look("var(--ink)", _SOLID, "")
CHANCE_LINE = Look("var(--ink)", (4, 4), "")
# In this order neighbours, who are of one family, differ in colour, dash and mark at once.
_MARKS_LEFT = ("down", "square", "left", "diamond", "pentagon", "up", "plus", "right")
_DASHES = (_SOLID, _DASHED, _MIXED, _DOTTED)
_FREE = [_look(1 + (2 + 3 * place) % 7, _DASHES[place % 4], _MARKS_LEFT[place % 8]) for place in range(56)]


def looks(families: Mapping[str, str]) -> dict[str, Look]:
    """A look for every name, given with its family: its own for some methods that we ship, else by family and name.

    Colours that no shipped method among these names has are given away first.
    """
    found = {name: _KNOWN[name] for name in sorted(families) if name in _KNOWN}
    taken = {look.colour for look in found.values()}
    free = sorted(_FREE, key=lambda look: look.colour in taken)
    strangers = sorted((family, name) for name, family in families.items() if name not in _KNOWN)
    return found | {name: free[place % len(free)] for place, (_, name) in enumerate(strangers)}

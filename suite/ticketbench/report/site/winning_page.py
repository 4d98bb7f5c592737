"""What a task's page says of winning tickets, ready for the template: every rate beside the luck that explains it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ticketbench.report.boards.against_random import Beside, against_random
from ticketbench.report.boards.board import Board, Series, near
from ticketbench.report.boards.winning import Winner, Winning, Won, winning
from ticketbench.report.site.addresses import method_page, root, task_page
from ticketbench.report.site.figures import series_name
from ticketbench.report.site.looks import Look
from ticketbench.report.site.rank_words import p_text, tested_cell
from ticketbench.report.statistics.differences import ALPHA, EXACT_SEEDS
from ticketbench.report.statistics.winning import sparsest
from ticketbench.report.units import Unit, signed, unit_of
from ticketbench.report.wording import Shown, all_seeds, difference_line, difference_text, seed_count, share, times

NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Wins:
    """A line of the tables: rates by rung, wins at any rung beside luck, and what is told at fixed compressions.

    Attributes:
        says: why nothing of it can win, or from which step on it can.
        gains: over all seeds, with that of the winners, who were selected, as a note.
    """

    name: str
    page: str
    look: Look
    says: str
    rates: Sequence[Shown | None]
    any_rung: Shown
    difficulty: Sequence[Shown | None]
    gains: Sequence[Shown | None]


@dataclass(frozen=True)
class WinningTickets:
    """What the template shows.

    Attributes:
        heads: rungs; compressions of the tables.
        luck: the rate of one dense network against another, in percent; empty where there are too few.
        any_of: the same at any of so many rungs; empty where there are too few for it and for a p-value.
        luck_difficulty: one minus the rate of luck.
        null_gain: what dense networks that win by luck gain.
        random: of metrics of language and games, by rung, what the tickets of each series are better by than random
            ones: its name, page and look first.
        few_seeds: whether some of these are of too few seeds for an exact test.
    """

    heads: Sequence[str]
    compressions: Sequence[str]
    luck: str
    luck_difficulty: str
    any_of: str
    rungs: int
    null_gain: str
    dense: int
    lines: Sequence[Wins]
    random: Sequence[tuple[str, str, Look, Sequence[Shown | None]]]
    few_seeds: bool


def winning_page(board: Board, compressions: Sequence[int], looks: Mapping[str, Look]) -> WinningTickets | None:
    """What the template needs; None where no ticket can be judged."""
    found = winning(board, compressions)
    if not any(each.rungs for each in found.winners):
        return None
    unit = unit_of(board.metric)
    points = replace(unit, sign="")
    most = max(len(each.rungs) for each in found.winners)
    whole = next(each for each in found.winners if len(each.rungs) == most)
    lines = [_line(each, found, board, compressions, points, looks) for each in found.winners]
    beside = [] if board.metric == "accuracy" else against_random(board)
    return WinningTickets(
        heads=[times(c) for _, c in board.rungs],
        compressions=[f"{c}×" for c in compressions],
        luck=share(found.luck) if found.luck is not None else "",
        luck_difficulty=f"{1 - found.luck:.2f}" if found.luck is not None else "",
        any_of=share(whole.lucky) if whole.lucky is not None else "",
        rungs=most,
        null_gain=_signed(found.null_gain, points) if found.null_gain is not None else "",
        dense=found.dense,
        lines=lines,
        random=list(_random(beside, board, unit, looks)),
        few_seeds=any(test.interval.seeds < EXACT_SEEDS for each in beside for test in each.differences.values()),
    )


def _random(
    beside: Sequence[Beside], board: Board, unit: Unit, looks: Mapping[str, Look]
) -> Iterator[tuple[str, str, Look, Sequence[Shown | None]]]:
    for each in beside:
        name = series_name(each.series)
        page = root(task_page(board.task)) + method_page(each.series.method)
        yield name, page, looks[name], [tested_cell(each.differences.get(rung), unit) for rung, _ in board.rungs]


def _line(
    winner: Winner,
    found: Winning,
    board: Board,
    compressions: Sequence[int],
    unit: Unit,
    looks: Mapping[str, Look],
) -> Wins:
    name = series_name(winner.series)
    if winner.apart:
        return _apart(winner, board, compressions, looks)
    told = {c: winner.rungs[winner.success[c]] if c in winner.success else None for c in compressions}
    off = {c: _off(winner.series, winner.success.get(c), _asked(board, c)) for c in compressions}
    return Wins(
        name=name,
        page=root(task_page(board.task)) + method_page(winner.series.method),
        look=looks[name],
        says=_late(*winner.starts),
        rates=[_rate(winner.rungs.get(rung), found, _off(winner.series, rung, c)) for rung, c in board.rungs],
        any_rung=_any_rung(winner, found),
        difficulty=[_difficulty(winner.difficulty(c), told[c], off[c]) for c in compressions],
        gains=[_gain(told[c], unit, off[c]) for c in compressions],
    )


def _apart(winner: Winner, board: Board, compressions: Sequence[int], looks: Mapping[str, Look]) -> Wins:
    name = series_name(winner.series)
    none = Shown("–", long=winner.apart)
    return Wins(
        name=name,
        page=root(task_page(board.task)) + method_page(winner.series.method),
        look=looks[name],
        says=winner.apart,
        rates=[none] * len(board.rungs),
        any_rung=none,
        difficulty=[none] * len(compressions),
        gains=[none] * len(compressions),
    )


def _late(first: int, last: int) -> str:
    if not last:
        return ""
    steps = f"step {first:,}" if first == last else f"steps {first:,} to {last:,}"
    return f"starts at {steps}; its evaluations count from where its mask last changed"


def _asked(board: Board, compression: int) -> float | None:
    """The compression that the board's own rungs have where one is told."""
    columns = [each for _, each in board.rungs]
    place = sparsest(columns, compression)
    return columns[place] if place is not None else None


def _off(series: Series, rung: int | None, column: float | None) -> str:
    """The compression that a rung has, where that is another than where it is printed."""
    cell = series.cells.get(rung) if rung is not None else None
    if cell is None or cell.compression is None or column is None or near(cell.compression, column):
        return ""
    return f"at {times(cell.compression)}"


def _placed(shown: Shown, off: str) -> Shown:
    """The cell, with a note where its tickets have another compression than its column: such a one orders nothing."""
    return replace(shown, notes=(off, *shown.notes), order=None, off=True) if off else shown


def _any_rung(winner: Winner, found: Winning) -> Shown:
    if winner.lucky is None:
        return Shown("–", long=_too_few(found))
    return Shown(_percent(winner.any_rung), f"luck: {share(winner.lucky)}", order=winner.any_rung)


def _too_few(found: Winning) -> str:
    """Why nothing is held against luck."""
    if found.luck is None:
        return "how often luck wins cannot be told: it takes two dense networks"
    return f"luck of {found.dense} networks: too few for a p"


def _rate(won: Won | None, found: Winning, off: str) -> Shown | None:
    if won is None:
        return None
    low, high = (100 * end for end in won.interval)
    small = (f"p {p_text(won.p)}".replace(" ", NO_BREAK),) if won.p is not None and won.p <= ALPHA else ()
    long = (
        f"chance of as many by luck alone: {p_text(won.p)}, luck being {share(found.luck or 0)}"
        if won.p is not None
        else _too_few(found)
    )
    return _placed(Shown(f"{won.won}/{won.seeds}", f"{low:.0f}–{high:.0f} %", small, long, order=won.rate), off)


def _difficulty(value: float | None, won: Won | None, off: str) -> Shown | None:
    if value is None or won is None:
        return None
    low, high = (1 - end for end in reversed(won.interval))
    return _placed(Shown(f"{value:.2f}", f"{low:.2f}–{high:.2f}", order=value), off)


def _gain(won: Won | None, unit: Unit, off: str) -> Shown | None:
    if won is None or won.gain is None:
        return None
    main, below = difference_text(won.gain, unit)
    notes = [f"{won.seeds} of {won.run} seeds"] if won.seeds < won.run else []
    notes += [f"{won.won} won: {_signed(won.quality, unit)}"] if won.quality is not None else []
    judged = f"the {seed_count(won.seeds)} whose dense network is done"
    whose = judged if won.seeds < won.run else all_seeds(won.seeds)
    long = f"{whose}: {difference_line(won.gain, unit)}"
    return _placed(Shown(main, below, tuple(notes), long, order=won.gain.mean), off)


def _percent(rate: float) -> str:
    return f"{100 * rate:.0f} %"


def _signed(value: float, unit: Unit) -> str:
    return signed(f"{value * unit.factor:+.{unit.places}f}")

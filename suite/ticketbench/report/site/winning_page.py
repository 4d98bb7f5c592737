"""What a task's page says of winning tickets, ready for the template: every rate beside the luck that explains it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ticketbench.report.boards.board import Board
from ticketbench.report.boards.winning import Winner, Winning, Won, winning
from ticketbench.report.site.addresses import method_page, root, task_page
from ticketbench.report.site.figures import series_name
from ticketbench.report.site.looks import Look
from ticketbench.report.site.rank_words import p_text
from ticketbench.report.statistics.differences import ALPHA
from ticketbench.report.wording import Shown, Unit, difference_line, difference_text, share, times, unit_of

NO_BREAK = "\N{NO-BREAK SPACE}"


@dataclass(frozen=True)
class Wins:
    """A line of the tables: rates by rung, wins at any rung beside luck, and what is told at fixed compressions.

    Attributes:
        gains: over all seeds, with that of the winners, who were selected, as a note.
    """

    name: str
    page: str
    look: Look
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
        any_of: the same at any of so many rungs.
        luck_difficulty: one minus the rate of luck.
        null_gain: what dense networks that win by luck gain.
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


def winning_page(board: Board, compressions: Sequence[int], looks: Mapping[str, Look]) -> WinningTickets | None:
    """What the template needs; None where no ticket can be judged."""
    found = winning(board, compressions)
    if not found.winners:
        return None
    unit = unit_of(board.metric)
    points = Unit(unit.factor, "", unit.name)
    most = max(len(each.rungs) for each in found.winners)
    whole = next(each for each in found.winners if len(each.rungs) == most)
    lines = [_line(each, found, board, compressions, points, looks) for each in found.winners]
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
    )


def _line(
    winner: Winner,
    found: Winning,
    board: Board,
    compressions: Sequence[int],
    unit: Unit,
    looks: Mapping[str, Look],
) -> Wins:
    name = series_name(winner.series)
    told = {c: winner.rungs[winner.success[c]] if c in winner.success else None for c in compressions}
    lucky = f"luck: {share(winner.lucky)}" if winner.lucky is not None else ""
    return Wins(
        name=name,
        page=root(task_page(board.task)) + method_page(winner.series.method),
        look=looks[name],
        rates=[_rate(winner.rungs.get(rung), found.luck) for rung, _ in board.rungs],
        any_rung=Shown(_percent(winner.any_rung), lucky, order=winner.any_rung),
        difficulty=[_difficulty(winner.difficulty(c), told[c]) for c in compressions],
        gains=[_gain(told[c], unit) for c in compressions],
    )


def _rate(won: Won | None, luck: float | None) -> Shown | None:
    if won is None:
        return None
    low, high = (100 * end for end in won.interval)
    notes = (f"p {p_text(won.p)}".replace(" ", NO_BREAK),) if won.p is not None and won.p <= ALPHA else ()
    long = (
        f"chance of as many by luck alone: {p_text(won.p)}, luck being {share(luck or 0)}"
        if won.p is not None
        else ""
    )
    return Shown(f"{won.won}/{won.seeds}", f"{low:.0f}–{high:.0f} %", notes, long, order=won.rate)


def _difficulty(value: float | None, won: Won | None) -> Shown | None:
    if value is None or won is None:
        return None
    low, high = (1 - end for end in reversed(won.interval))
    return Shown(f"{value:.2f}", f"{low:.2f}–{high:.2f}", order=value)


def _gain(won: Won | None, unit: Unit) -> Shown | None:
    if won is None or won.gain is None:
        return None
    main, below = difference_text(won.gain, unit)
    selected = (f"{won.won} won: {_signed(won.quality, unit)}",) if won.quality is not None else ()
    return Shown(main, below, selected, f"all seeds: {difference_line(won.gain, unit)}", order=won.gain.mean)


def _percent(rate: float) -> str:
    return f"{100 * rate:.0f} %"


def _signed(value: float, unit: Unit) -> str:
    return f"{value * unit.factor:+.2f}".replace("-", "−")

"""`compare`: did a change make tickets worse, or is it noise?"""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ticketbench.errors import TicketbenchError

if TYPE_CHECKING:
    from ticketbench.report.compare.comparison import Comparison

_PATH = click.Path(path_type=Path)


@click.command()
@click.argument("base", type=_PATH)
@click.argument("new", type=_PATH)
@click.option("--format", "form", type=click.Choice(["text", "markdown", "junit"]), default="text", show_default=True, help="How the report is written.")  # fmt: skip # noqa: E501
@click.option("--output", type=_PATH, help="Write it to this file, and the text to the terminal.")
@click.option("--only", "only", metavar="METHOD", multiple=True, help="Only this method, or those of a pattern, of both sides; the dense network stays. May be repeated.")  # fmt: skip # noqa: E501
@click.option("--seeds", type=click.IntRange(min=1), help="Only seeds 0 to N-1 of both sides.")
@click.option("--without-controls", is_flag=True, help="Leave controls and probes out of both sides.")
@click.option("--task", "files", metavar="FILE", type=_PATH, multiple=True, help="A task of your own, for its margin and chance value. May be repeated.")  # fmt: skip # noqa: E501
def compare(
    base: Path,
    new: Path,
    form: str,
    output: Path | None,
    only: tuple[str, ...],
    seeds: int | None,
    without_controls: bool,
    files: tuple[Path, ...],
) -> int:
    """Hold the results NEW against BASE: files of results, or folders of them.

    Exit code 0: no regression. 1: something dropped by more than noise and the margin, or failed. 2: the two cannot
    be compared. docs/guard.md has the measured rate of false alarms, and a workflow to copy.
    """
    from ticketbench.report.compare.comparison import compare as held_against
    from ticketbench.report.compare.entries import Narrowing
    from ticketbench.report.compare.text import text

    try:
        found = held_against(base, new, files, Narrowing(only, seeds, not without_controls))
    except TicketbenchError as error:
        if output is None:
            if form != "text":
                click.echo(_unusable(form, str(error)), nl=False)
            raise
        if mistake := _written(_unusable(form, str(error)), output):
            raise TicketbenchError(f"{error} And {mistake}") from None
        raise
    if output is None:
        click.echo(_report(form, found), nl=False)
        return found.exit_code
    # The text first: a file that cannot be written swallows no verdict, and a regression stays one.
    click.echo(text(found), nl=False)
    if mistake := _written(_report(form, found), output):
        if not found.exit_code:
            raise TicketbenchError(mistake)
        click.echo(f"ticketbench: {mistake}", err=True)
    return found.exit_code


def _report(form: str, found: "Comparison") -> str:
    from ticketbench.report.compare.junit import junit
    from ticketbench.report.compare.markdown import markdown
    from ticketbench.report.compare.text import text

    return {"text": text, "markdown": markdown, "junit": junit}[form](found)


def _unusable(form: str, message: str) -> str:
    from ticketbench.report.compare import junit, markdown

    if form == "text":
        return f"No comparison: {message}\n"
    return {"markdown": markdown.unusable, "junit": junit.unusable}[form](message)


def _written(report: str, output: Path) -> str:
    """What kept the report from being written; empty where nothing did."""
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(report, "utf-8")
    except OSError as error:
        return f"--output {output}: cannot be written: {error.strerror}."
    return ""

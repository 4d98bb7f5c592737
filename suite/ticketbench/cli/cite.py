"""`cite`: BibTeX of what a number rests on."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ticketbench.cli.known import known_methods
from ticketbench.errors import TicketbenchError, unknown
from ticketbench.task import find_task, shipped_tasks

if TYPE_CHECKING:
    from ticketbench.report.citing import Cited


@click.command()
@click.argument("names", metavar="TASK|METHOD|ROW...", nargs=-1, required=True)
@click.option("--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True, help="Where rows are looked up.")  # fmt: skip # noqa: E501
def cite(names: tuple[str, ...], results: Path) -> None:
    """Print BibTeX of the suite, and of the papers of every TASK and METHOD, TASK:METHOD or ROW that is named.

    TASK is an id or a TOML file, METHOD a name or a Python file, ROW a row's id or its first eight
    hexadecimal digits or more.
    The entries go to stdout, no key twice, and all else to stderr, so that `ticketbench cite imp > refs.bib` works.
    """
    from ticketbench.report.citing import cite_suite

    cited = cite_suite()
    for name in names:
        cited += _cited(name, results)
    click.echo(cited.bibtex)
    for line in (*cited.sentences, *cited.remarks):
        click.echo(line, err=True)


def _cited(name: str, results: Path) -> "Cited":
    """What one argument names: a task, a method, both with a colon between, or a row."""
    from ticketbench.results import may_be_id

    for task, colon, method in [(name, "", ""), name.partition(":")]:
        if task in shipped_tasks() or task.endswith(".toml"):
            if colon and not method:
                raise TicketbenchError(f"{name}: expected a method after the colon, as in {task}:imp, or no colon.")
            found = _of_task(task)
            return found + _of_method(method) if method else found
    if may_be_id(name) and name not in known_methods():
        return _of_row(name, results)
    return _of_method(name)


def _of_task(selector: str) -> "Cited":
    from ticketbench.bibliography import read_bibliography
    from ticketbench.report.citing import cite_papers

    task = find_task(selector)
    return cite_papers(task.cites, read_bibliography(), f"task {task.id}")


def _of_method(selector: str) -> "Cited":
    from ticketbench.bibliography import read_bibliography
    from ticketbench.methods import find_methods, parse_selector
    from ticketbench.report.citing import Cited, cite_papers

    named, known = parse_selector(selector), known_methods()
    if named.file is None and named.name == "dense":
        return Cited({})
    if named.file is None and named.name not in known:
        hint = "See `ticketbench tasks` and `ticketbench methods`; a row is named by eight hexadecimal "
        hint += "digits or more of its id."
        raise unknown("task, method or row", selector, [*shipped_tasks(), *known], hint)
    cited = Cited({})
    for method in find_methods([selector]):
        cited += cite_papers(method.cites, read_bibliography(), f"method {method.name}")
    return cited


def _of_row(wanted: str, results: Path) -> "Cited":
    """A row, and its task's and its method's papers where these are known here."""
    from ticketbench.report.citing import Cited, cite_row
    from ticketbench.results import find_row

    row = find_row(results, wanted)
    cited = cite_row(row)
    missing = "{} is not known here; name its file as well, to cite its papers."
    if row["task"] in shipped_tasks():
        cited += _of_task(row["task"])
    else:
        cited += Cited({}, remarks=(missing.format(f"Task {row['task']!r}"),))
    if row["method"] in known_methods() or row["method"] == "dense":
        cited += _of_method(row["method"])
    else:
        cited += Cited({}, remarks=(missing.format(f"Method {row['method']!r}"),))
    return cited

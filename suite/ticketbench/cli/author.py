"""`new`, `check`: a method of one's own, begun and held against what holds of every method."""

import keyword
import re
import shlex
import textwrap
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ticketbench.errors import TicketbenchError, raised

if TYPE_CHECKING:
    from ticketbench.task import Task

_TEMPLATE_NAME = "my-method"
_TEMPLATE_FILE = "my_method.py"


@click.command()
@click.argument("path", type=click.Path(path_type=Path))
def new(path: Path) -> None:
    """Write a commented, working method to begin with, such as my_method.py."""
    name = _name(path)
    text = _template().replace(_TEMPLATE_NAME, name).replace(_TEMPLATE_FILE, path.name)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise TicketbenchError(f"{path}: is there already, and was left as it is.") from None
    except OSError as error:
        raise TicketbenchError(f"{path}: cannot be written: {error.strerror}.") from None
    typed = shlex.quote(str(path))
    click.echo(f"{path} holds a method named {name} that works as it is. Make it yours, then:")
    click.echo(f"  ticketbench check {typed}")
    click.echo(f"  ticketbench run digits/mlp --method {typed} --method imp --method random-layer --seeds 5")
    click.echo(f"  ticketbench leaderboard --method {typed} --open")
    click.echo(f"  ticketbench submit {typed}")


@click.command()
@click.argument("selector", metavar="METHOD")
@click.option("--task", "-t", help="A task's id or TOML file, instead of the built-in ones: a task of images. It is shortened as they are.")  # fmt: skip # noqa: E501
def check(selector: str, task: str | None) -> int:
    """Hold a method against what holds of every method, and explain what does not.

    METHOD is my_method.py, my_method.py:name or a name, with parameters as in 'my_method.py(power=2)'. It runs on
    small tasks of a few steps, in a temporary folder and in a process of its own. Exit code 1 where a check fails, 2
    where the checks could not be made.
    """
    from ticketbench.task import find_task

    found: Counter[str] = Counter()
    for kind, *said in _apart(selector, find_task(task) if task else None):
        if kind == "method":
            click.echo(said[0])
        else:
            _tell(*said)
            found[said[1]] += 1
    click.echo(f"{found.total()} checks: {', '.join(f'{number} {status}' for status, number in found.items())}.")
    if found["failed"]:
        return 1
    target = shlex.quote(selector)
    where = shlex.quote(task) if task else "digits/mlp"
    click.echo(f"Next: ticketbench run {where} --method {target} --method imp --method random-layer --seeds 5")
    return 0


def _apart(selector: str, task: "Task | None") -> Iterator[tuple[str, ...]]:
    """What `_examine` tells from another process: a method that ends its process does not end this one.

    Raises `TicketbenchError` where that process ends without having said that it is through.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_examine, args=(theirs, selector, task))
    process.start()
    theirs.close()
    try:
        while True:
            wait([ours, process.sentinel])
            try:
                kind, *said = ours.recv() if ours.poll() else ("gone",)
            except (EOFError, OSError):
                kind, said = "gone", []
            if kind == "end":
                return
            if kind == "wrong":
                raise TicketbenchError(said[0])
            if kind == "gone":
                process.join()
                raise TicketbenchError(
                    f"{selector}: its process ended (code {process.exitcode}) before the checks did, so none counts. "
                    "A method raises an error, or returns; it does not end the process it is in."
                )
            yield kind, *said
    finally:
        process.join(timeout=5)
        process.terminate()
        process.join()


def _examine(told: Connection, selector: str, task: "Task | None") -> None:
    """Make the checks, in a process of their own, and send what they find, and at the end that it is the end."""
    try:
        from ticketbench.methods import find_methods
        from ticketbench.testing import examine

        methods = find_methods([selector])
        for method in methods:
            heading = f"{method.called}, {method.source}"
            for name, finding in examine(method, task):
                if heading:  # not before it is known that the task can be run
                    told.send(("method", heading))
                    heading = ""
                told.send(("finding", name, finding.status, finding.seen, finding.explanation))
        told.send(("end",))
    except TicketbenchError as error:
        told.send(("wrong", str(error)))
    except BaseException as error:
        with suppress(OSError):
            told.send(("wrong", f"{selector}: the checks were ended by {raised(error)}."))


def _tell(name: str, status: str, seen: str, explanation: str) -> None:
    """One line a check; where it does not simply hold, what was seen, expected, and to change."""
    title = name.replace("_", " ")
    if status in ("ok", "not applicable"):
        click.echo(f"  {status:14}  {title:16}  {seen}")
        return
    click.echo(f"  {status:14}  {title}")
    for line in explanation.splitlines():
        label, _, said = line.partition(": ")
        click.echo(textwrap.fill(f"{label + ':':10}{said}", 100, initial_indent=" " * 18, subsequent_indent=" " * 28))


def _name(path: Path) -> str:
    """The method's name, from the file's: lower-case letters, digits, - and _. Raises `TicketbenchError`."""
    if path.suffix != ".py":
        raise TicketbenchError(f"{path}: is not a Python file; expected a name such as {_TEMPLATE_FILE}.")
    name = re.sub(r"[^a-z0-9-]+", "-", path.stem.lower()).strip("-")
    if not name or keyword.iskeyword(path.stem):
        raise TicketbenchError(f"{path}: expected a file's name that can be a method's, such as {_TEMPLATE_FILE}.")

    from ticketbench.methods.declare import RESERVED
    from ticketbench.methods.loading import installed_methods
    from ticketbench.report.submission.folder import method_place

    method_place(str(path))  # or it could never be handed in

    if name in RESERVED or name in installed_methods():
        raise TicketbenchError(f"{path}: there is a method named {name!r} already; give yours a name of its own.")
    return name


def _template() -> str:
    import ticketbench.testing as testing

    return Path(testing.__file__).with_name("template.py").read_text("utf-8")

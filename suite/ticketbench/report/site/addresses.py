"""Where things lie in the site: addresses relative to its folder, from names that strangers may have chosen."""

import hashlib
import re
from urllib.parse import quote, urlencode

from ticketbench.report.boards.board import Board, Series
from ticketbench.results import DENSE

EDITIONS = "editions"
ROW_PAGE = "row.html"
DEFAULTS = {  # what an address of rows leaves out
    "kind": "ticket",
    "params": "{}",
    "label": "",
    "found_on": "default",
    "trained_on": "default",
    "numerics": "fp32",
}
_PLAIN = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")  # a method's name as its declaration allows it


def task_page(task: str) -> str:
    """The page of a task, whose id is known to be one."""
    return f"tasks/{task}.html"


def download(task: str, name: str) -> str:
    """A file to take away, beside the page of its task."""
    return f"tasks/{task}/{name}"


def overview_file(tasks: str, version: int, kind: str) -> str:
    """The ranking over a set of tasks, as a file to take away: `kind` is csv or tex."""
    return f"overview/{tasks}-{version}.{kind}"


def method_page(method: str) -> str:
    """The page of a method. A name in a row may be any text: what is no method's name is told by its digest."""
    name = method if _PLAIN.fullmatch(method) else f"other.{hashlib.sha256(method.encode()).hexdigest()[:16]}"
    return f"methods/{name}.html"


def root(address: str) -> str:
    """The way from an address up to the site's folder."""
    return "../" * address.count("/")


def rows_of_cell(series: Series | None, board: Board, rung: int | None) -> str:
    """The rows of a cell: of a series at a rung, or at every one for None; of the dense network for no series.

    What is at its default is left out, as the row page reads it: `DEFAULTS`.
    """
    said = {"task": board.task, "version": str(board.version)}
    if series:
        first = series.rows[0]
        said |= {"method": series.method, "params": series.params, "kind": first["kind"], "label": first["label"]}
        said |= {"found_on": board.found_on} | ({"rung": str(rung)} if rung is not None else {})
    else:
        said |= {"method": DENSE, "kind": DENSE, "rung": "0", "found_on": board.trained_on}
    said |= {"trained_on": board.trained_on, "numerics": board.numerics}
    asked = {name: value for name, value in said.items() if value != DEFAULTS.get(name)}
    return f"{ROW_PAGE}#{urlencode(asked, quote_via=quote, safe='/')}"

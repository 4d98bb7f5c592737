"""The site's templates, in which every value is escaped and printable: titles and reasons come from strangers."""

import json
import re
from collections.abc import Callable
from typing import Any

import jinja2
from markupsafe import Markup, escape

import ticketbench
from ticketbench.paths import shipped
from ticketbench.report.citing import cite_suite
from ticketbench.report.printable import printable
from ticketbench.report.site import charts
from ticketbench.report.site.rank_words import MODEL_BASED

Render = Callable[..., str]


def templates() -> Render:
    """A function from a template's name and what it says to the text of a page."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(shipped("leaderboard")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_printed,
    )
    environment.globals |= {
        "version": ticketbench.__version__,
        "suite_bibtex": cite_suite().bibtex,
        "model_based": MODEL_BASED,
    }
    environment.filters |= {"ticks": _ticks, "data": data}
    return lambda template, **said: charts.told_apart(environment.get_template(template).render(**said))


def data(value: Any) -> Markup:
    """A value as JSON that no text inside can break out of, in a page's script or in a script's own file."""
    return Markup(script_json(value))


def script_json(value: Any) -> str:
    """JSON in ASCII without `<`, `>` or `&`: harmless in HTML, and in JavaScript of any age (U+2028)."""
    text = json.dumps(value, separators=(",", ":"), sort_keys=True, allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _printed(value: Any) -> Any:
    """What a template prints, without control characters; markup stays markup."""
    return type(value)(printable(value)) if isinstance(value, str) else value


def _ticks(text: str) -> Markup:
    """Text with what stands between backticks as code, everything escaped."""
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))

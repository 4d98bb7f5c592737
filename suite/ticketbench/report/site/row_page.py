"""What the one page for any row holds besides rows: columns, tasks, methods and sources, for its script."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ticketbench.bibliography import read_bibliography
from ticketbench.report.citing import cite_papers, cite_suite
from ticketbench.report.site.addresses import DEFAULTS, method_page
from ticketbench.report.site.one_task import Made
from ticketbench.report.site.rows_data import CURVE, id_digits
from ticketbench.results import SCHEMA
from ticketbench.task import Task

if TYPE_CHECKING:
    from ticketbench.methods import Method

GROUPS = {  # the first column of each group of the schema
    "row_id": "Identity",
    "density_asked": "Sparsity",
    "metric": "Quality",
    "search_steps": "Cost",
    "flops": "Deployment",
    "suite_version": "Provenance",
}


def row_page(made: Sequence[Made], tasks: Mapping[str, Task], methods: Mapping[str, "Method"]) -> dict[str, Any]:
    """What the template needs: `columns` by group for reading without scripts, and `site` for the script."""
    sources = read_bibliography()
    names = sorted({method for each in made for method, _ in each.parts.cells})
    cited = {
        "tasks": {each.task: list(tasks[each.task].cites) for each in made if each.task in tasks},
        "methods": {name: list(methods[name].cites) for name in names if name in methods},
    }
    keys = sorted({key for every in cited.values() for keys in every.values() for key in keys})
    return {
        "columns": columns(),
        "site": {
            "digits": id_digits(sum(len(each.parts.ids) for each in made)),
            "defaults": DEFAULTS,
            "curve": CURVE,
            "columns": [[group, listed] for group, listed in columns()],
            "tasks": [[each.task, each.listed["title"], each.listed["address"]] for each in made],
            "methods": [[name, methods[name].title if name in methods else "", method_page(name)] for name in names],
            "cites": [*cited["tasks"].items(), *(("method " + name, own) for name, own in cited["methods"].items())],
            "bibtex": [[key, cite_papers([key], sources, "a row").bibtex] for key in keys],
            "suite": cite_suite().bibtex,
        },
    }


def columns() -> list[tuple[str, list[tuple[str, str, str, str, bool]]]]:
    """The columns of the schema, group by group: name, description, unit, which way is better, whether compared."""
    found: list[tuple[str, list[tuple[str, str, str, str, bool]]]] = []
    for field in SCHEMA:
        if field.name in GROUPS:
            found.append((GROUPS[field.name], []))
        said = {key.decode(): value.decode() for key, value in field.metadata.items()}
        compared = said["compared"] == "yes"
        found[-1][1].append((field.name, said["description"], said.get("unit", ""), said.get("better", ""), compared))
    return found

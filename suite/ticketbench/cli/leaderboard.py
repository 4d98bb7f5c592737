"""`leaderboard`: from results to a static site."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ticketbench.cli.known import known_methods, known_tasks
from ticketbench.cli.processes import cores

if TYPE_CHECKING:
    from ticketbench.methods import Method


@click.command()
@click.option(
    "--results", "folders", type=click.Path(path_type=Path), multiple=True, help="Folder of results; may be repeated."
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("site"), show_default=True, help="Where it goes."
)
@click.option("--task", "task_files", multiple=True, help="A task of your own that rows are of, a TOML file: for its chance value, margin, primary metric and references. May be repeated.")  # fmt: skip # noqa: E501
@click.option(
    "--method", "-m", "files", multiple=True, help="A method's file, for its title and page. May be repeated."
)
@click.option("--freeze", "edition", default="", metavar="NAME", help="Keep this site for good as an edition, named by year and month: 2026-11.")  # fmt: skip # noqa: E501
@click.option("--jobs", type=click.IntRange(min=1), help="Processes side by side, each making a task. Default: one a core.")  # fmt: skip # noqa: E501
@click.option("--open", "opened", is_flag=True, help="Open it in a browser.")
def leaderboard(
    folders: tuple[Path, ...],
    out: Path,
    task_files: tuple[str, ...],
    files: tuple[str, ...],
    edition: str,
    jobs: int | None,
    opened: bool,
) -> None:
    """Build the leaderboard from results (default: ./results). It is static and needs no network."""
    from ticketbench.report.site.build import build_site

    tasks, methods = known_tasks(task_files), known_methods(files)
    folders = folders or (Path("results"),)
    jobs = jobs or cores()
    own = _own_recipes(methods)
    index = build_site(folders, out, tasks, methods, jobs=jobs, edition=edition, own_recipes=own).resolve()
    click.echo(f"The leaderboard is at {index}")
    if edition:
        click.echo(f"Edition {edition} is frozen at {index.parent / 'editions' / edition}")
    if opened:
        click.launch(index.as_uri())


def _own_recipes(methods: "Mapping[str, Method]") -> dict[str, bool]:
    """Whether a method's file trains with an objective or a recipe of its own: a ranking keeps such tickets apart."""
    from ticketbench.report.submission.declaration import read_declaration
    from ticketbench.report.submission.shipped import has_own_recipe

    files = {method.source for method in methods.values() if method.source and method.source.is_file()}
    found = {file: has_own_recipe(read_declaration(file.read_bytes())) for file in files}
    return {name: found[method.source] for name, method in methods.items() if method.source in found}

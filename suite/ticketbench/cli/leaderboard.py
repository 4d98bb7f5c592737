"""`leaderboard`: from results to a static site."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--results", "folders", type=click.Path(path_type=Path), multiple=True, help="Folder of results; may be repeated."
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("site"), show_default=True, help="Where it goes."
)
@click.option(
    "--method", "-m", "files", multiple=True, help="A method's file, for its title and citations. May be repeated."
)
@click.option("--open", "opened", is_flag=True, help="Open it in a browser.")
def leaderboard(folders: tuple[Path, ...], out: Path, files: tuple[str, ...], opened: bool) -> None:
    """Build the leaderboard from results (default: ./results). It is static and needs no network."""
    from ticketbench.methods import find_methods, installed_methods
    from ticketbench.report.site.build import build_site
    from ticketbench.task import load_task, shipped_tasks

    known = {task.id: task for task in map(load_task, shipped_tasks().values())}
    methods = installed_methods() | {method.name: method for method in find_methods(files)}
    index = build_site(folders or (Path("results"),), out, known, methods).resolve()
    click.echo(f"The leaderboard is at {index}")
    if opened:
        click.launch(index.as_uri())

"""`export`: the network behind a row."""

from pathlib import Path

import click

from ticketbench.cli.known import known_methods, known_tasks
from ticketbench.paths import default_store


@click.command()
@click.argument("row")
@click.option("--results", type=click.Path(path_type=Path), default=Path("results"), show_default=True, help="Where the row is looked up.")  # fmt: skip # noqa: E501
@click.option("--out", type=click.Path(path_type=Path), default=Path(), show_default="this folder", help="Where the file goes.")  # fmt: skip # noqa: E501
@click.option("--task", "task_files", multiple=True, help="A task of your own that the row is of, a TOML file. May be repeated.")  # fmt: skip # noqa: E501
@click.option("--method", "-m", "selectors", multiple=True, help="A method of your own that the row is of, path.py. May be repeated.")  # fmt: skip # noqa: E501
@click.option("--device", default="auto", show_default=True, help="cpu, cuda, or auto.")
@click.option("--store", type=click.Path(path_type=Path), help="Where checkpoints are and go. Default: $TICKETBENCH_STORE, or the user's cache folder.")  # fmt: skip # noqa: E501
def export(
    row: str,
    results: Path,
    out: Path,
    task_files: tuple[str, ...],
    selectors: tuple[str, ...],
    device: str,
    store: Path | None,
) -> None:
    """Write mask and final weights of ROW, a row's id or its first eight hexadecimal digits or more, as safetensors.

    What the store lacks is trained again, by running the row's method: export rows only of methods that you trust.
    The network is held against the row before it is written. See docs/citing.md.
    """
    from ticketbench.results import find_row

    found = find_row(results, row)

    from ticketbench.harness.shard import pick_device
    from ticketbench.report.exporting import MASK
    from ticketbench.report.exporting import export as write

    tasks, methods = known_tasks(task_files), known_methods(selectors)
    done = write(found, out, tasks, methods, store or default_store(), pick_device(device))
    click.echo(f"{done.path}: keeps {done.kept} of {done.prunable} weights, test_final {found['test_final']:.6g}\n")
    click.echo("from safetensors.torch import load_file")
    click.echo(f"tensors = load_file({str(done.path)!r})")
    click.echo(
        "network.load_state_dict({name: tensor for name, tensor in tensors.items() "
        f'if not name.startswith("{MASK}")}})'
    )

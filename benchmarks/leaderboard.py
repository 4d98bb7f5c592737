"""How long the leaderboard of many rows takes to build, how much memory, and how large its largest page is.

Results are made up in a temporary folder: real-sized curves and bits, methods by their real names, numbers that mean
nothing. The build is `ticketbench leaderboard`'s own, in a process of its own, with as many processes as are asked
for; memory is the sum over all of them, looked at ten times a second.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ticketbench.ladder import rungs
from ticketbench.methods import installed_methods
from ticketbench.report.site.build import build_site
from ticketbench.results import SCHEMA, result_file, row_id, write_rows
from ticketbench.task import Task, load_task, shipped_tasks

_LAYERS = {"hidden1.weight": 235_200, "hidden2.weight": 30_000, "output.weight": 1_000}
_PAGE = 2_000_000


def made_up(
    task: Task, method: str, seeds: int, evaluations: int, examples: int, rng: np.random.Generator
) -> list[dict]:
    """Rows of one method on one task: every rung and seed; of the dense network, rung 0."""
    rows = []
    for rung in [rungs(task.ladder, _LAYERS)[0]] if method == "dense" else rungs(task.ladder, _LAYERS)[1:]:
        bits = rng.random((seeds, examples), dtype=np.float32) < 0.97 - 0.015 * rung.index
        curves = rng.random((seeds, evaluations, 5))
        for seed in range(seeds):
            row = dict.fromkeys(SCHEMA.names) | {
                **{"kind": "dense" if method == "dense" else "ticket", "task": task.id, "task_version": task.version},
                **{"task_digest": task.digest, "method": method, "method_params": "{}", "method_digest": "0" * 64},
                **{"found_on": "default", "trained_on": "default", "seed": seed, "rung": rung.index, "label": ""},
                **{"numerics": "fp32", "status": "done", "reason": "", "density_asked": rung.density},
                **{"density": rung.density, "kept": rung.kept, "prunable": rung.prunable, "parameters": 266_610},
                "kept_per_layer": [{"layer": n, "kept": k // 2, "prunable": k} for n, k in _LAYERS.items()],
                **{"mask_digest": "2" * 64, "start_step": 0, "optimizer_state": "fresh", "carried": False},
                **{"edited": False, "metric": "accuracy", "higher_is_better": True},
                **{"test_final": float(bits[seed].mean()), "test_best": float(bits[seed].mean())},
                **{"validation_final": 0.9, "validation_best": 0.9, "loss_validation_best": float(rng.random())},
                **{"best_step": int(rng.integers(100, 1000)), "early_losses": rng.random(16).tolist()},
                "curve": [
                    dict(zip(_CURVE, (40 * at, *point), strict=True))
                    for at, point in enumerate(curves[seed].tolist())
                ],
                **{"test_correct": np.packbits(bits[seed]).tobytes(), "test_examples": examples},
                **{"path_length": 3.0, "distance_moved": 2.0, "search_steps": 800, "search_examples": 48_000},
                **{"search_seconds": 0.1, "training_steps": 2000, "wall_seconds": 1.5, "peak_memory_bytes": 10**9},
                **{"flops": 5e5, "flops_dense": 5e5, "bytes_dense": 10**6, "bytes_sparse": 10**5},
                **{"suite_version": "0.1.0", "engine_version": 1, "device": "cpu", "threads": 1},
                **{"packages": [{"name": "torch", "version": "2.11.0"}], "data_digest": "1" * 64},
                "finished_at": "2025-01-01T00:00:00Z",
            }
            rows.append(row | {"row_id": row_id(row)})
    return rows


_CURVE = [field.name for field in SCHEMA.field("curve").type.value_type]


def tasks_made(count: int, rounds: int) -> dict[str, Task]:
    """So many tasks with so many rungs, after one that is shipped."""
    base = load_task(shipped_tasks()["mnist/lenet-300-100-ci"])
    ladder = base.ladder.model_copy(update={"rounds": rounds})
    ids = [f"bench/task-{number}" for number in range(count)]
    return {name: base.model_copy(update={"id": name, "ladder": ladder, "references": ()}) for name in ids}


def build(folder: Path, arguments: argparse.Namespace) -> None:
    """Build the site, in this process."""
    tasks = tasks_made(arguments.tasks, arguments.rungs)
    build_site([folder / "results"], folder / "site", tasks, installed_methods(), jobs=arguments.jobs)


def measured(command: list[str]) -> tuple[float, float, int]:
    """Run a command: seconds by the clock and of processor time, and the most bytes that it and its children held."""
    start = time.perf_counter()
    process = subprocess.Popen(command)
    most = 0
    while process.poll() is None:
        most = max(most, _resident(process.pid))
        time.sleep(0.1)
    if process.returncode:
        sys.exit(process.returncode)
    took = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, used.ru_utime + used.ru_stime, most


def _resident(pid: int) -> int:
    try:
        own = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except (OSError, IndexError):
        return 0
    return own + sum(_resident(int(child)) for child in children)


def main() -> None:
    """Make rows, build, and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("tasks", 10), ("methods", 25), ("rungs", 20), ("seeds", 10), ("jobs", 2)):
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--evaluations", type=int, default=50)
    parser.add_argument("--examples", type=int, default=10_000)
    parser.add_argument(
        "--in", dest="folder", type=Path, help=argparse.SUPPRESS
    )  # build what lies here, measuring nothing
    arguments = parser.parse_args()
    if arguments.folder:
        return build(arguments.folder, arguments)
    rng = np.random.default_rng(0)
    methods = [*sorted(installed_methods())[: arguments.methods], "dense"]
    with tempfile.TemporaryDirectory() as temporary:
        folder, rows = Path(temporary), 0
        for task in tasks_made(arguments.tasks, arguments.rungs).values():
            for method in methods:
                made = made_up(task, method, arguments.seeds, arguments.evaluations, arguments.examples, rng)
                write_rows(result_file(folder / "results", task.id, method), made)
                rows += len(made)
        again = [sys.executable, __file__, *sys.argv[1:], "--in", str(folder)]
        seconds, cpu, memory = measured(again)
        sizes = {path.relative_to(folder / "site"): path.stat().st_size for path in (folder / "site").rglob("*.*")}
        files = {
            name: size
            for name, size in sizes.items()
            if name.suffix in (".html", ".js") and name.parts[0] != "assets"
        }
        largest = max(files, key=lambda name: files[name])
        shape = f"{arguments.evaluations} evaluations and {arguments.examples:,} bits each"
        print(f"{rows:,} rows of {arguments.tasks} tasks, {shape}")
        print(f"{os.cpu_count()} cores, {arguments.jobs} processes, load at the end {os.getloadavg()[0]:.1f}")
        print(f"{seconds:.0f} s by the clock, {cpu:.0f} s of processor time, at most {memory / 2**30:.2f} GiB")
        print(f"{len(sizes):,} files, {sum(sizes.values()) / 1e6:,.0f} MB")
        print(f"largest page or script of data: {largest}, {files[largest] / 1e6:.2f} MB (limit {_PAGE / 1e6:.0f})")
    return None


if __name__ == "__main__":
    main()

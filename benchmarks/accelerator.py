"""The engine on an accelerator against the processor: steps a second, whether both end alike, waits for the host.

The processor is the reference: where a training ends on the accelerator is told as the relative distance of its
weights, |a - b| / |b|, which grows with the number of steps as rounding does. Waits are what torch reports as
synchronizing calls; a step should have none. One thread on the processor.
"""

import argparse
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from measuring import Seconds, alternate, machine, ratio, spread, table
from subject import Timed, find_data, pruned, workload

from ticketbench.data import Dataset
from ticketbench.harness.training import Member, advance
from ticketbench.methods.state import Tensors
from ticketbench.task import find_tasks

TASKS = ("mnist/lenet-300-100", "digits/conv")
ALIKE_AFTER = 100  # steps after which weights are compared: before, nothing has gone apart; later, rounding has grown
NEVER = 10**9


def measure(names: Sequence[str], device: str, steps: int, rounds: int, synthetic: bool) -> str:
    """Every task on the processor and on the device in turn."""
    torch.set_num_threads(1)
    rows, seen, said = [], [], []
    devices = ["cpu"] if device == "cpu" else ["cpu", device]
    for name in names:
        data, described = find_data(find_tasks(name)[0], synthetic)
        said.append(f"{name} on {described}")
        works = {each: workload(name, data, each, steps=steps) for each in devices}
        turns = alternate({f"{name} on {each}": trainer(work, steps) for each, work in works.items()}, rounds)
        cpu = turns[f"{name} on cpu"]
        for each, work in works.items():
            mine = turns[f"{name} on {each}"]
            rates = spread([steps / turn.wall for turn in mine], 0)
            evaluation = 1000 * work.evaluating.wall / work.evaluations
            rows.append((name, each, rates, spread(ratio(cpu, mine, "wall")), f"{evaluation:.1f}"))
        if device != "cpu":
            seen.append((name, f"{_apart(name, data, device):.1e}", *waits(name, data, device)))
    heading = ("task", "device", "steps/s, evaluation apart", "times the processor", "ms an evaluation")
    parts = [
        machine(),
        "; ".join(said),
        f"{steps} steps, {rounds} rounds; median (smallest to largest), by the clock",
    ]
    if device != "cpu":
        parts.insert(1, f"{device}: {torch.cuda.get_device_name()}, CUDA {torch.version.cuda}")
    told = ["\n".join(parts), table(heading, rows)]
    if seen:
        distance = f"weights apart after {ALIKE_AFTER} steps"
        told.append(table(("task", distance, "waits a step", "waits an evaluation", "waits a training"), seen))
    return "\n\n".join(told)


def trainer(work: Timed, steps: int) -> Callable[[], Seconds]:
    """A turn of training from the same start; libraries that load at first use have been used."""
    start = pruned(work)
    advance([Member(start, seed=0)], steps, work)
    work.evaluations, work.evaluating = 0, Seconds(0.0, 0.0)
    return lambda: work.training_alone(lambda: advance([Member(start, seed=0)], steps, work))


def _apart(name: str, data: Dataset, device: str) -> float:
    """The relative distance of weights trained on the device from those trained on the processor."""

    def trained(where: str) -> Tensors:
        work = workload(name, data, where, steps=ALIKE_AFTER, evaluate_every=NEVER)
        return advance([Member(pruned(work), seed=0)], ALIKE_AFTER, work)[0].weights

    ours, theirs = trained(device), trained("cpu")
    one, other = (torch.cat([weights[key].double().flatten() for key in theirs]) for weights in (ours, theirs))
    return float((one - other).norm() / other.norm())


def waits(name: str, data: Dataset, device: str) -> tuple[str, str, str]:
    """How often the host waits for the device: a step, an evaluation, and a training beside its steps."""

    def counted(until: int, evaluate_every: int) -> int:
        work = workload(name, data, device, steps=NEVER, evaluate_every=evaluate_every)
        start = pruned(work)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                advance([Member(start, seed=0)], until, work)
            finally:
                torch.cuda.set_sync_debug_mode("default")
        return sum("synchronizing" in str(each.message) for each in caught)

    short, long = counted(20, NEVER), counted(120, NEVER)  # past the first losses, which are read at the end
    step = (long - short) / 100
    evaluation = (counted(120, 20) - long) / 6
    return f"{step:.2f}", f"{evaluation:.1f}", f"{short - 20 * step:.0f}"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--task", action="append", help=f"may be repeated (default: {', '.join(TASKS)})")
    parser.add_argument("--device", default="cuda", help="cpu measures the processor alone (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=1000, help="steps of every turn (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each (default: %(default)s)")
    parser.add_argument("--synthetic", action="store_true", help="random examples, even where the data set is there")
    parser.add_argument("--out", type=Path, help="also write the tables to this file")
    given = parser.parse_args()
    if given.device != "cpu" and not torch.cuda.is_available():
        parser.exit(3, f"--device {given.device}: no CUDA here\n")
    result = measure(given.task or TASKS, given.device, given.steps, given.rounds, given.synthetic)
    print(result)
    if given.out:
        given.out.write_text(result + "\n", "utf-8")

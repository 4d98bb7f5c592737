"""LeNet-300-100 on MNIST: the engine against a bare loop, and against a loader that handles examples one by one.

All three take the same steps on the same batches with the same mask and the same fused Adam, on one thread, and
must end at the same weights, bit for bit: that is checked. Evaluation is left out of the ratios and told apart.
"""

import argparse
import tempfile
from collections.abc import Iterable
from pathlib import Path
from statistics import median

import torch
from measuring import Seconds, alternate, machine, ratio, spread, table, timed
from subject import Timed, find_data, pruned, workload
from torch import Tensor, nn
from torch.utils.data import DataLoader
from torchvision import transforms
from torchvision.datasets import MNIST

from ticketbench.data import Dataset, Examples
from ticketbench.harness.training import Member, advance
from ticketbench.harness.training.order import DataOrder
from ticketbench.methods.state import State, Tensors
from ticketbench.task import Images, find_tasks

TASK = "mnist/lenet-300-100"


def bare_loop(network: nn.Module, start: State, batches: Iterable[tuple[Tensor, Tensor]], lr: float) -> None:
    """What one would write by hand: a step a batch, pruned weights held at zero by their masked gradients."""
    network.load_state_dict({**start.weights, **start.buffers})
    network.train()
    optimizer = torch.optim.Adam(network.parameters(), lr=lr, fused=True)
    masked = [(network.get_parameter(name), kept.float()) for name, kept in start.mask.items()]
    for inputs, targets in batches:
        loss = nn.functional.cross_entropy(network(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        for weight, mask in masked:
            assert weight.grad is not None
            weight.grad.mul_(mask)
        optimizer.step()


def per_example(data: Dataset, spec: Images, order: Tensor, folder: Path) -> DataLoader[tuple[Tensor, Tensor]]:
    """torchvision's own MNIST over these examples, in this order: a PIL image and its transforms for every one."""
    write_idx(folder, "train", data.train[: len(data.train) - spec.validation])
    write_idx(folder, "t10k", data.test)
    transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize(spec.mean, spec.std)])
    return DataLoader(MNIST(str(folder), train=True, transform=transform), batch_sampler=order.tolist())


def write_idx(folder: Path, part: str, examples: Examples) -> None:
    """One part of MNIST as it is published: big-endian headers, then bytes."""
    raw = folder / "MNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    shape = (len(examples), 28, 28)
    images = b"".join(n.to_bytes(4, "big") for n in (0x0803, *shape)) + examples.inputs.numpy().tobytes()
    labels = b"".join(n.to_bytes(4, "big") for n in (0x0801, shape[0])) + examples.targets.byte().numpy().tobytes()
    (raw / f"{part}-images-idx3-ubyte").write_bytes(images)
    (raw / f"{part}-labels-idx1-ubyte").write_bytes(labels)


def measure(steps: int, rounds: int, synthetic: bool) -> str:
    """Run all three, check that they end alike, and say what they took."""
    torch.set_num_threads(1)
    (task,) = find_tasks(TASK)
    data, said = find_data(task, synthetic)
    work = workload(TASK, data, steps=steps)
    start, lr, size = pruned(work), work.optimizer.lr, work.training.batch_size
    inputs, targets = work.batch(torch.arange(work.examples))
    drawn = DataOrder(work.examples, size, 0, 0, work.device)
    order = torch.stack([drawn.batch(step) for step in range(steps)])
    network, ends = work.fresh_module(), dict[str, Tensors]()

    def engine() -> Seconds:
        def train() -> None:
            (state,) = advance([Member(start, seed=0)], steps, work)
            ends["engine"] = state.weights

        return work.training_alone(train)

    def loop(name: str, batches: Iterable[tuple[Tensor, Tensor]]) -> Seconds:
        took = timed(lambda: bare_loop(network, start, batches, lr))
        ends[name] = {key: weight.detach().clone() for key, weight in network.named_parameters()}
        return took

    with tempfile.TemporaryDirectory() as folder:
        loader = per_example(data, task.data, order, Path(folder))
        turns = alternate(
            {
                "engine": engine,
                "bare loop": lambda: loop("bare loop", ((inputs[chosen], targets[chosen]) for chosen in order)),
                "per-example loader": lambda: loop("per-example loader", loader),
            },
            rounds,
        )
    return told(turns, ends, work, steps, said)


def told(turns: dict[str, list[Seconds]], ends: dict[str, Tensors], work: Timed, steps: int, data: str) -> str:
    """The table, and what it rests on."""
    rows = []
    for name, took in turns.items():
        alike = all(torch.equal(weight, ends["engine"][key]) for key, weight in ends[name].items())
        each = [1000 * turn.cpu / steps for turn in took]
        against = [
            spread(ratio(took, turns["engine"], clock)) if name != "engine" else "1" for clock in ("cpu", "wall")
        ]
        rows.append((name, spread(each, 3), f"{1000 / median(each):,.0f}", *against, "yes" if alike else "NO"))
    heading = ("", "ms a step, processor", "steps/s", "times the engine, processor", "clock", "same weights")
    over = [spread(ratio(turns["engine"], turns["bare loop"], clock), 3) for clock in ("cpu", "wall")]
    once = 1000 * work.evaluating.cpu / work.evaluations
    step = 1000 * median(turn.cpu for turn in turns["engine"]) / steps
    grid = work.training.evaluate_every
    return "\n".join(
        [
            machine(),
            f"{TASK} on {data}: {steps} steps of {work.training.batch_size}, {len(turns['engine'])} rounds, one "
            "thread; median (smallest to largest)",
            "",
            table(heading, rows),
            "",
            f"engine / bare loop: {over[0]} processor, {over[1]} clock",
            f"evaluation, apart: {once:.1f} ms for validation and test; every {grid} steps that adds "
            f"{100 * once / (grid * step):.0f} % to training",
        ]
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000, help="steps of every turn (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each (default: %(default)s)")
    parser.add_argument("--synthetic", action="store_true", help="random examples, even where MNIST is there")
    given = parser.parse_args()
    print(measure(given.steps, given.rounds, given.synthetic))

"""Training as a pure function: checkpoints in, checkpoints out.

All randomness is a function of seed, data order and step, and evaluations fall on the task's fixed grid, so a
training may be split, resumed or cached anywhere without a bit changing. Pruned weights stay exactly zero
because nothing ever moves them: they start at zero with a zero optimizer state, and their gradient is
multiplied by zero before every step of the optimizer, whatever decay or momentum it has. (A gradient that is not
finite stays so; such a training diverges.)
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from ticketbench.harness.training.determinism import configure, generator, seed_global
from ticketbench.harness.training.optimizers import build_optimizer, learning_rate, load_state, save_state
from ticketbench.harness.training.recorder import Recorder
from ticketbench.harness.training.workload import Workload
from ticketbench.methods.requests import Objective, Refused
from ticketbench.methods.state import State, Tensors
from ticketbench.networks.memory import NotRead, memory_of, one_step, remember, remembers
from ticketbench.task import AnyOptimizer


@dataclass(frozen=True)
class Member:
    """One training: where it starts and what decides its course. See `Train` and `Ticket`."""

    start: State
    seed: int
    data_order: int = 0
    objective: Objective | None = None
    optimizer: AnyOptimizer | None = None
    freeze: tuple[str, ...] = ()
    schedule: Literal["task", "last"] = "task"

    @property
    def plain(self) -> bool:
        """Whether its loss is the task's own and not an objective: only such a training is evaluated."""
        return self.objective is None


def advance(members: Sequence[Member], until: int, workload: Workload) -> list[State]:
    """Every member advanced to step `until`, or to the evaluation at which its loss was not finite.

    Members are independent: each gives the same bits alone and in company. Raises `Refused` where an objective
    raises, gives or trains what cannot be differentiated, or never reads the batch that a network which remembers
    is to go on from (see `one_step`).
    """
    configure()
    return [_advance(member, until, workload) for member in members]


def _advance(member: Member, until: int, workload: Workload) -> State:
    start, device = member.start, workload.device
    network = workload.module() if member.plain else workload.fresh_module()  # a method's loss may leave hooks in it
    load(network, start)
    network.train()
    extra = {name: _trainable(name, tensor, device) for name, tensor in start.extra.items()}
    everything: dict[str, Tensor] = {**dict(network.named_parameters()), **extra}
    spec = member.optimizer or workload.optimizer
    moving, optimizer, carried = resume(member, spec, everything)
    masked = [moving[name] for name, kept in start.mask.items() if name in moving and not bool(kept.all())]
    masks = [
        kept.to(device, torch.float32) for name, kept in start.mask.items() if name in moving and not bool(kept.all())
    ]

    record = Recorder(start, network, workload, member.plain)
    order = workload.order(member.seed, member.data_order)
    weights = dict(network.named_parameters())
    remembering = remembers(network)

    def one(inputs: Tensor) -> AbstractContextManager[None]:
        return one_step(network, tuple(inputs.shape)) if remembering else nullcontext()

    step = start.step
    while step < until and not record.diverged:
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(spec.lr, workload.training.schedule, step, workload.steps, member.schedule)
        seed_global(device, "step", member.seed, member.data_order, step)
        inputs, targets = order.batch(step)
        with _refusing(member.objective, step), one(inputs):
            if member.objective is None:
                loss = workload.loss(network, None, inputs, targets)
            else:
                rng = generator("objective", member.seed, member.data_order, step)
                loss = _one_value(
                    member.objective(network, weights, extra, inputs, targets, step, rng, workload.loss)
                )
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
        if masked:
            _zero_outside(masked, masks)
        if workload.training.clip is not None:
            torch.nn.utils.clip_grad_norm_(list(moving.values()), workload.training.clip)
        optimizer.step()
        step += 1
        record.step(step, loss.detach())

    return State(
        step=step,
        weights=on_cpu(dict(network.named_parameters())),
        buffers=on_cpu(dict(network.named_buffers())),
        mask=start.mask,
        optimizer=save_state(optimizer, everything) if step > start.step else carried,
        optimizer_name=spec.name,
        extra=on_cpu(extra),
        history=record.history(step),
        memory=on_cpu(memory_of(network)),
    )


def resume(
    member: Member, spec: AnyOptimizer, everything: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], torch.optim.Optimizer, Tensors | None]:
    """What of all tensors the training moves, their optimizer as it was left, and that state where it is carried on.

    State that another optimizer wrote is none of it.
    """
    for name, tensor in everything.items():
        tensor.requires_grad_(name not in member.freeze)
    moving = {name: tensor for name, tensor in everything.items() if name not in member.freeze}
    optimizer = build_optimizer(spec, list(moving.values()))
    carried = member.start.optimizer if member.start.optimizer_name == spec.name else None
    if carried is not None:
        load_state(optimizer, everything, carried)
    return moving, optimizer, carried


def load(network: nn.Module, state: State) -> None:
    """Give a network the weights, buffers and memory of a checkpoint."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(state.weights[name])
        for name, buffer in network.named_buffers():
            buffer.copy_(state.buffers[name])
    remember(network, state.memory)


def _trainable(name: str, tensor: Tensor, device: torch.device) -> nn.Parameter:
    if not tensor.is_floating_point():
        raise Refused(
            f"extra tensor {name}: expected floating-point numbers, which can be trained, got {tensor.dtype}"
        )
    return nn.Parameter(tensor.to(device, copy=True))


def _one_value(loss: Tensor) -> Tensor:
    """A method's own loss, which may be anything."""
    if not isinstance(loss, Tensor):
        raise TypeError(f"the loss is a tensor, not {type(loss).__name__}")
    return loss.squeeze()


@contextmanager
def _refusing(objective: Objective | None, step: int) -> Iterator[None]:
    """What a method's own loss raises is the method's failure, not the engine's."""
    if objective is None:
        yield
        return
    try:
        yield
    except NotRead as error:
        raise Refused(f"objective {type(objective).__name__} at step {step}: {error}") from error
    except Exception as error:
        what = f"{type(error).__name__} at step {step}: {error}"
        raise Refused(f"objective {type(objective).__name__} raised {what}") from error


def _zero_outside(parameters: list[Tensor], masks: list[Tensor]) -> None:
    present = [(p.grad, m) for p, m in zip(parameters, masks, strict=True) if p.grad is not None]
    torch._foreach_mul_([g for g, _ in present], [m for _, m in present])


def on_cpu(tensors: Mapping[str, Tensor]) -> Tensors:
    """Copies on the CPU."""
    return {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in tensors.items()}

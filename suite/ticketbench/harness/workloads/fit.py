"""Whether a network answers what a task asks, told before the first step."""

import torch
from torch import Tensor, nn

from ticketbench.errors import TicketbenchError, raised
from ticketbench.harness.training.determinism import seed_global
from ticketbench.harness.workloads.domain import Domain


def check_logits(workload: Domain, setting: str, inputs: Tensor, shape: tuple[int, ...], what: str) -> None:
    """Let a network of this kind answer these inputs, `what` they are in a word, with logits of this shape.

    Draws from no generator and touches no module of the workload's. Raises `TicketbenchError` where the network does
    not give floats of the shape, or answers the same inputs otherwise the second time.
    """
    name = f"{workload.task.id}: network {workload.task.network.title} (setting {setting})"
    expected = f"expected logits of shape {shape} from {what} of shape {tuple(inputs.shape)}"
    devices = [workload.device] if workload.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        module, inputs = workload.fresh_module().eval(), inputs.to(workload.device)
        try:
            logits = module(inputs)
        except Exception as error:  # a network may raise anything
            raise TicketbenchError(f"{name}: {expected}, but it raised {raised(error)}.") from error
    if not isinstance(logits, Tensor):
        raise TicketbenchError(f"{name}: {expected}, but got a value of type {type(logits).__name__}.")
    if tuple(logits.shape) != shape or not logits.is_floating_point():
        kind = str(logits.dtype).removeprefix("torch.")
        raise TicketbenchError(f"{name}: {expected}, but got {kind} of shape {tuple(logits.shape)}.")
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        if not (_alike(module, inputs, workload.device) and _alike(module.train(), inputs, workload.device)):
            raise TicketbenchError(
                f"{name}: gives other logits for the same {what} the second time. Expected a network that carries "
                "nothing from pass to pass by itself; one that goes on where it ended is a "
                "ticketbench.networks.Remembering."
            )


def _alike(module: nn.Module, inputs: Tensor, device: torch.device) -> bool:
    """Whether two passes with the same draws give the same; in training, from the same buffers, which are stored."""
    answers = []
    for _ in range(2):
        buffers = [(buffer, buffer.clone()) for buffer in module.buffers()]
        seed_global(device, "check")
        try:
            answers.append(module(inputs).nan_to_num())
        except Exception:  # in training it may need more than these inputs; a training will tell
            return module.training
        if module.training:
            for buffer, before in buffers:
                buffer.copy_(before)
    return torch.equal(*answers)

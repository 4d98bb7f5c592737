"""Whether a network answers what a task asks, told before the first step."""

import torch
from torch import Tensor

from ticketbench.errors import TicketbenchError
from ticketbench.harness.workloads.domain import Domain


def check_logits(workload: Domain, setting: str, inputs: Tensor, shape: tuple[int, ...], what: str) -> None:
    """Let a network of this kind answer these inputs, `what` they are in a word, with logits of this shape.

    Draws from no generator and touches no module of the workload's. Raises `TicketbenchError` where the network does
    not give floats of the shape.
    """
    name = f"{workload.task.id}: network {workload.task.network.title} (setting {setting})"
    expected = f"expected logits of shape {shape} from {what} of shape {tuple(inputs.shape)}"
    devices = [workload.device] if workload.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        module = workload.fresh_module().eval()
        try:
            logits = module(inputs.to(workload.device))
        except Exception as error:  # a network may raise anything
            said = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".: ")
            raise TicketbenchError(f"{name}: {expected}, but it raised {said}.") from error
    if not isinstance(logits, Tensor):
        raise TicketbenchError(f"{name}: {expected}, but got a value of type {type(logits).__name__}.")
    if tuple(logits.shape) != shape or not logits.is_floating_point():
        kind = str(logits.dtype).removeprefix("torch.")
        raise TicketbenchError(f"{name}: {expected}, but got {kind} of shape {tuple(logits.shape)}.")

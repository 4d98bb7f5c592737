"""Whether a network can be trained on a task's images, told before the first step."""

import torch
from torch import Tensor

from ticketbench.errors import TicketbenchError
from ticketbench.harness.workloads.domain import Domain

_IMAGES = 2  # one alone would hide a network that takes all examples for one


def check_network(workload: Domain, setting: str) -> None:
    """Let a network of this kind answer two black images.

    Draws from no generator and touches no module of the workload's. Raises `TicketbenchError` where the network does
    not give logits, floats of shape (images, classes).
    """
    task, network = workload.task, workload.task.network
    name = f"{task.id}: network {network.title} (setting {setting})"
    shape = (_IMAGES, workload.classes)
    expected = f"expected logits of shape {shape} from images of shape {(_IMAGES, *workload.shape)}"
    devices = [workload.device] if workload.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        module = workload.fresh_module().eval()
        try:
            logits = module(torch.zeros(_IMAGES, *workload.shape, device=workload.device))
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split()).rstrip(".: ")
            raise TicketbenchError(f"{name}: {expected}, but it raised {said}.") from error
    if not isinstance(logits, Tensor):
        raise TicketbenchError(f"{name}: {expected}, but got a value of type {type(logits).__name__}.")
    if tuple(logits.shape) != shape or not logits.is_floating_point():
        kind = str(logits.dtype).removeprefix("torch.")
        raise TicketbenchError(f"{name}: {expected}, but got {kind} of shape {tuple(logits.shape)}.")

"""GraSP: prune before training so that what is left still learns (Wang et al. 2020)."""

import torch

from ticketbench import Rung, Search, Ticket, keep_largest, method


@method(
    "grasp",
    title="GraSP: gradient flow preserved at initialization",
    cites=["wang2020grasp"],
    family="at initialization",
)
def grasp(search: Search, rung: Rung, *, per_class: int = 10, temperature: float = 200.0):
    """Remove the weights with the largest -w * Hg, over all layers at once: those that the gradient misses least.

    Wang et al. 2020, section 4 and algorithm 1. g and H are the gradient and the Hessian of the loss in the prunable
    weights, and -w * Hg is, to first order, half of what removing a weight adds to the squared norm of the gradient.
    The logits are divided by `temperature`, and `per_class` examples of every class are drawn; both defaults are what
    the authors' code uses on CIFAR-10.

    As there, the examples are taken in two halves whose losses are added, and batch norm is in training mode, with a
    half batch's own statistics; the paper does not say. Unlike there, each half holds as many of every class (theirs
    hold different classes), fully connected layers are scored with the weights that are trained (theirs with others,
    drawn for the purpose), and exactly the rung's count is kept (theirs keeps one more, and ties).

    Raises:
        ValueError: a temperature that is not above 0, or a `per_class` that is odd and so has no halves.
    """
    if type(per_class) is not int or per_class < 2 or per_class % 2:
        raise ValueError(f"per_class: expected an even number of examples, 2 or more; got {per_class!r}")
    if type(temperature) not in (int, float) or not 0 < temperature < float("inf"):
        raise ValueError(f"temperature: expected a number above 0, got {temperature!r}")
    network = search.network(search.initial).train()
    network.register_forward_hook(lambda _, inputs, logits: logits / temperature)
    prunable = search.initial.mask
    weights = {name: weight for name, weight in network.named_parameters() if name in prunable}
    [(inputs, targets)] = search.batches(1, per_class=per_class)  # class by class, so every second is half of each
    halves = [(inputs[0::2], targets[0::2]), (inputs[1::2], targets[1::2])]
    scores = gradient_flow(lambda *half: search.loss(network, *half), halves, weights)
    yield Ticket(keep_largest(scores, rung, scope="global"), search.initial)  # of w * Hg: least of -w * Hg


def gradient_flow(loss, batches: list[tuple], weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """w * Hg for the sum of `loss(inputs, targets)` over these batches: shaped like the weights, in double.

    The gradient g is summed first and held fixed. Hg is then the derivative of its product with the gradient as a
    function of the weights (algorithm 2): H itself is never formed.
    """
    tensors = list(weights.values())

    def derivative(of: torch.Tensor, **options: bool) -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(of, tensors, materialize_grads=True, **options)

    gradient = summed(derivative(loss(*batch)) for batch in batches)
    product = summed(
        derivative(
            sum((g * d).sum() for g, d in zip(gradient, derivative(loss(*batch), create_graph=True), strict=True))
        )
        for batch in batches
    )
    return {n: w.detach().double() * p.double() for (n, w), p in zip(weights.items(), product, strict=True)}


def summed(parts) -> list[torch.Tensor]:
    """The sum of tuples of tensors, place by place."""
    return [sum(each) for each in zip(*parts, strict=True)]

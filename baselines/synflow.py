"""SynFlow: prune before training, without data, so that a signal still finds its way (Tanaka et al. 2020)."""

import torch

from ticketbench import Rung, Search, Ticket, keep_largest, method


@method(
    "synflow",
    title="SynFlow: synaptic flow conserved at initialization, without data",
    cites=["tanaka2020synflow"],
    family="at initialization",
)
def synflow(search: Search, rung: Rung, *, rounds: int = 100):
    """Prune in `rounds` steps, each time the weights with the least of |dR/dw * w| in the network that is left.

    Tanaka et al. 2020, algorithm 1: R is the sum of the outputs for an input of ones when every weight is replaced by
    its absolute value, and a weight's score is the part of R that passes through it. The flow into a unit equals the
    flow out of it, so a layer of few weights has large scores, and pruned little by little no layer is emptied before
    it must be. Over all layers at once; round k of n leaves density rho ** (k / n), for the rung's density rho.

    As in the authors' code, biases are made positive as well, and so are scales, shifts and buffers of batch norm,
    which is in inference mode. Computed in double, which their code leaves out: R is a product over layers, and in
    single precision the scores of deep networks vanish. Our choices: round k keeps the nearest whole number of
    weights (of two, the even one), and so the last the rung's own count; and it keeps only what the round before has
    kept. A training image gives the input's shape and nothing else.

    Raises ValueError where rounds is not a whole number, 1 or more.
    """
    yield Ticket(conserved(search, rung, rounds), search.initial)


@method(
    "synflow-shuffled",
    title="SynFlow's mask, shuffled within layers",
    cites=["tanaka2020synflow", "frankle2021missing"],
    family="at initialization",
)
def synflow_shuffled(search: Search, rung: Rung, *, rounds: int = 100):
    """As many weights of every layer as SynFlow keeps, drawn at random: its layers' densities without its paths.

    An ablation of Frankle et al. 2021. (The shuffle in SynFlow's own code assigns to a name and changes no mask.)
    Raises ValueError where rounds is not a whole number, 1 or more.
    """
    yield Ticket(shuffled(conserved(search, rung, rounds), search.rng), search.initial)


def conserved(search: Search, rung: Rung, rounds: int) -> dict[str, torch.Tensor]:
    """SynFlow's mask."""
    if type(rounds) is not int or rounds < 1:
        raise ValueError(f"rounds: expected how many steps of pruning, a whole number, 1 or more; got {rounds!r}")
    network = positive(search.network(search.initial).double())
    mask = search.initial.mask
    weights = {name: weight for name, weight in network.named_parameters() if name in mask}
    [(image, _)] = search.batches(1, 1)
    ones = torch.ones_like(image, dtype=torch.float64)
    for kept in schedule(rung.prunable, rung.kept, rounds):
        mask = keep_largest(synaptic_flow(network(ones).sum(), weights), kept, within=mask)
        with torch.no_grad():
            for name, weight in weights.items():
                weight *= mask[name].to(weight.device)
    return mask


def positive(network: torch.nn.Module) -> torch.nn.Module:
    """The network with every parameter and buffer replaced, in place, by its absolute value."""
    with torch.no_grad():
        for tensor in (*network.parameters(), *network.buffers()):
            if tensor.is_floating_point():
                tensor.abs_()
    return network


def synaptic_flow(flow: torch.Tensor, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """dR/dw * w for weights that are not negative: shaped like the weights."""
    gradients = torch.autograd.grad(flow, list(weights.values()), materialize_grads=True)
    return {
        name: gradient * weight.detach() for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
    }


def schedule(prunable: int, kept: int, rounds: int) -> list[int]:
    """How many of `prunable` weights every round leaves: exponentially fewer, in the last one `kept`."""
    return [round(prunable * (kept / prunable) ** (k / rounds)) for k in range(1, rounds + 1)]


def shuffled(mask: dict[str, torch.Tensor], rng: torch.Generator) -> dict[str, torch.Tensor]:
    """The mask with its places permuted within every layer, and every layer's count as it was."""
    return {
        name: kept.flatten()[torch.randperm(kept.numel(), generator=rng)].view_as(kept) for name, kept in mask.items()
    }

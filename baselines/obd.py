"""Optimal brain damage (LeCun, Denker & Solla 1990): prune where the loss says that a weight matters least."""

import torch

from ticketbench import Checkpoint, Search, Ticket, keep_largest, method

Tensors = dict[str, torch.Tensor]
Call = tuple[torch.nn.Module, torch.Tensor, torch.Tensor]  # a layer, what it was given, and what it gave

_EXAMPLES = 32  # of one graph: that of ResNet-50 on ImageNet in double takes gigabytes, for 256 tens of them
_FLOATS = 2**22  # of one chunk of per-example slopes: 32 MB of doubles


@method("obd", title="Optimal brain damage", cites=["lecun1990obd"], family="after training")
def optimal_brain_damage(search: Search, *, examples: int = 256, exact_below: int = 1000):
    """Prune the least saliency h_kk w_k^2 / 2, h_kk the second derivative of the loss, over all layers; retrain.

    LeCun et al. 1990, section 2: at a minimum of the loss, and with the Hessian taken as diagonal, that is how much
    deleting weight k raises the loss. (A copy of the formula without the square is in circulation.)

    h is the diagonal of the Hessian of the mean loss of `examples` training examples, the same in every round, with
    the network in eval mode and in double precision: saturated answers curve too little for single precision.

    - Up to `exact_below` prunable weights, it is the exact diagonal, by a double backward pass for each weight.
      Outside a minimum it may be negative; such weights go first.
    - Above, it is the diagonal of the Gauss-Newton matrix J' H_L J, with J the slopes of an example's outputs and H_L
      the Hessian of its loss in them: never negative where the loss is convex in the outputs. It leaves out only the
      curvature of the outputs in one weight alone. With ReLU and max pooling there is none (almost everywhere), so
      there both are the same numbers; with smooth activations they are not.

    The paper carries second derivatives back from layer to layer and leaves out more: the cross terms between a
    layer's units (section 2.1, equation 7), and those between the connections of a shared weight (equation 5). Its
    loss is the mean squared error, averaged over the whole training set, and it leaves open how many weights go at
    a time: here each rung says. Retrained as magnitude-global, so that only the criterion differs.

    Cost of the Gauss-Newton diagonal: one backward pass of the examples for each output, and in convolutions each
    example's own slopes. A rung takes 0.02 epochs of LeNet-300-100 and 0.1 of LeNet-5 on MNIST (one CPU thread), and
    1 to 4 of the digits tasks, whose epochs are 1,200 images. The exact one takes a double pass for each weight.

    Raises:
        ValueError: examples or exact_below that are no whole numbers, more examples than the training set has, or
            a network that uses a prunable weight otherwise than by calling its layer, above `exact_below` weights.
    """
    if type(examples) is not int or examples < 1:
        raise ValueError(f"examples: expected a whole number of training examples, 1 or more; got {examples!r}")
    if type(exact_below) is not int or exact_below < 0:
        raise ValueError(f"exact_below: expected a whole number of weights, 0 or more; got {exact_below!r}")
    trained = yield search.dense
    for rung in search.ladder:
        mask = keep_largest(
            saliencies(search, trained, examples, exact_below), rung, within=trained.mask, scope="global"
        )
        begin = trained.replace(step=search.task.training.rewind_step, optimizer=None)
        trained = yield Ticket(mask, begin, schedule="last")


def saliencies(search: Search, checkpoint: Checkpoint, examples: int, exact_below: int) -> Tensors:
    """h_kk w_k^2 / 2 of every prunable weight, double; 0 where it is pruned."""
    network = search.network(checkpoint).double()
    [(inputs, targets)] = search.batches(1, examples)
    inputs = inputs.double() if inputs.is_floating_point() else inputs
    weights = checkpoint.prunable
    few = sum(weight.numel() for weight in weights.values()) <= exact_below
    diagonal = hessian_diagonal if few else gauss_newton_diagonal
    h = {name: torch.zeros_like(network.get_parameter(name)) for name in weights}
    for some, theirs in zip(inputs.split(_EXAMPLES), targets.split(_EXAMPLES), strict=True):
        for name, part in diagonal(search, network, checkpoint.mask, some, theirs).items():
            h[name] += part * (len(some) / len(inputs))
    return {name: h[name].cpu() * weight.double().square() / 2 for name, weight in weights.items()}


def hessian_diagonal(
    search: Search, network: torch.nn.Module, mask: Tensors, inputs: torch.Tensor, targets: torch.Tensor
) -> Tensors:
    """d2 loss / dw_k^2 of the kept weights, by a double backward pass for each; 0 elsewhere."""
    weights = {name: weight for name, weight in network.named_parameters() if name in mask}
    loss = search.loss(network, inputs, targets)
    slopes = torch.autograd.grad(loss, list(weights.values()), create_graph=True, materialize_grads=True)
    diagonal = {}
    for (name, weight), slope in zip(weights.items(), slopes, strict=True):
        h = torch.zeros_like(weight).flatten()
        for places in mask[name].flatten().nonzero().flatten().to(weight.device).split(64):
            units = torch.nn.functional.one_hot(places, weight.numel()).to(weight.dtype)
            (rows,) = torch.autograd.grad(
                slope,
                weight,
                units.view(-1, *weight.shape),
                retain_graph=True,
                is_grads_batched=True,
                allow_unused=True,
            )
            if rows is not None:  # none where the loss does not depend on the weight
                h[places] = rows.flatten(1).gather(1, places[:, None]).flatten()
        diagonal[name] = h.view(weight.shape)
    return diagonal


def gauss_newton_diagonal(
    search: Search, network: torch.nn.Module, mask: Tensors, inputs: torch.Tensor, targets: torch.Tensor
) -> Tensors:
    """The diagonal of J' H_L J, averaged over the examples: with H_L = V diag(c) V', it is sum_i c_i (J' v_i)^2.

    The task's loss must be a mean over examples, and convex in the outputs (a negative c counts as 0).

    Raises:
        ValueError: a network that uses a prunable weight otherwise than by calling its layer.
    """
    names = {id(weight): name for name, weight in network.named_parameters() if name in mask}
    calls: dict[str, list[Call]] = {name: [] for name in mask}

    def noted(layer: torch.nn.Module, given: tuple[torch.Tensor], output: torch.Tensor) -> torch.Tensor:
        calls[names[id(layer.weight)]].append((layer, given[0].detach(), output))
        return output.clone()  # so that what is done to it in place does not reach the one that is noted

    layers = [layer for layer in network.modules() if id(getattr(layer, "weight", None)) in names]
    hooks = [layer.register_forward_hook(noted) for layer in layers]
    outputs = network(inputs)
    for hook in hooks:
        hook.remove()
    if missed := _missed({name: network.get_parameter(name) for name in mask}, calls, outputs):
        raise ValueError(f"{', '.join(missed)}: used otherwise than by calling its layer; only exact_below can serve")

    c, v = torch.linalg.eigh(_loss_curvature(search, inputs, targets, outputs.detach()))
    directions = v * c.clamp(min=0).sqrt()[:, None]
    noted_outputs = [output for each in calls.values() for _, _, output in each]
    diagonal = {name: torch.zeros_like(network.get_parameter(name)) for name in mask}
    for direction in directions.unbind(-1):
        found = torch.autograd.grad(
            outputs, noted_outputs, direction.view_as(outputs), retain_graph=True, materialize_grads=True
        )
        slopes = iter(found)
        for name, each in calls.items():
            if each:
                squares = _squared_slopes([(layer, given, next(slopes)) for layer, given, _ in each])
                diagonal[name] += squares / len(inputs)
    return {name: h.detach() for name, h in diagonal.items()}


def _missed(weights: Tensors, calls: dict[str, list[Call]], outputs: torch.Tensor) -> list[str]:
    """The weights whose slope is not the sum of those through the calls of their layers, in one mixed output."""
    noted = [output for each in calls.values() for _, _, output in each]
    mixture = torch.linspace(1, 2, outputs.numel(), dtype=outputs.dtype, device=outputs.device).view_as(outputs)
    found = torch.autograd.grad(
        outputs, [*weights.values(), *noted], mixture, retain_graph=True, materialize_grads=True
    )
    slopes = iter(found[len(weights) :])
    missed = []
    for (name, each), whole in zip(calls.items(), found, strict=False):
        through = sum((_slope(layer, given, next(slopes)) for layer, given, _ in each), torch.zeros_like(whole))
        if not torch.allclose(through, whole, rtol=0, atol=1e-6 * float(whole.abs().max())):
            missed.append(name)
    return missed


def _loss_curvature(
    search: Search, inputs: torch.Tensor, targets: torch.Tensor, outputs: torch.Tensor
) -> torch.Tensor:
    """H_L: the Hessian of each example's loss in its own outputs (examples, outputs, outputs)."""

    def of_example(one: torch.Tensor, target: torch.Tensor, output: torch.Tensor) -> torch.Tensor:
        slope = torch.func.grad(lambda given: search.loss(_Given(given), one[None], target[None]))
        return torch.func.jacrev(slope)(output[None]).view(output.numel(), output.numel())

    return torch.func.vmap(of_example)(inputs, targets, outputs)


def _squared_slopes(calls: list[Call]) -> torch.Tensor:
    """The squares of each example's slope in a weight, summed over examples, from the slopes in its layer's outputs.

    A fully connected layer has (slope of output i)^2 x_j^2, equation 6 of the paper. Elsewhere a weight meets an
    example in several places, whose slopes add up before they are squared.
    """
    layer, given, slopes = calls[0]
    if len(calls) == 1 and isinstance(layer, torch.nn.Linear) and given.dim() == 2:
        return slopes.square().T @ given.square()
    total = torch.zeros_like(layer.weight)
    for some in torch.arange(len(given), device=given.device).split(max(1, _FLOATS // total.numel())):
        total += sum(_slopes(layer, given[some], slopes[some]) for layer, given, slopes in calls).square().sum(0)
    return total


def _slopes(layer: torch.nn.Module, given: torch.Tensor, slopes: torch.Tensor) -> torch.Tensor:
    """The slope of every example in the layer's weight: (examples, *weight.shape)."""
    return torch.func.vmap(lambda one, slope: _slope(layer, one[None], slope[None]))(given, slopes)


@torch.no_grad()
def _slope(layer: torch.nn.Module, given: torch.Tensor, slopes: torch.Tensor) -> torch.Tensor:
    """The slope of these examples together in the layer's weight, from those in its outputs."""

    def answer(weight: torch.Tensor) -> torch.Tensor:
        return torch.func.functional_call(layer, {"weight": weight}, (given,))

    return torch.func.vjp(answer, layer.weight.detach())[1](slopes)[0]


class _Given(torch.nn.Module):
    """A network whose outputs are given: through it the task's loss is a function of the outputs alone."""

    def __init__(self, outputs: torch.Tensor):
        super().__init__()
        self.outputs = outputs

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.outputs

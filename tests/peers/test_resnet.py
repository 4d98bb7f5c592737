"""The residual block against torchvision's."""

import torch
from torchvision.models.resnet import BasicBlock

from ticketbench.networks import build
from ticketbench.task import Network


def test_the_block_is_torchvisions_basic_block():
    """He et al. 2016, figure 2, in training and in evaluation mode."""
    torch.manual_seed(0)
    ours = build(Network(name="small-resnet", options={"width": 6}), (1, 8, 8), 10)
    block = BasicBlock(6, 6)
    pairs = {"conv1": "block1", "bn1": "block1_norm", "conv2": "block2", "bn2": "block2_norm"}
    for theirs, mine in pairs.items():
        getattr(block, theirs).load_state_dict(getattr(ours, mine).state_dict())
    inputs = torch.randn(7, 1, 8, 8)
    for training in (True, True, False):
        ours.train(training), block.train(training)
        seen = []
        hook = ours.down.register_forward_pre_hook(lambda _, given, seen=seen: seen.extend(given))
        ours(inputs)
        hook.remove()
        norm = ours.stem_norm
        with torch.no_grad():
            stem = torch.relu(
                torch.nn.functional.batch_norm(
                    ours.stem(inputs), norm.running_mean.clone(), norm.running_var.clone(), norm.weight, norm.bias,
                    training=training,
                )
            )  # fmt: skip
            assert torch.equal(block(stem), seen[0])
    for theirs, mine in pairs.items():
        state = getattr(ours, mine).state_dict()
        assert all(torch.equal(tensor, state[name]) for name, tensor in getattr(block, theirs).state_dict().items())

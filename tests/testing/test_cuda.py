"""Every method that comes with ticketbench works on an accelerator too."""

import pytest
import torch

from ticketbench.methods import shipped_methods
from ticketbench.testing import CHECKS
from ticketbench.testing.trial import Trial


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
@pytest.mark.parametrize("name", sorted(shipped_methods()))
def test_a_shipped_method_works_on_cuda(name):
    finding = CHECKS["device"](Trial(shipped_methods()[name], None))
    assert finding.status == "ok" or "the network has no" in finding.explanation, finding.explanation

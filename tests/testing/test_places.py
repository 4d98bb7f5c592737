"""Checks on other tasks and another device."""

import pytest
import torch

from ticketbench.testing.checks.places import device
from ticketbench.testing.trial import Trial


def test_a_method_that_counts_on_linear_layers_fails_everywhere_alone(only):
    source = '''
    @method("mine", title="Of rows and columns")
    def find(search):
        """Scores by the norms of rows."""
        scores = {}
        for name, weight in search.initial.prunable.items():
            rows, columns = weight.shape
            scores[name] = weight.norm(dim=1, keepdim=True).expand(rows, columns)
        yield from tickets(search, scores, search.initial)
    '''
    finding = only(source, "everywhere")
    assert "on a task with convolutions and batch normalization, pruned globally: failed" in finding.seen
    assert "too many values to unpack" in finding.seen and "(line " in finding.seen
    assert 'needs=["convolutions"]' in finding.change


def test_a_method_that_counts_on_one_setting_fails_everywhere_alone(only):
    source = '''
    @method("mine", title="Of the one setting")
    def find(search):
        """Only where there are no settings."""
        assert search.setting == "default"
        yield from tickets(search, sizes(search.initial), search.initial)
    '''
    assert "on a task with two settings: failed" in only(source, "everywhere").seen


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
def test_a_method_that_stays_on_the_cpu_fails_the_device_check_alone(only):
    source = '''
    @method("mine", title="Of the CPU")
    def find(search):
        """Mixes devices."""
        inputs, targets = search.batches(1, 8)[0]
        (inputs * torch.ones(8, 1, 1, 1)).sum()
        (inputs + torch.ones(8, 1, 8, 8)).sum()
        yield from tickets(search, sizes(search.initial), search.initial)
    '''
    assert "device=inputs.device" in only(source, "device").change


def test_without_cuda_the_device_check_says_so(declared, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    source = '@scorer("mine", title="Mine")\ndef find(search, checkpoint):\n    return sizes(checkpoint)\n'
    finding = device(Trial(declared(source)))
    assert (finding.status, finding.seen) == ("not applicable", "no CUDA")

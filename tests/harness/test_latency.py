"""How long a network takes: what is timed, and that measuring it changes nothing else."""

import pytest
import torch
from torch import nn

from ticketbench.harness.plan import make_plan
from ticketbench.harness.runner import run_plan
from ticketbench.harness.search import DENSE_METHOD, Job, run_search
from ticketbench.harness.shard import Place
from ticketbench.harness.store import DEFAULT_LIMIT, Store
from ticketbench.harness.trainings import Trainings
from ticketbench.harness.workloads import workloads_of
from ticketbench.methods import shipped_methods
from ticketbench.methods.state import derive
from ticketbench.results import read_rows, result_files


class Watched(nn.Module):
    """A network that notes how it was called: in which mode, with gradients or not, and on what."""

    def __init__(self, network, calls):
        super().__init__()
        self._network, self._calls = network, calls

    def named_parameters(self, *how, **more):
        return self._network.named_parameters(*how, **more)

    def named_buffers(self, *how, **more):
        return self._network.named_buffers(*how, **more)

    def forward(self, inputs):
        weights = {name: weight.clone() for name, weight in self.named_parameters()}
        self._calls.append((self._network.training, torch.is_grad_enabled(), inputs, weights))
        return self._network(inputs)


@pytest.fixture
def rows_of_a_run(lab):
    """`rows_of_a_run(task, latency)`: rows of imp with two controls, by id; every run has a folder of its own."""

    def run(task, latency):
        folder = lab.folder / f"latency-{latency}"
        plan = make_plan([task], [shipped_methods()["imp"]], 1, folder / "rows", ("shuffled", "small-dense"))
        place = Place(folder / "store", DEFAULT_LIMIT, "cpu", latency)
        run_plan(plan, folder / "rows", place, 1, lambda *_: None)
        return [row for path in result_files(folder / "rows") for row in read_rows(path)]

    return run


def test_rows_with_latency_agree_with_rows_without_it_in_every_compared_column(lab, rows_of_a_run, compared):
    task = lab.task(conv=True, training__steps=12, ladder__rounds=2)
    plain, timed = rows_of_a_run(task, False), rows_of_a_run(task, True)
    assert compared(timed) == compared(plain) and len(timed) == 1 + 2 * 3
    assert [row["latency"] for row in plain] == [None] * 7
    assert all(0 < row["latency"] < 10 for row in timed)
    assert {row["kind"] for row in timed} == {"dense", "ticket", "control"}


def test_measuring_draws_nothing_and_leaves_the_engine_s_network_as_it_is(lab):
    (workload,) = workloads_of(lab.task(conv=True), torch.device("cpu")).values()
    module, state = workload.module().train(), workload.initial(3)
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    drawn, threads = torch.get_rng_state(), torch.get_num_threads()
    assert workload.latency(state) > 0
    assert torch.equal(torch.get_rng_state(), drawn) and torch.get_num_threads() == threads
    assert module.training and torch.is_grad_enabled()
    assert all(torch.equal(tensor, before[name]) for name, tensor in module.state_dict().items())


@pytest.mark.parametrize(("batch_size", "timed"), [(60, 60), (1400, 360)])
def test_timed_is_the_masked_network_in_eval_mode_on_a_batch_of_test_inputs(lab, monkeypatch, batch_size, timed):
    task = lab.task(data__validation=37, training__batch_size=batch_size)
    (workload,) = workloads_of(task, torch.device("cpu")).values()
    state = workload.initial(3)
    kept = {name: torch.arange(m.numel()).view(m.shape) % 3 == 0 for name, m in state.mask.items()}
    state, calls, real = derive(state, mask=kept), [], workload.fresh_module
    monkeypatch.setattr(workload, "fresh_module", lambda: Watched(real(), calls))
    workload.latency(state)
    assert len(calls) > 1
    for training, gradients, inputs, weights in calls:
        assert not training and not gradients
        assert torch.equal(inputs, workload._test.inputs[:timed]) and len(inputs) == timed
        assert all(torch.equal(weight, state.weights[name]) for name, weight in weights.items())
        assert all(not weights[name][~mask].any() for name, mask in kept.items())


def test_a_network_that_diverged_has_no_latency(lab):
    task = lab.task(training__optimizer={"name": "sgd", "lr": 1e30})
    trainings = Trainings(workloads_of(task, torch.device("cpu")), Store(lab.folder / "store"), timed=True)
    (dense,) = run_search(Job(task, DENSE_METHOD, "default", 0), trainings)
    assert (dense["status"], dense["latency"]) == ("diverged", None)

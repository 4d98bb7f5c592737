"""No training is done twice, and none answers for another."""

import subprocess
import sys
import time
from dataclasses import dataclass, replace

import pytest
import torch

from ticketbench.harness.objectives import objective_identity
from ticketbench.harness.store import Measured, Store, Stored
from ticketbench.harness.trainings import Course, Trainings
from ticketbench.harness.workloads import domain as module
from ticketbench.harness.workloads.vision import Vision
from ticketbench.methods import Diverged, Refused
from ticketbench.methods.state import State
from ticketbench.task import SGD

PLAIN = Course("default", 0)
HUGE = Course("default", 0, optimizer=SGD(name="sgd", lr=1e30))


@dataclass(frozen=True)
class Raising:
    """Fails at a step."""

    at: int = 6

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        if step == self.at:
            raise ValueError("no more")
        return loss(network, weights, inputs, targets)


def train(trainings, start, until, course=PLAIN, keep=True):
    return trainings.checkpoint(trainings.plan(start, until, course), keep=keep)


def half_of(checkpoint):
    """A mask that keeps every second weight."""
    return {n: (torch.arange(m.numel()) % 2 == 0).view(m.shape) for n, m in checkpoint.mask.items()}


def file_of(trainings, training):
    return next(trainings.store.root.rglob(f"{training.line}/{training.until}.safetensors"))


def forget(store):
    """Fill what a store remembers with something else."""
    other = Stored(State(0, {"w": torch.ones(1)}, {}, {}), Measured())
    for number in range(20):
        store.put(f"{number:064x}", 0, other, keep=True)


def test_the_dense_network_is_trained_once_for_all_methods(begin, ran):
    told = []
    for _ in range(3):
        trainings, initial = begin(asked=told.append)
        dense = train(trainings, initial, 24)
    assert ran == [(0, 4), (4, 24)]
    assert told == [True, False, False]
    assert dense.step == 24


def test_a_shared_beginning_is_trained_once_whoever_comes_first(begin, ran):
    trainings, initial = begin()
    train(trainings, initial, 7)
    train(trainings, initial, 24)
    assert ran == [(0, 4), (4, 7), (7, 24)]
    trainings, initial = begin()
    train(trainings, initial, 4)
    train(trainings, initial, 7)
    assert len(ran) == 3
    train(trainings, initial, 12)  # between two that are there
    assert ran[3:] == [(7, 12)]


@pytest.mark.parametrize("first", [1, 4, 7, 23])
def test_the_dense_network_is_the_same_whatever_was_asked_for_before(first, begin, workload, tmp_path):
    trainings, initial = begin()
    train(trainings, initial, first)
    dense = train(trainings, initial, 24).state()
    alone = Trainings({"default": workload()}, Store(tmp_path / "alone"))
    assert train(alone, initial, 24).state().digest() == dense.digest()


def test_only_a_dense_training_leaves_its_rewind_step_behind(begin, ran):
    trainings, initial = begin()
    train(trainings, initial.replace(mask=half_of(initial)), 24)
    train(trainings, initial, 3)
    assert ran == [(0, 24), (0, 3)]


def test_a_checkpoint_that_goes_on_unchanged_stays_on_its_line(begin, ran):
    trainings, initial = begin()
    whole = trainings.plan(initial, 24, PLAIN)
    early = train(trainings, initial, 7)
    later = train(trainings, early.replace(), 12)
    rest = trainings.plan(later, 24, PLAIN)
    assert rest == whole
    trainings.checkpoint(rest, keep=True)
    assert ran == [(0, 4), (4, 7), (7, 12), (12, 24)]


def test_what_the_cache_lost_before_it_was_read_is_trained_to_the_same_bits(begin, ran):
    trainings, initial = begin(limit=0)
    handle = train(trainings, initial.replace(mask=half_of(initial)), 12, keep=False)
    before = handle.state().digest()
    assert trainings.store.steps(trainings.known(handle.key).line) == []
    forget(trainings.store)
    assert handle.state().digest() == before
    assert ran == [(0, 12), (0, 12)]


def test_a_whole_chain_that_the_cache_lost_is_trained_again(begin, ran):
    trainings, initial = begin(limit=0)
    first = train(trainings, initial.replace(mask=half_of(initial)), 6, keep=False)
    second = train(trainings, first, 12, replace(PLAIN, data_order=1), keep=False)
    third = train(trainings, second, 18, keep=False)
    digests = [handle.state().digest() for handle in (first, second, third)]
    forget(trainings.store)
    ran.clear()
    assert third.state().digest() == digests[2]
    assert sorted(ran) == [(0, 6), (6, 12), (12, 18)]
    assert [handle.state().digest() for handle in (first, second, third)] == digests


@pytest.mark.parametrize("how", ["deleted", "damaged"])
def test_a_handle_outlives_its_file(how, begin, ran):
    trainings, initial = begin()
    handle = train(trainings, initial, 12)
    before = handle.state().digest()
    path = file_of(trainings, trainings.known(handle.key))
    path.unlink() if how == "deleted" else path.write_bytes(path.read_bytes()[:-9])
    forget(trainings.store)
    assert handle.state().digest() == before
    assert ran == [(0, 4), (4, 12), (4, 12)]
    assert path.exists()


def test_what_is_kept_and_what_is_cached(begin):
    trainings, initial = begin()
    masked = initial.replace(mask=half_of(initial))
    kept, cached = trainings.plan(masked, 12, PLAIN), trainings.plan(masked, 6, PLAIN)
    trainings.checkpoint(kept, keep=True)
    trainings.checkpoint(cached, keep=False)
    tier = {each: file_of(trainings, each).relative_to(trainings.store.root).parts[0] for each in (kept, cached)}
    assert tier == {kept: "kept", cached: "cache"}
    trainings.checkpoint(cached, keep=True)
    assert file_of(trainings, cached).is_relative_to(trainings.store.root / "kept")
    trainings.checkpoint(kept, keep=False)
    assert file_of(trainings, kept).is_relative_to(trainings.store.root / "kept")


def test_a_diverged_training_is_stored_and_answers_again(begin, ran):
    told = []
    for _ in range(2):
        trainings, initial = begin(asked=told.append)
        with pytest.raises(Diverged, match="the loss was not finite at step 5"):
            train(trainings, initial, 24, HUGE)
        training = trainings.plan(initial, 24, HUGE)
        assert trainings.state(training).history.diverged
        assert trainings.state(training).step == 5
    assert ran == [(0, 24)]
    assert told == [True, False]


@pytest.mark.parametrize("until", [2, 3, 4])
def test_a_loss_that_is_not_finite_is_noticed_between_evaluations_too(until, begin):
    trainings, initial = begin()
    with pytest.raises(Diverged, match=f"not finite at step {until}"):
        train(trainings, initial, until, HUGE)
    with pytest.raises(Diverged, match="not finite at step 5"):
        train(trainings, initial, 24, HUGE)


def test_an_objective_that_fails_stores_nothing_under_its_step(begin):
    trainings, initial = begin()
    course = replace(PLAIN, objective=Raising(), objective_identity=objective_identity(Raising()))
    with pytest.raises(Refused, match="objective Raising raised ValueError at step 6: no more"):
        train(trainings, initial, 12, course)
    assert 12 not in trainings.store.steps(trainings.plan(initial, 12, course).line)
    assert train(trainings, initial, 24).step == 24  # and lets go of everything


def test_a_training_that_cannot_be_split_anywhere_goes_on_from_where_it_can(begin, ran, monkeypatch):
    """As games cannot, but where they begin anew."""
    monkeypatch.setattr(Vision, "splits_at", lambda self, step: step % 5 == 0)
    trainings, initial = begin()
    early = train(trainings, initial, 7)
    late = train(trainings, early, 12)
    train(trainings, late, 24)
    assert ran == [(0, 7), (0, 12), (0, 24)]  # not by the rewind step, 4, nor on from 7 or 12
    ran.clear()
    train(trainings, train(trainings, initial, 10), 22)
    assert ran == [(0, 10), (10, 22)]


def test_what_a_training_took_is_the_sum_of_its_parts(begin, monkeypatch):
    real = module.advance

    def slow(*said):
        time.sleep(0.1)
        return real(*said)

    monkeypatch.setattr(module, "advance", slow)
    trainings, initial = begin()
    parts = [trainings.measured(trainings.plan(initial, until, PLAIN)) for until in (7, 12, 24)]
    for part, stretches in zip(parts, (2, 3, 4), strict=True):  # the first to the rewind step and beyond
        assert part.wall_seconds > 0.1 * stretches
        assert 0 < part.device_seconds < part.wall_seconds  # asleep it computes nothing
    assert parts[0].peak_memory_bytes > 10**7
    again, initial = begin()
    assert again.measured(again.plan(initial, 24, PLAIN)) == parts[2]  # of when it was run, not of the reading


def test_scoring_a_state_trains_nothing(begin):
    trainings, initial = begin()
    state = train(trainings, initial, 12).state()
    history = trainings.score(state, "default", seed=0)
    (point,) = history.points
    assert point.step == 12
    (last,) = [p for p in train(trainings, initial, 15).state().history.points if p.step == 10]
    assert point.training_loss is None
    assert abs(point.validation_loss - last.validation_loss) < 0.5
    assert history.early_losses == ()
    assert trainings.score(state, "default", seed=0).points == history.points


_BOTH = """
import sys, time
from pathlib import Path
import torch
from ticketbench.harness.workloads import domain as module
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Course, Trainings
from ticketbench.harness.workloads.vision import Vision
from ticketbench.methods import Checkpoint
from ticketbench.task import load_task

task, store, log = map(Path, sys.argv[1:4])
work = Vision(load_task(task), torch.device("cpu"))
state = work.initial(0)
real = module.advance

def slow(members, until, workload):
    with log.open("a") as file:
        file.write(f"{members[0].start.step}-{until}\\n")
    time.sleep(0.5)  # the other process comes while this one is at it
    return real(members, until, workload)

module.advance = slow
print("ready", flush=True)
sys.stdin.readline()
trainings = Trainings({"default": work}, Store(store))
training = trainings.plan(Checkpoint(None, 0, lambda: state), 12, Course("default", 0))
print(trainings.checkpoint(training, keep=True).state().digest())
"""


def test_two_processes_that_want_the_same_training_run_it_once(tmp_path, begin, engine_task):
    (tmp_path / "task.toml").write_text(engine_task)
    log = tmp_path / "log"
    command = [sys.executable, "-c", _BOTH, str(tmp_path / "task.toml"), str(tmp_path / "store"), str(log)]
    both = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        assert [each.stdout.readline() for each in both] == ["ready\n", "ready\n"]
        for each in both:
            each.stdin.write("go\n")
            each.stdin.flush()
        digests = {each.communicate(timeout=60)[0].strip() for each in both}
    finally:
        for each in both:
            each.kill()
            each.wait()
    assert [each.returncode for each in both] == [0, 0]
    assert log.read_text().splitlines() == ["0-4", "4-12"]
    trainings, initial = begin()
    assert digests == {train(trainings, initial, 12).state().digest()}

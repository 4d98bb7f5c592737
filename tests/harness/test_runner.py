"""Whole runs: rows written as searches end, whoever runs beside them and in however many processes."""

import multiprocessing
import pickle
import threading
from types import SimpleNamespace

import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.harness import runner
from ticketbench.harness.plan import make_plan
from ticketbench.harness.runner import Failure, run_plan
from ticketbench.harness.shard import Finished, Place, Scored
from ticketbench.harness.store import DEFAULT_LIMIT
from ticketbench.methods import shipped_methods

# Draws from every generator there is, looks at batches, and starts where only it starts.
MINE = """
    import random

    @method("mine", title="Mine")
    def mine(search):
        ((inputs, targets),) = search.batches(1, 30)
        network = search.network((yield search.at(7)))
        search.loss(network, inputs, targets).backward()
        weights = dict(network.named_parameters())
        scores = {name: weights[name].grad.abs() * random.random() for name in search.initial.mask}
        noise = {name: torch.rand(score.shape) for name, score in scores.items()}
        drawn = {name: torch.rand(score.shape, generator=search.rng) for name, score in scores.items()}
        for rung in search.ladder:
            yield [Ticket(keep_largest(each, rung), search.initial, label=label)
                   for label, each in (("", scores), ("noise", noise), ("drawn", drawn))]
"""


def test_every_seed_has_its_dense_row_asked_for_or_not_and_one_dense_training(lab):
    methods = [shipped_methods()[name] for name in ("random-layer", "one-shot", "imp")]
    rows = lab.run([lab.task()], methods, seeds=2)
    dense = [row for row in rows if row["kind"] == "dense"]
    assert [(row["method"], row["seed"], row["rung"], row["status"]) for row in dense] == [
        ("dense", 0, 0, "done"),
        ("dense", 1, 0, "done"),
    ]
    assert len(rows) == 2 * (1 + 3 * 3)
    # imp's first ticket is one-shot's; the dense network is trained for its row and found by two methods
    assert lab.asked.count(True) == 2 * (1 + 3 + 3 + 2)


def test_a_second_run_makes_and_trains_nothing(lab, compared):
    methods = [shipped_methods()["imp-late"], lab.method(MINE)]
    first = lab.run([lab.task()], methods, seeds=2)
    lab.asked.clear()
    second = lab.run([lab.task()], methods, seeds=2)
    assert lab.asked == []
    assert second == first


def test_company_order_and_number_of_processes_change_no_compared_field(lab, compared):
    task, mine = lab.task(), lab.method(MINE)
    others = [shipped_methods()[name] for name in ("imp", "random-global", "fine-tune")]
    alone = compared(lab.run([task], [mine], seeds=2, results="alone", store="alone"))
    first = compared(lab.run([task], [mine, *others], seeds=2, results="first", store="first"))
    last = compared(lab.run([task], [*reversed(others), mine], seeds=2, results="last", store="last"))
    beside = compared(lab.run([task], [*others, mine], seeds=2, results="beside", store="beside", processes=2))
    assert len(alone) == 2 * (1 + 9) and len(first) == 2 * (1 + 9 + 3 * 3)
    assert first == last == beside
    assert {key: first[key] for key in alone} == alone


def test_one_methods_failure_stops_no_other(lab):
    rows = lab.run([lab.task()], [
        lab.method("""
            import sys

            @method("bad", title="Bad")
            def bad(search):
                yield search.dense
                sys.exit(0)
        """, "bad.py"),
        lab.method(MINE),
    ])  # fmt: skip
    assert {(row["method"], row["status"]) for row in rows} == {
        ("dense", "done"),
        ("bad", "failed"),
        ("mine", "done"),
    }


def test_rows_are_written_as_searches_end(lab):
    """So that whoever is stopped keeps them."""
    task, found = lab.task(), lab.method(MINE)
    plan = make_plan([task], [found], 2, lab.folder / "results")
    seen = []

    class Stop(Exception):
        pass

    def report(shard, event):
        seen.append((shard.method.name, shard.seed, type(event).__name__))
        if isinstance(event, Finished) and shard.method.name == "mine":
            raise Stop

    with pytest.raises(Stop):
        run_plan(plan, lab.folder / "results", Place(lab.folder / "store", DEFAULT_LIMIT, "cpu"), 1, report)
    left = make_plan([task], [found], 2, lab.folder / "results")
    assert [(shard.method.name, shard.seed) for shard in left.shards] == [("mine", 1)]
    assert seen.count(("mine", 0, Scored.__name__)) == 9


def work(lab, *sent):
    """What a worker process answers to what it is sent, until the parent is gone."""
    ours, theirs = multiprocessing.Pipe()
    place = Place(lab.folder / "store", DEFAULT_LIMIT, "cpu")
    thread = threading.Thread(target=runner._work, args=(theirs, place))
    thread.start()
    answers = []
    for each in sent:
        ours.send_bytes(each)
        while (answer := ours.recv()) is not None:
            answers.append(answer)
            if isinstance(answer, Failure):
                break
    ours.close()
    thread.join(60)
    assert not thread.is_alive()
    return answers


def shards(lab, methods, task=None):
    return [pickle.dumps(s) for s in make_plan([task or lab.task()], methods, 1, lab.folder / "results").shards]


def test_a_worker_answers_with_events_and_ends_with_its_parent(lab):
    answers = work(lab, *shards(lab, [lab.method(MINE)]))
    assert [len(answer.rows) for answer in answers if isinstance(answer, Finished)] == [1, 9]
    assert sum(isinstance(answer, Scored) for answer in answers) == 9


def test_a_method_whose_file_changes_before_a_worker_reads_it_is_an_error_in_words(lab):
    sent = shards(lab, [lab.method(MINE)])
    (lab.folder / "mine.py").write_text("import ticketbench\n")
    (failure,) = work(lab, sent[1])
    assert failure.expected and "declares no method" in failure.message
    lab.method(MINE + "\n    # another byte")
    (failure,) = work(lab, sent[1])
    assert failure.expected and failure.message.endswith("changed while 'mine' was running; run it again.")


def test_an_error_of_ours_comes_from_a_worker_with_its_traceback(lab, monkeypatch):
    monkeypatch.setattr(runner.Worker, "run", lambda *_: 1 / 0)
    (failure,) = work(lab, shards(lab, [lab.method(MINE)])[0])
    assert not failure.expected and "ZeroDivisionError" in failure.message


def test_a_worker_that_died_while_it_had_nothing_to_do_is_named_when_it_is_needed(lab):
    (shard, *_) = make_plan([lab.task()], [lab.method(MINE)], 1, lab.folder / "results").shards
    ours, theirs = multiprocessing.Pipe()
    theirs.close()
    dead = runner._Process.__new__(runner._Process)
    dead.connection, dead.shard, dead.process = ours, None, SimpleNamespace(join=lambda: None, exitcode=-9)
    dead.begin(shard)
    with pytest.raises(TicketbenchError, match=r"killed by signal 9 \(SIGKILL\) while it ran tiny/mlp dense, seed 0"):
        runner._hear(dead, lambda *_: None)

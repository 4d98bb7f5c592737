"""What there is to do: what is missing, what is stale, and what needs no work."""

import hashlib

import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.harness import plan as planning
from ticketbench.harness.plan import make_plan
from ticketbench.results import read_rows, result_file, write_rows

WHOLE = """
    @method("mine", title="Mine")
    def mine(search):
        for label in LABELS:
            yield [Ticket(mask, search.initial, label=label) for mask in masks_of(search, search.initial)]
"""
APART = """
    @method("mine", title="Mine")
    def mine(search, rung):
        yield Ticket(keep_largest(scores_of(search.initial), rung), search.initial)
"""


@pytest.fixture
def whole(lab):
    return lab.method(WHOLE.replace("LABELS", "['']"))


def told(plan):
    """Of every shard: method, seed, rungs, rows to come."""
    return [(s.method.name, s.seed, [job.rung for job in s.jobs], s.rows) for s in plan.shards]


def file_of(lab, task, method="mine"):
    return result_file(lab.folder / "results", task.id, method)


def test_dense_networks_come_first_and_every_seed_of_a_method_is_a_shard(lab, whole):
    plan = make_plan([lab.task()], [whole], 2, lab.folder / "results")
    assert told(plan) == [
        ("dense", 0, [None], 1),
        ("dense", 1, [None], 1),
        ("mine", 0, [None], 3),
        ("mine", 1, [None], 3),
    ]
    assert (plan.rows, plan.there, plan.stale) == (8, 0, 0)


def test_without_a_number_of_seeds_the_tasks_own_is_taken(lab, whole):
    plan = make_plan([lab.task(replicates__seeds=4)], [whole], None, lab.folder / "results")
    assert [seed for name, seed, _, _ in told(plan) if name == "mine"] == [0, 1, 2, 3]


def test_all_dense_networks_of_all_tasks_come_before_any_method(lab, whole):
    tasks = [lab.task(), lab.task(id="tiny/other", training__steps=20)]
    plan = make_plan(tasks, [whole], 1, lab.folder / "results")
    assert [(s.task.id, s.method.name) for s in plan.shards] == [
        ("tiny/mlp", "dense"), ("tiny/other", "dense"), ("tiny/mlp", "mine"), ("tiny/other", "mine"),
    ]  # fmt: skip


def test_what_is_there_is_not_made_again(lab, whole):
    task = lab.task()
    lab.run([task], [whole])
    plan = make_plan([task], [whole], 1, lab.folder / "results")
    assert (plan.shards, plan.there, plan.rows) == ((), 4, 0)
    assert told(make_plan([task], [whole], 2, lab.folder / "results")) == [
        ("dense", 1, [None], 1),
        ("mine", 1, [None], 3),
    ]


def test_a_rung_that_is_missing_is_made_alone_where_rungs_are_run_apart(lab, whole):
    task, apart = lab.task(), lab.method(APART, "apart.py")
    for found, expected in ((apart, [("mine", 0, [2], 1)]), (whole, [("mine", 0, [None], 3)])):
        lab.run([task], [found])
        file = file_of(lab, task)
        write_rows(file, [row for row in read_rows(file) if row["rung"] != 2])
        assert told(make_plan([task], [found], 1, lab.folder / "results")) == expected
        file.unlink()


def test_other_parameters_are_another_search(lab):
    source = APART.replace("(search, rung)", "(search, rung, *, power=1)")
    one, two = lab.method(source), lab.method(source, parameters="(power=2)")
    lab.run([lab.task()], [one])
    plan = make_plan([lab.task()], [one, two], 1, lab.folder / "results")
    assert [dict(shard.method.parameters) for shard in plan.shards] == [{"power": 2}]
    assert {row["method_params"] for row in lab.run([lab.task()], [two]) if row["method"] == "mine"} == {
        "{}", '{"power":2}',
    }  # fmt: skip


def test_a_method_whose_file_changed_makes_its_rows_anew_and_leaves_none_behind(lab):
    task = lab.task()
    first = lab.run([task], [lab.method(WHOLE.replace("LABELS", "['', 'second']"))])
    assert len(first) == 7
    changed = lab.method(WHOLE.replace("LABELS", "['only']"))
    plan = make_plan([task], [changed], 1, lab.folder / "results")
    assert (told(plan), plan.stale) == ([("mine", 0, [None], 3)], 6)
    after = lab.run([task], [changed])
    assert [(row["label"], row["method_digest"]) for row in after if row["method"] == "mine"] == [
        ("only", changed.digest)
    ] * 3
    assert make_plan([task], [changed], 1, lab.folder / "results").shards == ()


def test_a_task_that_changed_makes_its_rows_anew_and_its_dense_network(lab, whole):
    lab.run([lab.task()], [whole])
    changed = lab.task(training__steps=20)
    plan = make_plan([changed], [whole], 1, lab.folder / "results")
    assert (plan.rows, plan.stale, plan.there) == (4, 4, 0)
    rows = lab.run([changed], [whole])
    assert {row["task_digest"] for row in rows} == {changed.digest} and len(rows) == 4


@pytest.mark.parametrize("words", [{"title": "Another"}, {"replicates__seeds": 2}, {"scoring__primary": "best"}])
def test_what_changes_no_training_makes_nothing_stale(lab, whole, words):
    lab.run([lab.task()], [whole])
    assert make_plan([lab.task(**words)], [whole], 1, lab.folder / "results").shards == ()


def test_another_version_of_a_task_lies_beside_the_old(lab, whole):
    lab.run([lab.task()], [whole])
    newer = lab.task(version=2, training__steps=20)
    plan = make_plan([newer], [whole], 1, lab.folder / "results")
    assert (plan.rows, plan.stale) == (4, 0)
    assert sorted({(row["task_version"], row["rung"]) for row in lab.run([newer], [whole])}) == [
        (version, rung) for version in (1, 2) for rung in range(4)
    ]


def test_another_engine_or_arithmetic_makes_rows_anew(lab, whole, monkeypatch):
    lab.run([lab.task()], [whole])
    for name, value in (("ENGINE_VERSION", 10**6), ("NUMERICS", "fp32-population")):
        with monkeypatch.context() as patch:
            patch.setattr(planning, name, value)
            plan = make_plan([lab.task()], [whole], 1, lab.folder / "results")
            assert plan.stale == plan.rows == 4


def test_a_search_that_failed_is_finished_and_still_tells_of_it(lab):
    found = lab.method("""
        @method("mine", title="Mine")
        def mine(search):
            yield Ticket(masks_of(search, search.initial)[0], search.initial)
            raise RuntimeError("here it ends")
    """)
    lab.run([lab.task()], [found])
    plan = make_plan([lab.task()], [found], 1, lab.folder / "results")
    assert (plan.shards, plan.there) == ((), 4)
    assert [(row["rung"], row["status"]) for row in plan.failed] == [(2, "failed"), (3, "failed")]


def test_probes_alone_finish_no_search(lab):
    found = lab.method("""
        @method("mine", title="Mine")
        def mine(search, rung):
            yield Probe(search.initial, f"probe {rung.index}")
            yield Ticket(keep_largest(scores_of(search.initial), rung), search.initial)
    """)
    task = lab.task()
    assert len(lab.run([task], [found])) == 7
    file = file_of(lab, task)
    write_rows(file, [row for row in read_rows(file) if row["kind"] == "probe"])
    plan = make_plan([task], [found], 1, lab.folder / "results")
    assert told(plan) == [("mine", 0, [1, 2, 3], 3)]
    assert len(lab.run([task], [found])) == 7


def test_a_result_file_that_cannot_be_read_is_named_before_anything_is_done(lab, whole):
    task = lab.task()
    lab.run([task], [whole])
    file = file_of(lab, task)
    file.write_bytes(file.read_bytes()[:-20])
    with pytest.raises(TicketbenchError, match=r"mine\.parquet: is not a readable Parquet file"):
        make_plan([task], [whole], 1, lab.folder / "results")


def test_parameters_that_no_row_can_hold_are_an_error_before_anything_is_done(lab):
    found = lab.method(APART.replace("(search, rung)", "(search, rung, *, of=None)"), parameters="(of={1})")
    with pytest.raises(TicketbenchError, match=r"method 'mine': parameters are finite numbers.*got of=\{1\}"):
        make_plan([lab.task()], [found], 1, lab.folder / "results")


def test_rows_of_a_network_of_ones_own_are_made_anew_when_its_file_changed(lab, whole, monkeypatch):
    body = "    return nn.Sequential(nn.Flatten(), nn.Linear(64, classes))\n"
    source = f"from torch import nn\n\n\ndef net(shape, classes):\n{body}"
    (lab.folder / "own_net.py").write_text(source)
    monkeypatch.chdir(lab.folder)
    task = lab.task(**{"network.options.hidden": None, "network": {"factory": "own_net:net"}})
    rows = lab.run([task], [whole])
    digest = hashlib.sha256(source.encode()).hexdigest()
    assert {row["network_digest"] for row in rows} == {digest}
    assert {row["network_digest"] for row in lab.run([lab.task(id="tiny/ours")], [whole])} == {digest, None}
    plan = make_plan([task], [whole], 1, lab.folder / "results")
    assert (plan.rows, plan.there) == (0, 4)
    for method in ("mine", "dense"):
        file = file_of(lab, task, method)
        write_rows(file, [row | {"network_digest": "another"} for row in read_rows(file)])
    plan = make_plan([task], [whole], 1, lab.folder / "results")
    assert (plan.rows, plan.stale) == (4, 4)

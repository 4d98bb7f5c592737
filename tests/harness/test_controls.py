"""Controls: each changed what it says, kept what it must, and cost what it cost."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbench.harness.controls import shuffle
from ticketbench.harness.rows import trained_row
from ticketbench.harness.training import Member, advance
from ticketbench.harness.workloads import workloads_of
from ticketbench.methods import Checkpoint, shipped_methods
from ticketbench.methods.state import State, derive
from ticketbench.results import CONTROLS

HEADS = {
    "low": {"data": {"labels": [0, 1, 2], "relabel": True}},
    "high": {"data": {"labels": [9, 3, 4, 5, 6, 7, 8], "relabel": True}},
}
LABELS = {"low": {"data": {"labels": [0, 1, 2, 3, 4]}}, "high": {"data": {"labels": [5, 6, 7, 8, 9]}}}
SPARSE = """
    @method("mine", title="Mine")
    def mine(search):
        trained = yield search.dense
        for rung in search.ladder:
            mask = keep_largest(scores_of(trained), rung, within=trained.mask)
            trained = yield Ticket(mask, trained.replace(step=20, optimizer=None), schedule="last")
"""


def by_label(rows, rung=2):
    return {row["label"]: row for row in rows if row["rung"] == rung}


def layers(row):
    return {each["layer"]: each["kept"] for each in row["kept_per_layer"]}


@pytest.mark.parametrize("scope", ["layer", "global"])
@pytest.mark.parametrize("name", ["shuffled", "reinitialized", "random-layer"])
def test_counts_per_layer_are_the_tickets_own(lab, imp, name, scope):
    """Under global pruning those are not the rung's, of which every layer has one share."""
    task = lab.task(ladder__scope=scope)
    controls = [row for row in lab.search(imp, task, controls=(name,)) if row["kind"] == "control"]
    assert len(controls) == 3
    for row in controls:
        ticket = by_label(lab.search(imp, task), row["rung"])[""]
        assert layers(row) == layers(ticket)
        assert (row["kept"], row["density"]) == (ticket["kept"], ticket["density"])
        assert (row["method"], row["seed"], row["label"]) == ("imp", 0, name)
        assert row["curve"] != ticket["curve"]


def test_shuffled_and_random_masks_lie_elsewhere_and_reinitialized_ones_do_not(lab, imp):
    rows = by_label(lab.search(imp, controls=("shuffled", "reinitialized", "random-layer")))
    digests = {label: row["mask_digest"] for label, row in rows.items()}
    assert digests["reinitialized"] == digests[""]
    assert len({digests[""], digests["shuffled"], digests["random-layer"]}) == 3


@pytest.fixture
def trained(lab, monkeypatch):
    """A function that runs a search and tells, by label, rung and setting, a row and its start, end and course."""

    def run(method, task, seed=0, setting="default", controls=tuple(CONTROLS)):
        found = {}

        def noting(identity, kind, rung, label, start, training, trainings, charge):
            row = trained_row(identity, kind, rung, label, start, training, trainings, charge)
            found[label, rung.index, row["trained_on"]] = (start.state(), training.until, training.course)
            return row

        monkeypatch.setattr("ticketbench.harness.search.trained_row", noting)
        monkeypatch.setattr("ticketbench.harness.controls.trained_row", noting)
        rows = lab.search(method, task, seed, setting=setting, controls=controls)
        return {
            key: (row, *found[key])
            for row in rows
            if (key := (row["label"], row["rung"], row["trained_on"])) in found
        }

    return run


@pytest.mark.parametrize("seed", [0, 1])
def test_what_controls_of_a_ticket_from_initial_weights_start_from(lab, imp, trained, seed):
    task = lab.task(settings=HEADS, network__unshared=["output.weight", "output.bias"])
    found = trained(imp, task, seed, "low", controls=("shuffled", "reinitialized", "random-layer"))
    assert len(found) == 3 * 2 * 4
    workloads = workloads_of(task, torch.device("cpu"))
    for (label, _, setting), (row, start, until, course) in found.items():
        draw = -1 if label == "reinitialized" else 0
        initial = workloads[setting].initial(seed, draw)
        assert (start.step, until, course.seed, course.schedule, start.optimizer) == (0, 30, seed, "task", None)
        for name, weight in initial.weights.items():
            kept = start.mask.get(name, torch.ones_like(weight, dtype=torch.bool))
            assert torch.equal(start.weights[name], torch.where(kept, weight, torch.zeros(())))
        (expected,) = advance([Member(start, seed)], until, workloads[setting])
        assert row["test_correct"] == expected.history.test_correct
        assert (row["carried"], row["edited"]) == (False, False)


def test_what_controls_of_a_fine_tuned_ticket_start_from(lab, trained):
    found = trained(lab.method(SPARSE), lab.task(), 1)
    initial = workloads_of(lab.task(), torch.device("cpu"))["default"].initial(1)
    for rung in (1, 2, 3):
        row, ticket, _, course = found["", rung, "default"]
        assert (row["carried"], ticket.step, course.schedule) == (True, 20, "last")
        row, start, _, course = found["shuffled", rung, "default"]
        assert (row["carried"], start.step, course.schedule, start.optimizer) == (True, 20, "last", None)
        for name, kept in start.mask.items():  # at every rung in one and the same way: weights move along
            assert sorted(start.weights[name].flatten()) == sorted(ticket.weights[name].flatten())
            assert not torch.equal(kept, ticket.mask[name])
        row, start, _, course = found["random-layer", rung, "default"]
        assert (row["carried"], start.step, course.schedule) == (False, 0, "task")
        assert torch.equal(start.weights["hidden.0.bias"], initial.weights["hidden.0.bias"])
        row, start, _, course = found["reinitialized", rung, "default"]
        assert (row["carried"], start.step, course.schedule) == (False, 0, "task")
        assert not torch.equal(
            start.weights["hidden.0.weight"], initial.weights["hidden.0.weight"] * start.mask["hidden.0.weight"]
        )


def test_a_late_ticket_is_shuffled_on_the_dense_weights_of_its_step(lab, trained):
    task = lab.task()
    found = trained(shipped_methods()["imp-late"], task, controls=("shuffled",))
    workload = workloads_of(task, torch.device("cpu"))["default"]
    (early,) = advance([Member(workload.initial(0), 0)], 10, workload)
    for rung in (1, 2, 3):
        row, start, _, _ = found["shuffled", rung, "default"]
        assert (row["carried"], start.step) == (True, 10)
        for name, kept in start.mask.items():
            assert torch.equal(start.weights[name][kept], early.weights[name][kept])


def test_masks_are_drawn_anew_for_every_seed_and_rung_and_the_same_for_every_method(lab, imp):
    method = shipped_methods()["imp-reinit"]
    drawn = {
        (seed, row["rung"], row["label"], each.name): row["mask_digest"]
        for seed in (0, 1) for each in (imp, method)
        for row in lab.search(each, seed=seed, controls=("random-layer",)) if row["kind"] == "control"
    }  # fmt: skip
    assert len(drawn) == 2 * 3 * 2
    assert len(set(drawn.values())) == 2 * 3


def test_reinitialized_weights_are_none_that_a_method_can_draw(lab):
    rows = by_label(lab.search(shipped_methods()["imp-reinit"], controls=("reinitialized",)))
    assert rows["reinitialized"]["mask_digest"] == rows[""]["mask_digest"]
    assert rows["reinitialized"]["curve"] != rows[""]["curve"]


def test_a_method_that_masks_its_initial_weights_itself_carries_nothing_and_its_control_neither(lab):
    source = """
        @method("mine", title="Mine")
        def mine(search):
            for mask in masks_of(search, search.initial):
                yield Ticket(mask, search.initial.replace(mask=mask))
    """
    rows = lab.search(source, controls=("shuffled",))
    assert {(row["label"], row["carried"]) for row in rows} == {("", False), ("shuffled", False)}


def test_the_narrow_network_has_as_many_weights_as_the_ticket_and_no_more(lab, imp):
    task = lab.task(network__options__hidden=[40], ladder__rounds=2)
    whole = lab.dense(task, 1)
    rows = [row for row in lab.search(imp, task, 1, controls=("small-dense",)) if row["kind"] == "control"]
    assert len(rows) == 2
    for row in rows:
        inputs, outputs, hidden = 64, 10, layers(row)["hidden.0.weight"] // 64
        assert layers(row) == {"hidden.0.weight": inputs * hidden, "output.weight": hidden * outputs}
        asked = by_label(lab.search(imp, task, 1), row["rung"])[""]["kept"]
        assert row["kept"] <= asked < (hidden + 1) * (inputs + outputs)
        assert (row["prunable"], row["density"]) == (40 * 74, row["kept"] / (40 * 74))
        assert (row["flops"], row["bytes_sparse"]) == (2 * row["kept"], 4 * (row["kept"] + hidden + outputs))
        for name in ("parameters", "flops_dense", "bytes_dense"):  # of the network it stands beside
            assert row[name] == whole[name]
        narrow = lab.task(id="tiny/narrow", network__options__hidden=[hidden])
        assert row["curve"] == lab.dense(narrow, 1)["curve"]


def test_where_no_network_is_narrow_enough_the_row_says_so(lab, imp):
    task = lab.task(network__options__hidden=[2], ladder__prune=0.9, ladder__rounds=1)
    row = by_label(lab.search(imp, task, controls=("small-dense",)), 1)["small-dense"]
    assert (row["status"], row["test_final"]) == ("not applicable", None)
    assert row["reason"] == "no network of this kind, mlp, has 15 weights or fewer"


def test_long_dense_is_trained_as_long_as_search_and_ticket_with_its_recipe_stretched(lab, imp):
    rows = lab.search(imp, controls=("long-dense",))
    for rung in (1, 3):
        ticket, long = by_label(rows, rung)[""], by_label(rows, rung)["long-dense"]
        total = ticket["search_steps"] + ticket["training_steps"]
        assert total == 30 * (rung + 1)
        assert (long["training_steps"], long["search_steps"]) == (total, 0)
        assert (long["kept"], long["density"]) == (long["prunable"], 1.0)
        stretched = lab.task(
            id="tiny/long", training__steps=total, training__evaluate_every=10 * (rung + 1),
            training__schedule={"milestones": [20 * (rung + 1)], "factor": 0.5},
        )  # fmt: skip
        assert long["curve"] == lab.dense(stretched)["curve"]


def test_long_dense_counts_what_a_ticket_that_starts_late_was_trained(lab):
    rows = by_label(lab.search(SPARSE, controls=("long-dense",)))
    assert (rows[""]["search_steps"], rows[""]["training_steps"]) == (30 + 10, 10)
    assert rows["long-dense"]["training_steps"] == 50


def test_the_store_keeps_no_rewind_step_of_the_dense_controls(lab, imp):
    lab.search(imp, controls=("small-dense", "long-dense"))
    assert len(list((lab.folder / "store" / "kept").rglob("10.safetensors"))) == 1  # the task's own dense network's


def test_a_network_that_cannot_be_narrowed_says_so(lab, imp, monkeypatch):
    body = "    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, classes))\n"
    (lab.folder / "plain_net.py").write_text(f"from torch import nn\n\n\ndef net(shape, classes):\n{body}")
    monkeypatch.chdir(lab.folder)
    task = lab.task(**{"network.options.hidden": None, "network": {"factory": "plain_net:net"}})
    row = by_label(lab.search(imp, task, controls=("small-dense",)))["small-dense"]
    assert row["status"] == "not applicable"
    assert row["reason"] == "plain_net:net takes no shrink, so there is no narrower network of its kind"


def test_a_narrower_network_of_other_layers_is_no_control(lab, imp, monkeypatch):
    (lab.folder / "odd_net.py").write_text(
        "from torch import nn\n\n\ndef net(shape, classes, shrink=1.0):\n"
        "    if shrink < 1:\n        return nn.Sequential(nn.Flatten(), nn.Linear(64, 1), nn.Linear(1, classes))\n"
        "    return nn.Sequential(nn.Flatten(), nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, classes))\n"
    )
    monkeypatch.chdir(lab.folder)
    task = lab.task(**{"network.options.hidden": None, "network": {"factory": "odd_net:net"}})
    row = by_label(lab.search(imp, task, controls=("small-dense",)))["small-dense"]
    assert (row["status"], row["reason"]) == ("not applicable", "a narrower odd_net:net has other layers")


def test_controls_cost_the_method_nothing_and_say_what_they_cost(lab, imp):
    beside = by_label(lab.search(imp, controls=tuple(CONTROLS)))
    alone = by_label(lab.search(imp))
    assert beside[""]["search_steps"] == alone[""]["search_steps"] == 60
    assert {name: beside[name]["search_steps"] for name in CONTROLS} == {
        "shuffled": 60, "reinitialized": 60, "random-layer": 60, "small-dense": 0, "long-dense": 0,
    }  # fmt: skip


def test_tickets_are_the_same_with_controls_and_without(lab, imp, compared):
    alone = compared(lab.search(imp, store="one"))
    beside = compared(lab.search(imp, store="two", controls=tuple(CONTROLS)))
    assert alone.items() <= beside.items()


def test_masks_follow_a_ticket_to_every_setting_and_dense_networks_stay_at_home(lab, imp):
    task = lab.task(settings=LABELS)
    rows = lab.search(imp, task, setting="low", controls=tuple(CONTROLS))
    trained_on = {name: {r["trained_on"] for r in rows if r["label"] == name} for name in CONTROLS}
    assert trained_on == {
        "shuffled": {"low", "high"}, "reinitialized": {"low", "high"}, "random-layer": {"low", "high"},
        "small-dense": {"low"}, "long-dense": {"low"},
    }  # fmt: skip
    digests = {r["trained_on"]: r["mask_digest"] for r in rows if (r["label"], r["rung"]) == ("shuffled", 1)}
    assert digests["low"] == digests["high"]


def test_tickets_with_labels_have_controls_of_their_own(lab):
    rows = lab.search(
        """
        @method("mine", title="Mine")
        def mine(search):
            for mask in masks_of(search, search.initial):
                yield [Ticket(mask, search.initial), Ticket(mask, search.reinitialized(2), label="anew")]
        """,
        controls=("shuffled",),
    )
    assert sorted(row["label"] for row in rows if row["rung"] == 1) == ["", "anew", "shuffled", "shuffled of anew"]


@st.composite
def sparse_states(draw):
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10**6)))
    sizes = {"one": (4, 5), "two": (3, 7)}
    dense = State(
        step=3,
        weights={n: torch.randn(size, generator=generator) for n, size in sizes.items()} | {"bias": torch.ones(3)},
        buffers={},
        mask={n: torch.ones(size, dtype=torch.bool) for n, size in sizes.items()},
        optimizer={f"exp_avg/{n}": torch.randn(size, generator=generator) for n, size in sizes.items()},
        optimizer_name="adam",
    )
    mask = {n: torch.rand(size, generator=generator) < draw(st.floats(0.1, 0.9)) for n, size in sizes.items()}
    return dense, derive(dense, mask=mask)


def checkpoint(state):
    return Checkpoint(None, state.step, lambda: state)


@given(sparse_states(), st.integers(0, 100))
@settings(deadline=None)
def test_a_shuffle_permutes_within_layers_the_mask_alone_or_with_its_weights(drawn, seed):
    dense, pruned = drawn
    for unpruned in (checkpoint(dense), None):
        made = [shuffle(checkpoint(pruned), unpruned, torch.Generator().manual_seed(seed)).state() for _ in range(2)]
        shuffled = made[0]
        assert shuffled.digest() == made[1].digest()
        for name, kept in shuffled.mask.items():
            assert int(kept.sum()) == int(pruned.mask[name].sum())
            assert not shuffled.weights[name][~kept].any()
            assert not shuffled.optimizer[f"exp_avg/{name}"][~kept].any()
            if unpruned is not None:
                assert torch.equal(shuffled.weights[name][kept], dense.weights[name][kept])
            else:
                assert sorted(shuffled.weights[name].flatten()) == sorted(pruned.weights[name].flatten())
                moved, slots = shuffled.weights[name][kept], shuffled.optimizer[f"exp_avg/{name}"][kept]
                before = dict(
                    zip(
                        pruned.weights[name].flatten().tolist(),
                        pruned.optimizer[f"exp_avg/{name}"].flatten().tolist(),
                        strict=True,
                    )
                )
                assert [before[weight] for weight in moved.tolist()] == slots.tolist()
        assert torch.equal(shuffled.weights["bias"], dense.weights["bias"])
        assert shuffled.step == 3

"""Controls: each changed what it says, kept what it must, and cost what it cost."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ticketbench.errors import TicketbenchError
from ticketbench.harness.controls import CONTROLS, chosen, shuffle
from ticketbench.harness.plan import make_plan
from ticketbench.methods import Checkpoint, shipped_methods
from ticketbench.methods.state import State, derive

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


@pytest.fixture
def imp():
    return shipped_methods()["imp"]


def layers(row):
    return {each["layer"]: each["kept"] for each in row["kept_per_layer"]}


@pytest.mark.parametrize("name", ["shuffled", "reinitialized", "random-layer"])
def test_counts_per_layer_are_the_tickets_own(lab, imp, name):
    for row in lab.search(imp, controls=(name,)):
        if row["kind"] == "control":
            ticket = by_label(lab.search(imp), row["rung"])[""]
            assert layers(row) == layers(ticket)
            assert (row["kept"], row["density"]) == (ticket["kept"], ticket["density"])
            assert (row["method"], row["seed"], row["label"]) == ("imp", 0, name)
            assert row["curve"] != ticket["curve"]


def test_shuffled_and_random_masks_lie_elsewhere_and_reinitialized_ones_do_not(lab, imp):
    rows = by_label(lab.search(imp, controls=("shuffled", "reinitialized", "random-layer")))
    digests = {label: row["mask_digest"] for label, row in rows.items()}
    assert digests["reinitialized"] == digests[""]
    assert len({digests[""], digests["shuffled"], digests["random-layer"]}) == 3


def test_reinitialized_is_what_a_method_gets_that_draws_anew(lab, imp):
    rows = by_label(lab.search(imp, controls=("reinitialized",)))
    anew = by_label(lab.search(shipped_methods()["imp-reinit"]))
    same = ("curve", "test_correct", "mask_digest", "start_step", "training_steps", "search_steps")
    assert [rows["reinitialized"][name] for name in same] == [anew[""][name] for name in same]


def test_a_shuffled_ticket_keeps_its_step_schedule_and_origin(lab):
    rows = by_label(lab.search(SPARSE, controls=("shuffled",)))
    ticket, shuffled = rows[""], rows["shuffled"]
    for name in ("start_step", "training_steps", "optimizer_state", "carried"):
        assert shuffled[name] == ticket[name]
    assert (ticket["start_step"], ticket["carried"]) == (20, True)


def test_the_narrow_network_has_as_many_weights_as_the_ticket_and_no_more(lab, imp):
    task = lab.task(network__options__hidden=[40], ladder__rounds=2)
    for row in (r for r in lab.search(imp, task, controls=("small-dense",)) if r["kind"] == "control"):
        inputs, outputs, hidden = 64, 10, layers(row)["hidden.0.weight"] // 64
        assert layers(row) == {"hidden.0.weight": inputs * hidden, "output.weight": hidden * outputs}
        asked = by_label(lab.search(imp, task), row["rung"])[""]["kept"]
        assert row["kept"] <= asked < (hidden + 1) * (inputs + outputs)
        assert (row["prunable"], row["density"]) == (40 * 74, row["kept"] / (40 * 74))
        assert row["parameters"] == row["kept"] + hidden + outputs
        assert row["flops"] == row["flops_dense"] == 2 * row["kept"]
        narrow = lab.task(id="tiny/narrow", network__options__hidden=[hidden])
        assert row["curve"] == lab.dense(narrow)["curve"]


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


def test_a_run_that_asks_for_controls_later_adds_them_and_trains_nothing_else(lab, imp):
    task = lab.task()
    before = lab.run([task], [imp], 2)
    lab.asked.clear()
    after = lab.run([task], [imp], 2, controls=("shuffled",))
    assert [row["row_id"] for row in after if row["kind"] != "control"] == [row["row_id"] for row in before]
    assert sum(row["kind"] == "control" for row in after) == lab.asked.count(True) == 6
    plan = make_plan([task], [imp], 2, lab.folder / "results", ("shuffled",))
    assert (plan.rows, plan.there) == (0, 14)
    assert make_plan([task], [imp], 2, lab.folder / "results").rows == 0


def test_what_is_to_come_counts_the_controls(lab, imp):
    plan = make_plan([lab.task(settings=LABELS)], [imp], 1, lab.folder / "results", chosen(tuple(CONTROLS)))
    tickets, everywhere, at_home = 2 * 3 * 2, 2 * 3 * 3 * 2, 2 * 3 * 2
    assert plan.rows == 2 + tickets + everywhere + at_home


def test_an_unknown_control_is_told_with_those_there_are(lab):
    with pytest.raises(TicketbenchError, match=r"Unknown control 'shufled'\. Did you mean 'shuffled'"):
        chosen(("shufled",))


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
    return dense, mask


def checkpoint(state):
    return Checkpoint(None, state.step, lambda: state)


@given(sparse_states(), st.integers(0, 100))
@settings(deadline=None)
def test_a_shuffle_permutes_within_layers_and_takes_weights_along_only_where_they_were_pruned(drawn, seed):
    dense, mask = drawn
    pruned = derive(dense, mask=mask)
    for submitted in (dense, pruned):
        ticket, start = checkpoint(submitted), checkpoint(submitted).replace(mask=mask)
        shuffled = shuffle(ticket, start, torch.Generator().manual_seed(seed)).state()
        again = shuffle(ticket, start, torch.Generator().manual_seed(seed)).state()
        assert shuffled.digest() == again.digest()
        for name, kept in shuffled.mask.items():
            assert int(kept.sum()) == int(mask[name].sum())
            assert not shuffled.weights[name][~kept].any()
            assert not shuffled.optimizer[f"exp_avg/{name}"][~kept].any()
            if submitted is dense:
                assert torch.equal(shuffled.weights[name][kept], dense.weights[name][kept])
        if submitted is pruned and any(not torch.equal(shuffled.mask[n], mask[n]) for n in mask):
            for name in mask:
                assert sorted(shuffled.weights[name].flatten()) == sorted(pruned.weights[name].flatten())
        assert torch.equal(shuffled.weights["bias"], dense.weights["bias"])
        assert shuffled.step == 3

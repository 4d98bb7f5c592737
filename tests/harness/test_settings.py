"""Settings: a ticket found on one is trained on all, from one draw of weights, for one number of steps."""

import pytest
import torch

from ticketbench.errors import TicketbenchError
from ticketbench.harness.bench import Bench
from ticketbench.harness.search import DENSE_METHOD
from ticketbench.harness.training import Member, advance
from ticketbench.harness.workloads import workloads_of
from ticketbench.methods import shipped_methods
from ticketbench.methods.state import derive

LABELS = {"low": {"data": {"labels": [0, 1, 2]}}, "high": {"data": {"labels": [3, 4, 5, 6, 7, 8, 9]}}}
HEADS = {
    "low": {"data": {"labels": [0, 1, 2], "relabel": True}},
    "high": {"data": {"labels": [9, 3, 4, 5, 6, 7, 8], "relabel": True}},
}
OPTIMIZERS = {"adam": {}, "sgd": {"training": {"optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9}}}}
UNSHARED = {"network__unshared": ["output.weight", "output.bias"]}
CPU = torch.device("cpu")

MAGNITUDE = """
    @method("mine", title="Mine")
    def mine(search):
        trained = yield search.dense
        for mask in masks_of(search, trained):
            yield Ticket(mask, search.initial)
"""
TUNED = """
    @method("mine", title="Mine")
    def mine(search):
        trained = yield search.dense
        for mask in masks_of(search, trained):
            yield Ticket(mask, trained.replace(step=10))
"""


def bench(lab, task, setting, seed=0):
    return Bench(task, DENSE_METHOD, setting, seed, None, lab.trainings(task))


def cells(rows):
    return {(row["rung"], row["trained_on"]): row for row in rows}


def test_one_length_of_training_counted_on_the_largest_setting(lab):
    task = lab.task(settings=LABELS, training__steps=None, training__epochs=2.0, training__schedule={})
    low, high = (workloads_of(task, CPU)[name] for name in ("low", "high"))
    assert low.examples < high.examples
    assert low.steps == high.steps == round(2 * high.examples / task.training.batch_size)
    rows = lab.run([task], [lab.method(MAGNITUDE)])
    assert {row["curve"][-1]["step"] for row in rows} == {high.steps}


def test_a_setting_filters_training_validation_and_test_alike(lab):
    low = workloads_of(lab.task(settings=LABELS), CPU)["low"]
    whole = workloads_of(lab.task(), CPU)["default"]
    for mine, all_of_them in (
        (low._train, whole._train),
        (low._validation, whole._validation),
        (low._test, whole._test),
    ):
        chosen = all_of_them.targets < 3
        assert torch.equal(mine.targets, all_of_them.targets[chosen])
        assert torch.equal(mine.inputs, all_of_them.inputs[chosen])


def test_weights_draws_and_generator_are_the_same_in_every_setting(lab):
    task = lab.task(settings=LABELS)
    one, other = bench(lab, task, "low"), bench(lab, task, "high")
    assert one.initial.key == other.initial.key
    assert one.reinitialized(3).key == other.reinitialized(3).key != one.initial.key
    assert torch.equal(one.rng.get_state(), other.rng.get_state())
    assert one.ladder == other.ladder


def test_heads_of_their_own_stay_dense_uncounted_and_differ(lab):
    task = lab.task(settings=HEADS, **UNSHARED)
    one, other = bench(lab, task, "low").initial, bench(lab, task, "high").initial
    assert one.weights["output.weight"].shape == (3, 8)
    assert other.weights["output.weight"].shape == (7, 8)
    assert torch.equal(one.weights["hidden.0.weight"], other.weights["hidden.0.weight"])
    assert list(one.mask) == list(other.mask) == ["hidden.0.weight"]
    rows = lab.run([task], [lab.method(MAGNITUDE)])
    tickets = [row for row in rows if row["kind"] == "ticket"]
    assert {row["prunable"] for row in tickets} == {64 * 8}
    assert {(row["trained_on"], row["parameters"]) for row in tickets} == {
        ("low", 64 * 8 + 8 + 8 * 3 + 3), ("high", 64 * 8 + 8 + 8 * 7 + 7),
    }  # fmt: skip
    assert {row["test_examples"] for row in tickets if row["trained_on"] == "low"} != {
        row["test_examples"] for row in tickets if row["trained_on"] == "high"
    }


def test_a_ticket_with_another_settings_head_takes_the_first_draw_of_the_one_it_is_trained_on(lab):
    task = lab.task(settings=HEADS, **UNSHARED)
    row = cells(lab.search(TUNED, task, setting="low"))[1, "high"]
    low, high = (workloads_of(task, CPU)[name] for name in ("low", "high"))
    (trained,) = advance([Member(low.initial(0), 0)], low.steps, low)
    scores = {"hidden.0.weight": trained.weights["hidden.0.weight"].abs()}
    kept = torch.zeros(64 * 8, dtype=torch.bool)
    kept[scores["hidden.0.weight"].flatten().argsort(descending=True, stable=True)[: row["kept"]]] = True
    ticket = derive(trained, mask={"hidden.0.weight": kept.view(8, 64)}, step=10)
    head = high.initial(0).weights
    weights = {n: head[n] if n.startswith("output") else w for n, w in ticket.weights.items()}
    optimizer = {n: t for n, t in ticket.optimizer.items() if "output" not in n}
    start = type(ticket)(10, weights, {}, ticket.mask, optimizer, ticket.optimizer_name)
    (expected,) = advance([Member(start, 0)], high.steps, high)
    assert row["test_final"] == expected.history.points[-1].test
    assert row["early_losses"] == pytest.approx(expected.history.early_losses, abs=0)
    assert (row["carried"], row["optimizer_state"]) == (True, "carried")


def test_n_settings_give_n_by_n_rows_and_off_the_diagonal_is_what_training_there_gives(lab):
    task = lab.task(settings=LABELS)
    rows = cells(lab.search(MAGNITUDE, task, setting="low"))
    assert set(rows) == {(rung, setting) for rung in (1, 2, 3) for setting in LABELS}
    low, high = (workloads_of(task, CPU)[name] for name in ("low", "high"))
    (trained,) = advance([Member(low.initial(0), 0)], low.steps, low)
    for rung in (1, 3):
        counts = {each["layer"]: each["kept"] for each in rows[rung, "high"]["kept_per_layer"]}
        mask = {}
        for name in low.prunable:
            order = trained.weights[name].abs().flatten().argsort(descending=True, stable=True)
            mask[name] = torch.zeros(order.numel(), dtype=torch.bool)
            mask[name][order[: counts[name]]] = True
            mask[name] = mask[name].view(trained.weights[name].shape)
        (expected,) = advance([Member(derive(high.initial(0), mask=mask), 0)], high.steps, high)
        assert [point["test"] for point in rows[rung, "high"]["curve"]] == [p.test for p in expected.history.points]
        assert rows[rung, "high"]["test_correct"] == expected.history.test_correct


def test_one_random_mask_whatever_setting_it_was_found_on(lab):
    task = lab.task(settings=LABELS)
    method = shipped_methods()["random-layer"]
    rows = {name: cells(lab.search(method, task, setting=name)) for name in LABELS}
    for cell, row in rows["low"].items():
        other = rows["high"][cell]
        assert row["row_id"] != other["row_id"]
        assert (row["mask_digest"], row["curve"]) == (other["mask_digest"], other["curve"])
    assert lab.asked.count(True) == len(rows["low"])  # the others were in the store


@pytest.mark.parametrize("step", [20, 30])
def test_a_checkpoint_submitted_as_it_is_is_evaluated_anew_where_another_setting_is_scored(lab, step):
    source = f"""
        @method("mine", title="Mine")
        def mine(search):
            for mask in masks_of(search, search.initial):
                trained = yield Train(search.initial.replace(mask=mask), {step})
                yield Ticket(mask, trained)
    """
    task = lab.task(settings=LABELS)
    rows = cells(lab.search(source, task, setting="low"))
    for rung in (1, 2, 3):
        here, there = rows[rung, "low"], rows[rung, "high"]
        assert len(there["test_correct"]) == (there["test_examples"] + 7) // 8
        assert [point["step"] for point in here["curve"]] == [0, 10, 20, 30]
        assert [point["step"] for point in there["curve"]] == list(range(step, 31, 10))
        assert here["mask_digest"] == there["mask_digest"]
        assert there["curve"][0]["test"] != here["curve"][step // 10]["test"]


@pytest.mark.parametrize("draw", [0, 1])
def test_heads_off_the_diagonal_are_of_the_draw_that_the_ticket_starts_from(lab, draw):
    source = f"""
        @method("mine", title="Mine")
        def mine(search):
            start = search.reinitialized({draw}) if {draw} else search.initial
            for rung in search.ladder:
                scores = {{name: torch.arange(kept.numel()).view(kept.shape) for name, kept in start.mask.items()}}
                yield Ticket(keep_largest(scores, rung), start)
    """
    task = lab.task(settings=HEADS, **UNSHARED)
    rows = {name: cells(lab.search(source, task, setting=name)) for name in HEADS}
    for cell in rows["low"]:
        assert rows["low"][cell]["mask_digest"] == rows["high"][cell]["mask_digest"]
        assert rows["low"][cell]["curve"] == rows["high"][cell]["curve"]


def test_the_name_of_a_setting_is_no_part_of_a_training(lab):
    mine = lab.method(MAGNITUDE)
    lab.run([lab.task(settings=LABELS)], [mine])
    lab.asked.clear()
    renamed = {"few": LABELS["low"], "many": LABELS["high"]}
    lab.run([lab.task(id="tiny/renamed", settings=renamed)], [mine])
    assert lab.asked and not any(lab.asked)


def test_optimizer_state_goes_with_a_ticket_unless_another_optimizer_wrote_it(lab):
    task = lab.task(settings=OPTIMIZERS)
    rows = {name: cells(lab.search(TUNED, task, setting=name)) for name in OPTIMIZERS}
    said = {(found, trained): rows[found][1, trained]["optimizer_state"] for found in rows for trained in rows}
    assert said == {
        ("adam", "adam"): "carried",
        ("adam", "sgd"): "dropped",
        ("sgd", "sgd"): "carried",
        ("sgd", "adam"): "dropped",
    }
    plain = OPTIMIZERS | {"plain": {"training": {"optimizer": {"name": "sgd", "lr": 0.1}}}}
    without_momentum = cells(lab.search(TUNED, lab.task(settings=plain), setting="sgd"))[1, "plain"]
    assert without_momentum["optimizer_state"] == "dropped"
    assert rows["adam"][1, "adam"]["early_losses"] != rows["adam"][1, "sgd"]["early_losses"]


def test_only_tickets_with_trained_weights_carry_them(lab):
    task = lab.task(settings=LABELS)
    assert {row["carried"] for row in lab.search(MAGNITUDE, task, setting="low")} == {False}
    assert {row["carried"] for row in lab.search(TUNED, task, setting="low")} == {True}


def test_a_method_is_sent_back_the_ticket_trained_on_its_own_setting(lab):
    source = """
        @method("mine", title="Mine")
        def mine(search):
            for rung in search.ladder:
                mask = keep_largest(scores_of(search.initial), rung)
                scored = yield Ticket(mask, search.initial)
                again = yield Train(search.initial.replace(mask=mask), search.steps)
                assert all((scored.weights[name] == again.weights[name]).all() for name in scored.weights)
                assert search.task.data.labels == (3, 4, 5, 6, 7, 8, 9)
    """
    rows = lab.search(source, lab.task(settings=LABELS), setting="high")
    assert {row["found_on"] for row in rows} == {"high"}


def test_the_order_in_which_a_file_lists_settings_changes_no_row(lab, compared):
    forwards = lab.run([lab.task(settings=HEADS, **UNSHARED)], [lab.method(MAGNITUDE)], results="one", store="one")
    backwards = dict(reversed(HEADS.items()))
    again = lab.run([lab.task(settings=backwards, **UNSHARED)], [lab.method(MAGNITUDE)], results="two", store="two")
    assert compared(forwards) == compared(again)


def test_dense_networks_have_a_row_in_every_setting(lab):
    rows = lab.run([lab.task(settings=LABELS)], [lab.method(MAGNITUDE)], 2)
    dense = [(row["found_on"], row["trained_on"], row["seed"]) for row in rows if row["kind"] == "dense"]
    assert sorted(dense) == sorted((name, name, seed) for name in LABELS for seed in (0, 1))


def test_a_finished_matrix_is_not_begun_again(lab):
    task, mine = lab.task(settings=LABELS), lab.method(MAGNITUDE)
    rows = lab.run([task], [mine])
    lab.asked.clear()
    assert lab.run([task], [mine]) == rows
    assert lab.asked == []


def test_settings_of_different_shapes_say_what_to_do(lab):
    with pytest.raises(TicketbenchError, match=r"output\.weight has shape \(\d, 8\).*network\.unshared"):
        workloads_of(lab.task(settings=HEADS), CPU)


def test_a_rewind_step_past_the_end_of_so_many_epochs_is_told(lab):
    task = lab.task(training__steps=None, training__epochs=0.2, training__schedule={}, training__rewind_step=10)
    with pytest.raises(TicketbenchError, match="rewind_step 10 must come before the last step, 4"):
        workloads_of(task, CPU)

"""What stands in a row: every column against what it says it is."""

import getpass
import json
import re
import socket
from datetime import UTC, datetime
from math import sqrt

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from ticketbench import __version__
from ticketbench.errors import TicketbenchError
from ticketbench.harness.rows import parameters_text, stored_bytes
from ticketbench.harness.training import ENGINE_VERSION, Evaluation
from ticketbench.harness.workloads.vision import Vision
from ticketbench.methods import Method
from ticketbench.results import SCHEMA, row_id

IMP = """
    @method("mine", title="Mine")
    def mine(search):
        trained = yield search.dense
        for rung in search.ladder:
            trained = yield Ticket(keep_largest(scores_of(trained), rung, within=trained.mask), search.initial)
"""


def test_identity_says_whose_row_it_is(lab):
    task, found = lab.task(), lab.method(IMP)
    rows = lab.search(found, task, seed=3)
    for index, row in enumerate(rows, 1):
        assert list(row) == SCHEMA.names
        assert row["row_id"] == row_id(row)
        assert (row["kind"], row["task"], row["task_version"], row["task_digest"]) == (
            "ticket",
            task.id,
            1,
            task.digest,
        )
        assert (row["method"], row["method_params"], row["method_digest"]) == ("mine", "{}", found.digest)
        assert (row["found_on"], row["trained_on"], row["seed"], row["rung"]) == ("default", "default", 3, index)
        assert (row["label"], row["numerics"], row["status"], row["reason"]) == ("", "fp32", "done", "")


def test_sparsity_is_what_was_counted(lab):
    for row in lab.search(IMP):
        layers = {each["layer"]: (each["kept"], each["prunable"]) for each in row["kept_per_layer"]}
        assert layers == {
            "hidden.0.weight": (512 >> row["rung"], 512),
            "output.weight": (80 >> row["rung"], 80),
        }
        assert row["kept"] == sum(kept for kept, _ in layers.values())
        assert (row["prunable"], row["parameters"]) == (592, 592 + 8 + 10)
        assert row["density"] == row["density_asked"] == row["kept"] / 592
    dense = lab.dense()
    assert (dense["kind"], dense["method"], dense["rung"], dense["kept"], dense["density"]) == (
        "dense",
        "dense",
        0,
        592,
        1,
    )


def test_quality_is_read_off_the_curve_and_test_chooses_nothing(lab):
    rows = [*lab.search(IMP), lab.dense()]
    for row in rows:
        curve = row["curve"]
        assert [point["step"] for point in curve] == [0, 10, 20, 30]
        assert curve[0]["training_loss"] is None
        assert curve[1]["training_loss"] == pytest.approx(np.mean(row["early_losses"][:10]), rel=1e-6)
        best = min(curve, key=lambda point: point["validation_loss"])
        assert row["best_step"] == best["step"]
        assert (row["test_best"], row["validation_best"]) == (best["test"], best["validation"])
        assert row["loss_validation_best"] == best["validation_loss"]
        assert (row["test_final"], row["validation_final"]) == (curve[-1]["test"], curve[-1]["validation"])
        bits = np.unpackbits(np.frombuffer(row["test_correct"], dtype=np.uint8))
        assert (len(row["test_correct"]), row["test_examples"]) == (45, 360)
        assert bits.sum() / 360 == row["test_final"]
        assert len(row["early_losses"]) == 16
        assert 0 < row["distance_moved"] <= row["path_length"]
        assert (row["metric"], row["higher_is_better"], row["test_scores"]) == ("accuracy", True, None)


def test_best_is_where_validation_loss_is_lowest_and_the_first_of_equals(lab, monkeypatch):
    losses = iter([3.0, 1.0, 1.0, 2.0])
    right = iter([0.1, 0.2, 0.9, 0.8])

    def evaluate(self, network):
        return Evaluation(next(losses), 0.5, 0.0, next(right), torch.ones(360, dtype=torch.bool), False)

    monkeypatch.setattr(Vision, "evaluate", evaluate)
    row = lab.dense()
    assert (row["best_step"], row["loss_validation_best"]) == (10, 1.0)
    assert (row["test_best"], row["test_final"]) == (0.2, 0.8)  # 0.9 is the best that nobody may choose


def test_test_correct_says_which_examples_are_right_at_the_end(lab):
    task = lab.task()
    row, workload = lab.dense(task), lab.trainings(task).workloads["default"]
    (file,) = (lab.folder / "store").rglob("30.safetensors")
    stored = load_file(file)
    network = workload.fresh_module().eval()
    network.load_state_dict(
        {key.removeprefix("weights:"): t for key, t in stored.items() if key.startswith("weights:")}
    )
    right = network(workload._test.inputs).argmax(1) == workload._test.targets
    bits = np.unpackbits(np.frombuffer(row["test_correct"], dtype=np.uint8)).astype(bool)
    assert bits.tolist() == right.tolist()
    assert 0 < bits.sum() < 360


def test_a_curve_starts_where_the_ticket_starts(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            first, second, third = masks_of(search, search.initial)
            early = yield search.at(7)
            dense = yield search.dense
            yield Ticket(first, early)
            yield Ticket(second, dense.replace(step=20))
            yield Ticket(third, dense)
    """)
    assert [row["start_step"] for row in rows] == [7, 20, 30]
    assert [[point["step"] for point in row["curve"]] for row in rows] == [[7, 10, 20, 30], [20, 30], [30]]
    assert [row["training_steps"] for row in rows] == [23, 10, 0]
    assert [len(row["early_losses"]) for row in rows] == [16, 10, 0]


def test_the_distances_are_those_between_the_weights(lab):
    rows = lab.search("""
        def apart(one, other):
            return sum(((one[name].double() - other[name].double()) ** 2).sum() for name in one).sqrt().item()

        @method("mine", title="Mine")
        def mine(search):
            first, *others = masks_of(search, search.initial)
            start = search.initial.replace(mask=first)
            stops = [start, *(yield [Train(start, step) for step in (10, 20, 30)])]
            weights = [stop.weights for stop in stops]
            path = sum(apart(one, other) for one, other in zip(weights, weights[1:]))
            yield Ticket(first, search.initial, label=f"{path:.9f} {apart(weights[0], weights[-1]):.9f}")
            yield [Ticket(mask, search.initial) for mask in others]
    """)
    path, moved = map(float, rows[0]["label"].split())
    assert rows[0]["path_length"] == pytest.approx(path, rel=1e-9)
    assert rows[0]["distance_moved"] == pytest.approx(moved, rel=1e-9)


STARTS = {
    # weights of initial or of another draw are nobody's training
    "search.initial": ("fresh", False, False),
    "search.reinitialized(2)": ("fresh", False, False),
    "search.initial.replace(step=5)": ("fresh", False, False),
    "early": ("carried", True, False),
    "early.replace(optimizer=None)": ("fresh", True, False),
    "trained.replace(step=10)": ("carried", True, False),
    "other": ("dropped", True, False),
    # weights that no network of the harness had
    "early.replace(weights={'output.bias': torch.ones(10)})": ("carried", True, True),
    "search.initial.replace(weights={n: w * 2 for n, w in initial.items()})": ("fresh", True, True),
    "search.initial.replace(weights={n: w.flip(0) for n, w in initial.items()})": ("fresh", True, True),
    # the weights of two of them, place by place; and pruned weights do not count
    "trained.replace(weights={'output.bias': initial['output.bias']})": ("carried", True, False),
    "search.initial.replace(weights={n: torch.where(mask[n], initial[n], 9.) for n in mask})": (
        "fresh",
        False,
        False,
    ),
    # only a buffer edited
    "early.replace(buffers={n: b + 1 for n, b in early.buffers.items()})": ("carried", True, True),
    "search.initial.replace(buffers=trained.buffers)": ("fresh", False, False),
}


@pytest.mark.parametrize("start", STARTS, ids=range(len(STARTS)))
def test_where_a_ticket_starts_from_is_said(lab, start):
    found = lab.method(f"""
        @method("mine", title="Mine")
        def mine(search, rung):
            mask, initial = keep_largest(scores_of(search.initial), rung), search.initial.weights
            sgd = Recipe(optimizer={{"name": "adam", "lr": 0.01}})
            early, trained, other = yield [search.at(10), search.dense, Train(search.initial, 10, recipe=sgd)]
            yield Ticket(mask, {start})
    """)
    rows = lab.search(found, lab.task(conv=True, ladder__rounds=1))
    said = [(row["optimizer_state"], row["carried"], row["edited"]) for row in rows]
    assert said == [STARTS[start]]


def test_a_network_that_answers_one_class_is_collapsed(lab):
    task = lab.task(ladder__scope="global", ladder__prune=0.2, ladder__rounds=1)
    rows = lab.search(
        lab.method("""
        @method("mine", title="Mine")
        def mine(search):
            hidden, output = search.initial.prunable
            first = {hidden: torch.ones(8, 64), output: torch.zeros(10, 8)}
            yield Ticket(keep_largest(first, search.ladder[0].kept), search.initial)
    """),
        task,
    )
    (row,) = rows
    assert (row["status"], row["reason"]) == ("collapsed", "one class for every test example")
    assert row["kept_per_layer"] == [
        {"layer": "hidden.0.weight", "kept": 474, "prunable": 512},
        {"layer": "output.weight", "kept": 0, "prunable": 80},
    ]
    assert 0 < row["test_final"] < 0.2


def test_an_emptied_layer_alone_is_done(lab):
    task = lab.task(conv=True, ladder__prune=0.18, ladder__rounds=1, training__steps=100, training__schedule={})
    found = lab.method("""
        @method("mine", title="Mine")
        def mine(search):
            mask = {n: torch.full(w.shape, n != "block1.weight") for n, w in search.initial.prunable.items()}
            yield Ticket(mask, search.initial)  # the residual connection goes around it
    """)
    (row,) = lab.search(found, task)
    assert [each["kept"] for each in row["kept_per_layer"]] == [18, 0, 36, 72, 40]
    assert (row["status"], row["reason"]) == ("done", "")


def test_a_loss_that_is_not_finite_is_diverged_and_nothing_else_is_said_of_quality(lab):
    task = lab.task(training__optimizer={"name": "sgd", "lr": 1e30})
    dense, (first, *_) = lab.dense(task), lab.search(lab.method(IMP), task)
    assert dense["status"] == first["status"] == "diverged"
    assert re.fullmatch(r"the loss was not finite at step \d+", dense["reason"])
    assert first["reason"] == f"ended at rung 1: {dense['reason']}"
    for name in ("test_final", "test_best", "validation_final", "best_step", "loss_validation_best", "test_correct"):
        assert dense[name] is None
    assert dense["kept"] == 592 and dense["curve"][0]["step"] == 0
    assert first["kept"] is None and first["density_asked"] == 0.5


def test_operations_and_bytes_by_hand(lab):
    # 64 -> 8 -> 10: two operations a weight; 610 numbers of 4 bytes.
    for row in [*lab.search(IMP), lab.dense()]:
        hidden, output = (each["kept"] for each in row["kept_per_layer"])
        assert (row["flops_dense"], row["flops"]) == (2 * 592, 2 * (hidden + output))
        assert row["bytes_dense"] == 4 * 610
        compressed = [(hidden * 8 + 4 * 9, 512 * 4), (output * 8 + 4 * 11, 80 * 4)]
        assert row["bytes_sparse"] == 4 * 18 + sum(min(pair) for pair in compressed)


def test_operations_and_bytes_of_convolutions_by_hand(lab):
    # 8x8 images, width 2: stem 1->2, two of 2->2, a strided 2->4 on 4x4, then 4->10.
    rows = lab.search(lab.method(IMP), lab.task(conv=True))
    positions = {"stem": 64, "block1": 64, "block2": 64, "down": 16, "output": 1}
    sizes = {"stem": 18, "block1": 36, "block2": 36, "down": 72, "output": 40}
    for row in rows:
        kept = {each["layer"].removesuffix(".weight"): each["kept"] for each in row["kept_per_layer"]}
        assert row["flops_dense"] == 2 * sum(positions[name] * sizes[name] for name in sizes)
        assert row["flops"] == pytest.approx(2 * sum(positions[name] * kept[name] for name in sizes), rel=1e-12)
        assert row["parameters"] == sum(sizes.values()) + 10 + 2 * (2 + 2 + 2 + 4)


def test_a_layer_is_stored_compressed_only_where_that_is_smaller():
    weights = {"w": torch.zeros(2, 3, 5), "bias": torch.zeros(7)}
    assert stored_bytes(weights, {"w": 30}) == (37 * 4, 37 * 4)
    assert stored_bytes(weights, {"w": 14}) == (37 * 4, 37 * 4)  # 14 * 8 + 4 * 3 = 124 are more than 120
    assert stored_bytes(weights, {"w": 13}) == (37 * 4, 28 + 13 * 8 + 4 * 3)
    assert stored_bytes(weights, {"w": 0}) == (37 * 4, 28 + 12)


def test_a_single_number_that_is_pruned_is_stored_dense():
    assert stored_bytes({"scale": torch.tensor(1.0)}, {"scale": 0}) == (4, 4)


def test_provenance_says_what_made_a_row_and_nothing_of_who_or_where(lab, monkeypatch):
    rows = lab.search(IMP)
    for row in rows:
        assert (row["suite_version"], row["engine_version"]) == (__version__, ENGINE_VERSION)
        versions = {each["name"]: each["version"] for each in row["packages"]}
        assert versions["torch"] == torch.__version__.partition("+")[0] or versions["torch"] == torch.__version__
        assert next(iter(versions)) == "python"
        assert row["device"].startswith("cpu ") and row["threads"] == 1
        made = datetime.fromisoformat(row["finished_at"])
        assert made.utcoffset().total_seconds() == 0 and abs((datetime.now(UTC) - made).total_seconds()) < 600
        assert re.fullmatch("[0-9a-f]{64}", row["data_digest"])
    said = repr(
        [{k: v for k, v in row.items() if k not in ("test_correct", "curve", "early_losses")} for row in rows]
    )
    for secret in (socket.gethostname(), str(lab.folder), "/tmp", "/home", f"'{getpass.getuser()}'"):
        assert secret not in said


def test_time_and_memory_were_measured(lab):
    for row in lab.search(IMP):
        assert 0 < row["wall_seconds"] < 60 and 0 < row["device_seconds"] < 60
        assert 2**25 < row["peak_memory_bytes"] < 2**38


def test_parameters_not_at_their_defaults_are_canonical_json_or_an_error():
    def text(**parameters):
        defaults = {"a": 7, "b": (), "x": 0, "y": "", "z": {}}
        return parameters_text(Method("mine", "Mine", print, parameters=defaults | parameters, defaults=defaults))

    assert text() == text(a=7, y="") == "{}"
    assert text(b=(1, 2), a=None) == '{"a":null,"b":[1,2]}'
    assert json.loads(text(x=0.1, y="é", z={"k": True})) == {"x": 0.1, "y": "é", "z": {"k": True}}
    for odd in ({1, 2}, sqrt, b"bytes", object(), float("inf"), [float("nan")]):
        with pytest.raises(TicketbenchError, match=r"method 'mine': parameters are finite numbers.*x="):
            text(x=odd)

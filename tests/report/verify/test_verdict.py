"""Rows computed again: honest ones come out bit by bit, and whatever was forged is parted and named."""

import copy
from pathlib import Path

import numpy as np
import pytest

from ticketbench.report.verify.agreeing import unlike
from ticketbench.report.verify.text import summary
from ticketbench.results import read_rows, row_id, write_rows

RESULTS = Path(__file__).parents[3] / "results"


def ticket(seed, rung):
    return lambda row: (row["kind"], row["seed"], row["rung"]) == ("ticket", seed, rung)


def parted(verified):
    assert verified.verdict == "parted"
    (found,) = [each for each in verified.held if each.verdict == "parted"]
    return found


@pytest.mark.parametrize("method", ["dense", "imp", "random-layer", "han-threshold", "early-bird"])
def test_honest_rows_are_bit_identical(published, verified, method):
    """Tickets, controls and rows that are not applicable alike."""
    found = verified(published.folder / "tiny/mlp" / f"{method}.parquet", lambda row: row["seed"] < 2)
    assert found.verdict == "bit-identical" and found.outcome is None
    assert len(found.held) == len([row for row in published.rows(method) if row["seed"] < 2])


def test_a_changed_number_is_parted_though_every_column_was_made_to_fit(forged, verified, with_right):
    path = forged("random-layer", lambda row: with_right(row, 300), ticket(0, 1))
    found = parted(verified(path, ticket(0, 1)))
    assert {"test_final", "test_correct", "curve"} <= set(found.fields)
    assert "its curve parts at step 30: test 0.8333333333333334 published, " in found.why[0]


def test_bits_flipped_in_pairs_are_parted(forged, verified):
    """As many test examples are right as before; others."""

    def swap(row):
        bits = np.unpackbits(np.frombuffer(row["test_correct"], np.uint8))
        right, wrong = np.flatnonzero(bits == 1)[0], np.flatnonzero(bits[: row["test_examples"]] == 0)[0]
        bits[right], bits[wrong] = 0, 1
        row["test_correct"] = np.packbits(bits).tobytes()

    found = parted(verified(forged("imp", swap, ticket(1, 1)), ticket(1, 1)))
    assert found.fields == ("test_correct",)
    assert found.why == ("its curve is equal throughout",)


@pytest.mark.parametrize(
    ("column", "value", "step"),
    [("test_loss", 1.25, 10), ("training_loss", 1.25, 20), ("validation_loss", 9.0, 0)],
)
def test_a_changed_entry_of_the_curve_is_parted_at_its_step(forged, verified, column, value, step):
    def change(row):
        (point,) = [each for each in row["curve"] if each["step"] == step]
        point[column] = value

    found = parted(verified(forged("imp", change, ticket(0, 1)), ticket(0, 1)))
    assert found.fields == ("curve",)
    assert f"its curve parts at step {step}: {column} {value} published, " in found.why[0]


def test_the_first_of_several_changed_entries_is_named(forged, verified):
    def change(row):
        for point in row["curve"][1:]:
            point["test_loss"] += 1e-12

    assert (
        "its curve parts at step 10: test_loss"
        in parted(verified(forged("imp", change, ticket(0, 1)), ticket(0, 1))).why[0]
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"mask_digest": "0" * 64},
        {"search_steps": 30, "search_examples": 30 * 60},
        {"search_examples": 10**6},
        {"flops": 1.0},
        {"bytes_sparse": 1},
        {"path_length": 1.0},
        {"edited": True},
        {"optimizer_state": "carried"},
        {"early_losses": [2.3] * 16},
    ],
    ids=lambda changes: " and ".join(changes),
)
def test_every_other_compared_column_is_held_to_what_comes_out(forged, verified, changes):
    path = forged("random-layer", lambda row: row.update(changes), ticket(2, 2))
    found = parted(verified(path, ticket(2, 2)))
    assert set(found.fields) == set(changes)


def test_a_weight_moved_from_a_layer_to_another_is_parted(forged, verified):
    """All sums stay as they are."""

    def move(row):
        row["kept_per_layer"][0]["kept"] -= 1
        row["kept_per_layer"][1]["kept"] += 1

    assert parted(verified(forged("imp", move, ticket(2, 2)), ticket(2, 2))).fields == ("kept_per_layer",)


def test_rows_of_one_seed_published_as_anothers_are_parted(published, forged, verified):
    """Seed 1's tickets under seed 0's key, their ids made to fit."""
    others = {row["rung"]: row for row in published.rows("imp") if row["kind"] == "ticket" and row["seed"] == 1}

    def swap(row):
        row.update(copy.deepcopy(others[row["rung"]]) | {"seed": 0})

    found = verified(forged("imp", swap, lambda row: row["kind"] == "ticket" and row["seed"] == 0), ticket(0, 2))
    each = parted(found)
    assert each.published["seed"] == 0 and "parts at step 0" in each.why[0]


def test_another_methods_rows_under_this_name_are_parted(published, tmp_path, verified):
    """Random masks sold as iterative pruning: names, digests and costs of imp's own rows, ids that fit."""
    rows = []
    for ours, theirs in zip(published.rows("imp"), published.rows("random-layer"), strict=True):
        names = ("method", "method_digest", "search_steps", "search_examples")
        rows.append(theirs | {name: ours[name] for name in names})
        rows[-1]["row_id"] = row_id(rows[-1])
    path = tmp_path / "imp.parquet"
    write_rows(path, rows)
    found = verified(path, ticket(1, 3))
    each = parted(found)
    assert "mask_digest" in each.fields and "curve" in each.fields


def test_a_label_that_the_search_does_not_make_is_parted(forged, verified):
    path = forged("random-layer", lambda row: row.update(label="chosen"), ticket(0, 1))
    found = parted(verified(path, lambda row: row["label"] == "chosen"))
    assert found.again is None and found.why == ("its search gave no such row",)


def test_a_failure_published_as_not_applicable_is_parted(forged, verified):
    found = parted(
        verified(forged("early-bird", lambda row: row.update(status="failed"), ticket(0, 1)), ticket(0, 1))
    )
    assert found.why == ("status is failed published, not applicable here",)


@pytest.fixture
def shape(published, prepared):
    """Of the tiny task's network: a forger knows what follows from counts."""
    return prepared(published.folder / "tiny/mlp/dense.parquet").here.shapes["tiny/mlp"]["default"]


def made_elsewhere(row):
    row["packages"] = [{"name": "torch", "version": "1.0"}]


def another_rounding(row):
    """As other kernels would leave it: the start equal, the rest a little off."""
    for point in row["curve"] or ():
        if point["step"] > 0:
            point["test_loss"] *= 1 + 1e-9


class TestElsewhere:
    """Rows that say they were made by other software, where bits may differ."""

    def test_honest_rows_that_round_otherwise_are_within_tolerance(self, forged, verified):
        found = verified(forged("imp", made_elsewhere), changed=another_rounding)
        assert found.verdict == "within tolerance"
        assert found.tested == len(found.held) == 18 and not found.outcome.parted
        assert found.outcome.unseen > 0

    def test_rows_equal_in_every_bit_are_bit_identical_there_too(self, forged, verified):
        found = verified(forged("imp", made_elsewhere), lambda row: row["seed"] == 0)
        assert found.verdict == "bit-identical" and found.outcome is None

    def test_values_of_other_seeds_are_within_tolerance(self, published, forged, verified, with_right):
        """What comes out differs as another seed does: chaos may do that, where masks differ."""
        right = {
            (row["kind"], row["seed"], row["rung"]): round(row["test_final"] * 360) for row in published.rows("imp")
        }

        def change(row):
            made_elsewhere(row)
            row["mask_digest"] = "0" * 64
            with_right(row, right[row["kind"], (row["seed"] + 1) % 3, row["rung"]])

        found = verified(
            forged("imp", change, lambda row: row["kind"] == "ticket"), lambda row: row["kind"] == "ticket"
        )
        assert found.verdict == "within tolerance" and found.tested == 9

    def test_a_whole_file_far_too_high_is_parted(self, forged, verified, with_right):
        """The seeds of so small a task lie several points apart: a shift of three of their standard deviations."""

        def change(row):
            made_elsewhere(row)
            row["mask_digest"] = "0" * 64
            with_right(row, round(row["test_final"] * 360) + 90)

        found = verified(
            forged("random-layer", change, lambda row: row["kind"] == "ticket"), lambda row: row["kind"] == "ticket"
        )
        assert found.verdict == "parted" and found.outcome.p_shift <= 0.005
        assert np.mean([each.difference for each in found.outcome.distances]) == pytest.approx(-0.25)

    def test_a_single_row_far_off_is_parted_by_name(self, forged, verified, with_right):
        """It widens the spread of its own cell, and is held against that of the others."""

        def change(row):
            made_elsewhere(row)
            row["mask_digest"] = "0" * 64
            with_right(row, 355 if ticket(0, 3)(row) else 100 + row["seed"])

        of_rung = lambda row: row["kind"] == "ticket" and row["rung"] > 1  # noqa: E731
        found = verified(forged("imp", change, of_rung), ticket(0, 3), lambda row: with_right(row, 101))
        each = parted(found)
        assert each.published["seed"] == 0 and "too far for the spread of its seeds" in each.why[0]

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (
                lambda row: row["curve"][0].update(test_loss=row["curve"][0]["test_loss"] * 1.0001),
                "at its start, test_loss",
            ),
            (
                lambda row: row["early_losses"].__setitem__(3, row["early_losses"][3] * 1.001),
                "training loss 4 of early_losses",
            ),
            (
                lambda row: row.update(search_steps=7, search_examples=10**6),
                "search_steps 7 published, 0 here, of one mask",
            ),
            (lambda row: row.update(flops_dense=1e9), "flops_dense 1000000000.0 published"),
        ],
    )
    def test_what_no_rounding_changes_is_held_exactly(self, forged, verified, change, said):
        path = forged("random-layer", lambda row: (made_elsewhere(row), change(row)), ticket(0, 2))
        found = parted(verified(path, ticket(0, 2)))
        assert any(said in why for why in found.why)

    def test_losses_may_round(self, forged, verified):
        def change(row):
            made_elsewhere(row)
            row["curve"][0]["test_loss"] *= 1 + 1e-7
            row["early_losses"] = [loss * (1 + 1e-6) for loss in row["early_losses"]]

        assert verified(forged("random-layer", change), ticket(0, 2)).verdict == "within tolerance"

    def test_another_count_of_a_density_that_is_an_outcome_may_lie_within_two_percent(self, forged, verified, shape):
        def keep(row, more):
            made_elsewhere(row)
            row["mask_digest"] = "0" * 64
            row["kept_per_layer"][0]["kept"] += more
            row["kept"] += more
            row["density"] = row["kept"] / row["prunable"]
            row.update(shape.deployment({each["layer"]: each["kept"] for each in row["kept_per_layer"]}))

        near = forged("han-threshold", lambda row: keep(row, 1), ticket(0, 1))
        assert verified(near, ticket(0, 1)).verdict == "within tolerance"
        far = forged("han-threshold", lambda row: keep(row, -row["kept"] // 10), ticket(0, 1))
        assert "which is more than 2% apart" in parted(verified(far, ticket(0, 1))).why[0]

    def test_another_cost_with_another_mask_is_told_but_may_be(self, forged, verified):
        def change(row):
            made_elsewhere(row)
            row.update(mask_digest="0" * 64, search_steps=60, search_examples=60 * 60)

        found = verified(forged("imp", change, ticket(0, 1)), ticket(0, 1))
        assert found.verdict == "within tolerance"
        assert "search_steps 60 published, 30 here" in found.held[0].why

    @pytest.mark.parametrize("masked", [{}, {"mask_digest": "0" * 64}], ids=["its own mask", "another mask"])
    @pytest.mark.parametrize(
        ("change", "said"),
        [
            (lambda row: row["curve"][0].update(test_loss=2.0), "at its start, test_loss 2.0 published"),
            (lambda row: row.update(early_losses=[2.3] * 16), "training loss 1 of early_losses"),
            (lambda row: row.update(flops=1.0), "flops 1.0 published"),
            (lambda row: row.update(search_steps=1, search_examples=60), "search_steps 1 published"),
        ],
    )
    def test_a_dense_row_has_one_mask_whatever_it_says(self, forged, verified, change, said, masked):
        def forge(row):
            row.update(masked, threads=9)
            change(row)

        found = parted(verified(forged("dense", forge, lambda row: row["seed"] == 0), lambda row: row["seed"] == 0))
        assert any(said in why for why in found.why)
        assert any("where there is only one mask" in why for why in found.why) == bool(masked)

    @pytest.mark.parametrize(
        ("columns", "said"),
        [({"flops": 100.0}, "flops 100.0 published"), ({"bytes_sparse": 500}, "bytes_sparse 500 published")],
    )
    def test_costs_follow_from_the_counts_of_another_mask_too(self, forged, verified, columns, said):
        path = forged(
            "imp", lambda row: (made_elsewhere(row), row.update(columns, mask_digest="0" * 64)), ticket(0, 2)
        )
        (why,) = parted(verified(path, ticket(0, 2))).why
        assert said in why and "of what it keeps of each layer" in why

    @pytest.mark.parametrize(("method", "held"), [("random-layer", True), ("imp", True), ("han-threshold", False)])
    def test_a_method_that_keeps_the_ladders_counts_keeps_them_with_another_mask(
        self, forged, verified, shape, method, held
    ):
        """The other one decides its counts itself."""

        def move(row):
            made_elsewhere(row)
            first, second = row["kept_per_layer"][:2]
            first["kept"], second["kept"], row["mask_digest"] = first["kept"] - 1, second["kept"] + 1, "0" * 64
            row.update(shape.deployment({each["layer"]: each["kept"] for each in row["kept_per_layer"]}))

        found = verified(forged(method, move, ticket(0, 2)), ticket(0, 2))
        assert (found.verdict == "parted") == held
        assert any("what the ladder asks of each layer" in why for why in found.held[0].why) == held

    @pytest.mark.parametrize("column", ["test_best", "validation_final", "validation_best"])
    def test_a_score_that_does_not_rank_is_held_against_its_seeds_too(self, forged, verified, column):
        """Every column of a forged file fits, and the score that ranks is the honest one."""

        def change(row):
            made_elsewhere(row)
            row["mask_digest"] = "0" * 64
            final, best = row["curve"][-1], row["curve"][1]
            name = column.partition("_")[0]
            if column.endswith("best"):  # another point is said to be the best
                best["validation_loss"] = 1e-3
                best[name] = 0.99 + row["seed"] / 1000
                row.update(loss_validation_best=1e-3, best_step=best["step"])
                row.update(test_best=best["test"], validation_best=best["validation"])
            else:
                row[column] = final[name] = 0.99 + row["seed"] / 1000
                if row["best_step"] == final["step"]:
                    row["validation_best"] = row[column]

        found = verified(
            forged("imp", change, lambda row: row["kind"] == "ticket"), lambda row: row["kind"] == "ticket"
        )
        assert found.verdict == "parted" and not found.outcome.parted
        assert found.beside[column].parted

    def test_bits_on_random_examples_are_told_from_those_of_another_seed(self):
        """Of published rows: as many are right, but not those that other seeds have right."""
        rows = read_rows(RESULTS / "digits/mlp/imp.parquet")
        one, other, *others = [row for row in rows if (row["kind"], row["rung"]) == ("ticket", 1)]
        assert unlike(one, other, others) is None
        bits = np.unpackbits(np.frombuffer(one["test_correct"], np.uint8))
        moved = one | {"test_correct": np.packbits(np.random.default_rng(0).permutation(bits)).tobytes()}
        said = unlike(moved, other, others)
        assert said is not None and said.startswith("test_correct errs on other examples than here")
        far = unlike(one | {"path_length": 100 * one["path_length"]}, other, others)
        assert far is not None and "farther apart than seeds are" in far
        assert unlike(moved, other, others[:2]) is None  # two seeds tell too little

    def test_what_differs_of_rows_that_pass_is_counted(self, forged, verified):
        def change(row):
            made_elsewhere(row)
            row["mask_digest"] = "0" * 64
            if row["seed"] == 0:
                row.update(search_steps=60, search_examples=60 * 60)

        of_rung = lambda row: (row["kind"], row["rung"]) == ("ticket", 1)  # noqa: E731
        found = verified(forged("imp", change, of_rung), of_rung)
        said = "3 of 3 rows made elsewhere came out with another mask, 1 with another search cost."
        assert found.verdict == "within tolerance" and said in list(summary(found))

    def test_a_status_that_no_rounding_makes_is_parted(self, forged, verified):
        def change(row):
            made_elsewhere(row)
            row["status"] = "failed"

        found = parted(verified(forged("early-bird", change, ticket(0, 1)), ticket(0, 1)))
        assert found.why == ("status is failed published, not applicable here",)


def test_rows_come_out_of_a_fresh_store_and_not_the_users(published, tmp_path, verified, monkeypatch):
    """The user's store is full of what made these rows; nothing of it is asked for."""
    monkeypatch.setenv("TICKETBENCH_STORE", str(tmp_path / "users"))
    assert verified(published.folder / "tiny/mlp/dense.parquet").verdict == "bit-identical"
    assert not (tmp_path / "users").exists()
    assert read_rows(published.folder / "tiny/mlp/dense.parquet") == published.rows("dense")

"""The protocol's worked example of a board: its metrics, areas, pairs, ranks and matching compressions."""

import pytest

from ticketbench.report.boards.eligible import TRAINED
from ticketbench.report.boards.matched import margin_of, matched
from ticketbench.report.statistics.intervals import unpack_bits

EXACT = {"rel": 1e-6, "abs": 1e-12}


@pytest.fixture(scope="module")
def example(rows_of, ranked, protocol):
    """The protocol's example as rows, and its ranking."""
    said = protocol["board"]
    task = rows_of.make_task(chance=said["chance"], margin=said["margin"] / 0.825)
    rows = []
    for each in said["rows"]:
        bits = unpack_bits(bytes.fromhex(each["test_correct"]), said["test_examples"])
        counts = {name: each[name] for name in ("kept", "prunable", "status")}
        asked = 2.0 ** -each["rung"]
        row = rows_of.make_row(task, each["method"], each["rung"], each["seed"], density_asked=asked, **counts)
        rows.append(rows_of.with_bits(row, bits))
        assert rows[-1]["test_final"] == pytest.approx(each["test_final"])
    return ranked(rows, task), task, said["expected"]


def test_the_worked_example_gives_its_metrics_at_every_compression(example, as_worked):
    found, _, expected = example
    lines = {line.series.method: line for line in found.lines}

    assert found.covered == (2, 4, 8, 16)
    for name, score in expected["at"].items():
        method, compression = name.split("|")
        ours = lines[method].points.get(int(compression))
        assert (ours is None) == (score is None)
        if ours is not None:
            as_worked(ours.interval, ours.values, score)


def test_the_worked_example_gives_its_areas(example, as_worked):
    found, _, expected = example
    lines = {line.series.method: line for line in found.lines}

    assert found.anchors.dense == pytest.approx(expected["dense_mean"], **EXACT)
    for name, score in expected["area"].items():
        method, compression = name.split("|")
        ours = lines[method].areas.get(int(compression))
        assert (ours is None) == (score is None)
        if ours is not None:
            as_worked(ours.interval, ours.values, score)
    assert lines["gamma"].lacks[16] == "does not reach 16×"


def test_the_worked_example_gives_its_pairs_and_ranks(example):
    found, _, expected = example
    table = found.table(TRAINED, 8)
    names = [place.line.series.method for place in table.places]

    assert len(table.pairs) == len(expected["pairs_area_8"])
    for pair in expected["pairs_area_8"]:
        ours = table.pairs[names.index(pair["a"]), names.index(pair["b"])]
        interval = ours.tested.interval
        assert (interval.mean, interval.v_seed, interval.v_example, interval.h) == pytest.approx(
            (pair["mean"], pair["V_seed"], pair["V_example"], pair["half"]), **EXACT
        )
        assert (ours.tested.p, ours.tested.adjusted, ours.sign_flip) == pytest.approx(
            (pair["p"], pair["p_holm"], pair["p_sign_flip"]), **EXACT
        )
        # The example counts all seeds, the table those to add.
        assert (ours.needed.more + 5 if ours.needed else None) == pair["seeds_needed"]
        assert ours.model_based == (pair["p_holm"] <= 0.05)  # five seeds are too few for an exact test
    for place in table.places:
        said = expected["ranks_area_8"][place.line.series.method]
        assert (place.rank.rank, [place.rank.low, place.rank.high]) == (said["rank"], said["interval"])


def test_the_worked_example_gives_its_matching_compressions(example, protocol):
    found, task, expected = example
    margin = margin_of(found.board, task)

    assert margin == pytest.approx(protocol["board"]["margin"], **EXACT)
    for line in found.lines:
        ours = matched(line.series, line.curve, found.board, margin).matching
        said = expected["matching"][line.series.method]
        assert list(ours.mean) == pytest.approx(said["mean"], **EXACT)
        assert list(ours.band[0]) == pytest.approx(said["lower"], **EXACT)
        assert list(ours.band[1]) == pytest.approx(said["upper"], **EXACT)
        assert [ours.estimate, ours.proven, ours.upper] == pytest.approx([said["point"], said["low"], said["high"]])
        assert ours.censored == said["censored"]

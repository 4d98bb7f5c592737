"""What shipped tasks are held against: densities that their ladders have, and claims that are put to the test."""

from itertools import pairwise

import pytest

from ticketbench.ladder import Rung
from ticketbench.report.boards.ledger import NEAR
from ticketbench.report.submission.grid import ladder_on
from ticketbench.task import Reference, find_tasks, load_task, shipped_tasks

SMALL = [load_task(path) for name, path in shipped_tasks().items() if name.startswith(("mnist/", "fashion-mnist/"))]
HELD = [task for task in SMALL if task.references]


def rung_at(density: float, of: tuple[Rung, ...]) -> Rung | None:
    """The rung that stands for a published density in the ledger."""
    nearest = min(of, key=lambda rung: abs(rung.density / density - 1))
    return nearest if abs(density / nearest.density - 1) <= NEAR else None


def first_below(density: float, of: tuple[Rung, ...]) -> Rung:
    return next(rung for rung in of if rung.density < density)


def claims(name: str, cite: str) -> list[Reference]:
    (task,) = find_tasks(name)
    return [each for each in task.references if each.cite == cite and each.claim]


@pytest.mark.parametrize("task", HELD, ids=lambda task: task.id)
def test_every_density_of_a_reference_is_that_of_a_rung(task):
    densities = {each.density for each in task.references if each.density}
    densities |= {each.against.density for each in task.references if each.against}
    found = ladder_on(task)
    assert [density for density in sorted(densities) if rung_at(density, found) is None] == []


def test_the_values_of_stabilizing_the_lottery_ticket_hypothesis():
    """Frankle et al. 2019, v3, Figures 2 and 3."""
    (task,) = find_tasks("mnist/lenet-300-100")
    stated = [each for each in task.references if each.cite == "frankle2019stabilizing"]
    assert [(each.method, each.density, each.column, each.value, each.plus_minus) for each in stated] == [
        ("dense", 1.0, "test_final", 0.980, 0.002),
        ("imp", 0.107, "test_final", 0.983, 0.001),
        ("random-layer", 0.107, "test_final", 0.975, 0.003),
    ]


@pytest.mark.parametrize("task", [task for task in SMALL if not task.id.endswith("-ci")], ids=lambda task: task.id)
def test_a_task_has_a_sibling_for_ci_that_extends_it_on_rungs_of_its_own(task):
    (sibling,) = find_tasks(f"{task.id}-ci")
    assert (sibling.extends, sibling.tier) == (task.id, "ci")
    densities = {rung.density for rung in ladder_on(task)}
    assert {rung.density for rung in ladder_on(sibling)} <= densities


def test_what_frankle_and_carbin_say_of_tickets_is_tested_against_dense_and_reinitialized_networks():
    found = claims("mnist/lenet-300-100", "frankle2019lottery")
    tested = {
        (each.method, each.density, each.column, each.sign, each.against.method) for each in found if each.against
    }
    assert tested == {
        ("imp", 0.21, "best_step", "lower", "dense"),
        ("imp", 0.17, "test_best", "higher", "dense"),
        ("imp", 0.21, "best_step", "lower", "imp-reinit"),
        ("imp", 0.21, "test_best", "higher", "imp-reinit"),
        ("imp-reinit", 0.21, "test_best", "lower", "dense"),
        ("imp", 0.0231, "test_best", "lower", "dense"),
    }
    words = [each for each in found if each.sign is None]
    assert len(words) == 2
    assert all(each.note.startswith("Not tested") for each in words)


@pytest.mark.parametrize(("drops_at", "tested_at"), [(0.2632, 0.21), (0.0288, 0.0231)])
def test_a_drop_is_looked_for_at_the_first_rung_below_the_density_at_which_it_begins(drops_at, tested_at):
    (task,) = find_tasks("mnist/lenet-300-100")
    found = ladder_on(task)
    begins = rung_at(drops_at, found)
    assert rung_at(tested_at, found) == first_below(begins.density, found)


def test_an_ordering_of_four_densities_is_tested_pair_by_pair():
    order = [("imp", 0.211), ("imp", 0.513), ("dense", 1.0), ("imp", 0.036)]
    tested = set()
    for each in claims("mnist/lenet-300-100", "tudelft2022lottery"):
        ours, theirs = (each.method, each.density), (each.against.method, each.against.density)
        tested.add((ours, theirs) if each.sign == "higher" else (theirs, ours))
    assert tested == {*pairwise(order)}


def test_transfer_between_data_sets_is_claimed_and_tested_both_ways():
    there, back = ("mnist", "fashion-mnist"), ("fashion-mnist", "mnist")
    tested = {
        (each.found_on, each.trained_on, each.sign, each.against.method, each.against.found_on)
        for each in claims("mnist/dataset-transfer", "morcos2019one")
        if each.against
    }
    assert tested == {
        *((*way, "higher", "random-layer", way[1]) for way in (there, back)),
        *((*way, "equal", "imp", way[1]) for way in (there, back)),
        (*back, "lower", "imp", "mnist"),
    }


def test_what_a_claim_about_larger_data_sets_needs_is_not_there_and_said():
    (untested,) = [each for each in claims("mnist/dataset-transfer", "morcos2019one") if each.sign is None]
    assert "more samples and more classes" in untested.claim
    assert untested.note.startswith("Not tested")


@pytest.mark.parametrize(
    ("name", "almost_dense", "fall"), [("lenet-300-100-ie643", 0.1, 0.05), ("lenet-5-ie643", 0.15, 0.05)]
)
def test_more_than_so_many_percent_is_tested_where_it_begins_and_the_fall_at_the_last_rung_too(
    name, almost_dense, fall
):
    (task,) = find_tasks(f"mnist/{name}")
    found = ladder_on(task)
    densities = {sign: [each.density for each in task.references if each.sign == sign] for sign in ("equal", "lower")}
    assert [rung_at(each, found) for each in densities["equal"]] == [first_below(almost_dense, found)]
    assert [rung_at(each, found) for each in densities["lower"]] == [first_below(fall, found), found[-1]]
    assert all(each.note for each in task.references)

"""References of a task's parent: where they stand in the child, and how the two recipes differ."""

from ticketbench.report.boards.ledger import ledger
from ticketbench.report.boards.recipes import differences, lost_ancestor, recipe
from ticketbench.task import Images
from ticketbench.task.settings import Setting


def test_a_ci_sibling_shows_its_parents_references_as_not_comparable_and_says_what_differs(rows_of, cells):
    parent, sibling = rows_of.make_task("mnist/lenet-300-100"), rows_of.make_task("mnist/lenet-300-100-ci")
    rows = rows_of.make_results(sibling, {"dense": [0.98], "imp": [0.98] * 5}, 3)

    found = list(ledger(cells(rows, sibling), sibling, {}))

    assert len(found) == len(parent.references) > 0
    assert {each.verdict for each in found} == {"not comparable"}
    assert all(each.says.startswith("another recipe") for each in found)
    assert any(each.ours for each in found)
    changed = {each.key: (each.here, each.there) for each in differences(sibling, parent)}
    assert changed["training.steps"] == (str(sibling.training.steps), str(parent.training.steps))
    assert sibling.training.steps != parent.training.steps
    assert "training.batch_size" not in changed


def test_a_task_that_differs_in_nothing_but_its_name_is_comparable(rows_of, reference, cells, with_references):
    parent = with_references(rows_of.make_task(), [reference(method="imp", density=0.6, value=0.9)])
    child = parent.model_copy(update={"id": "own/child", "extends": parent.id, "references": ()})
    rows = rows_of.make_results(child, {"dense": [0.95], "imp": [0.9]}, 5, examples=5000)

    (found,) = ledger(cells(rows, child), child, {parent.id: parent})

    assert (found.task, found.verdict) == (parent.id, "reproduced")


def test_a_parents_reference_to_a_setting_that_the_child_lacks_is_not_comparable(
    rows_of, reference, cells, with_references
):
    parent = with_references(
        rows_of.make_settings_task({"s1": 0.25, "s2": 0.3}),
        [reference(method="imp", found_on="s1", trained_on="s2", density=0.6, value=0.9)],
    )
    child = rows_of.make_task().model_copy(update={"extends": parent.id})

    (found,) = ledger(cells(rows_of.make_results(child, {"imp": [0.9]}, 3), child), child, {parent.id: parent})

    assert (found.verdict, found.says) == ("not comparable", "this task has no setting s1; no results")


def test_a_parents_reference_stands_in_the_setting_that_has_its_recipe(rows_of, reference, cells, with_references):
    said = {"method": "imp", "density": 0.6}
    against = {"method": "imp", "density": 0.36, "trained_on": "default"}
    parent = with_references(
        rows_of.make_task(),
        [reference(**said, value=0.9), reference(**said, claim="Better.", sign="higher", against=against)],
    )
    settings = {"half": {"data": {"labels": (0, 1, 2, 3, 4)}}, "whole": {}}
    child = parent.model_copy(
        update={
            "id": "own/child",
            "extends": parent.id,
            "references": (),
            "settings": {name: Setting.model_validate(each) for name, each in settings.items()},
        }
    )
    at_home = {(name, name): {"dense": [0.95], "imp": [0.9, 0.8]} for name in settings}
    found = cells(rows_of.make_matrix(child, at_home, 5, examples=5000), child)

    value, claim = ledger(found, child, {parent.id: parent})

    assert (value.reference.found_on, value.reference.trained_on, value.verdict) == ("whole", "whole", "reproduced")
    assert value.ours.interval == found["whole", "whole"].series[0].cells[1].score
    assert (claim.reference.against.trained_on, claim.verdict) == ("whole", "reproduced")


def test_lenet_300_100_is_held_against_its_references_where_tickets_of_mnist_meet_fashion_mnist(rows_of):
    parent, task = rows_of.make_task("mnist/lenet-300-100"), rows_of.make_task("mnist/dataset-transfer")

    inherited = [held for held in ledger({}, task, {}) if held.task == parent.id]

    assert len(inherited) == len(parent.references) > 0
    assert {(held.reference.found_on, held.reference.trained_on) for held in inherited} == {("mnist", "mnist")}
    assert not [held.says for held in inherited if "no setting" in held.says or "another recipe" in held.says]


def test_settings_are_compared_one_by_one(rows_of):
    parent = rows_of.make_settings_task({"s1": 0.25, "s2": 0.3})
    other = parent.settings["s2"].model_copy(update={"data": parent.settings["s1"].data})
    child = parent.model_copy(update={"settings": parent.settings | {"s2": other}})

    assert [(each.key, each.here, each.there) for each in differences(child, parent)] == [
        ("data.labels (s2)", "0, 1, 2, 3, 4", "5, 6, 7, 8, 9")
    ]
    assert differences(parent, parent) == []


def test_a_recipe_never_tells_a_path(rows_of):
    task = rows_of.make_task()
    own = task.model_copy(update={"data": Images(folder="/home/someone/pictures", validation=100)})

    assert "someone" not in str(recipe(own))
    assert recipe(own)["data.folder"] == "a folder of images"
    assert (
        lost_ancestor(task.model_copy(update={"extends": "/home/someone/their-task.toml"}), {}) == "their-task.toml"
    )


def test_a_parent_that_is_not_at_hand_is_named(rows_of):
    assert lost_ancestor(rows_of.make_task().model_copy(update={"extends": "own/other"}), {}) == "own/other"
    assert lost_ancestor(rows_of.make_task("mnist/lenet-300-100-ci"), {}) == ""

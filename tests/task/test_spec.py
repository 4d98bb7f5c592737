"""What a task says: the values that are let in, and what its digest covers."""

import pytest
from pydantic import ValidationError

from ticketbench.task import Task

SAID = {
    "id": "mine/small",
    "version": 1,
    "title": "A small task",
    "tier": "smoke",
    "data": {"name": "digits", "validation": 200, "mean": [0.1], "std": [0.3]},
    "network": {"name": "mlp", "init": "glorot-normal", "options": {"hidden": [20, 10]}},
    "training": {
        "steps": 100,
        "batch_size": 10,
        "optimizer": {"name": "sgd", "lr": 0.1, "momentum": 0.9, "weight_decay": 0.001},
        "schedule": {"warmup": 5, "milestones": [50, 75], "factor": 0.5},
        "evaluate_every": 10,
        "rewind_step": 5,
    },
    "ladder": {"prune": 0.2, "rounds": 5, "layers": {"output.weight": 0.1}, "exclude": ["head.weight"]},
    "scoring": {"metric": "accuracy"},
}


def task(**changes):
    """The task above with the parts that are named by their path, as in `training__steps=5`, changed."""
    said = {key: dict(value) if isinstance(value, dict) else value for key, value in SAID.items()}
    for path, value in changes.items():
        *tables, key = path.split("__")
        place = said
        for table in tables:
            place[table] = dict(place.get(table, {}))
            place = place[table]
        if value is None:
            del place[key]
        else:
            place[key] = value
    return Task.model_validate(said)


@pytest.mark.parametrize(
    "change",
    [
        {"data__name": "mnist"},
        {"data__validation": 201},
        {"data__mean": [0.2]},
        {"data__std": [0.4]},
        {"network__name": "lenet-300-100"},
        {"network__init": "default"},
        {"network__options": {"hidden": [20, 11]}},
        {"training__steps": 101},
        {"training__steps": None, "training__epochs": 1.0},
        {"training__batch_size": 11},
        {"training__optimizer": {"name": "adam", "lr": 0.1}},
        {"training__optimizer__lr": 0.2},
        {"training__optimizer__momentum": 0.8},
        {"training__optimizer__nesterov": True},
        {"training__optimizer__weight_decay": 0.002},
        {"training__schedule__warmup": 6},
        {"training__schedule__milestones": [50]},
        {"training__schedule__factor": 0.4},
        {"training__evaluate_every": 20},
        {"training__rewind_step": 6},
        {"ladder__prune": 0.3},
        {"ladder__rounds": 6},
        {"ladder__layers": None, "ladder__scope": "global"},
        {"ladder__layers": {"output.weight": 0.2}},
        {"ladder__exclude": []},
    ],
    ids=lambda change: " ".join(change),
)
def test_the_digest_covers_all_that_changes_a_training_or_its_score(change):
    assert task(**change).digest != task().digest


@pytest.mark.parametrize(
    "change",
    [
        {"id": "mine/other"},
        {"version": 2},
        {"title": "Another title"},
        {"description": "More words."},
        {"cites": ["someone2020"]},
        {"tier": "lab"},
        {"extends": "digits/mlp"},
        {"replicates__seeds": 7},
        {"scoring__primary": "best"},
        {"scoring__chance": 0.1},
        {"scoring__margin": 0.02},
        {"references": [{"cite": "a", "where": "b", "method": "imp", "claim": "c"}]},
    ],
    ids=lambda change: " ".join(change),
)
def test_the_digest_covers_nothing_else(change):
    assert task(**change).digest == task().digest
    assert task(**change) != task()


@pytest.mark.parametrize("change", [{"name": "adamw"}, {"betas": [0.8, 0.999]}, {"eps": 1e-7}, {"weight_decay": 0.1}])
def test_the_digest_covers_adam_s_settings(change):
    adam = {"name": "adam", "lr": 0.1}
    assert task(training__optimizer=adam | change).digest != task(training__optimizer=adam).digest


def test_a_key_said_at_its_default_leaves_the_digest_as_it_is():
    """So that a key added to the language later makes no published row stale."""
    assert task(training__rewind_step=0).digest == task(training__rewind_step=None).digest


def test_the_digest_of_a_task_that_says_nothing_new_is_what_it_was_before_the_language_grew():
    """Of the first language, which had neither settings nor data and networks of one's own."""
    assert task().digest == "dc733ccb2a6ae3c1276adb385843ca4f4ee8818d36ecc2523c54d3a6669c40c9"


def test_the_digest_does_not_depend_on_the_order_or_the_form_of_what_is_said():
    reversed_said = {
        key: dict(reversed(value.items())) if isinstance(value, dict) else value
        for key, value in reversed(SAID.items())
    }
    assert Task.model_validate(reversed_said).digest == task().digest
    rates = {"first.weight": 0.3, "output.weight": 0.1}
    backwards = dict(reversed(rates.items()))
    assert task(ladder__layers=rates).digest == task(ladder__layers=backwards).digest
    assert task(training__optimizer__lr=1).digest == task(training__optimizer__lr=1.0).digest


def test_epochs_count_batches_of_the_training_split():
    by_epochs = task(training__steps=None, training__epochs=1.5, training__rewind_step=0).training
    assert by_epochs.total_steps(1200) == 180
    assert by_epochs.total_steps(1) == 1
    assert task().training.total_steps(1200) == 100


def test_a_task_cannot_be_changed_once_read():
    with pytest.raises(ValidationError, match="frozen"):
        task().training.batch_size = 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "no-folder"}, "String should match pattern"),
        ({"id": "Upper/Case"}, "String should match pattern"),
        ({"id": "../up"}, "String should match pattern"),
        ({"title": ""}, "at least 1 character"),
        ({"tier": "huge"}, "'smoke', 'ci', 'lab' or 'full'"),
        ({"version": 0}, "greater than 0"),
        ({"data__std": [0.0]}, "greater than 0"),
        ({"data__mean": [0.1, 0.2, 0.3]}, "one number a channel each, not 3 and 1"),
        ({"training__steps": None}, "say either epochs or steps"),
        ({"training__epochs": 2.0}, "say either epochs or steps"),
        ({"training__rewind_step": 100}, "rewind_step 100 must come before the last step, 100"),
        ({"training__optimizer__nesterov": True, "training__optimizer__momentum": 0.0}, "nesterov needs a momentum"),
        ({"training__optimizer": {"name": "adam", "lr": 0.1, "betas": [0.9, 1.0]}}, "less than 1"),
        ({"training__optimizer": {"name": "adam", "lr": 0.1, "momentum": 0.9}}, "Extra inputs are not permitted"),
        ({"ladder__prune": 1.0}, "less than 1"),
        ({"ladder__prune": 0.0}, "greater than 0"),
        ({"ladder__rounds": 0}, "greater than 0"),
        ({"ladder__scope": "global"}, 'only under scope = "layer"'),
        ({"scoring__metric": "f1"}, "'accuracy'"),
        ({"references": [{"cite": "a", "where": "b", "method": "imp"}]}, "say either value"),
        ({"references": [{"cite": "a", "where": "b", "method": "imp", "value": 0.9}]}, "a value needs the column"),
    ],
)
def test_what_cannot_be_is_refused(change, message):
    with pytest.raises(ValidationError, match=message):
        task(**change)

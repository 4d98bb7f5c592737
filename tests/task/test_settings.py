"""Settings of a task: what each one's own task is, and what the digest covers of them."""

import pytest

from ticketbench.task import Task

SAID = {
    "id": "mine/small",
    "version": 1,
    "title": "A small task",
    "tier": "smoke",
    "data": {"name": "mnist", "validation": 200, "mean": [0.1], "std": [0.3], "shape": [1, 28, 28]},
    "network": {"name": "mlp", "options": {"hidden": [20]}},
    "training": {
        "steps": 100,
        "batch_size": 10,
        "optimizer": {"name": "adam", "lr": 0.1, "weight_decay": 0.01},
        "evaluate_every": 10,
    },
    "ladder": {"prune": 0.2, "rounds": 5},
    "scoring": {"primary": "best", "chance": 0.1},
}
PHOTOS = {"folder": "/photos", "validation": 9, "digest": "0" * 64}


def task(settings=None, **parts):
    return Task.model_validate(SAID | parts | ({} if settings is None else {"settings": settings}))


def test_a_task_without_settings_has_one_called_default_which_is_the_task_itself():
    assert task().setting_names == ("default",)
    assert task().in_setting("default") == task()


def test_settings_keep_the_order_in_which_they_are_written():
    assert task({"z": {}, "a": {}, "m": {}}).setting_names == ("z", "a", "m")


def test_a_setting_changes_what_it_says_and_nothing_else():
    sgd = {"name": "sgd", "lr": 0.5}
    whole = task(
        {
            "plain": {},
            "labels": {"data": {"labels": [5, 3], "relabel": True}, "scoring": {"chance": 0.5}},
            "part": {"data": {"part": "2/3"}},
            "optimizer": {"training": {"optimizer": sgd}},
            "pixels": {"data": {"mean": [0.2], "std": [0.4]}},
        }
    )
    plain = task()
    assert whole.in_setting("plain") == plain
    data = SAID["data"]
    assert whole.in_setting("labels") == task(
        data=data | {"labels": [5, 3], "relabel": True}, scoring={"primary": "best", "chance": 0.5}
    )
    assert whole.in_setting("part") == task(data=data | {"part": "2/3"})
    assert whole.in_setting("optimizer") == task(training=SAID["training"] | {"optimizer": sgd})
    assert whole.in_setting("pixels") == task(data=data | {"mean": [0.2], "std": [0.4]})


def test_a_setting_s_own_task_is_one_without_settings():
    one = task({"s1": {"data": {"part": "1/2"}}, "s2": {}}).in_setting("s1")
    assert one.settings == {}
    assert one.setting_names == ("default",)
    assert one.in_setting("s1") == one


def test_a_setting_may_take_back_what_the_task_says():
    data = SAID["data"] | {"labels": [1, 2], "relabel": True}
    assert not task({"whole": {"data": {"relabel": False}}}, data=data).in_setting("whole").data.relabel


@pytest.mark.parametrize(
    ("base", "change", "expected"),
    [
        (SAID["data"], {"name": "digits"}, SAID["data"] | {"name": "digits"}),
        (SAID["data"], {"hub": "a/b", "config": "c"}, {"hub": "a/b", "config": "c"}),
        (SAID["data"], {"folder": "/photos", "test": "val"}, {"folder": "/photos", "test": "val"}),
        (PHOTOS, {"name": "digits", "validation": 20}, {"name": "digits", "validation": 20}),
        (PHOTOS, {"hub": "a/b", "digest": "1" * 64}, {"hub": "a/b", "digest": "1" * 64}),
        (PHOTOS, {"folder": "/others"}, {"folder": "/others"}),
    ],
)
def test_a_setting_of_another_source_keeps_neither_the_source_nor_its_pin(base, change, expected):
    """Shape, validation, mean and std are the task's and stay where the setting is silent."""
    kept = {key: value for key, value in base.items() if key not in ("name", "hub", "folder", "digest")}
    assert task({"s": {"data": change}}, data=base).in_setting("s") == task(data=kept | expected)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"s": {}}, {"t": {}}),
        ({"s": {}}, {"s": {}, "t": {}}),
        ({"s": {}}, {"s": {"data": {"labels": [1, 2]}}}),
        ({"s": {"data": {"labels": [1, 2]}}}, {"s": {"data": {"labels": [2, 1]}}}),
        ({"s": {"data": {"labels": [1, 2]}}}, {"s": {"data": {"labels": [1, 2], "relabel": True}}}),
        ({"s": {}}, {"s": {"data": {"name": "digits"}}}),
        ({"s": {"data": {"hub": "a/b"}}}, {"s": {"data": {"hub": "a/c"}}}),
        ({"s": {"data": {"hub": "a/b"}}}, {"s": {"data": {"hub": "a/b", "config": "c"}}}),
        ({"s": {"data": {"hub": "a/b"}}}, {"s": {"data": {"hub": "a/b", "image": "img"}}}),
        ({"s": {"data": {"hub": "a/b"}}}, {"s": {"data": {"hub": "a/b", "label": "fine"}}}),
        ({"s": {"data": {"hub": "a/b"}}}, {"s": {"data": {"hub": "a/b", "test": "validation"}}}),
        ({"s": {"data": {"hub": "a/b"}}}, {"s": {"data": {"hub": "a/b", "digest": "0" * 64}}}),
        ({"s": {"data": {"part": "1/2"}}}, {"s": {"data": {"part": "2/2"}}}),
        ({"s": {}}, {"s": {"data": {"validation": 100}}}),
        ({"s": {}}, {"s": {"data": {"mean": [0.2]}}}),
        ({"s": {}}, {"s": {"data": {"std": [0.2]}}}),
        ({"s": {}}, {"s": {"training": {"optimizer": {"name": "sgd", "lr": 0.1}}}}),
        (None, {"s": {}}),
    ],
)
def test_the_digest_covers_what_settings_change(one, other):
    assert task(one).digest != task(other).digest


def test_a_setting_that_takes_back_relabel_has_another_digest():
    data = SAID["data"] | {"labels": [1, 2], "relabel": True}
    assert task({"s": {"data": {"relabel": False}}}, data=data).digest != task({"s": {}}, data=data).digest


def test_the_digest_covers_neither_a_setting_s_scoring_nor_where_a_folder_lies():
    assert task({"s": {"scoring": {"chance": 0.5}}}).digest == task({"s": {}}).digest

    def of(place, other):
        return task({"s": {"data": {"folder": other, "digest": "1" * 64}}}, data=PHOTOS | {"folder": place}).digest

    assert of("/here", "/there") == of("/elsewhere", "/nowhere")
    assert task(data=PHOTOS).digest == task(data=PHOTOS | {"folder": "/moved"}).digest
    assert task(data=PHOTOS).digest != task(data=PHOTOS | {"digest": "1" * 64}).digest


@pytest.mark.parametrize(
    "change",
    [{"shape": [1, 14, 14]}, {"labels": [1, 2]}, {"part": "1/2"}, {"part": "2/2"}],
    ids=str,
)
def test_the_digest_covers_the_keys_of_data(change):
    assert task(data=SAID["data"] | change).digest != task().digest


@pytest.mark.parametrize(
    "change", [{"factory": "mine:small", "name": None}, {"unshared": ["output.weight"]}], ids=str
)
def test_the_digest_covers_the_keys_of_the_network(change):
    assert task(network=SAID["network"] | change).digest != task().digest

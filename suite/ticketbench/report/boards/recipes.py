"""Recipes as text: what changes a training, key by key, and where two tasks differ in it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ticketbench.task import Images, Task, load_task, shipped_tasks

_PARTS = ("data", "network", "training", "ladder")
_OWN_DATA = ("config", "image", "label", "test")  # how to read a data set of one's own
_FOLDER = "a folder of images"
# Keys that came later, for other domains: at these values they say what every task did before.
_AS_EVER = {
    ("data", "kind"): "images",
    ("training", "label_smoothing"): 0.0,
    ("training.schedule", "decay"): "milestones",
    ("ladder", "cover"): "weights",
}


@dataclass(frozen=True)
class Difference:
    """A key of the recipe in which two tasks differ."""

    key: str
    here: str
    there: str


def ancestors(task: Task, tasks: Mapping[str, Task]) -> Iterator[Task]:
    """The tasks that this one extends, nearest first; one that is not at hand ends the line."""
    shipped = shipped_tasks()
    while task.extends is not None:
        if task.extends in tasks:
            task = tasks[task.extends]
        elif task.extends in shipped:
            task = load_task(shipped[task.extends])
        else:
            return
        yield task


def lost_ancestor(task: Task, tasks: Mapping[str, Task]) -> str:
    """What the line of tasks that this one extends ends with, if that is not at hand; else nothing.

    The path of a file is not told: it says more of a machine than of the task.
    """
    *_, last = (task, *ancestors(task, tasks))
    named = last.extends or ""
    return named.rsplit("/", 1)[-1] if named.endswith(".toml") else named


def differences(here: Task, there: Task) -> list[Difference]:
    """The keys of data, network, training and ladder in which two tasks differ, flattened: `training.steps`.

    Where tasks have settings, those that both have are compared one by one; a key that differs in some of them
    only, or otherwise in each, is told with its setting.
    """
    both = [name for name in here.setting_names if name in there.setting_names]
    if not both:
        named = Difference("settings", ", ".join(here.setting_names), ", ".join(there.setting_names))
        return [named, *_differences(recipe(here), recipe(there))]
    by_setting = {name: _differences(setting_recipe(here, name), setting_recipe(there, name)) for name in both}
    common = [each for each in by_setting[both[0]] if all(each in by_setting[name] for name in both)]
    own = [
        Difference(f"{each.key} ({name})", each.here, each.there)
        for name in both
        for each in by_setting[name]
        if each not in common
    ]
    return common + own


def same_recipe(here: Task, there: Task, settings: Iterable[str]) -> bool:
    """Whether two tasks have one recipe in each of these settings, as far as both have them."""
    both = [name for name in settings if name in here.setting_names and name in there.setting_names]
    return all(setting_recipe(here, name) == setting_recipe(there, name) for name in both)


def recipe(task: Task) -> dict[str, str]:
    """What changes a training, key by key, as text; what is not said is left out, and so are paths."""
    said: dict[str, str] = {}
    for part in _PARTS:
        _flatten(part, getattr(task, part).model_dump(mode="json", exclude=_unsaid(task, part)), said)
    if isinstance(task.data, Images) and task.data.folder is not None:
        said["data.folder"] = _FOLDER
    return said


def setting_recipe(task: Task, setting: str) -> dict[str, str]:
    """The recipe as one of the task's settings has it."""
    return recipe(task.in_setting(setting))


def recipes(task: Task, settings: Sequence[str]) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """What the recipes of these settings share, and what each has of its own."""
    whole = {name: setting_recipe(task, name) for name in settings}
    first = whole[settings[0]]
    shared = {key: value for key, value in first.items() if all(each.get(key) == value for each in whole.values())}
    own = {name: {key: value for key, value in each.items() if key not in shared} for name, each in whole.items()}
    return shared, own


def _differences(ours: Mapping[str, str], theirs: Mapping[str, str]) -> list[Difference]:
    keys = sorted({*ours, *theirs}, key=lambda key: (_PARTS.index(key.partition(".")[0]), key))
    return [
        Difference(key, ours.get(key, "not said"), theirs.get(key, "not said"))
        for key in keys
        if ours.get(key) != theirs.get(key)
    ]


def _unsaid(task: Task, part: str) -> set[str]:
    """Keys of a part of the task that say nothing here."""
    if part == "network":
        return set() if task.network.unshared else {"unshared"}
    if part != "data":
        return set()
    data = task.data
    if not isinstance(data, Images):
        return set()
    said = {"folder"} | (set() if data.relabel else {"relabel"})
    return said | (set(_OWN_DATA) if data.name is not None else set())


def _flatten(key: str, value: Any, said: dict[str, str]) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            if _AS_EVER.get((key, name)) != inner or inner is None:
                _flatten(f"{key}.{name}", inner, said)
    elif isinstance(value, list):
        said[key] = ", ".join(str(each) for each in value) or "none"
    elif value is not None:
        said[key] = str(value)

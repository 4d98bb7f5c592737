"""Methods over a set of tasks: who is ranked, by what, and what the others lack."""

import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.paths import shipped
from ticketbench.report.boards.board import boards
from ticketbench.report.boards.headline import headline
from ticketbench.report.boards.overview import overview
from ticketbench.report.boards.ranking import ranking
from ticketbench.report.boards.task_sets import TaskSet, read_sets
from ticketbench.task import shipped_tasks

BEST, GOOD, BAD = [0.97] * 8, [0.94] * 8, [0.8] * 8


@pytest.fixture(scope="module")
def headlines(rows_of):
    """Two tasks on which a, b and c are run; d on one of them alone, e with four seeds on the other."""
    found = {}
    for name, methods in {
        "digits/mlp": {"a": BEST, "b": GOOD, "c": BAD, "d": BEST, "e": BEST},
        "digits/conv": {"a": GOOD, "b": GOOD, "c": BAD, "e": BEST},
    }.items():
        task = rows_of.make_task(name)
        rows = rows_of.make_results(task, {"dense": [0.97]} | methods, seeds=6)
        rows = [r for r in rows if (name, r["method"]) != ("digits/conv", "e") or r["seed"] < 4]
        (board,) = boards(rows, {task.id: task})
        found[name] = ranking(board, {})
    return found


def tasks(*ids, version=1):
    members = [{"id": name, "version": version} for name in ids]
    return TaskSet.model_validate({"name": "some", "version": 1, "title": "Some", "tasks": members})


def over(found, *ids, **said):
    return overview(tasks(*ids, **said), [headline(each) for each in found.values()])


def test_methods_complete_on_every_task_are_ranked_by_the_mean_of_their_areas(headlines):
    (group,) = over(headlines, "digits/mlp", "digits/conv").groups
    found = {each.key[0]: each for each in group.whole}

    assert [each.key[0] for each in group.whole] == ["a", "b", "c"]
    for name, each in found.items():
        areas = [
            next(line for line in r.lines if line.series.method == name).areas[r.headline].interval
            for r in headlines.values()
        ]
        assert each.area.mean == pytest.approx(sum(area.mean for area in areas) / 2)
        assert each.area.h == pytest.approx(sum(area.h**2 for area in areas) ** 0.5 / 2)
    assert found["c"].rank.rank == 3
    assert found["a"].profile[0] >= 0.5  # the best on one of two tasks at least


def test_the_others_are_listed_with_what_they_lack(headlines):
    partial = {each.key[0]: each for each in over(headlines, "digits/mlp", "digits/conv").partial}

    assert {name: each.complete for name, each in partial.items()} == {"d": 1, "e": 1}
    assert [(member.id, why) for member, why in partial["d"].missing] == [("digits/conv", "not run")]
    assert [(member.id, why) for member, why in partial["e"].missing] == [("digits/conv", "4 seeds: a rank needs 5")]


def test_another_version_of_a_task_is_another_task(headlines):
    found = over(headlines, "digits/mlp", version=2)

    assert [(member.id, why) for member, why in found.without] == [("digits/mlp", "no rows")]
    assert not found.groups


def test_ranks_on_a_task_are_among_the_complete_methods(headlines):
    (group,) = over(headlines, "digits/mlp", "digits/conv").groups

    assert {each.key[0]: each.mean_rank[1] for each in group.whole}["c"] == 3.0  # d and e are not counted


def test_a_set_of_one_task_ranks_like_the_task(headlines):
    (group,) = over(headlines, "digits/mlp").groups
    table = headlines["digits/mlp"].table(group.family, headlines["digits/mlp"].headline)

    assert [(each.key, each.rank) for each in group.whole] == [(p.line.series.key, p.rank) for p in table.places]


def test_the_shipped_sets_name_shipped_tasks_in_their_versions():
    for each in read_sets(shipped("leaderboard") / "sets.toml"):
        for member in each.tasks:
            assert f"version = {member.version}\n" in shipped_tasks()[member.id].read_text("utf-8")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sets = 3", "sets"),
        ('[[sets]]\nname = "a"\nversion = 1\ntitle = "A"\ntasks = []', "tasks"),
        ('[[sets]]\nname = "a"\nversion = 1\ntitle = "A"\ntasks = [{ id = "x/y", verson = 1 }]', "verson"),
        ("[[sets", "readable TOML"),
    ],
)
def test_a_mistake_in_the_file_is_one_message(tmp_path, text, said):
    path = tmp_path / "sets.toml"
    path.write_text(text, "utf-8")

    with pytest.raises(TicketbenchError, match=said):
        read_sets(path)


def test_a_task_or_a_set_named_twice_is_refused(tmp_path):
    one = '[[sets]]\nname = "a"\nversion = 1\ntitle = "A"\ntasks = [{ id = "x/y", version = 1 }]\n'
    path = tmp_path / "sets.toml"

    path.write_text(one * 2, "utf-8")
    with pytest.raises(TicketbenchError, match="one name and version"):
        read_sets(path)

    path.write_text(one.replace("1 }]", '1 }, { id = "x/y", version = 2 }]'), "utf-8")
    with pytest.raises(TicketbenchError, match="a task twice"):
        read_sets(path)

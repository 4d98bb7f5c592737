"""The kinds of data: a table's keys are those of its kind, and the metric follows from it."""

import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.task import Environment, Images, Task, Text, Translation, find_tasks, load_task, shipped_tasks

HEADING = 'id = "own/task"\nversion = 1\ntitle = "t"\ntier = "ci"\n'
TEXT = '[data]\nkind = "text"\nname = "tiny-shakespeare"\nsequence = 50\nstreams = 10\n'
PAIRS = (
    '[data]\nkind = "translation"\nname = "multi30k"\nsource = "en"\ntarget = "de"\n'
    "vocabulary = 4000\nlongest = 40\nbeam = 4\n"
)
GAMES = '[data]\nkind = "environment"\nname = "CartPole-v1"\ngames = 100\nevaluation_games = 10\n'
TRAINING = '[training]\n{length}\nbatch_size = 8\noptimizer = {{ name = "rmsprop", lr = 0.1 }}\nevaluate_every = 10\n'
AGENT = "agent = { environments = 4, rollout = 2, discount = 0.99, entropy = 0.01, value = 0.5 }\n"
REST = '[network]\nname = "lstm"\n[ladder]\nprune = 0.2\nrounds = 3\n'
STEPS = TRAINING.format(length="steps = 100")


@pytest.fixture
def load(tmp_path):
    def make(said: str) -> Task:
        path = tmp_path / "task.toml"
        path.write_text(HEADING + REST + said)
        return load_task(path)

    return make


@pytest.mark.parametrize(
    ("said", "kind", "metric"),
    [
        (TEXT + STEPS, Text, "perplexity"),
        (PAIRS + STEPS + "label_smoothing = 0.1\n", Translation, "BLEU"),
        (GAMES + STEPS + AGENT, Environment, "return"),
        ('[data]\nname = "digits"\nvalidation = 10\n' + STEPS, Images, "accuracy"),
        ('[data]\nkind = "images"\nname = "digits"\nvalidation = 10\n' + STEPS, Images, "accuracy"),
    ],
)
def test_each_kind_of_data_is_read_and_has_its_metric(said, kind, metric, load):
    task = load(said)
    assert type(task.data) is kind
    assert task.metric == metric
    assert task.in_setting("default") == task


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('[data]\nkind = "sound"\n' + STEPS, "data: its kind is one of images, text, translation, environment, got"),
        (
            TEXT + "validation = 3\n" + STEPS,
            "data.validation: there is no such key. Allowed here: kind, name, digest",
        ),
        ('[data]\nkind = "text"\nname = "wikitext-2"\n' + STEPS, "data.sequence: is missing."),
        (GAMES + STEPS, "training.agent: data of kind environment need it, others take none; this is environment"),
        (TEXT + STEPS + AGENT, "training.agent: data of kind environment need it, others take none; this is text"),
        (GAMES + TRAINING.format(length="epochs = 3") + AGENT, "games have no epochs"),
        (TEXT + STEPS + "label_smoothing = 0.1\n", "training.label_smoothing is for data of kind translation"),
        (TEXT + STEPS + '[scoring]\nmetric = "BLEU"\n', "scoring.metric: that of text is perplexity, not BLEU"),
        (
            GAMES + STEPS + AGENT.replace("rollout = 2", "rollout = 3"),
            "training: batch_size 8 must be agent.environments x agent.rollout, 12",
        ),
        (
            TEXT + STEPS + 'schedule = { decay = "inverse-sqrt" }\n',
            'training.schedule: decay = "inverse-sqrt" needs a warmup, and takes no milestones',
        ),
        (TEXT + STEPS + "schedule.milestones = [20, 10]\n", "training.schedule.milestones: milestones ascend"),
        (TEXT + STEPS + "schedule.milestones = [10, 10]\n", "training.schedule.milestones: milestones ascend"),
    ],
)
def test_what_does_not_fit_the_kind_is_told_with_its_place(said, expected, load):
    with pytest.raises(TicketbenchError) as error:
        load(said)
    assert expected in str(error.value)


def test_the_kind_and_its_keys_are_part_of_the_digest_and_of_no_other_kinds(load):
    digests = {
        load(said + STEPS).digest
        for said in (TEXT, TEXT.replace("50", "51"), TEXT.replace("tiny-shakespeare", "wikitext-2"))
    }
    assert len(digests) == 3
    said = '[data]\nname = "digits"\nvalidation = 10\n' + STEPS
    assert load(said).digest == load(said.replace("[data]", '[data]\nkind = "images"')).digest


def test_the_tasks_that_came_first_have_the_digests_that_their_published_rows_have():
    """Rows of these were published before there were other kinds of data."""
    assert find_tasks("digits/mlp")[0].digest == "d3c9c6a5ba87e1d362aaefcadc1f84429a965c478c54f31fbccdfb42523c5f10"
    assert {load_task(path).metric for path in shipped_tasks().values()} >= {"accuracy"}


def test_a_task_on_another_text_is_still_about_text(tmp_path):
    path = tmp_path / "task.toml"
    path.write_text(
        HEADING + 'extends = "tiny-shakespeare/lstm-ci"\n[data]\nname = "wikitext-2"\nsequence = 8\nstreams = 2\n'
    )
    assert load_task(path).data == Text(kind="text", name="wikitext-2", sequence=8, streams=2)

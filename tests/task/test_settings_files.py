"""Settings, data and networks of one's own in task files: what is let in, inherited, and told to be wrong."""

import tomllib

import jsonschema
import pyarrow as pa
import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.results import SCHEMA
from ticketbench.task import load_task, task_schema
from ticketbench.task.references import COLUMNS

OWN = """
id = "mine/task"
version = 1
title = "Mine"
tier = "ci"
"""
DATA = '[data]\nname = "digits"\nvalidation = 237\n'
NETWORK = '[network]\nname = "mlp"\noptions.hidden = [100, 50]\n'
REST = """
[training]
steps = 800
batch_size = 60
optimizer = { name = "adam", lr = 0.003, weight_decay = 0.1 }
evaluate_every = 40
[ladder]
prune = 0.4
rounds = 8
"""
WHOLE = OWN + DATA + NETWORK + REST
SETTINGS = """
[settings.low]
data.labels = [0, 1, 2]
training.optimizer = { name = "sgd", lr = 0.1, momentum = 0.9 }
scoring.chance = 0.4
[settings.high]
data.labels = [7, 8, 9]
data.relabel = true
[settings.first]
data.part = "1/2"
"""


@pytest.fixture
def mistakes(write):
    """A function of a file's text to the lines of the message about it, after the first, which names the file."""

    def mistakes(text):
        path = write("wrong.toml", text)
        with pytest.raises(TicketbenchError) as caught:
            load_task(path)
        first, *rest = str(caught.value).splitlines()
        assert first.startswith(f"{path}: ")
        return [line.strip() for line in rest]

    return mistakes


def problems(text):
    found = jsonschema.Draft202012Validator(task_schema()).iter_errors(tomllib.loads(text))
    return [error.message for error in found]


def allowed(name):
    return "there is no such key. Allowed here: " + ", ".join(task_schema()["$defs"][name]["properties"]) + "."


@pytest.mark.parametrize(
    "text",
    [
        WHOLE + SETTINGS,
        OWN + '[data]\nhub = "me/photos"\nconfig = "small"\nvalidation = 9\nshape = [3, 32, 32]\n' + NETWORK + REST,
        OWN + '[data]\nfolder = "photos"\ntest = "validation"\nvalidation = 9\n' + NETWORK + REST,
        OWN + DATA + '[network]\nfactory = "mine.networks:small"\nunshared = ["head.weight"]\n' + REST,
        OWN + 'extends = "digits/mlp"\n[settings.s1]\ntraining.optimizer.lr = 0.1\n',
        OWN
        + 'extends = "digits/mlp"\n[data]\nhub = "me/photos"\nvalidation = 3\n[network]\nfactory = "mine:small"\n',
    ],
    ids=["settings", "hub", "folder", "factory", "a child's settings", "a child's own"],
)
def test_the_json_schema_lets_in_what_the_language_has(text):
    assert problems(text) == []


def test_every_mistake_inside_settings_is_told_with_its_place_and_what_is_allowed(mistakes):
    said = mistakes(
        WHOLE
        + """
[settings.s1]
data.label = 3
data.labels = [1]
data.shape = [1, 8, 8]
training.optimizer = { name = "sgd", lr = -1, betas = [0.9, 0.99] }
training.steps = 4
[settings.s2]
data.labels = [0, -1]
data.part = "half"
training.optimizer = { name = "lion", lr = 0.1 }
scoring.metric = "accuracy"
ladder.rounds = 3
[settings.s3]
data = 3
training.optimizer = { lr = 0.1 }
[settings."S 4"]
"""
    )
    assert said == [
        "settings.s1.data.label: input should be a valid string, got 3.",
        "settings.s1.data.labels: needs 2 entries or more, got [1].",
        f"settings.s1.data.shape: {allowed('DataChange')}",
        "settings.s1.training.optimizer.lr: input should be greater than 0, got -1.",
        f"settings.s1.training.optimizer.betas: {allowed('SGD')}",
        f"settings.s1.training.steps: {allowed('TrainingChange')}",
        "settings.s2.data.labels.1: input should be greater than or equal to 0, got -1.",
        "settings.s2.data.part: string should match pattern '^[1-9][0-9]*/[1-9][0-9]*$', got 'half'.",
        "settings.s2.training.optimizer: its name is one of sgd, adam, adamw, rmsprop, got 'lion'.",
        f"settings.s2.scoring.metric: {allowed('ScoringChange')}",
        f"settings.s2.ladder: {allowed('Setting')}",
        "settings.s3.data: should be a table.",
        "settings.s3.training.optimizer: its name is one of sgd, adam, adamw, rmsprop.",
        "settings.S 4: string should match pattern '^[a-z0-9][a-z0-9_-]*$', got 'S 4'.",
    ]


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ('data.hub = "a/b"\ndata.name = "mnist"', "settings.s2: say one of name, hub and folder."),
        ("data.labels = [1, 2, 1]", "settings.s2: labels names a class twice."),
        ("data.relabel = true", "settings.s2: relabel needs labels."),
        ('data.part = "3/2"', "settings.s2: part 3/2: there are 2 parts, so it is at most 2/2."),
        ("data.mean = [0.1, 0.2, 0.3]", "settings.s2: mean and std have one number a channel each, not 3 and 1."),
        (
            'data.config = "small"',
            "settings.s2: config is for a data set of your own (hub or folder), not for digits.",
        ),
    ],
)
def test_a_setting_that_does_not_hold_with_the_rest_of_the_task_is_told(mistakes, change, line):
    assert mistakes(WHOLE + f"[settings.s1]\n[settings.s2]\n{change}\n") == [line]


@pytest.mark.parametrize(("parent", "kind"), [("tiny-shakespeare/lstm-ci", "text"), ("cartpole/ci", "environment")])
def test_a_setting_with_a_key_of_another_kind_of_data_is_told_which(mistakes, parent, kind):
    text = f"{OWN}extends = '{parent}'\n[settings.s1]\ndata.labels = [0, 1]\n"
    assert mistakes(text) == [f"settings.s1.data.labels: data of kind {kind} have no such key."]


def test_several_mistakes_of_the_data_are_told_at_once(mistakes):
    data = '[data]\nname = "digits"\nhub = "a/b"\nconfig = "c"\nshape = [2, 8, 8]\nvalidation = 0\nrelabel = true\n'
    data += 'part = "2/1"\nmean = [0.1, 0.2]\ndigest = "00"\n'
    assert mistakes(OWN + data + NETWORK + REST) == [
        "data: say one of name, hub and folder.",
        "data: config is for a data set of your own (hub or folder), not for digits.",
        "data.digest: string should match pattern '^[0-9a-f]{64}$', got '00'.",
        "data: shape begins with the number of channels, 1 or 3, not 2.",
        "data.validation: input should be greater than 0, got 0.",
        "data: relabel needs labels.",
        "data: part 2/1: there are 1 parts, so it is at most 1/1.",
        "data: mean and std have one number a channel each, not 2 and 1.",
    ]


@pytest.mark.parametrize(
    ("data", "line"),
    [
        ("", "data: say one of name, hub and folder."),
        ('hub = "a/b"\nfolder = "c"', "data: say one of name, hub and folder."),
        ('folder = "c"\nconfig = "d"', "data: config is for hub only."),
        (
            'name = "mnist"\nimage = "img"',
            "data: image is for a data set of your own (hub or folder), not for mnist.",
        ),
        ('name = "mnist"\ntest = "val"', "data: test is for a data set of your own (hub or folder), not for mnist."),
    ],
)
def test_data_has_one_source_and_the_keys_that_belong_to_it(mistakes, data, line):
    assert mistakes(OWN + f"[data]\n{data}\nvalidation = 9\n" + NETWORK + REST) == [line]


@pytest.mark.parametrize("side", ["found_on", "trained_on"])
def test_a_reference_names_a_setting_that_there_is(mistakes, write, side):
    reference = '[[references]]\ncite = "a"\nwhere = "b"\nmethod = "imp"\nclaim = "c"\n'
    both = 'found_on = "low"\ntrained_on = "high"\n'
    assert load_task(write("right.toml", WHOLE + SETTINGS + reference + both)).references[0].found_on == "low"
    wrong = mistakes(WHOLE + SETTINGS + reference + both.replace(f"{side} = ", f'{side} = "lo"\nnote = '))
    assert wrong == ["references: there is no setting 'lo'; there is low, high, first."]
    (silent,) = mistakes(WHOLE + SETTINGS + reference)
    assert "there is no setting 'default'" in silent


@pytest.mark.parametrize("side", ["found_on", "trained_on"])
def test_what_a_claim_is_held_against_names_a_setting_that_there_is(mistakes, write, side):
    claim = '[[references]]\ncite = "a"\nwhere = "b"\nmethod = "imp"\nclaim = "c"\nfound_on = "low"\n'
    claim += 'trained_on = "low"\ncolumn = "test_best"\ndensity = 0.5\nsign = "lower"\n'
    against = 'against = {{ method = "imp", {} = "{}" }}\n'
    right = load_task(write("right.toml", WHOLE + SETTINGS + claim + against.format(side, "high"))).references[0]
    assert getattr(right.against, side) == "high"
    wrong = mistakes(WHOLE + SETTINGS + claim + against.format(side, "hihg"))
    assert wrong == ["references: there is no setting 'hihg'; there is low, high, first."]


@pytest.mark.parametrize("column", ["test_accuracy", "status", "curve", "seed"])
def test_a_reference_names_a_column_of_numbers(mistakes, column):
    value = '[[references]]\ncite = "a"\nwhere = "b"\nmethod = "imp"\nvalue = 0.9\ndensity = 0.5\n'
    (wrong,) = mistakes(WHOLE + value + f'column = "{column}"\n')
    assert wrong.startswith(f"references: there is no column '{column}' of numbers; there is density_asked, density,")


def test_the_columns_of_references_are_the_numbers_in_a_row_that_do_not_say_which_row_it_is():
    numbers = [each.name for each in SCHEMA if each.type in (pa.int64(), pa.float64())]
    assert [
        name for name in numbers if name not in ("task_version", "seed", "rung", "engine_version", "threads")
    ] == [*COLUMNS]


def test_a_folder_is_found_from_where_its_file_lies_wherever_the_task_is_read_from(write, tmp_path, monkeypatch):
    own = '[data]\nfolder = "../photos"\nvalidation = 9\n'
    setting = '[settings.s1]\n[settings.s2]\ndata.folder = "other"\n'
    parent = write("tasks/parent.toml", OWN + own + NETWORK + REST + setting)
    child = write("elsewhere/child.toml", OWN + 'extends = "../tasks/parent.toml"\nladder.rounds = 3\n')
    monkeypatch.chdir(tmp_path / "elsewhere")
    for path in (parent, child):
        task = load_task(path)
        assert task.data.folder == str(tmp_path / "photos")
        assert task.in_setting("s1").data.folder == str(tmp_path / "photos")
        assert task.in_setting("s2").data.folder == str(tmp_path / "tasks" / "other")
    monkeypatch.setenv("HOME", str(tmp_path))
    absolute = OWN + own.replace("../photos", "~/pictures") + NETWORK + REST
    assert load_task(write("home.toml", absolute)).data.folder == str(tmp_path / "pictures")


@pytest.mark.parametrize(
    ("parent", "child"),
    [
        ('name = "digits"', 'hub = "a/b"'),
        ('name = "digits"', 'folder = "c"'),
        ('hub = "a/b"\nconfig = "x"\nimage = "img"\ndigest = "' + "0" * 64 + '"', 'name = "digits"'),
        ('hub = "a/b"\nconfig = "x"', 'hub = "a/c"'),
        ('hub = "a/b"\nconfig = "x"', 'folder = "c"'),
        ('folder = "c"', 'folder = "d"'),
    ],
)
def test_data_of_another_source_start_afresh(write, parent, child):
    """Neither the mean and std nor the pin of one data set is taken for another."""
    write("parent.toml", OWN + f"[data]\n{parent}\nvalidation = 9\nmean = [0.5]\n" + NETWORK + REST)
    text = OWN + f'extends = "parent.toml"\n[data]\n{child}\nvalidation = 20\n'
    data = load_task(write("child.toml", text)).data
    assert (data.config, data.image, data.digest, data.mean, data.validation) == (None, "image", None, (0.0,), 20)
    assert sum(each is not None for each in (data.name, data.hub, data.folder)) == 1
    same = OWN + f'extends = "parent.toml"\n[data]\n{parent}\nvalidation = 20\n'
    assert load_task(write("same.toml", same)).data.mean == (0.5,)


def test_a_factory_and_a_name_take_each_other_s_place(write):
    write("named.toml", WHOLE)
    text = OWN + 'extends = "{}"\n[network]\n{}\n'
    own = load_task(write("own.toml", text.format("named.toml", 'factory = "mine:small"'))).network
    assert (own.name, own.factory, own.options) == (None, "mine:small", {})
    named = load_task(write("again.toml", text.format("own.toml", 'name = "lenet-300-100"'))).network
    assert (named.name, named.factory) == ("lenet-300-100", None)


def test_a_child_changes_its_parent_s_settings_key_by_key(write):
    write("parent.toml", WHOLE + SETTINGS)
    child = load_task(
        write(
            "child.toml",
            OWN
            + """extends = "parent.toml"
[settings.low]
data.labels = [3, 4]
training.optimizer.lr = 0.2
[settings.high]
data.name = "mnist"
training.optimizer = { name = "adam", lr = 0.5 }
[settings.new]
data.part = "2/2"
""",
        )
    )
    assert child.setting_names == ("low", "high", "first", "new")
    low, high = child.in_setting("low"), child.in_setting("high")
    assert (low.data.labels, low.training.optimizer.lr, low.training.optimizer.momentum) == ((3, 4), 0.2, 0.9)
    assert low.scoring.chance == 0.4
    assert (high.data.name, high.data.labels, high.data.relabel) == ("mnist", (7, 8, 9), True)
    assert (high.training.optimizer.name, high.training.optimizer.weight_decay) == ("adam", 0.0)
    cleared = load_task(write("cleared.toml", OWN + 'extends = "parent.toml"\nsettings = {}\n'))
    assert cleared.setting_names == ("default",)


def test_a_setting_s_other_source_or_optimizer_starts_afresh_in_a_child(write):
    setting = '[settings.s]\ndata = { hub = "a/b", config = "x", part = "1/2" }\n'
    setting += 'training.optimizer = { name = "sgd", lr = 0.1, momentum = 0.9 }\n'
    write("parent.toml", WHOLE + setting)
    text = OWN + 'extends = "parent.toml"\n[settings.s]\ndata.folder = "c"\n'
    text += 'training.optimizer = { name = "adam", lr = 0.2 }\n'
    s = load_task(write("child.toml", text)).in_setting("s")
    assert (s.data.hub, s.data.config, s.data.part) == (None, None, None)
    assert s.data.folder is not None
    assert (s.training.optimizer.name, s.training.optimizer.lr) == ("adam", 0.2)

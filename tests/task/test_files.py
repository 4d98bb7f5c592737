"""Task files: what a person can write, and what is told to one who wrote it wrong."""

import tomllib

import jsonschema
import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.task import Task, find_tasks, load_task, shipped_tasks, task_schema

OWN = """
id = "mine/{0}"
version = 1
title = "Mine"
tier = "ci"
"""
WHOLE = (
    OWN
    + """
description = "What it is."
cites = ["someone2020"]
[data]
name = "digits"
validation = 237
[network]
name = "mlp"
options.hidden = [100, 50]
[training]
steps = 800
batch_size = 60
optimizer = {{ name = "adam", lr = 0.003, weight_decay = 0.1 }}
evaluate_every = 40
[ladder]
prune = 0.4
rounds = 8
layers = {{ "output.weight" = 0.2 }}
[[references]]
cite = "someone2020"
where = "Table 1"
method = "imp"
claim = "It works."
"""
)


@pytest.fixture
def write(tmp_path):
    def write(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.format(path.stem), "utf-8")
        return path

    return write


def mistakes(path):
    """The lines of the message about a file, after the first, which names it."""
    with pytest.raises(TicketbenchError) as caught:
        load_task(path)
    first, *rest = str(caught.value).splitlines()
    assert str(path) in first
    return [line.strip() for line in rest] if rest else first


def test_every_shipped_task_loads_and_its_id_is_its_path():
    assert {"digits/mlp", "digits/conv", "mnist/lenet-300-100", "mnist/lenet-300-100-ci"} <= set(shipped_tasks())
    for name, path in shipped_tasks().items():
        assert load_task(path).id == name


def test_a_file_in_a_directory_of_one_s_own_loads_by_its_path(write):
    path = write("deep/folder/own.toml", WHOLE)
    (task,) = find_tasks(str(path))
    assert task.id == "mine/own"
    assert task.training.optimizer.lr == 0.003
    assert task.ladder.layers == {"output.weight": 0.2}


def test_patterns_and_ids_select_shipped_tasks():
    assert [task.id for task in find_tasks("digits/*")] == ["digits/conv", "digits/mlp"]
    assert [task.id for task in find_tasks("mnist/lenet-300-100")] == ["mnist/lenet-300-100"]
    assert {task.id for task in find_tasks("*")} == set(shipped_tasks())


def test_an_unknown_task_is_answered_with_the_closest_and_how_to_name_one_s_own():
    with pytest.raises(TicketbenchError) as caught:
        find_tasks("digit/mpl")
    assert str(caught.value).startswith("Unknown task 'digit/mpl'. Did you mean 'digits/mlp'?")
    assert ".toml" in str(caught.value)
    with pytest.raises(TicketbenchError, match=r"Unknown task 'zzz/\*'\. `ticketbench tasks` lists them"):
        find_tasks("zzz/*")


def test_all_mistakes_of_a_file_are_told_at_once_with_key_and_what_is_allowed(write):
    text = (
        WHOLE.replace('name = "digits"\n', "")
        .replace("lr = 0.003", "lr = -1, momentum = 0.9")
        .replace("rounds = 8", "rounds = 0\nround = 3")
        .replace("batch_size = 60", 'batch_size = "60"')
        .replace('tier = "ci"', 'tier = "quick"\ncolour = "red"')
        .replace('claim = "It works."', "value = 0.9\nfigure = 2")
        .replace("hidden = [100, 50]", 'hidden = [100, "many"]')
        .replace("validation = 237", "validation = true")
    )
    said = mistakes(write("wrong.toml", text))
    assert said == [
        "tier: input should be 'smoke', 'ci', 'lab' or 'full', got 'quick'.",
        "data: say one of name, hub and folder.",
        "data.validation: input should be a valid integer, got True.",
        "network.options.hidden: should be a number, true or false, a string, or a list of whole numbers.",
        "training.batch_size: input should be a valid integer, got '60'.",
        "training.optimizer.lr: input should be greater than 0, got -1.",
        "training.optimizer.momentum: there is no such key. Allowed here: name, lr, betas, eps, weight_decay.",
        "ladder.rounds: input should be greater than 0, got 0.",
        "ladder.round: there is no such key. Allowed here: prune, rounds, scope, layers, cover, exclude.",
        "references.0.figure: there is no such key. Allowed here: "
        + ", ".join(task_schema()["$defs"]["Reference"]["properties"])
        + ".",
        "colour: there is no such key. Allowed here: " + ", ".join(task_schema()["properties"]) + ".",
    ]


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        (
            'name = "adam"',
            'name = "lion"',
            "training.optimizer: its name is one of sgd, adam, adamw, rmsprop, got 'lion'.",
        ),
        ('name = "adam", ', "", "training.optimizer: its name is one of sgd, adam, adamw, rmsprop."),
        (
            'name = "adam"',
            'name = "sgd", sgd = 1',
            "training.optimizer.sgd: there is no such key. Allowed here: name, lr, momentum, nesterov, weight_decay.",
        ),
        ("steps = 800\n", "", "training: say either epochs or steps."),
        ("steps = 800", "steps = 800\nepochs = 3", "training: say either epochs or steps."),
        ("lr = 0.003", "lr = nan", "training.optimizer.lr: input should be a finite number, got nan."),
        ("steps = 800", "steps = 800.0", None),
        ("version = 1", "version = 1979-05-27", None),
        ("[data]", "[[data]]", "data: should be a table."),
    ],
)
def test_each_of_these_mistakes_is_refused(write, old, new, line):
    assert old in WHOLE
    said = mistakes(write("wrong.toml", WHOLE.replace(old, new)))
    if line is not None:
        assert said == [line]


def test_an_empty_file_is_told_all_that_it_lacks(write):
    required = ["id", "version", "title", "tier", "data", "network", "training", "ladder"]
    assert mistakes(write("empty.toml", "")) == [f"{key}: is missing." for key in required]


def test_a_file_that_cannot_be_read_is_one_message_that_names_it(write, tmp_path):
    assert "there is no such task file" in mistakes(tmp_path / "missing.toml")
    assert "is not valid TOML" in mistakes(write("broken.toml", WHOLE + "\n[ladder\n"))
    assert "Is a directory" in mistakes(tmp_path)
    latin = tmp_path / "latin.toml"
    latin.write_bytes(WHOLE.format("latin").replace("Mine", "Mïne").encode("latin-1"))
    assert "is not UTF-8 text" in mistakes(latin)


def test_a_byte_order_mark_is_no_mistake(write):
    assert load_task(write("marked.toml", "\ufeff" + WHOLE)).id == "mine/marked"


def test_extends_takes_all_but_what_is_said_anew_and_the_references(write):
    write("parent.toml", WHOLE)
    text = OWN + 'extends = "parent.toml"\n[training]\noptimizer.lr = 0.1\n[ladder]\nprune = 0.2\n'
    child, parent = load_task(write("child.toml", text)), load_task(write("parent.toml", WHOLE))
    assert child.id == "mine/child" and child.extends == "parent.toml"
    assert child.training.optimizer.lr == 0.1
    assert child.training.optimizer.weight_decay == 0.1
    assert child.ladder.prune == 0.2 and child.ladder.rounds == 8
    assert child.cites == parent.cites == ("someone2020",)
    assert (child.data, child.network) == (parent.data, parent.network)
    assert len(parent.references) == 1 and child.references == ()


def test_references_of_a_child_are_its_own(write):
    write("parent.toml", WHOLE)
    own = '[[references]]\ncite = "other2021"\nwhere = "s. 4"\nmethod = "imp"\nclaim = "So it does."\n'
    child = load_task(write("child.toml", OWN + 'extends = "parent.toml"\n' + own))
    assert [reference.cite for reference in child.references] == ["other2021"]


def test_epochs_and_steps_replace_each_other_but_a_file_cannot_say_both(write):
    write("steps.toml", WHOLE)
    by_epochs = write("epochs.toml", OWN + 'extends = "steps.toml"\ntraining.epochs = 3\n')
    assert (load_task(by_epochs).training.epochs, load_task(by_epochs).training.steps) == (3.0, None)
    by_steps = load_task(write("again.toml", OWN + 'extends = "epochs.toml"\ntraining.steps = 500\n'))
    assert (by_steps.training.epochs, by_steps.training.steps) == (None, 500)
    both = OWN + 'extends = "steps.toml"\n[training]\nepochs = 3\nsteps = 500\n'
    assert mistakes(write("both.toml", both)) == ["training: say either epochs or steps."]


def test_a_table_of_another_name_starts_afresh(write):
    """A child's SGD takes neither the learning rate nor the weight decay of its parent's Adam."""
    write("parent.toml", WHOLE)
    sgd = 'extends = "parent.toml"\n[training]\noptimizer = {{ name = "sgd", lr = 0.5 }}\n'
    optimizer = load_task(write("child.toml", OWN + sgd)).training.optimizer
    assert (optimizer.name, optimizer.lr, optimizer.weight_decay) == ("sgd", 0.5, 0.0)
    no_rate = sgd.replace(", lr = 0.5", "")
    assert mistakes(write("bare.toml", OWN + no_rate)) == ["training.optimizer.lr: is missing."]
    same = 'extends = "parent.toml"\n[training]\noptimizer = {{ name = "adam", lr = 0.5 }}\n'
    assert load_task(write("same.toml", OWN + same)).training.optimizer.weight_decay == 0.1
    other = 'extends = "parent.toml"\n[network]\nname = "lenet-300-100"\n'
    assert load_task(write("other.toml", OWN + other)).network.options == {}


def test_an_empty_table_takes_nothing_from_the_parent(write):
    write("parent.toml", WHOLE)
    kept = 'extends = "parent.toml"\nladder.rounds = 4\n'
    assert load_task(write("kept.toml", OWN + kept)).ladder.layers == {"output.weight": 0.2}
    cleared = 'extends = "parent.toml"\n[ladder]\nscope = "global"\nlayers = {{}}\n'
    assert load_task(write("cleared.toml", OWN + cleared)).ladder.layers == {}


def test_a_child_does_not_speak_in_its_parent_s_words(write):
    write("parent.toml", WHOLE)
    assert load_task(write("child.toml", OWN + 'extends = "parent.toml"\n')).description == ""


def test_a_parent_may_be_shipped_or_lie_beside_or_above_its_child_and_extend_in_turn(write):
    write("family/base.toml", OWN + 'extends = "mnist/lenet-300-100"\ntraining.steps = 2000\n')
    write("family/nested/middle.toml", OWN + 'extends = "../base.toml"\ntraining.batch_size = 50\n')
    child = load_task(write("family/nested/leaf.toml", OWN + 'extends = "middle.toml"\nladder.rounds = 3\n'))
    assert (child.training.steps, child.training.batch_size, child.ladder.rounds) == (2000, 50, 3)
    assert child.network.name == "lenet-300-100" and child.ladder.layers == {"output.weight": 0.1}


def test_a_child_says_its_own_name_and_that_is_told_with_its_other_mistakes(write):
    write("parent.toml", WHOLE)
    text = 'extends = "parent.toml"\ntitle = "Nameless"\n[ladder]\nround = 3\n'
    assert mistakes(write("child.toml", text)) == [
        "id: is missing.",
        "version: is missing.",
        "tier: is missing.",
        "ladder.round: there is no such key. Allowed here: prune, rounds, scope, layers, cover, exclude.",
    ]


def test_a_mistake_of_the_parent_is_told_of_the_parent_s_file(write):
    parent = write("parent.toml", WHOLE.replace("rounds = 8", "rounds = 0"))
    child = write("child.toml", OWN + 'extends = "parent.toml"\n[ladder]\nrounds = 3\n')
    with pytest.raises(TicketbenchError) as caught:
        load_task(child)
    assert str(caught.value).startswith(f"{parent}: ") and "ladder.rounds" in str(caught.value)


@pytest.mark.parametrize(
    ("extends", "message"),
    [
        ('"mnist/lenet-300-10"', "extends: Unknown task .* Did you mean 'mnist/lenet-300-100'?"),
        ('"missing.toml"', r"missing\.toml: there is no such task file"),
        ('"child.toml"', "leads back to where this began"),
        ("7", "extends: expected a task's id or the path of a TOML file, got 7"),
    ],
)
def test_a_parent_that_cannot_be_had_is_refused(write, extends, message):
    with pytest.raises(TicketbenchError, match=message):
        load_task(write("child.toml", OWN + f"extends = {extends}\n"))


def test_a_circle_of_parents_is_refused(write):
    write("one.toml", OWN + 'extends = "two.toml"\n')
    write("two.toml", OWN + 'extends = "three.toml"\n')
    path = write("three.toml", OWN + 'extends = "one.toml"\n')
    with pytest.raises(TicketbenchError, match=r"extends: three\.toml leads back to where this began"):
        load_task(path)


def problems(text):
    jsonschema.Draft202012Validator.check_schema(task_schema())
    found = jsonschema.Draft202012Validator(task_schema()).iter_errors(tomllib.loads(text))
    return [error.message for error in found]


def test_the_json_schema_lets_every_shipped_file_in():
    for path in shipped_tasks().values():
        assert problems(path.read_text("utf-8")) == []


def test_the_json_schema_lets_a_child_be_silent_and_a_whole_file_not():
    assert problems(OWN.format("child") + 'extends = "mine/whole"\n[training]\noptimizer.lr = 0.1\n') == []
    assert problems(WHOLE.format("whole")) == []
    for line in ("batch_size = 60\n", "prune = 0.4\n", 'tier = "ci"\n', "lr = 0.003, "):
        assert line in WHOLE
        lacking = WHOLE.format("whole").replace(line, "", 1)
        assert [message for message in problems(lacking) if "is a required property" in message], line
    for line in ('name = "digits"\n', 'name = "mlp"\n', "steps = 800\n"):
        assert line in WHOLE
        assert problems(WHOLE.format("whole").replace(line, "", 1)), line
    assert "'tier' is a required property" in problems('id = "a/b"\nversion = 1\ntitle = "t"\nextends = "c/d"\n')


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rounds = 8", "rounds = 8\nround = 9"),
        ("batch_size = 60", 'batch_size = "60"'),
        ('tier = "ci"', 'tier = "quick"'),
        ('name = "adam"', 'name = "lion"'),
        ("lr = 0.003", "lr = 0.003, momentum = 0.9"),
        ("prune = 0.4", "prune = 1.5"),
        ('where = "Table 1"\n', ""),
        ('name = "digits"', 'name = "digits"\nhub = "mine/photos"'),
        ('name = "digits"', 'hub = "not an id"'),
        ('name = "digits"', 'folder = "photos"\ndigest = "short"'),
        ('name = "mlp"', 'name = "mlp"\nfactory = "package.module:function"'),
        ('name = "mlp"', 'factory = "package.module"'),
        ("steps = 800", "steps = 800\nepochs = 3"),
        ("[ladder]", "[settings.s1]\nladder.rounds = 3\n[ladder]"),
        ("[ladder]", "[settings.S1]\ndata.part = '1/2'\n[ladder]"),
        ("[ladder]", "[settings.s1]\ntraining.steps = 3\n[ladder]"),
        ("[ladder]", "[settings.s1]\ndata.labels = [1]\n[ladder]"),
        ("[ladder]", "[settings.s1]\ndata.part = 'half'\n[ladder]"),
        ("[ladder]", "[settings.s1]\ndata = {{ hub = 'a/b', folder = 'c' }}\n[ladder]"),
        ("[ladder]", "[settings.s1]\ntraining.optimizer = {{ name = 'sgd' }}\n[ladder]"),
    ],
)
def test_the_json_schema_and_the_loader_refuse_the_same_files(write, old, new):
    assert old in WHOLE
    text = WHOLE.replace(old, new)
    assert problems(text.format("wrong"))
    assert mistakes(write("wrong.toml", text))


def test_every_key_of_the_schema_is_described_or_speaks_for_itself():
    """An editor shows the descriptions; a key without one must be of a part whose docstring tells all."""
    schema = task_schema()
    for name, definition in schema["$defs"].items():
        assert definition["description"], name
    assert schema["description"] and set(schema["properties"]) == set(Task.model_fields)

"""The tasks of the student report (IE643, 2020) against its Tables 1 and 2 and the numbers of its section 7.2."""

import pytest

from ticketbench.report.boards.ledger import NEAR
from ticketbench.report.submission.grid import ladder_on
from ticketbench.task import Task, Training, find_tasks

CLASSES = 10
PERCEPTRON, LENET_5 = "lenet-300-100", "lenet-5"
RATE = 0.0012
ADAM, SGD = ("adam", RATE, 0.0), ("sgd", RATE, 0.0)  # name, learning rate and momentum

TABLE_1 = {  # network, optimizer, batch size, epochs, share pruned, rounds
    "mnist/lenet-300-100-ie643": (PERCEPTRON, ADAM, 60, 75, 0.3, 20),
    "mnist/lenet-5-ie643": (LENET_5, ADAM, 60, 50, 0.2, 20),
}
TABLE_2 = {
    "mnist/data-halves": (PERCEPTRON, ADAM, 50, 50, 0.5, 5),
    "mnist/label-split": (PERCEPTRON, ADAM, 50, 50, 0.35, 15),
    "mnist/optimizer-transfer": (PERCEPTRON, ADAM, 50, 50, 0.5, 10),
}
SECTION_7_2 = [
    ("mnist/data-halves", "s1", "s1", 0.9574),
    ("mnist/data-halves", "s1", "s2", 0.9614),
    ("mnist/label-split", "s1", "s1", 0.9723),
    ("mnist/label-split", "s1", "s2", 0.211479),
    ("mnist/optimizer-transfer", "sgd", "sgd", 0.9752),
    ("mnist/optimizer-transfer", "adam", "adam", 0.9717),
    ("mnist/optimizer-transfer", "sgd", "adam", 0.9717),  # its words allow both readings
]

CLAIMS = {  # found on, trained on, sign, and the method and where its ticket was found, or the bound
    "mnist/data-halves": [("s1", "s2", "equal", ("imp", "s2"))],
    "mnist/label-split": [("s1", "s2", "lower", ("imp", "s2"))],
    "mnist/optimizer-transfer": [("adam", "sgd", "equal", ("imp", "sgd")), ("sgd", "adam", "equal", ("imp", "adam"))],
    "mnist/lenet-300-100-ie643": [
        ("default", "default", "equal", ("dense", None)),
        *[("default", "default", "lower", 0.8)] * 2,
        ("default", "default", "higher", ("imp-reinit", None)),
    ],
    "mnist/lenet-5-ie643": [
        ("default", "default", "equal", ("dense", None)),
        *[("default", "default", "lower", 0.8)] * 2,
        ("default", "default", "higher", ("imp-reinit", None)),
    ],
}


def task(name: str) -> Task:
    (found,) = find_tasks(name)
    return found


def optimizer(training: Training) -> tuple[str, float, float]:
    said = training.optimizer
    return said.name, said.lr, getattr(said, "momentum", 0.0)


def room_in_output(found: Task) -> int:
    """The most weights that the output can keep at the last rung while every other layer keeps one."""
    dense, *_, last = ladder_on(found)
    layers = dense.kept_per_layer
    if last.scope == "layer":
        return last.kept_per_layer["output.weight"]
    return min(layers["output.weight"], last.kept - (len(layers) - 1))


@pytest.mark.parametrize("name", TABLE_1 | TABLE_2)
def test_the_recipe_is_the_one_that_its_table_prints(name):
    found = task(name)
    training, ladder = found.training, found.ladder
    recipe = (optimizer(training), training.batch_size, training.epochs, ladder.prune, ladder.rounds)
    assert (found.network.name, *recipe) == (TABLE_1 | TABLE_2)[name]


@pytest.mark.parametrize("name", TABLE_1 | TABLE_2)
def test_weights_are_drawn_as_by_frankle_and_carbin(name):
    """The report names no other way."""
    assert task(name).network.init == "glorot-normal"


@pytest.mark.parametrize("name", TABLE_1 | TABLE_2)
def test_weights_are_ranked_over_all_layers_and_biases_are_left_alone(name):
    """Our choice, and said to be: section 4.1 prunes "p % of the parameters" and names no layer."""
    found = task(name)
    assert (found.ladder.scope, found.ladder.cover, dict(found.ladder.layers)) == ("global", "weights", {})
    assert "is this task's choice, too" in " ".join(found.description.split())


def test_the_settings_are_those_of_section_4_2():
    halves, labels, optimizers = (task(name) for name in TABLE_2)
    assert [halves.in_setting(each).data.part for each in ("s1", "s2")] == ["1/2", "2/2"]
    assert [labels.in_setting(each).data.labels for each in ("s1", "s2")] == [(0, 1, 2, 3, 4), (5, 6, 7, 8, 9)]
    assert [optimizer(optimizers.in_setting(each).training) for each in ("adam", "sgd")] == [ADAM, SGD]


def test_the_numbers_are_those_of_section_7_2():
    found = [
        (name, each.found_on, each.trained_on, each.value)
        for name in TABLE_2
        for each in task(name).references
        if each.value is not None
    ]
    assert sorted(found) == sorted(SECTION_7_2)


@pytest.mark.parametrize("name", TABLE_1 | TABLE_2)
def test_numbers_and_claims_are_of_iterative_pruning_at_the_last_step(name):
    references = [each for each in task(name).references if each.cite == "ie643-2020"]
    found = {(each.method, each.column) for each in references if each.value is not None or each.sign}
    assert found == {("imp", "test_final")}


@pytest.mark.parametrize("name", CLAIMS)
def test_what_its_words_come_to(name):
    found = [
        (
            each.found_on,
            each.trained_on,
            each.sign,
            (each.against.method, each.against.found_on) if each.against else each.bound,
        )
        for each in task(name).references
        if each.sign
    ]
    assert found == CLAIMS[name]


@pytest.mark.parametrize("name", TABLE_1)
def test_what_it_concludes_of_no_named_level_is_told_and_not_tested(name):
    (words,) = [each for each in task(name).references if each.claim and not each.sign]
    assert (words.where, words.density) == ("section 9", None)
    assert words.note.startswith("Not tested")


@pytest.mark.parametrize("name", TABLE_2)
def test_every_number_is_held_against_the_last_rung(name):
    found = task(name)
    last = ladder_on(found)[-1]
    densities = {each.density for each in found.references}
    assert densities and all(abs(density / last.density - 1) <= NEAR for density in densities)


@pytest.mark.parametrize("name", TABLE_2)
def test_the_last_rung_has_room_for_an_output_that_tells_the_classes_apart(name):
    """All but one of the classes need a weight of their own in the output; one can do with its bias."""
    found = task(name)
    labels = found.in_setting(found.setting_names[0]).data.labels
    told_apart = len(labels) if labels else CLASSES
    assert room_in_output(found) >= told_apart - 1

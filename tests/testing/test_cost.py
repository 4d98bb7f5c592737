"""Checks on cost: trainings inside a method are charged and marked, or found out; own recipes; time and memory."""

import pytest
import torch

from ticketbench.testing.checks import costs
from ticketbench.testing.memory import begin, risen_since

TRAINS_ITSELF = '''
@method("mine", title="Trains inside itself")
def find(search):
    """A loop of its own on the module that search.network gives."""
    network = search.network(search.initial)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    for inputs, targets in search.batches(20, 32):
        optimizer.zero_grad()
        {loss}.backward()
        optimizer.step()
    trained = search.initial.replace(weights=dict(network.named_parameters()))
    yield from tickets(search, sizes(trained), trained)
'''


def test_a_method_that_trains_inside_itself_is_charged_and_marked(only):
    source = TRAINS_ITSELF.format(loss="search.loss(network, inputs, targets)")
    finding = only(source, "cost", "warning")
    assert "3 of 3 tickets start from weights of your own making" in finding.seen
    assert "640 examples of its own" in finding.seen and "20 optimizer steps" in finding.seen
    assert "edited" in finding.expected


@pytest.mark.parametrize(
    ("network", "forward"),
    [("search.network(search.initial)", ".forward"), ("unhooked(search.network(search.initial))", "")],
    ids=["past the hook", "without the hook"],
)
def test_a_training_hidden_from_the_account_fails_cost_alone(only, network, forward):
    unhooked = "def unhooked(network):\n    network._forward_pre_hooks.clear()\n    return network\n"
    source = TRAINS_ITSELF.format(loss=f"torch.nn.functional.cross_entropy(network{forward}(inputs), targets)")
    source = unhooked * (not forward) + source.replace("search.network(search.initial)", network)
    finding = only(source, "cost", beside=("reading",))
    assert "20 optimizer steps; 0 examples were counted" in finding.seen
    assert "yield Train(" in finding.change


def test_long_work_without_examples_that_ends_in_edited_weights_fails_cost_alone(only, monkeypatch):
    monkeypatch.setattr(costs, "HIDDEN_EPOCHS", 0)
    source = '''
    import time

    once = [1.0]

    @method("mine", title="Thinks for long")
    def find(search):
        """As a loop without an optimizer of torch's would."""
        time.sleep(once.pop() if once else 0)
        other = search.initial.replace(weights={n: 2 * w for n, w in search.initial.weights.items()})
        yield from tickets(search, sizes(other), other)
    '''
    assert "0 examples were counted" in only(source, "cost", beside=("reading",)).seen


def test_weights_made_without_data_or_training_are_marked_and_no_more(only):
    source = '''
    @method("mine", title="Doubled")
    def find(search):
        """Twice the initial weights."""
        other = search.initial.replace(weights={n: 2 * w for n, w in search.initial.weights.items()})
        yield from tickets(search, sizes(other), other)
    '''
    assert "0 examples of its own" in only(source, "cost", "warning").seen


OWN_RECIPE = '''
@dataclass(frozen=True)
class Penalty:
    weight: float

    def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
        return loss(network, weights, inputs, targets) + self.weight * sum(w.abs().sum() for w in weights.values())


@method("mine", title="A penalty")
def find(search):
    """Train with a penalty, or another optimizer."""
    trained = yield Train(search.initial, {until}, {how})
    {then}
    yield from tickets(search, sizes(trained), trained)
'''


@pytest.mark.parametrize(
    ("how", "then"),
    [
        ("objective=Penalty(1e-4)", ""),
        ('recipe=Recipe(optimizer={"name": "sgd", "lr": 0.1})', ""),
        ("objective=Penalty(1e-4)", "trained = search.initial.replace(weights=trained.weights, step=search.steps)"),
    ],
    ids=["objective", "optimizer", "copied"],
)
def test_weights_of_one_s_own_recipe_submitted_at_the_end_are_worth_knowing(only, how, then):
    source = OWN_RECIPE.format(until="search.steps", how=how, then=then)
    finding = only(source, "own_recipe", "warning")
    assert finding.seen.startswith("weights trained by a recipe of your own are scored as they are: 3 of 3 tickets")
    assert "docs/rulebook.md" in finding.change


@pytest.mark.parametrize(
    ("until", "how", "then"),
    [
        ("search.steps // 2", "objective=Penalty(1e-4)", ""),
        ("search.steps", "objective=Penalty(1e-4)", "trained = trained.replace(step=10)"),
        ("search.steps", "", ""),
        ("search.steps", "objective=Penalty(1e-4)", "trained = search.initial.replace(step=search.steps)"),
    ],
    ids=["then the task's", "rewound", "the task's own", "initial weights"],
)
def test_what_the_task_s_recipe_trains_is_not(finding, until, how, then):
    assert finding(OWN_RECIPE.format(until=until, how=how, then=then), "own_recipe").status == "ok"


SLOW = '''
@method("mine", title="Slow")
def find(search):
    """{what}"""
    {what}
    yield from tickets(search, sizes(search.initial), search.initial)
'''


def test_absurd_time_fails_that_check_alone(only, monkeypatch):
    monkeypatch.setattr(costs, "ABSURD_SECONDS", 0.3)
    monkeypatch.setattr(costs, "ABSURD_EPOCHS", 0)
    source = "import time\n\nonce = [1.5]\n" + SLOW.format(what="time.sleep(once.pop() if once else 0)")
    finding = only(source, "time_and_memory", beside=("reading", "cost"))
    assert "0.5" in finding.seen and "s a rung" in finding.expected


def test_absurd_memory_fails_that_check_alone(only, monkeypatch):
    monkeypatch.setattr(costs, "ABSURD_BYTES", 100 * 2**20)
    monkeypatch.setattr(costs, "HIDDEN_EPOCHS", 1e9)  # a busy machine takes its time over so many bytes
    finding = only(SLOW.format(what="torch.ones(200, 2**20 // 4).sum()"), "time_and_memory")
    seen = int(finding.seen.partition("; ")[2].partition(" MiB")[0])
    assert 150 <= seen <= 300


def test_memory_of_a_stretch_is_seen_even_where_the_process_held_more_before():
    torch.ones(300, 2**20 // 4).sum()
    before = begin()
    assert risen_since(before) < 50 * 2**20
    torch.ones(100, 2**20 // 4).sum()
    assert 80 * 2**20 < risen_since(before) < 200 * 2**20


def test_a_training_by_hand_is_told_where_only_the_mask_comes_of_it(only, monkeypatch):
    monkeypatch.setattr(costs, "HIDDEN_EPOCHS", 0)
    source = SLOW.format(what="time.sleep(once.pop() if once else 0)")
    finding = only("import time\n\nonce = [1.0]\n" + source, "cost", "warning", beside=("reading",))
    assert "0 examples were counted" in finding.seen


def test_a_few_examples_passed_for_show_hide_no_training(only):
    source = TRAINS_ITSELF.format(loss="torch.nn.functional.cross_entropy(network.forward(inputs), targets)")
    shown = "network = search.network(search.initial)\n    network(search.batches(1, 64)[0][0])"
    finding = only(source.replace("network = search.network(search.initial)", shown), "cost", beside=("reading",))
    assert "20 optimizer steps; 64 examples were counted" in finding.seen


def test_weights_of_one_s_own_making_after_one_s_own_recipe_are_worth_knowing(only):
    nudged = (
        "trained = search.initial.replace(weights={n: w * 1.0000005 for n, w in trained.weights.items()}, step=30)"
    )
    source = OWN_RECIPE.format(until="search.steps", how="objective=Penalty(1e-4)", then=nudged)
    finding = only(source, "own_recipe", "warning", beside=("cost",))
    assert "3 of 3 tickets start from weights of your own making, after a Train with an objective" in finding.seen

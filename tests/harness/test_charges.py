"""What a search costs, against numbers worked by hand. T = 30 steps of 60 examples, rewind step 10."""

import time

import pytest

from ticketbench.harness.search import Job, run_search
from ticketbench.harness.trainings import Trainings
from ticketbench.methods import shipped_methods

T, BATCH = 30, 60


def charged(rows):
    """Steps and examples of every ticket, by rung."""
    return {row["rung"]: (row["search_steps"], row["search_examples"]) for row in rows if row["kind"] == "ticket"}


def steps(rows):
    return [row["search_steps"] for row in rows if row["kind"] == "ticket"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("one-shot", [T, T, T]),  # one dense training each
        ("one-shot-reinit", [T, T, T]),
        ("prune-only", [T, T, T]),
        ("random-layer", [0, 0, 0]),
        ("random-global", [0, 0, 0]),
        ("imp", [T, 2 * T, 3 * T]),  # dense and the tickets of the rungs before
        ("imp-reinit", [T, 2 * T, 3 * T]),  # dense and the chain of masks, trained from the initial weights
        ("imp-late", [T, T + (T - 10), T + 2 * (T - 10)]),  # tickets start at step 10, which lies on the way of dense
        ("fine-tune", [T, T + (T - 10), T + 2 * (T - 10)]),
        ("lr-rewind", [T, T + (T - 10), T + 2 * (T - 10)]),
    ],
)
def test_what_the_baselines_cost(lab, name, expected):
    rows = lab.search(shipped_methods()[name])
    assert charged(rows) == {rung: (cost, cost * BATCH) for rung, cost in enumerate(expected, 1)}
    trained = {"prune-only": 0, "imp-late": T - 10, "fine-tune": T - 10, "lr-rewind": T - 10}.get(name, T)
    assert [row["training_steps"] for row in rows] == [trained] * 3


def test_the_dense_network_was_not_searched_for(lab):
    row = lab.dense()
    assert (row["search_steps"], row["search_examples"], row["training_steps"]) == (0, 0, T)


def test_what_the_store_had_costs_the_same(lab):
    first = lab.search(shipped_methods()["imp"])
    (copy,) = lab.methods("""
        @method("copy", title="Copy")
        def copy(search):
            yield from search.method("imp")
    """)
    second = lab.search(copy)
    assert lab.asked == [True] * 4 + [False] * 4
    assert charged(second) == charged(first)


def test_a_prefix_that_two_trainings_share_is_charged_once(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            first, second, third = masks_of(search, search.initial)
            early = yield search.at(10)
            early.weights
            yield Ticket(first, search.initial)
            dense = yield search.dense
            dense.weights
            yield Ticket(second, search.initial)
            later = yield Train(early, 20)  # on the way that dense has gone
            later.weights
            yield Ticket(third, search.initial)
    """)
    assert steps(rows) == [10, 30, 30]


def test_another_way_from_a_shared_prefix_is_charged_from_where_it_parts(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            first, second, third = masks_of(search, search.initial)
            early = yield search.at(10)
            other = yield Train(early, 25, data_order=1)
            other.weights
            yield Ticket(first, search.initial)  # 10, and 15 in the other order
            sparse = yield Train(early.replace(mask=first), 20)
            sparse.mask
            yield Ticket(second, search.initial)  # and 10 of a sparse network
            again = yield Train(early.replace(mask=first), 30)
            again.prunable
            yield Ticket(third, search.initial)  # and 10 more of the same
    """)
    assert steps(rows) == [25, 35, 45]


def test_what_was_neither_looked_at_nor_started_from_is_not_charged(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            first, second, third = masks_of(search, search.initial)
            dense = yield search.dense
            assert dense.step == 30 and "step 30" in repr(dense)
            other = yield Train(search.initial, 20, data_order=1)
            yield Ticket(first, search.initial)
            yield Probe(other, "looked at by nobody")
            yield Ticket(second, other.replace(step=5))
            yield Ticket(third, search.initial)
            dense.buffers
    """)
    assert steps(rows) == [0, 20, 0]  # started from costs the ticket that did; looked at, every ticket after it


@pytest.mark.parametrize("look", ["weights", "prunable", "mask", "buffers", "extra"])
def test_to_read_any_tensor_is_to_look(lab, look):
    rows = lab.search(f"""
        @method("mine", title="Mine")
        def mine(search):
            first, *others = masks_of(search, search.initial)
            trained = yield search.at(20)
            yield Ticket(first, search.initial)
            trained.{look}
            yield [Ticket(mask, search.initial) for mask in others]
    """)
    assert steps(rows) == [0, 20, 20]


def test_to_edit_and_to_pass_on_is_to_look_or_to_start_from(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            first, second, third = masks_of(search, search.initial)
            trained = yield search.at(20)
            search.network(trained)
            yield Ticket(first, search.initial)
            further = yield Train(trained.replace(weights={"output.bias": torch.ones(10)}), 25)
            yield Ticket(second, further)  # the chain behind it with it
            yield Ticket(third, search.initial)
    """)
    assert steps(rows) == [20, 25, 20]


def test_tickets_sent_back_are_charged_when_looked_at(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            first, second, third = masks_of(search, search.initial)
            trained = yield Ticket(first, search.initial)
            yield Ticket(second, search.initial)
            trained.weights
            yield Ticket(third, search.initial)
    """)
    assert steps(rows) == [0, 0, 30]


def test_examples_through_a_network_are_counted_however_they_are_passed(lab):
    rows = lab.search("""
        import copy

        from torch.func import functional_call

        @method("mine", title="Mine")
        def mine(search):
            first, second, third = masks_of(search, search.initial)
            network = search.network(search.initial)
            (small, _), (large, targets) = *search.batches(1, 7), *search.batches(1, 100)
            network(small)
            network(inputs=small)
            yield Ticket(first, search.initial)  # 14
            search.loss(network, large, targets).backward()
            functional_call(network, search.initial.weights, (large,))
            yield Ticket(second, search.initial)  # 214
            copy.deepcopy(network)(small)
            trained = yield search.at(10)
            search.network(trained)(large)
            yield Ticket(third, search.initial)  # 321, and the training
    """)
    assert charged(rows) == {1: (0, 14), 2: (0, 214), 3: (10, 600 + 321)}


def test_rungs_that_are_run_apart_are_charged_apart(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search, rung):
            trained = yield search.at(10 * rung.index)
            search.network(trained)(search.batches(1, rung.index)[0][0])
            yield Ticket(keep_largest(scores_of(trained), rung), search.initial)
    """)
    assert charged(rows) == {1: (10, 601), 2: (20, 1202), 3: (30, 1803)}


def test_only_the_methods_own_time_is_its_time(lab):
    rows = lab.search("""
        import time

        @method("mine", title="Mine")
        def mine(search):
            for mask in masks_of(search, search.initial):
                time.sleep(0.05)
                yield [search.dense, Ticket(mask, search.initial)]
    """)
    seconds = [row["search_seconds"] for row in rows]
    assert all(0.05 * n <= each < 0.05 * n + 0.5 for n, each in enumerate(seconds, 1))


def test_what_the_store_must_train_again_while_a_method_looks_is_not_its_time(lab, monkeypatch):
    real = Trainings._run

    def slow(trainings, training, *said):
        time.sleep(0.5 * (training.until in (5, 8)))
        return real(trainings, training, *said)

    monkeypatch.setattr(Trainings, "_run", slow)
    found = lab.method("""
        @method("mine", title="Mine")
        def mine(search):
            early = yield Train(search.initial.replace(mask=masks_of(search, search.initial)[0]), 5)
            later = yield Train(early, 8, data_order=1)
            assert early.weights and later.weights  # which needs the earlier one again
            yield [Ticket(mask, early) for mask in masks_of(search, later, within=early.mask)]
    """)
    task = lab.task()
    trainings = lab.trainings(task, limit=0)
    kept = trainings.store.get
    monkeypatch.setattr(trainings.store, "get", lambda line, step: None if step in (5, 8) else kept(line, step))
    rows = run_search(Job(task, found, "default", 0), trainings)
    assert {row["status"] for row in rows} == {"done"}
    assert all(0 < row["search_seconds"] < 1 for row in rows)  # of more than 2 s that it waited


def test_under_vmap_every_example_is_counted(lab):
    rows = lab.search("""
        from torch.func import functional_call, grad, vmap

        @method("mine", title="Mine")
        def mine(search):
            first, second, third = masks_of(search, search.initial)
            network, weights = search.network(search.initial), search.initial.weights
            ((inputs, targets),) = search.batches(1, 50)

            def loss(weights, one):
                return functional_call(network, weights, (one[None],)).logsumexp(1).sum()

            vmap(grad(loss), (None, 0))(weights, inputs)
            yield Ticket(first, search.initial)  # 50
            grad(lambda weights: vmap(loss, (None, 0))(weights, inputs).sum())(weights)
            yield Ticket(second, search.initial)  # 100
            three = {name: torch.stack([weight] * 3) for name, weight in weights.items()}
            vmap(lambda weights: functional_call(network, weights, (inputs[:7],)))(three)
            yield Ticket(third, search.initial)  # 121
    """)
    assert charged(rows) == {1: (0, 50), 2: (0, 100), 3: (0, 121)}

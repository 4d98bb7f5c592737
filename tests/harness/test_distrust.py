"""Methods that are careless or hostile: what they do reaches nobody else, and no row says what is not so."""

import random

import numpy as np
import pytest
import torch

from ticketbench.errors import TicketbenchError
from ticketbench.harness.search import Job, run_search
from ticketbench.harness.store import Store
from ticketbench.harness.trainings import Trainings


def test_a_tensor_edited_in_place_reaches_nobody_else(lab, compared):
    honest = """
        @method("honest", title="Honest")
        def honest(search):
            trained = yield search.dense
            for mask in masks_of(search, trained):
                yield Ticket(mask, search.initial)
    """
    vandal = """
        def spoil(*groups):
            for tensors in groups:
                for tensor in tensors.values():
                    tensor.logical_not_() if tensor.dtype == torch.bool else tensor.fill_(7)

        @method("vandal", title="Vandal")
        def vandal(search):
            trained = yield search.dense
            masks = masks_of(search, trained)
            for checkpoint in (search.initial, trained, (yield search.at(10))):
                spoil(checkpoint.weights, checkpoint.prunable, checkpoint.mask, checkpoint.buffers, checkpoint.extra)
                spoil(dict(search.network(checkpoint).state_dict()))
            for inputs, targets in search.batches(2, 20):
                spoil({"inputs": inputs, "targets": targets})
            with torch.no_grad():
                for parameter in search.network(trained).parameters():
                    parameter.zero_()
            given = {name: weight.clone() for name, weight in trained.weights.items()}
            mine = search.initial.replace(weights=given, mask=masks[0])
            before = mine.weights
            spoil(given, masks[0])
            assert all(torch.equal(mine.weights[name], weight) for name, weight in before.items())
            for mask in masks_of(search, (yield search.dense)):
                trained = yield Ticket(mask, search.initial)
                spoil(trained.weights, mask)
    """
    before = lab.search(lab.method(honest, "honest.py"), store="alone")
    lab.search(lab.method(vandal, "vandal.py"))
    after = lab.search(lab.method(honest, "honest.py"))
    assert lab.asked.count(True) == 4 + 4 + 0  # the vandal's own store: dense by way of step 10, and three tickets
    assert compared(after) == compared(before)


LEFT_ON = {
    "no_grad": "torch.no_grad()",
    "inference": "torch.inference_mode()",
    "autocast": "torch.autocast('cpu', dtype=torch.bfloat16)",
    "another device": "torch.device('meta')",
}


@pytest.mark.parametrize("mode", LEFT_ON)
def test_a_mode_left_on_at_a_yield_changes_no_bit_of_a_training(lab, compared, mode):
    source = """
        @method("mine", title="Mine")
        def mine(search):
            masks = masks_of(search, search.initial)
            with {mode}:
                trained = yield search.dense
                for mask in masks:
                    yield Ticket(mask, search.reinitialized(1))
    """
    plain = lab.search(lab.method(source.format(mode="open('/dev/null')"), "plain.py"), store="plain")
    tried = lab.search(lab.method(source.format(mode=LEFT_ON[mode]), "tried.py"))
    digest = {"method_digest": ""}
    assert compared(row | digest for row in tried) == compared(row | digest for row in plain)
    assert {row["status"] for row in tried} == {"done"}


def test_what_a_loss_does_to_the_network_reaches_no_other_training(lab, compared):
    """The workload, which keeps the engine's own network, is the same one throughout, as in one process."""
    honest = lab.method(
        """
        @method("honest", title="Honest")
        def honest(search):
            yield [Ticket(mask, search.initial) for mask in masks_of(search, search.initial)]
        """,
        "honest.py",
    )
    rude = lab.method(
        """
        @dataclass(frozen=True)
        class Rude:
            def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
                network.register_forward_hook(lambda module, inputs, output: 0.5 * output)
                network.left = True
                return loss(network, weights, inputs, targets)


        @method("rude", title="Rude")
        def rude(search):
            yield Train(search.initial, 3, objective=Rude())
        """,
        "rude.py",
    )
    task = lab.task()
    workloads = lab.trainings(task).workloads

    def rows_of(found, store):
        return run_search(Job(task, found, "default", 0), Trainings(workloads, Store(lab.folder / store)))

    alone = rows_of(honest, "alone")
    (ended, *_) = rows_of(rude, "rude")
    after = rows_of(honest, "after")
    assert "asked for nothing more" in ended["reason"]
    assert compared(after) == compared(alone)


def test_a_mode_switched_by_one_method_does_not_reach_the_next(lab, compared):
    source = """
        @scorer("mine", title="Mine")
        def mine(search, checkpoint):
            network = search.network(checkpoint)
            ((inputs, targets),) = search.batches(1, 100)
            search.loss(network, inputs, targets).backward()
            assert network.output.weight.dtype == torch.float32
            return {name: dict(network.named_parameters())[name].grad.abs() for name in checkpoint.prunable}
    """
    alone = lab.search(lab.method(source, "alone.py"), store="alone")
    lab.search("""
        @method("rude", title="Rude")
        def rude(search):
            torch.set_grad_enabled(False)
            torch.set_default_dtype(torch.float64)
            torch.set_default_device("meta")
            torch.set_num_threads(2)
            torch.use_deterministic_algorithms(False)
            yield search.dense
            raise RuntimeError("and leaves")
    """)
    after = lab.search(lab.method(source, "alone.py"))
    assert {row["status"] for row in after} == {"done"}
    assert compared(after) == compared(alone)


def test_what_a_method_draws_from_global_generators_comes_again(lab, compared):
    source = """
        import random

        import numpy as np

        @method("mine", title="Mine")
        def mine(search):
            early = yield search.at(10)
            for rung in search.ladder:
                for label, draw in {
                    "torch": lambda size: torch.rand(size),
                    "numpy": lambda size: torch.from_numpy(np.random.rand(size)),
                    "python": lambda size: torch.tensor([random.random() for _ in range(size)]),
                }.items():
                    drawn = {name: draw(weight.numel()).view(weight.shape) for name, weight in early.prunable.items()}
                    yield Ticket(keep_largest(drawn, rung, scope="global"), search.initial, label=label)
    """
    found = lab.method(source)
    first = lab.search(found)
    other = lab.search(found, seed=1)  # in between, generators go elsewhere
    random.seed(5), np.random.seed(5), torch.manual_seed(5)
    again = lab.search(found)  # where nothing is trained
    anew = lab.search(found, store="another")  # where all is trained
    assert compared(again) == compared(anew) == compared(first)
    assert {row["mask_digest"] for row in first}.isdisjoint(row["mask_digest"] for row in other)
    assert len({row["mask_digest"] for row in first}) == 9


def test_a_checkpoint_of_another_search_is_refused(lab):
    source = """
        kept = []

        @method("mine", title="Mine")
        def mine(search):
            if not kept:
                kept.append((yield search.at(10)))
                kept.append(search.initial)
            trained, initial = kept
            said = []
            for request in (
                Train(trained, 20), Train(initial.replace(step=5), 20), Probe(trained, "theirs"),
                *(Ticket(mask, trained) for mask in masks_of(search, trained)),
            ):
                try:
                    yield request
                except Refused as error:
                    said.append(str(error))
            assert said == [] or said == ["the checkpoint is of another search"] * 6
            yield [Ticket(mask, search.initial) for mask in masks_of(search, search.initial)]
    """
    found = lab.method(source)
    first, second = lab.search(found), lab.search(found, seed=1)
    assert [row["start_step"] for row in first if row["kind"] == "ticket"][:3] == [10, 10, 10]
    assert [(row["kind"], row["status"], row["start_step"]) for row in second] == [("ticket", "done", 0)] * 3


def test_a_search_is_not_the_methods_to_change(lab, compared):
    source = """
        @method("mine", title="Mine")
        def mine(search, rung):
            {change}
            yield Ticket(keep_largest(scores_of(search.initial), rung), search.initial)
    """
    changes = """
            for name, value in dict(ladder=(), steps=3, seed=9, task=None, charges=None, initial=None).items():
                try:
                    setattr(search, name, value)
                except AttributeError:
                    continue
                raise AssertionError(name)
            search.task.network.options["hidden"] = [3]
            search.task.ladder.layers["output.weight"] = 0.9
            object.__setattr__(search, "steps", 3)
            object.__setattr__(search, "ladder", search.ladder[:1])
            search.initial.weights["output.weight"].zero_()
    """
    honest = lab.search(lab.method(source.format(change="pass"), "honest.py"), store="honest")
    other = lab.search(lab.method(source.format(change=changes), "other.py"))
    digest = {"method_digest": ""}
    assert compared(row | digest for row in other) == compared(row | digest for row in honest)


def test_a_rung_remade_by_a_method_fools_nobody(lab):
    rows = lab.search("""
        from dataclasses import replace

        @method("mine", title="Mine")
        def mine(search, rung):
            mask = keep_largest(scores_of(search.initial), rung.kept + 7)
            try:
                yield Ticket(mask, search.initial, replace(rung, kept=rung.kept + 7))
            except Refused:
                pass
            object.__setattr__(rung, "kept", rung.kept + 7)
            yield Ticket(mask, search.initial)
    """)
    assert [row["status"] for row in rows] == ["failed"] * 3
    assert rows[0]["reason"].endswith("rung 1 keeps 296 of 592 weights; the ticket's mask keeps 303")


def test_a_full_disk_while_a_method_looks_is_not_the_methods_failure(lab, monkeypatch):
    found = lab.method("""
        @method("mine", title="Mine")
        def mine(search):
            early = yield search.at(10)
            yield search.at(20)
            yield search.dense
            try:
                early.weights
            except Exception:
                pass
            yield [Ticket(mask, search.initial) for mask in masks_of(search, search.initial)]
    """)
    monkeypatch.setattr(Store, "get", lambda *_: None)  # all that was stored is gone as soon as it is looked for
    puts = iter(range(100))
    put = Store.put

    def full_after_three(*arguments, **named):
        if next(puts) >= 3:
            raise TicketbenchError("The store is full.")
        put(*arguments, **named)

    monkeypatch.setattr(Store, "put", full_after_three)
    with pytest.raises(TicketbenchError, match="The store is full"):
        lab.search(found)


def test_a_checkpoint_that_the_store_has_lost_is_trained_again(lab, compared):
    source = """
        @method("mine", title="Mine")
        def mine(search):
            early = yield Train(search.initial, 10, data_order=4)
            others = yield [Train(search.initial, 10, data_order=5 + i) for i in range(12)]
            for mask in masks_of(search, early):
                yield Ticket(mask, early)
    """
    found, task = lab.method(source), lab.task()
    (usual, *_), trainings = lab.search(found, task), lab.trainings(task, "tiny", limit=1)
    (lost, *_) = run_search(Job(task, found, "default", 0), trainings)
    assert len(list((lab.folder / "tiny" / "cache").rglob("*.safetensors"))) <= 1
    assert compared([lost]) == compared([usual])


def test_weights_of_ones_own_are_edited_at_every_rung_and_not_the_harness_s_own_once_scored(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            trained = yield search.dense
            own = {name: weight * 0.999 for name, weight in trained.weights.items()}
            own = search.initial.replace(weights=own, step=search.steps)
            same = yield Train(own, search.steps)
            for mask in masks_of(search, trained):
                yield Ticket(mask, own)
                yield Ticket(mask, same, label="by way of a training of no steps")
                yield Ticket(mask, trained, label="trained")
    """)
    assert [row["edited"] for row in rows] == [True, True, False] * 3


def test_weights_put_together_from_many_draws_are_of_ones_own_making(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            one, other = search.reinitialized(1), search.reinitialized(2)
            mixed = {n: torch.maximum(w, other.weights[n]) for n, w in one.weights.items()}
            for mask in masks_of(search, one):
                yield Ticket(mask, search.initial.replace(weights=mixed))
                yield Ticket(mask, search.initial.replace(weights=other.weights), label="one draw")
    """)
    assert [(row["edited"], row["carried"]) for row in rows] == [(True, True), (False, False)] * 3


@pytest.mark.parametrize(
    "write",
    [
        "trained.trainings = frozenset()",
        "object.__setattr__(trained, 'trainings', frozenset())",
        "trained.__dict__['trainings'] = frozenset()",
        "trained.key = search.initial.key",
        "search.charges.looked_at.clear()",
        "search.charges.scored = -1000",
        "search.drawn[77] = trained.replace(weights=own)",
        "search.drawn_for_controls()",
        "search.network = None",
    ],
)
def test_the_account_is_out_of_a_methods_reach(lab, write):
    rows = lab.search(f"""
        @method("mine", title="Mine")
        def mine(search):
            trained = yield search.dense
            search.network(trained)(search.batches(1, 5)[0][0])
            own = {{name: weight * 0.999 for name, weight in trained.weights.items()}}
            try:
                {write}
            except AttributeError:
                pass
            else:
                assert False, "it went through"
            for mask in masks_of(search, trained):
                yield Ticket(mask, trained.replace(weights=own))
    """)
    assert [(row["search_steps"], row["search_examples"]) for row in rows] == [(30, 1805)] * 3
    assert all(row["edited"] and row["carried"] for row in rows)


def test_a_checkpoint_of_a_kind_of_ones_own_is_refused(lab):
    rows = lab.search("""
        from ticketbench import Checkpoint

        class Mine(Checkpoint):
            trainings = frozenset()

            def read_by(self, on_read):
                return True

        @method("mine", title="Mine")
        def mine(search):
            trained = yield search.dense
            yield [Ticket(mask, Mine(None, 30, trained.state)) for mask in masks_of(search, search.initial)]
    """)
    assert {row["reason"] for row in rows} == {"ended at rung 1: refused: the checkpoint is of another search"}


def test_what_a_method_raises_beside_exceptions_is_its_row_s_reason(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            yield search.at(1)
            raise BaseException("out")
    """)
    assert rows[0]["status"] == "failed" and "BaseException: out (line " in rows[0]["reason"]

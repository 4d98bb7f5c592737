"""Trainings with an author's own loss, tensors beside the weights, and another recipe."""

OBJECTIVE = """
    @dataclass(frozen=True)
    class Gated:
        pull: float

        def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
            gates = {name.removeprefix("gate."): torch.sigmoid(gate) for name, gate in extra.items()}
            used = {name: weight * gates[name] if name in gates else weight for name, weight in weights.items()}
            assert 0 <= step < 30 and torch.rand(1, generator=rng).item() < 1
            return loss(network, used, inputs, targets) + self.pull * sum(gate.sum() for gate in extra.values())

    def gated(checkpoint):
        return checkpoint.replace(extra={f"gate.{n}": torch.ones_like(w) for n, w in checkpoint.prunable.items()})
"""


def test_an_objective_trains_extra_tensors_beside_the_weights(lab):
    source = """
    @method("mine", title="Mine")
    def mine(search):
        initial = search.initial.weights
        learned = yield Train(gated(search.initial), 10, objective=Gated(PULL))
        assert learned.extra.keys() == gated(search.initial).extra.keys()
        assert all((gate != 1).any() for gate in learned.extra.values())
        assert all((learned.weights[name] != weight).any() for name, weight in initial.items())
        gates_alone = Recipe(freeze=list(initial))
        held = yield Train(gated(search.initial), 10, objective=Gated(PULL), recipe=gates_alone)
        assert all(torch.equal(held.weights[name], weight) for name, weight in initial.items())
        assert all((gate != 1).any() for gate in held.extra.values())
        scores = {name: learned.extra[f"gate.{name}"] for name in learned.prunable}
        yield [Ticket(keep_largest(scores, rung), search.initial) for rung in search.ladder]
    """
    rows = lab.search(OBJECTIVE + source.replace("PULL", "0.01"))
    assert [(row["rung"], row["search_steps"]) for row in rows] == [(1, 20), (2, 20), (3, 20)]
    assert lab.asked.count(True) == 5
    again = lab.search(OBJECTIVE + source.replace("PULL", "0.01"))
    assert [row["mask_digest"] for row in again] == [row["mask_digest"] for row in rows]
    assert lab.asked.count(True) == 5
    lab.search(OBJECTIVE + source.replace("PULL", "0.5"))
    assert lab.asked.count(True) > 5  # another value is another objective


def test_an_objective_that_cannot_be_used_is_refused_and_the_method_may_go_on(lab):
    rows = lab.search("""
        @dataclass(frozen=True)
        class Odd:
            loss: object = None

            def __call__(self, network, weights, extra, inputs, targets, step, rng, loss):
                if self.loss == "raise":
                    raise RuntimeError(f"at {step}")
                vector = torch.ones(3, requires_grad=True)
                return {"number": 3.0, "vector": vector, "constant": torch.ones(())}[self.loss]

        class Loose:
            pass

        @method("mine", title="Mine")
        def mine(search):
            said = []
            odd = [Odd(each) for each in ("raise", "number", "vector", "constant", object())]
            for objective in (*odd, Loose(), abs):
                try:
                    yield Train(search.initial, 10, objective=objective)
                except Refused as error:
                    said.append(str(error))
            assert len(said) == 7
            assert "Odd" in said[0] and "RuntimeError" in said[0] and "at 0" in said[0]
            assert "its field loss is a object" in said[4] and "frozen dataclass" in said[5]
            yield [Ticket(mask, search.initial) for mask in masks_of(search, search.initial)]
    """)
    assert [row["status"] for row in rows] == ["done"] * 3


def test_a_recipe_freezes_names_and_takes_another_optimizer(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            output = ["output.weight", "output.bias"]
            slow = Recipe(optimizer={"name": "sgd", "lr": 0.1, "momentum": 0.9}, freeze=output)
            trained = yield Train(search.initial, 10, recipe=slow)
            before, after = search.initial.weights, trained.weights
            assert [name for name in before if torch.equal(before[name], after[name])] == output
            adam = yield Train(search.initial, 10)
            for mask in masks_of(search, trained):
                yield Ticket(mask, trained)
                yield Ticket(mask, adam, label="carried")
                yield Ticket(mask, adam.replace(optimizer=None), label="fresh")
    """)
    assert [row["optimizer_state"] for row in rows] == ["dropped", "carried", "fresh"] * 3
    assert rows[1]["test_correct"] != rows[2]["test_correct"]


def test_a_search_run_twice_in_fresh_stores_gives_the_same_bits(lab, compared):
    source = (
        OBJECTIVE
        + """
    @method("mine", title="Mine")
    def mine(search):
        learned = yield Train(gated(search.initial), 10, objective=Gated(0.01))
        ordered = yield Train((yield search.at(5)), 10, data_order=3)
        yield Probe(ordered, "order")
        (batch,) = search.batches(1, per_class=2)
        search.network(learned)(batch[0])
        noise = {n: torch.rand(w.shape, generator=search.rng) for n, w in ordered.prunable.items()}
        yield [Ticket(keep_largest(noise, rung), learned.replace(extra={})) for rung in search.ladder]
    """
    )
    found, task = lab.method(source), lab.task(conv=True)
    first, second = lab.search(found, task, store="one"), lab.search(found, task, store="two")
    assert "failed" not in {row["status"] for row in first}
    assert lab.asked == [True] * 12
    assert compared(first) == compared(second)

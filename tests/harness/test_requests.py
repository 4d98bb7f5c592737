"""What a method may not ask for, and what it is told."""

import pytest

# What the tiny task is: steps 0 to 30, 592 prunable weights, rungs of 296, 148 and 74.
MASKS = """
        initial, first = search.initial, search.ladder[0]
        mask = keep_largest(scores_of(initial), first)
        empty = {name: torch.zeros_like(kept) for name, kept in mask.items()}
        nan = initial.replace(weights={"output.bias": torch.full((10,), float("nan"))})
"""

REFUSED = {
    # a ticket's mask
    "Ticket(None, initial)": "a ticket's mask is a dict of bool tensors by parameter name, not NoneType",
    "Ticket(list(mask.values()), initial)": "a ticket's mask is a dict of bool tensors by parameter name, not list",
    "Ticket({0: mask['output.weight']}, initial)": "a ticket's mask names parameters by strings, not 0",
    "Ticket({'output.weight': mask['output.weight']}, initial)": (
        "ticket: a mask names every prunable parameter and no others; these differ: hidden.0.weight"
    ),
    "Ticket(mask | {'output.bias': torch.ones(10, dtype=torch.bool)}, initial)": (
        "ticket: a mask names every prunable parameter and no others; these differ: output.bias"
    ),
    "Ticket({n: m.float() for n, m in mask.items()}, initial)": (
        "ticket: mask of hidden.0.weight: expected torch.bool (8, 64), got torch.float32 (8, 64)"
    ),
    "Ticket({n: m.T for n, m in mask.items()}, initial)": (
        "ticket: mask of hidden.0.weight: expected torch.bool (8, 64), got torch.bool (64, 8)"
    ),
    "Ticket(mask | {'output.weight': None}, initial)": (
        "ticket: mask of output.weight: expected torch.bool (10, 8), got NoneType"
    ),
    # its count and its rung
    "Ticket(empty, initial)": "the ticket's mask keeps 0 weights, which is no rung's count (296, 148, 74)",
    "Ticket(initial.mask, initial)": "the ticket's mask keeps 592 weights, which is no rung's count (296, 148, 74)",
    "Ticket(mask, initial, search.ladder[1])": "rung 2 keeps 148 of 592 weights; the ticket's mask keeps 296",
    "Ticket(empty, initial, first)": "rung 1 keeps 296 of 592 weights; the ticket's mask keeps 0",
    "Ticket(mask, initial, 1)": "the ticket's rung is none of the search's ladder",
    # its checkpoint, its label, its schedule
    "Ticket(mask, None)": "expected a checkpoint, got NoneType",
    "Ticket(mask, initial.weights)": "expected a checkpoint, got dict",
    "Ticket(mask, search.dense)": "expected a checkpoint, got Train",
    "Ticket(mask, initial.replace(step=31))": "the ticket starts at step 31; a training ends at step 30",
    "Ticket(mask, nan)": "the ticket's weights are not all finite: output.bias",
    "Ticket(mask, initial, label=7)": "the label of a ticket is at most 100 printable characters, not 7",
    "Ticket(mask, initial, label=None)": "the label of a ticket is at most 100 printable characters, not None",
    "Ticket(mask, initial, label='x' * 101)": "the label of a ticket is at most 100 printable characters, not 'xxx",
    "Ticket(mask, initial, label='two\\nlines')": "the label of a ticket is at most 100 printable characters",
    "Ticket(mask, initial, label='\\ud800')": "the label of a ticket is at most 100 printable characters",
    "Ticket(mask, initial, schedule='first')": 'a ticket\'s schedule is "task" or "last", not \'first\'',
    # trainings
    "Train(initial, 31)": "a training ends at step 30; asked for 31",
    "Train(initial, -1)": "step -1 is in the past of a checkpoint at step 0",
    "Train(initial.replace(step=20), 19)": "step 19 is in the past of a checkpoint at step 20",
    "Train(initial, 10.0)": "until is a step, a whole number, not 10.0",
    "Train(initial, 'end')": "until is a step, a whole number, not 'end'",
    "Train(initial, True)": "until is a step, a whole number, not True",
    "Train(initial, None)": "until is a step, a whole number, not None",
    "Train(None, 10)": "expected a checkpoint, got NoneType",
    "Train(initial, 10, data_order='other')": "data_order counts the orders, a whole number, not 'other'",
    "Train(initial, 10, data_order=0.5)": "data_order counts the orders, a whole number, not 0.5",
    "Train(initial, 10, objective=lambda *_: 0)": "objective function: expected an instance of a frozen dataclass",
    # recipes
    "Train(initial, 10, recipe={'freeze': []})": "a recipe is a ticketbench.Recipe, not dict",
    "Train(initial, 10, recipe=Recipe(freeze='output.weight'))": "recipe: freeze lists the names of parameters",
    "Train(initial, 10, recipe=Recipe(freeze=None))": "recipe: freeze lists the names of parameters",
    "Train(initial, 10, recipe=Recipe(freeze=[1]))": "recipe: freeze lists the names of parameters",
    "Train(initial, 10, recipe=Recipe(freeze=['conv.weight', 'output.bias']))": (
        "recipe freezes conv.weight, which is neither a weight nor an extra tensor"
    ),
    "Train(initial, 10, recipe=Recipe(freeze=list(initial.weights)))": "recipe freezes everything",
    "Train(initial, 10, recipe=Recipe(optimizer='sgd'))": "recipe: optimizer is a dict, as a task file has it",
    "Train(initial, 10, recipe=Recipe(optimizer={'name': 'lion', 'lr': 1}))": "recipe: optimizer",
    "Train(initial, 10, recipe=Recipe(optimizer={'name': 'sgd'}))": "recipe: optimizer sgd.lr: Field required",
    "Train(initial, 10, recipe=Recipe(optimizer={'name': 'sgd', 'lr': 1, 'beta': 2}))": "recipe: optimizer sgd.beta",
    "Train(initial.replace(extra={'output.bias': torch.ones(1)}), 10)": (
        "extra tensors may not be named like weights: output.bias"
    ),
    # probes
    "Probe(initial, '')": "a probe needs a label",
    "Probe(initial, None)": "the label of a probe is at most 100 printable characters, not None",
    "Probe(None, 'x')": "expected a checkpoint, got NoneType",
}


@pytest.mark.parametrize("request_", REFUSED, ids=range(len(REFUSED)))
def test_a_request_that_cannot_be_met_is_refused_in_words(lab, request_):
    rows = lab.search(f"""
        @method("mine", title="Mine")
        def mine(search):
            {MASKS.strip().replace("        ", "            ")}
            try:
                yield {request_}
            except Refused as error:
                told = str(error)
            assert told.startswith({REFUSED[request_]!r}), told
            yield [Ticket(mask, initial) for mask in masks_of(search, initial)]
    """)
    assert [row["status"] for row in rows] == ["done"] * 3
    assert lab.asked == [True] * 3  # nothing was trained for what was refused


def test_an_edit_that_no_checkpoint_can_take_is_an_error_where_it_is_made(lab):
    lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            initial, said = search.initial, []
            for given in (
                dict(weights={"conv.weight": torch.ones(1)}), dict(weights={"output.bias": torch.ones(3)}),
                dict(buffers={"x": torch.ones(1)}), dict(mask={}), dict(step=-1), dict(step=1.5), dict(optimizer=0),
            ):
                try:
                    initial.replace(**given)
                except ValueError as error:
                    said.append(str(error))
            assert len(said) == 7, said
            yield [Ticket(mask, initial) for mask in masks_of(search, initial)]
    """)
    assert len(lab.asked) == 3


def test_steps_may_be_numpys_and_torchs_whole_numbers(lab):
    lab.search("""
        import numpy as np

        @method("mine", title="Mine")
        def mine(search):
            steps = 10, np.int64(10), torch.tensor(10)
            first, second, third = yield [Train(search.initial, step) for step in steps]
            assert first.key == second.key == third.key and type(second.step) is type(third.step) is int
            yield [Ticket(mask, second) for mask in masks_of(search, second)]
    """)
    assert lab.asked == [True, False, False, True, True, True]


def test_two_probes_need_two_labels_and_a_rung_of_another_job_is_refused(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search, rung):
            other = search.ladder[rung.index % 3]
            mask = keep_largest(scores_of(search.initial), other)
            yield Probe(search.initial, "once")
            for request in (Probe(search.initial, "once"), Ticket(mask, search.initial, other)):
                try:
                    yield request
                except Refused as error:
                    said = str(error)
                    assert said in ("two probes are labelled 'once'", f"asked for a ticket of rung {rung.index}, "
                                    f"got one of rung {other.index}"), said
                else:
                    assert False
            yield Ticket(mask, search.initial)
    """)
    assert [row["kind"] for row in rows] == ["probe", "ticket"] * 3
    assert rows[1]["reason"] == (
        "ended at rung 1: refused: rung 1 keeps 296 of 592 weights; the ticket's mask keeps 148"
    )

"""Driving methods: what the contract lets an author say, said in an author's file, and what came of it."""

from dataclasses import replace

import pytest

from ticketbench.harness.search import Job, run_search


def test_a_ticket_finds_its_rung_by_its_count_or_says_it(lab):
    rows = lab.search("""
        @method("mine", title="Mine", density="nearest")
        def mine(search):
            first, second, third = search.ladder
            yield Ticket(keep_largest(scores_of(search.initial), second), search.initial)
            yield Ticket(keep_largest(scores_of(search.initial), third.kept + 1), search.initial, third)
            yield Ticket(keep_largest(scores_of(search.initial), first), search.initial, rung=first)
    """)
    assert [(row["rung"], row["kept"]) for row in rows] == [(2, 148), (3, 75), (1, 296)]
    assert {row["status"] for row in rows} == {"done"}


def test_two_tickets_of_a_rung_are_told_apart_by_their_labels(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            for mask in masks_of(search, search.initial):
                yield Ticket(mask, search.initial)
                yield Ticket(mask, search.reinitialized(1), label="drawn anew")
                try:
                    yield Ticket(mask, search.reinitialized(2), label="drawn anew")
                except Refused as error:
                    assert "labelled 'drawn anew'" in str(error)
    """)
    assert [(row["rung"], row["label"]) for row in rows] == [(r, x) for r in (1, 2, 3) for x in ("", "drawn anew")]
    assert len({row["row_id"] for row in rows}) == 6
    assert rows[0]["test_correct"] != rows[1]["test_correct"]


def test_schedule_last_trains_at_the_rate_of_the_last_step(lab):
    source = """
        @method("mine", title="Mine")
        def mine(search):
            for mask in masks_of(search, search.initial):
                yield Ticket(mask, search.initial, schedule={schedule!r})
    """
    recipe = {"training__optimizer": {"name": "sgd", "lr": 0.5}}
    stepped = lab.task(**recipe, training__schedule={"milestones": [20], "factor": 0.5})
    constant = lab.task(training__optimizer={"name": "sgd", "lr": 0.25}, training__schedule={})
    held = lab.search(source.format(schedule="last"), stepped)
    by_hand = lab.search(source.format(schedule="task"), constant)
    as_the_task_says = lab.search(source.format(schedule="task"), stepped)
    assert [row["curve"] for row in held] == [row["curve"] for row in by_hand]
    assert held[0]["curve"][1] != as_the_task_says[0]["curve"][1]


def test_a_ticket_at_the_end_is_scored_as_it_is(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            trained = yield search.dense
            for mask in masks_of(search, trained):
                scored = yield Ticket(mask, trained)
                assert scored.step == search.steps
                for name, weight in scored.weights.items():
                    kept = mask.get(name, torch.ones_like(weight, dtype=torch.bool))
                    assert torch.equal(weight, torch.where(kept, trained.weights[name], 0.0))
    """)
    assert [row["status"] for row in rows] == ["done"] * 3
    for row in rows:
        assert (row["training_steps"], row["start_step"], row["best_step"]) == (0, 30, 30)
        assert [point["step"] for point in row["curve"]] == [30]
        assert row["early_losses"] == []
        assert row["distance_moved"] == 0.0


def test_what_is_sent_back_is_the_network_at_the_step_asked_for(lab):
    lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            early = yield search.at(7)
            assert early.step == 7
            later = yield Train(early, 19)
            assert later.step == 19
            direct = yield search.at(19)
            assert all(torch.equal(direct.weights[name], weight) for name, weight in later.weights.items())
            whole = yield search.dense
            for mask in masks_of(search, whole):
                ticket = yield Ticket(mask, early)
                assert ticket.step == search.steps == 30
                assert all(torch.equal(ticket.mask[name], kept) for name, kept in mask.items())
                assert all((ticket.weights[name][~kept] == 0).all() for name, kept in mask.items())
    """)
    assert lab.asked.count(True) == 6  # to step 7, on to 19 and on to the end, each once; three tickets follow


def test_another_data_order_trains_other_weights_and_the_same_one_the_same(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            plain, other, again = yield [Train(search.initial, 10, data_order=order) for order in (0, 1, 1)]
            assert not torch.equal(plain.weights["output.weight"], other.weights["output.weight"])
            assert torch.equal(again.weights["output.weight"], other.weights["output.weight"])
            yield [Ticket(mask, search.initial) for mask in masks_of(search, other)]
    """)
    assert [row["status"] for row in rows] == ["done"] * 3


def test_a_probe_is_a_row_and_tells_the_method_nothing(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            answers = yield [Probe(search.initial, "start"), search.at(7)]
            assert answers[0] is None
            assert (yield Probe(answers[1], "on the way")) is None
            for mask in masks_of(search, search.initial):
                trained = yield Ticket(mask, search.initial)
                yield Probe(trained, f"ticket of {int(sum(kept.sum() for kept in mask.values()))}")
    """)
    probes = {row["label"]: row for row in rows if row["kind"] == "probe"}
    tickets = {row["kept"]: row for row in rows if row["kind"] == "ticket"}
    assert list(probes) == ["start", "on the way", "ticket of 296", "ticket of 148", "ticket of 74"]
    for kept, ticket in tickets.items():
        probe = probes[f"ticket of {kept}"]
        assert (probe["test_final"], probe["test_correct"]) == (ticket["test_final"], ticket["test_correct"])
        assert (probe["mask_digest"], probe["density"]) == (ticket["mask_digest"], ticket["density"])
    dense = lab.dense()
    assert probes["start"]["test_final"] == dense["curve"][0]["test"]
    assert (probes["start"]["start_step"], probes["on the way"]["start_step"]) == (0, 7)
    assert probes["on the way"]["search_steps"] is None


def test_a_list_is_answered_with_a_list_in_its_order(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            assert (yield []) == []
            late, early, nothing = yield (search.at(20), search.at(5), Probe(search.initial, "p"))
            assert (late.step, early.step, nothing) == (20, 5, None)
            yield [Ticket(mask, early, label="a") for mask in masks_of(search, late)]
    """)
    assert [(row["rung"], row["status"]) for row in rows if row["kind"] == "ticket"] == [
        (r, "done") for r in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("at", "start", "scored", "began", "steps"),
    [
        ("0", "0", 0, 0, 0),
        ("10", "0", 10, 0, 10),
        ('"end"', "0", 30, 0, 30),
        ("0", "10", 0, 10, 10),
        ("5", "10", 5, 10, 10),
        ('"end"', '"end"', 30, 30, 30),
    ],
)
def test_a_scorer_is_a_method_of_the_whole_ladder(lab, at, start, scored, began, steps):
    rows = lab.search(f"""
        @scorer("mine", title="Mine", at={at}, start={start})
        def mine(search, checkpoint, *, power=2):
            assert checkpoint.step == {scored}
            return {{name: weight.abs() ** power for name, weight in checkpoint.prunable.items()}}
    """)
    assert [(row["rung"], row["status"], row["start_step"]) for row in rows] == [
        (r, "done", began) for r in (1, 2, 3)
    ]
    assert {row["search_steps"] for row in rows} == {steps}  # what is looked at and what is started from share a line
    assert {row["method_params"] for row in rows} == {"{}"}


def test_a_method_may_delegate_to_others(lab):
    tickets = """
        @method("mine", title="Mine")
        def mine(search):
            yield from search.method("imp")
    """
    delegated = lab.search(tickets)
    direct = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            trained = yield search.dense
            for rung in search.ladder:
                mask = keep_largest(scores_of(trained), rung, within=trained.mask)
                trained = yield Ticket(mask, search.initial)
    """)
    assert [row["mask_digest"] for row in delegated] == [row["mask_digest"] for row in direct]
    assert [row["search_steps"] for row in delegated] == [row["search_steps"] for row in direct] == [30, 60, 90]
    assert lab.asked == [True] * 4 + [False] * 4


def test_a_delegate_gets_its_rung_and_its_parameters(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search, rung):
            if rung.index == 1:
                yield from search.method("random-layer", rung)
            if rung.index == 2:
                yield from search.method("random-layer")
            if rung.index == 3:
                yield from search.method("random-[gl]*")
    """)
    assert [row["status"] for row in rows] == ["done", "failed", "failed"]
    (whole, *_) = lab.search("""
        @method("mine", title="Mine")
        def mine(search, rung):
            yield from search.method("imp", rung)
    """)
    assert "imp is run on the whole ladder; say search.method('imp')" in whole["reason"]
    assert "random-layer is run once a rung; say which" in rows[1]["reason"]
    assert "random-[gl]* names 2 methods, not one" in rows[2]["reason"]
    (first, *_) = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            yield from search.method("imp-reinit", draw=3)
    """)
    (second, *_) = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            yield from search.method("imp-reinit(draw=3)")
    """)
    (other, *_) = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            yield from search.method("imp-reinit")
    """)
    assert first["test_correct"] == second["test_correct"] != other["test_correct"]


def test_parameters_given_with_a_method_reach_it_and_its_rows(lab):
    source = """
        @method("mine", title="Mine")
        def mine(search, *, draw=1, label=""):
            yield [Ticket(mask, search.reinitialized(draw), label=label) for mask in masks_of(search, search.initial)]
    """
    plain = lab.search(lab.method(source))
    given = lab.search(lab.method(source, parameters="(draw=2, label='second')"))
    one = lab.search(lab.method(source, parameters="(draw=1, label='second')"))
    assert {row["method_params"] for row in plain} == {"{}"}  # at its defaults
    assert {row["method_params"] for row in one} == {'{"label":"second"}'}
    assert {row["method_params"] for row in given} == {'{"draw":2,"label":"second"}'}
    assert {row["label"] for row in given} == {"second"}
    assert {row["row_id"] for row in plain}.isdisjoint(row["row_id"] for row in given)
    assert plain[0]["test_correct"] != given[0]["test_correct"]


def test_a_method_of_independent_rungs_is_run_once_a_rung(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search, rung):
            assert rung in search.ladder
            if rung.index == 2:
                raise RuntimeError("only this one")
            trained = yield search.dense
            yield Ticket(keep_largest(scores_of(trained), rung), search.initial)
    """)
    assert [(row["rung"], row["status"], row["search_steps"]) for row in rows] == [
        (1, "done", 30),
        (2, "failed", None),
        (3, "done", 30),
    ]
    assert rows[1]["reason"].startswith("ended at rung 2: RuntimeError: only this one (line ")


def test_a_mask_may_grow_and_what_it_takes_in_starts_at_zero(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            small = keep_largest(scores_of(search.initial), search.ladder[2])
            sparse = yield Train(search.initial.replace(mask=small), 10)
            large = keep_largest(scores_of(search.initial), search.ladder[0])
            grown = sparse.replace(mask=large)
            for name in large:
                taken_in = large[name] & ~small[name]
                assert taken_in.any() and (grown.weights[name][taken_in] == 0).all()
                assert torch.equal(grown.weights[name][small[name]], sparse.weights[name][small[name]])
            trained = yield Train(grown, 20)
            assert all((trained.weights[name][large[name] & ~small[name]] != 0).any() for name in large)
            yield Ticket(large, trained, search.ladder[0])
            yield Ticket(keep_largest(scores_of(trained), search.ladder[1]), trained)
            yield Ticket(small, trained)
    """)
    assert [(row["status"], row["optimizer_state"]) for row in rows] == [("done", "carried")] * 3
    assert not any(row["edited"] for row in rows)
    assert [row["search_steps"] for row in rows] == [20, 20, 20]


def test_an_achieved_density_is_scored_where_the_method_says_so(lab):
    source = """
        @method("mine", title="Mine", density={density!r})
        def mine(search):
            for rung in search.ladder:
                yield Ticket(keep_largest(scores_of(search.initial), rung.kept - 5), search.initial, rung)
    """
    for density in ("nearest", "outcome"):
        rows = lab.search(source.format(density=density))
        assert [(row["kept"], row["density_asked"]) for row in rows] == [(291, 0.5), (143, 0.25), (69, 0.125)]
        assert rows[0]["density"] == 291 / 592
    assert {row["status"] for row in lab.search(source.format(density="exact"))} == {"failed"}


def test_a_search_ends_once_it_has_the_rows_that_are_enough(lab, compared):
    """What it has by then is what a whole search makes of it; rungs beyond are not said to have failed."""
    method = lab.method("""
        @method("mine", title="Mine")
        def mine(search):
            trained = yield search.dense
            for rung in search.ladder:
                trained = yield Ticket(keep_largest(scores_of(trained), rung, within=trained.mask), search.initial)
    """)
    task = lab.task()
    first, second, _ = whole = lab.search(method, task)
    asked = len(lab.asked)
    job = Job(task, method, "default", 0, enough=frozenset({second["row_id"]}))
    rows = run_search(job, lab.trainings(task, "another"))
    assert compared(rows) == compared([first, second])
    assert len(lab.asked) - asked == 3  # the dense network and two tickets
    unheard = run_search(replace(job, enough=frozenset({"no row's"})), lab.trainings(task))
    assert compared(unheard) == compared(whole)

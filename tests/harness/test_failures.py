"""What is thrown at a method, what it throws, and the rows of the rungs it leaves out."""

import pytest


def test_a_refused_request_is_thrown_at_its_yield_and_the_method_may_go_on(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            for rung in search.ladder:
                good = keep_largest(scores_of(search.initial), rung)
                too_many = keep_largest(scores_of(search.initial), rung.kept + 1)
                try:
                    yield Ticket(too_many, search.initial, rung)
                except Refused as error:
                    assert str(rung.kept + 1) in str(error)
                yield Ticket(good, search.initial)
    """)
    assert [(row["rung"], row["status"], row["kept"]) for row in rows] == [
        (1, "done", 296),
        (2, "done", 148),
        (3, "done", 74),
    ]


def test_a_divergence_is_thrown_at_its_yield_and_the_method_may_go_on(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            huge = search.initial.replace(weights={n: w * 1e30 for n, w in search.initial.weights.items()})
            try:
                yield Train(huge, 10)
            except Diverged as error:
                assert "not finite at step" in str(error)
            first, second, third = masks_of(search, search.initial)
            yield Ticket(first, search.initial)
            try:
                yield Ticket(second, huge)
            except Diverged:
                yield Ticket(third, search.initial)
    """)
    assert [row["status"] for row in rows] == ["done", "diverged", "done"]


def test_not_applicable_is_what_the_harness_says_and_no_word_of_a_method_s(lab):
    (row, *_) = lab.search("""
        from ticketbench.methods import NotApplicable

        @method("mine", title="Mine")
        def mine(search):
            yield search.dense
            raise NotApplicable("I would lose here")
    """)
    assert row["status"] == "failed"
    assert row["reason"].startswith("ended at rung 1: NotApplicable: I would lose here (line ")


def test_of_a_list_all_that_can_be_had_is_had_before_the_first_error_is_thrown(lab):
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            first, second, third = masks_of(search, search.initial)
            yield [Ticket(first, search.initial), Ticket(first, search.initial), Ticket(third, search.initial)]
    """)
    assert [(row["rung"], row["status"]) for row in rows] == [(1, "done"), (3, "done"), (2, "failed")]
    assert rows[-1]["reason"].startswith("ended at rung 2: refused: two tickets of rung 1 are labelled ''")


def test_uncaught_every_rung_without_a_row_says_where_the_search_ended(lab):
    refused = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            first, second, third = masks_of(search, search.initial)
            yield Ticket(first, search.initial)
            yield Ticket(third, search.initial, search.ladder[1])
    """)
    assert [(row["rung"], row["status"]) for row in refused] == [(1, "done"), (2, "failed"), (3, "failed")]
    reason = "ended at rung 2: refused: rung 2 keeps 148 of 592 weights; the ticket's mask keeps 74"
    assert [row["reason"] for row in refused] == ["", reason, reason]

    diverged = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            first, second, third = masks_of(search, search.initial)
            huge = search.initial.replace(weights={n: w * 1e30 for n, w in search.initial.weights.items()})
            yield Ticket(first, search.initial)
            yield Ticket(second, huge)
    """)
    assert [(row["rung"], row["status"]) for row in diverged] == [(1, "done"), (2, "diverged"), (3, "diverged")]
    assert diverged[1]["reason"] == "the loss was not finite at step 0"
    assert diverged[2]["reason"] == "ended at rung 2: the loss was not finite at step 0"

    in_the_search = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            first, second, third = masks_of(search, search.initial)
            huge = search.initial.replace(weights={n: w * 1e30 for n, w in search.initial.weights.items()})
            yield Ticket(first, search.initial)
            yield Train(huge, 20)
    """)
    assert [row["reason"][:16] for row in in_the_search] == ["", "ended at rung 2:", "ended at rung 2:"]
    assert [row["status"] for row in in_the_search] == ["done", "diverged", "diverged"]


NOTHING_ELSE = "refused: expected a Ticket, a Train, a Probe or a list of these, got"
ENDINGS = {
    "raise ValueError('what it is')": "ValueError: what it is (line LINE of mine.py)",
    "raise SystemExit(0)": "SystemExit: 0 (line LINE of mine.py)",
    "raise KeyError": "KeyError (line LINE of mine.py)",
    "raise ValueError('two\\nlines ' + 'x' * 9999)": "ValueError: two lines xxx",
    "raise ValueError('\\ud800')": "ValueError: ? (line LINE of mine.py)",
    "raise type('Mute', (Exception,), {'__str__': lambda self: 1 / 0})()": "Mute: cannot be printed",
    "return": "the method asked for nothing more, and rungs 1, 2, 3 have no ticket",
    "search.method('impp')": "TicketbenchError: Unknown method 'impp'. Did you mean 'imp'?",
    "yield 'a ticket'": f"{NOTHING_ELSE} str",
    "yield search.method('imp')": f"{NOTHING_ELSE} generator",
    "yield": f"{NOTHING_ELSE} NoneType",
    "yield [[search.dense]]": f"{NOTHING_ELSE} list",
    "yield search.at(-1)": "refused: step -1 is in the past of a checkpoint at step 0",
    "yield Train((yield search.at(20)), 10)": "refused: step 10 is in the past of a checkpoint at step 20",
    "yield search.at(31)": "refused: a training ends at step 30; asked for 31",
    "keep_largest({n: w / 0 for n, w in search.initial.prunable.items()}, search.ladder[0])": (
        "ValueError: scores of hidden.0.weight are not all finite (line LINE of mine.py)"
    ),
}


@pytest.mark.parametrize("statement", ENDINGS, ids=range(len(ENDINGS)))
def test_a_method_that_fails_is_a_rows_status_with_its_reason(lab, statement):
    rows = lab.search(f"""
        @method("mine", title="Mine")
        def mine(search):
            {statement}
            yield from ()
    """)
    assert [(row["rung"], row["status"]) for row in rows] == [(1, "failed"), (2, "failed"), (3, "failed")]
    lines = (lab.folder / "mine.py").read_text().splitlines()
    reason = "ended at rung 1: " + ENDINGS[statement].replace("LINE", str(lines.index(f"    {statement}") + 1))
    assert all(row["reason"].startswith(reason) for row in rows), rows[0]["reason"]
    assert all(len(row["reason"]) < 500 and row["reason"].isprintable() for row in rows)
    assert {row["test_final"] for row in rows} == {None}


def test_a_reason_tells_no_home_folder(lab, monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    rows = lab.search("""
        @method("mine", title="Mine")
        def mine(search):
            yield open("/home/somebody/secret/weights.pt")
    """)
    assert "'~/secret/weights.pt'" in rows[0]["reason"]
    assert "somebody" not in rows[0]["reason"]


def test_a_method_whose_needs_are_unmet_is_not_applicable(lab):
    rows = lab.search("""
        @method("mine", title="Mine", needs=["convolutions", "batch norm"])
        def mine(search):
            yield [Ticket(mask, search.initial) for mask in masks_of(search, search.initial)]
    """)
    assert [(row["rung"], row["status"]) for row in rows] == [(r, "not applicable") for r in (1, 2, 3)]
    assert {row["reason"] for row in rows} == {"the network has no convolutions and no batch norm"}
    assert [row["density_asked"] for row in rows] == [0.5, 0.25, 0.125]
    assert {row["kept"] for row in rows} == {None}
    there = lab.search(
        lab.method("""
        @method("mine", title="Mine", needs=["convolutions", "batch norm"])
        def mine(search):
            yield [Ticket(mask, search.initial) for mask in masks_of(search, search.initial)]
    """),
        lab.task(conv=True),
    )
    assert {row["status"] for row in there} == {"done"}

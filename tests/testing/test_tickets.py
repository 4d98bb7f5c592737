"""Checks on what a method declares and submits: each has a method that fails it and nothing else."""

import pytest

GOOD = '''
@method("mine", title="Smallest initial weights", cites=["frankle2019lottery"])
def find(search):
    """Keep the largest initial weights."""
    yield from tickets(search, sizes(search.initial), search.initial)
'''
ENTRY = "@misc{{mine2030, title = {{A title}}, author = {{Somebody}}{}}}"


def good(old="", new=""):
    assert old in GOOD
    return GOOD.replace(old, new)


def test_a_good_method_passes_everything(findings):
    found = findings(GOOD)
    statuses = {name: finding.status for name, finding in found.items() if name != "device"}
    assert set(statuses.values()) == {"ok"}
    assert found["device"].status in ("ok", "not applicable")
    assert found["device"].status == "ok" or found["device"].seen == "no CUDA"
    assert "of 888 weights kept 533, 319, 192" in found["counts"].seen
    assert found["cost"].seen.startswith("charged 0 training steps a ticket at most, and 0 examples")


def test_a_method_of_single_rungs_passes_and_one_with_needs_is_tried_where_they_are_met(findings):
    found = findings('''
    @method("mine", title="Random masks", needs=["batch norm"])
    def find(search, rung, *, power=1):
        """Draw."""
        assert search.initial.buffers
        scores = {name: torch.rand(kept.shape, generator=search.rng) for name, kept in search.initial.mask.items()}
        yield Ticket(keep_largest(scores, rung), search.initial)
    ''')
    assert {finding.status for name, finding in found.items() if name != "device"} == {"ok"}
    assert "digits/conv" in found["counts"].seen
    assert "not applicable on linear layers" in found["everywhere"].seen


@pytest.mark.parametrize(
    ("old", "new", "seen"),
    [
        ('    """Keep the largest initial weights."""\n', "", "it has no docstring"),
        ('title="Smallest initial weights"', 'title=" "', "its title is empty"),
        ('"frankle2019lottery"', '"frankle2019lotery"', "cites 'frankle2019lotery', which"),
        ('"frankle2019lottery"', f'"{ENTRY.format("")}"', "lacks year"),
        ('"frankle2019lottery"', '"@misc{never closed"', "but is none"),
    ],
)
def test_what_a_method_does_not_say_of_itself_is_told(finding, old, new, seen):
    told = finding(good(old, new), "declaration")
    assert told.status == "failed"
    assert seen in told.seen and told.expected and told.change


def test_what_a_method_does_not_say_of_itself_fails_declaration_alone(only):
    assert only(good('    """Keep the largest initial weights."""\n'), "declaration").change


def test_a_bibtex_entry_of_one_s_own_is_a_citation(finding):
    source = good('"frankle2019lottery"', f'"{ENTRY.format(", year = {2030}")}"')
    assert finding(source, "declaration").status == "ok"


@pytest.mark.parametrize(
    ("body", "seen", "change"),
    [
        (
            "rung = search.ladder[0]\n"
            "    yield Ticket(keep_largest(sizes(search.initial), rung.kept - 1), search.initial, rung)",
            "rung 1 keeps 533 of 888 weights; the ticket's mask keeps 532",
            "keep_largest(scores, rung)",
        ),
        (
            "yield Ticket(keep_largest(sizes(search.initial), search.ladder[0]), search.initial)",
            "ended at rung 2: the method asked for nothing more",
            "every rung of search.ladder",
        ),
        (
            "yield search.initial.no_such_thing",
            "AttributeError: 'Checkpoint' object has no attribute",
            "a line number",
        ),
        ("yield 17", "expected a Ticket, a Train, a Probe or a list of these, got int", "mend what is named"),
    ],
)
def test_a_rung_without_its_ticket_fails_counts_alone_and_says_what_helps(only, body, seen, change):
    source = good("yield from tickets(search, sizes(search.initial), search.initial)", body)
    finding = only(source, "counts")
    assert seen in finding.seen and change in finding.change
    assert "digits/mlp" in finding.seen and finding.expected == "a ticket for every rung of the ladder"


def test_the_line_of_the_author_s_file_is_named(finding):
    seen = finding(good("yield from", "raise ValueError('no')\n    yield from"), "counts").seen
    assert "ValueError: no (line " in seen and "of mine.py)" in seen


def test_a_nearest_density_is_nearer_to_its_rung_than_to_another(only):
    source = '''
    @method("mine", title="Off", density="nearest")
    def find(search):
        """Keep {0} of every hundred that were asked for."""
        for rung in search.ladder:
            yield Ticket(keep_largest(sizes(search.initial), rung.kept * {0} // 100), search.initial, rung)
    '''
    finding = only(source.format(140), "counts")
    assert "rung 1 asks for density 0.6002, its ticket has 0.8401" in finding.seen


def test_a_nearest_density_that_is_near_passes(finding):
    source = '''
    @method("mine", title="Near", density="nearest")
    def find(search):
        """Keep a little less."""
        for rung in search.ladder:
            yield Ticket(keep_largest(sizes(search.initial), rung.kept * 95 // 100), search.initial, rung)
    '''
    assert finding(source, "counts").status == "ok"


def test_an_outcome_that_prunes_nothing_is_worth_knowing(only):
    source = '''
    @method("mine", title="All", density="outcome")
    def find(search):
        """Keep everything."""
        for rung in search.ladder:
            yield Ticket(search.initial.mask, search.initial, rung)
    '''
    finding = only(source, "counts", "warning", beside=("seeds",))
    assert finding.seen == "no ticket has anything pruned"


def test_pruned_weights_that_come_back_in_training_are_seen(only):
    """By a hook on the engine's own network, which a method can reach if it wants to."""
    finding = only(
        '''
    @method("mine", title="Hooked")
    def find(search):
        """Put a little back before every pass."""
        bench = type(search).initial.fget.__closure__[0].cell_contents
        def back(network, inputs):
            with torch.no_grad():
                for parameter in network.parameters():
                    parameter += 1e-3
        bench._workload.module().register_forward_pre_hook(back)
        yield from tickets(search, sizes(search.initial), search.initial)
    ''',
        "pruned_stay_zero",
        beside=("reading",),
    )
    assert "ticket 1 has 355 pruned weights that are not zero" in finding.seen

"""Labels of controls, written and read."""

import pytest

from ticketbench.cli.run import run
from ticketbench.results import CONTROLS, control_label, control_of


@pytest.mark.parametrize("of", ["", "step=100", "best of three"])
@pytest.mark.parametrize("name", CONTROLS)
def test_a_control_is_read_as_it_is_written(name, of):
    assert control_of({"kind": "control", "label": control_label(name, of)}) == (name, of)


def test_a_ticket_is_no_control_whatever_its_label():
    assert control_of({"kind": "ticket", "label": "small-dense of all"}) == ("", "small-dense of all")


def test_help_names_every_control():
    (option,) = [each for each in run.params if each.name == "controlled"]
    assert all(name in option.help for name in CONTROLS)

"""The table library comes whole from the installed package, and its absence is one message."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.report.site import library


def test_the_script_holds_the_installed_module_letter_by_letter():
    bundle = Path(find_spec("itables").origin).parent / "html/dt_bundle.js"
    ((name, text),) = library.assets()

    said = text.removeprefix("window.ticketbenchTableLibrary = ").removesuffix(";\n")
    assert name == "datatables.js"
    assert json.loads(said) == bundle.read_text("utf-8")
    assert "</script" not in text.lower()
    assert text.isascii()
    assert list(library.assets()) == [(name, text)]


def test_without_the_package_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "itables", None)

    with pytest.raises(TicketbenchError, match=r"pip install 'itables>=2\.9'"):
        list(library.assets())

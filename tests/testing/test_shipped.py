"""Every method that comes with ticketbench holds what an author's must."""

import pytest

from ticketbench.methods import shipped_methods
from ticketbench.testing import examine


@pytest.mark.parametrize("name", sorted(shipped_methods()))
def test_a_shipped_method_conforms(name):
    found = dict(examine(shipped_methods()[name]))
    assert {check: finding.explanation for check, finding in found.items() if finding.status == "failed"} == {}
    assert found["counts"].status == found["determinism"].status == found["held_out_data"].status == "ok"

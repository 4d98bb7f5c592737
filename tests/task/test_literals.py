"""What is said of a value that is none of the few that are allowed."""

import pytest

from ticketbench.task.literals import one_of_a_few


@pytest.mark.parametrize(
    ("place", "said", "expected"),
    [
        (("training",), "fresh", "input should be 'flat' or 'cosine', got 'fresh'."),
        (("training",), "cosin", "input should be 'flat' or 'cosine', got 'cosin'. Did you mean 'cosine'?"),
        (("training",), 3, "input should be 'flat' or 'cosine', got 3."),
        (("training",), {"a": 1}, "input should be 'flat' or 'cosine'."),
        (
            ("network", "name"),
            "fresh",
            "input should be 'flat' or 'cosine', got 'fresh'. One of your own is named by network.factory.",
        ),
    ],
)
def test_the_allowed_values_what_was_said_and_the_closest_of_them(place, said, expected):
    mistake = {"type": "literal_error", "ctx": {"expected": "'flat' or 'cosine'"}, "input": said}
    assert one_of_a_few(mistake, place) == expected

"""What commands know: by name, and by a user's files, which go before."""

import pytest

from ticketbench.cli.known import known_methods, known_tasks
from ticketbench.errors import TicketbenchError
from ticketbench.task import shipped_tasks


def test_a_file_goes_before_the_shipped_task_of_its_id(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(shipped_tasks()["digits/mlp"].read_text("utf-8").replace("rounds = 8", "rounds = 3"))
    assert set(known_tasks()) == set(shipped_tasks())
    assert known_tasks()["digits/mlp"].ladder.rounds != 3
    assert known_tasks([str(own)])["digits/mlp"].ladder.rounds == 3


def test_parameters_are_refused_since_rows_have_their_own():
    assert "imp" in known_methods()
    with pytest.raises(TicketbenchError, match=r"--method mine.py\(power=2\): expected a file"):
        known_methods(["mine.py(power=2)"])
    with pytest.raises(TicketbenchError, match=r"old \(1\)/mine.py: cannot be read"):
        known_methods(["old (1)/mine.py"])

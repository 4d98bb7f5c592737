"""The suite as an author inherits it in another repository."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ticketbench.errors import TicketbenchError
from ticketbench.methods import shipped_methods
from ticketbench.task import find_task
from ticketbench.testing import CHECKS, MethodConformance, examine
from ticketbench.testing import template as template_module

INHERITED = """
from ticketbench.testing import MethodConformance


class TestMine(MethodConformance):
    method = "../methods/mine.py"


class TestFaulty(MethodConformance):
    method = "../methods/faulty.py:faulty"


def test_torch_is_left_as_it_was():
    import torch

    assert torch.get_deterministic_debug_mode() == 0
"""


def test_every_check_is_a_test_with_its_own_words():
    assert [name for name in vars(MethodConformance) if name.startswith("test_")] == [f"test_{n}" for n in CHECKS]
    for name, check in CHECKS.items():
        test = getattr(MethodConformance, f"test_{name}")
        assert test.__doc__ == check.__doc__ and test.__name__ == f"test_{name}"


def test_a_class_without_a_method_says_what_it_lacks():
    class TestNothing(MethodConformance):
        pass

    with pytest.raises(
        TicketbenchError, match=r'TestNothing: name the method to test, as in method = "my_method.py"'
    ):
        TestNothing().test_declaration()


def test_a_task_that_cannot_be_run_is_said_before_anything_is_found(tmp_path, monkeypatch):
    imp = shipped_methods()["imp"]
    said = r"^tiny-shakespeare/lstm-ci: methods are checked on tasks of images; this is of text\.$"
    with pytest.raises(TicketbenchError, match=said):
        next(examine(imp, find_task("tiny-shakespeare/lstm-ci")))
    monkeypatch.setenv("TICKETBENCH_DATA", str(tmp_path / "no-data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with pytest.raises(TicketbenchError, match="mnist"):
        next(examine(imp, find_task("mnist/lenet-300-100-ci")))


def test_the_suite_is_inherited_by_a_repository_of_one_s_own(tmp_path):
    template = Path(template_module.__file__).read_text()
    faulty = re.sub(r"keep_largest\(scores, rung\)", "keep_largest(scores, rung.kept - 1)", template)
    repository = tmp_path / "our.python"
    (repository / "methods").mkdir(parents=True)
    (repository / "tests").mkdir()
    (repository / "methods" / "mine.py").write_text(template)
    (repository / "methods" / "faulty.py").write_text(faulty.replace('"my-method"', '"faulty"'))
    (repository / "tests" / "test_mine.py").write_text(INHERITED)
    command = [sys.executable, "-m", "pytest", "-v", "-rs", "-p", "no:cacheprovider", "tests"]
    done = subprocess.run(command, cwd=repository, capture_output=True, text=True)
    results = dict(re.findall(r"::(Test\w+::\w+|test_\w+) (PASSED|FAILED|SKIPPED)", done.stdout))
    assert len(results) == 2 * len(CHECKS) + 1, done.stdout
    mine = {name for name, result in results.items() if result != "PASSED" and "TestFaulty" not in name}
    assert mine <= {"TestMine::test_device"}
    assert [name for name, result in results.items() if result == "FAILED"] == ["TestFaulty::test_counts"]
    assert (
        "faulty: seen: on digits/mlp, failed: ended at rung 1: refused: the ticket's mask keeps 532 weights"
        in done.stdout
    )
    assert "change: take the mask from keep_largest(scores, rung), which counts" in done.stdout
    assert "see counts" in done.stdout, "and checks that have nothing to look at are skipped"


def test_the_suite_does_without_pytest():
    code = "import sys, ticketbench.testing; sys.exit('pytest' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

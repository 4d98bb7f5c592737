"""What a row says of the software that made it, and nothing of whose machine it was."""

import getpass
import platform
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import pytest
import torch

import ticketbench
from ticketbench.harness import provenance
from ticketbench.harness.provenance import Code
from ticketbench.harness.training.determinism import device_kind


@pytest.fixture(autouse=True)
def anew():
    """Nothing remembered from before, nor left for later."""
    for each in (provenance.code, provenance.packages):
        each.cache_clear()
    yield
    for each in (provenance.code, provenance.packages):
        each.cache_clear()


def git(folder, *arguments):
    identity = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A repository laid out like ours, the package in it being the one that runs."""
    for path in ("suite/ticketbench/__init__.py", "tasks/a.toml", "baselines/b.py", "docs/c.md", ".gitignore"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("*.pyc\n")
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-q", "-m", "All")
    monkeypatch.setattr(ticketbench, "__file__", str(tmp_path / "suite/ticketbench/__init__.py"))
    return tmp_path


def test_a_clean_checkout_names_its_commit(checkout):
    assert provenance.code() == Code(ticketbench.__version__, git(checkout, "rev-parse", "HEAD"), False)


@pytest.mark.parametrize(
    ("changed", "dirty"),
    [
        ("suite/ticketbench/__init__.py", True),
        ("tasks/a.toml", True),
        ("baselines/b.py", True),
        ("suite/ticketbench/new.py", True),
        ("baselines/new.py", True),
        ("docs/c.md", False),
        ("new.txt", False),
        ("suite/ticketbench/__init__.pyc", False),
    ],
)
def test_a_checkout_is_dirty_where_what_computes_differs_from_the_commit(changed, dirty, checkout):
    (checkout / changed).write_text("changed")
    code = provenance.code()
    assert code.dirty is dirty
    assert code.commit == git(checkout, "rev-parse", "HEAD")


def test_what_is_staged_is_not_committed(checkout):
    (checkout / "tasks/a.toml").write_text("changed")
    git(checkout, "add", ".")
    assert provenance.code().dirty is True


def test_an_installation_has_no_commit(tmp_path, monkeypatch):
    package = tmp_path / "lib" / "site-packages" / "ticketbench" / "__init__.py"
    monkeypatch.setattr(ticketbench, "__file__", str(package))
    assert provenance.code() == Code(ticketbench.__version__, None, None)


def test_without_git_nothing_is_claimed(checkout, monkeypatch):
    monkeypatch.setenv("PATH", str(checkout / "nothing"))
    assert provenance.code() == Code(ticketbench.__version__, None, None)


def test_the_packages_that_compute_are_named_with_their_versions():
    named = dict(provenance.packages())
    assert next(iter(named)) == "python"
    assert named["python"] == platform.python_version()
    for name in ("torch", "numpy", "safetensors", "scikit-learn"):
        assert named[name] == version(name)
    assert "surely-not-installed" not in named


def test_a_package_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setattr(provenance, "_COMPUTES", ("torch", "surely-not-installed"))
    assert [name for name, _ in provenance.packages()] == ["python", "torch"]


def test_the_time_is_that_of_greenwich():
    said = datetime.fromisoformat(provenance.now())
    assert said.utcoffset() == timedelta(0)
    assert abs(datetime.now(UTC) - said) < timedelta(seconds=5)
    assert said.microsecond == 0


def test_a_device_is_named_by_what_decides_bits(monkeypatch):
    said = device_kind(torch.device("cpu"))
    assert said.split()[:2] == ["cpu", platform.machine()]
    assert torch.backends.cpu.get_cpu_capability() in said.split()
    assert len(said.splitlines()) == 1
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX9")
    assert device_kind(torch.device("cpu")) != said


def test_nothing_tells_whose_machine_it_was():
    said = repr((provenance.code(), provenance.packages(), provenance.now(), device_kind(torch.device("cpu"))))
    private = [socket.gethostname(), str(Path.home()), str(Path.cwd())]
    if getpass.getuser() != "root":
        private.append(getpass.getuser())
    assert not [word for word in private if word in said]

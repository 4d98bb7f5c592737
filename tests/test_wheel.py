"""A wheel installed elsewhere works as the checkout does: it carries tasks, methods and the site's templates."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from ticketbench.cli import main

_CHECKOUT = Path(__file__).parents[1]
_TASK = """
id = "wheel/tiny"
version = 1
title = "A few steps, from an installed wheel"
tier = "smoke"
extends = "digits/mlp"
[training]
steps = 20
evaluate_every = 10
rewind_step = 5
schedule = { milestones = [15] }
[ladder]
rounds = 2
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `ticketbench` command of a virtual environment that has the wheel and, by path alone, what it needs.

    A .pth file lends the environment the installed dependencies, but not this checkout: .pth files of a folder that
    a .pth file adds are not read, so an editable install stays out of sight.
    """
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*build, str(_CHECKOUT)], check=True)
    (wheel,) = folder.glob("*.whl")
    home = folder / "venv"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(python), "install", "-q", "--no-deps", wheel], check=True
    )
    (library,) = home.glob("lib/python*/site-packages")
    (library / "lent.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return home / "bin" / "ticketbench"


def _run(command: Path, folder: Path, *arguments: str) -> str:
    done = subprocess.run([command, *arguments], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_package_comes_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    code = "import ticketbench, ticketbench.paths as p; print(ticketbench.__file__); print(p.shipped('tasks'))"
    done = subprocess.run(
        [installed.parent / "python", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    package, tasks = done.stdout.splitlines()
    assert Path(package).is_relative_to(installed.parents[1])
    assert Path(tasks) == Path(package).parent / "shipped" / "tasks"


@pytest.mark.parametrize("command", ["tasks", "methods"])
def test_lists_what_the_checkout_lists(
    installed: Path,
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["ticketbench", command])
    with pytest.raises(SystemExit):
        main()
    here = capfd.readouterr().out
    assert here and _run(installed, tmp_path, command) == here


def test_runs_a_task_and_builds_its_leaderboard(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "tiny.toml").write_text(_TASK)
    said = _run(
        installed, tmp_path, "run", "tiny.toml", "-m", "imp", "-m", "random-layer", "--seeds", "1", "--jobs", "1"
    )
    assert "5 rows made" in said
    assert (tmp_path / "results/wheel/tiny/imp.parquet").exists()
    said = _run(installed, tmp_path, "leaderboard")
    assert str(tmp_path / "site" / "index.html") in said
    assert "wheel/tiny" in (tmp_path / "site" / "index.html").read_text()

"""The scripts that measure the protocol's promises run, and their model is what it says it is."""

import re
import sys
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

FOLDER = Path(__file__).parents[3] / "docs" / "simulations"
NAMES = sorted(path.stem for path in FOLDER.glob("[!_]*.py"))


@pytest.fixture(scope="module", name="script")
def _script():
    """`script(name)`: a file of the folder as a module, as `python docs/simulations` imports it."""
    before = set(sys.modules)
    sys.path.insert(0, str(FOLDER))
    yield import_module
    sys.path.remove(str(FOLDER))
    for name in (set(sys.modules) - before) & set(NAMES):
        del sys.modules[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_script_prints_tables(script, name):
    for found in script(name).tables(1, np.random.default_rng(0)):
        lines = found.splitlines()
        assert len(lines) >= 3
        assert len({line.count("|") for line in lines}) == 1


def test_the_protocol_prints_the_luck_of_the_results_published_here(script):
    (found,) = script("luck").tables(1, np.random.default_rng(0))
    protocol = (FOLDER.parent / "protocol.md").read_text("utf-8")

    assert all(f"   {line}\n" in protocol for line in found.splitlines())


def test_every_command_that_the_protocol_names_is_a_script_and_every_measured_one_is_named():
    protocol = (FOLDER.parent / "protocol.md").read_text("utf-8")
    named = set(re.findall(r"`python docs/simulations (\w+)`", protocol))

    assert named <= set(NAMES)
    assert set(NAMES) - named <= {"gate", "recomputing"}  # they stand in guard.md and verify.md


def test_the_model_draws_the_accuracy_and_the_spread_that_it_is_asked_for(script):
    rng = np.random.default_rng(0)
    tables = [script("model").draw(rng, (0.98, 0.95), 10, 2000, own=0.5, shared=0.3) for _ in range(60)]

    found = np.stack([each.bits.mean(axis=2) for each in tables])

    assert found.mean(axis=(0, 2)) == pytest.approx([0.98, 0.95], abs=0.001)
    assert np.stack([each.here for each in tables]).mean(axis=0) == pytest.approx([0.98, 0.95], abs=0.001)
    # What two seeds of one method differ by on one test set: its own effects, those of all methods, and the coins.
    apart = 100 * found[:, 0].std(axis=1, ddof=1)
    assert np.sqrt((apart**2).mean()) == pytest.approx(
        np.sqrt(0.34 + script("model").coins(0.98, 2000) ** 2), rel=0.1
    )


def test_noise_is_of_the_kind_that_it_is_asked_for(script):
    points = script("model").points
    rng = np.random.default_rng(0)

    normal, heavy, skewed = (points(rng, (20_000,), 0.2, noise) for noise in ("normal", "t3", "skewed"))

    assert normal.std() == pytest.approx(0.2, rel=0.05)
    assert (np.abs(heavy) > 1).mean() > 5 * max((np.abs(normal) > 1).mean(), 1e-4)
    assert skewed.mean() == pytest.approx(-0.05, abs=0.01)

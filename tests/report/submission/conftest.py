"""A real submission, made once, and copies of it to be spoilt."""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from ticketbench.harness.plan import make_plan
from ticketbench.harness.runner import run_plan
from ticketbench.harness.shard import Place
from ticketbench.methods import load_methods
from ticketbench.report.submission.check import check_submission
from ticketbench.report.submission.manifest import Declared, read_manifest, read_table, to_toml
from ticketbench.report.submission.pack import collect, write_submission
from ticketbench.results import read_rows, row_id, write_rows
from ticketbench.task import load_task, shipped_tasks

# It trains nothing but the dense network, so the tests wait for one training a seed.
SOURCE = '''"""Nothing is trained after pruning."""

from ticketbench import scorer


@scorer("mine", title="Train, prune, and nothing more", at="end", start="end", cites=["han2015learning"])
def mine(search, trained):
    """|w| of the trained network."""
    return {name: weight.abs() for name, weight in trained.prunable.items()}
'''
SAID = Declared(authors=("A. Author",), paper="none", licence="MIT", extra_data="none", tuning="none")
ROWS = "results/digits/mlp/mine.parquet"
MANIFEST = "baselines/mine.toml"


@dataclass(frozen=True)
class Spoilt:
    """A copy of the submission, with what is needed to change it behind its manifest's back or in its name."""

    path: Path

    def sign(self, **changes):
        """Make the manifest name the files as they are now, so that only what else is wrong is found."""
        table, _ = read_table((self.path / MANIFEST).read_bytes())
        manifest, wrong = read_manifest(table | changes)
        assert not wrong
        files = {name: hashlib.sha256((self.path / name).read_bytes()).hexdigest() for name in manifest.files}
        (self.path / MANIFEST).write_text(to_toml(manifest.model_copy(update={"files": files})))

    def forge(self, change, which=0):
        """Change one row, or all (None), and sign."""
        rows = read_rows(self.path / ROWS)
        for row in rows if which is None else [rows[which]]:
            change(row)
            row["row_id"] = row_id(row)
        write_rows(self.path / ROWS, rows)
        self.sign()

    def problems(self):
        return list(check_submission(self.path).problems)

    def only(self):
        (problem,) = self.problems()
        return problem

    def of_rows(self):
        """The first problem of the file with rows."""
        return next(line for line in self.problems() if line.startswith(f"{ROWS}: "))


@pytest.fixture(scope="session")
def made(tmp_path_factory):
    """A submission of two seeds on digits/mlp, and where its rows were made."""
    root = tmp_path_factory.mktemp("submission")
    source = root / "mine.py"
    source.write_text(SOURCE)
    (method,) = load_methods(source)
    task = load_task(shipped_tasks()["digits/mlp"])
    plan = make_plan([task], [method], 2, root / "rows")
    run_plan(plan, root / "rows", Place(root / "store", 2**30, "cpu"), 1, lambda shard, event: None)
    rows = collect(root / "rows", task, method, range(2))
    write_submission(root / "folder", source, SAID, {task.id: (task, range(2))}, rows)
    return SimpleNamespace(
        folder=root / "folder",
        results=root / "rows",
        source=source,
        text=SOURCE,
        said=SAID,
        task=task,
        rows=rows,
    )


@pytest.fixture
def folder(made, tmp_path):
    """A copy of it, to be spoilt."""
    return Spoilt(shutil.copytree(made.folder, tmp_path / "folder"))

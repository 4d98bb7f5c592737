"""What continuous integration makes of a pull request, on a repository of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / ".ci/submissions"
ROWS = "results/digits/mlp/mine.parquet"
MANIFEST, METHOD = "baselines/mine.toml", "baselines/mine.py"
OURS = {"baselines/imp.py": "ours\n", "results/digits/mlp/imp.parquet": "ours\n"}


class Proposal:
    """A repository whose last commit is a change to its first one."""

    def __init__(self, path):
        self.path = path
        self._git("init", "-q")
        self._git("config", "user.email", "a@example.org")
        self._git("config", "user.name", "A")

    def _git(self, *arguments):
        subprocess.run(["git", "-C", self.path, *arguments], check=True, capture_output=True)

    def write(self, files):
        """Files by name; None takes one away."""
        for name, content in files.items():
            path = self.path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content.encode() if isinstance(content, str) else content)

    def commit(self, files):
        self.write(files)
        self._git("add", "-A")
        self._git("commit", "-q", "--allow-empty", "-m", "Change")

    def checked(self, tmp_path, **environment):
        """Exit code, output and summary."""
        summary = tmp_path / "summary.md"
        summary.write_text("")
        given = {"TICKETBENCH_PYTHON": sys.executable, "GITHUB_STEP_SUMMARY": str(summary)} | environment
        done = subprocess.run(
            ["bash", SCRIPT, self.path, tmp_path / "base"], env=os.environ | given, capture_output=True, text=True
        )
        assert done.stderr == ""
        return done.returncode, done.stdout, summary.read_text()


@pytest.fixture
def submitted(made):
    return {name: (made.folder / name).read_bytes() for name in (ROWS, MANIFEST, METHOD)}


@pytest.fixture
def proposal(tmp_path):
    (tmp_path / "base/results").mkdir(parents=True)
    (tmp_path / "proposed").mkdir()
    return Proposal(tmp_path / "proposed")


def test_a_submission_is_checked_and_its_report_is_in_the_summary(proposal, submitted, tmp_path):
    proposal.commit(OURS)
    proposal.commit(submitted)
    code, said, summary = proposal.checked(tmp_path)
    assert code == 0 and said.startswith(f"{MANIFEST}\n") and "\nvalid: 16 rows" in said
    assert summary.startswith("# Submission of `mine`") and "no manifest" not in summary


def test_a_submission_is_strictly_checked_where_only_a_file_that_it_names_is_touched(proposal, submitted, tmp_path):
    proposal.commit(OURS | submitted)
    proposal.commit({ROWS: b"spoilt"})
    code, said, summary = proposal.checked(tmp_path)
    assert code == 1 and "has another sha256" in said and "## Problems" in summary


def test_another_submission_that_is_stale_is_listed_and_stops_nobody(proposal, submitted, tmp_path):
    old = submitted[MANIFEST].replace(b"mine", b"old").replace(b"engine_version = ", b"engine_version = 9")
    proposal.commit({"baselines/old.toml": old, "baselines/old.py": "old = 1\n"})
    proposal.commit(submitted)
    code, said, summary = proposal.checked(tmp_path)
    assert code == 0 and "old" not in said
    assert "that this change does not touch, and that are no longer valid:\n\n```\nbaselines/old.toml\n```" in summary


@pytest.mark.parametrize(
    "change",
    [
        {"results/digits/mlp/imp.parquet": "better\n"},
        {"results/digits/mlp/imp.parquet": None},
        {"baselines/imp.py": None},
        {"baselines/a] `b` $(touch ran)\n.py": "x = 1\n"},
        {"results/digits/mlp/imp.parquet": None, "results/digits/mlp/imp2.parquet": "ours\n"},
    ],
    ids=["changed", "taken away", "a method taken away", "an odd name", "moved"],
)
def test_a_change_that_no_manifest_names_fails_until_a_maintainer_allows_it(proposal, tmp_path, change):
    proposal.commit(OURS)
    proposal.commit(change)
    code, said, summary = proposal.checked(tmp_path)
    assert code == 1 and f"{len(change)} changed files are named by no manifest" in said
    assert "Changed files that no manifest of this change names:\n\n```\n" in summary
    listed = summary.partition("```\n")[2].partition("```")[0].splitlines()
    assert len(listed) == len(change) and not any("\n" in name for name in listed)
    assert proposal.checked(tmp_path, TICKETBENCH_ALLOW_UNNAMED="false")[0] == 1
    assert proposal.checked(tmp_path, TICKETBENCH_ALLOW_UNNAMED="true")[0] == 0


def test_a_manifest_speaks_for_what_it_names_and_for_no_mention_of_a_file(proposal, submitted, tmp_path):
    proposal.commit(OURS)
    mentioned = submitted[MANIFEST] + b'# "results/digits/mlp/imp.parquet" = "x"\n'
    proposal.commit(submitted | {MANIFEST: mentioned, "results/digits/mlp/imp.parquet": "better\n"})
    code, said, _ = proposal.checked(tmp_path)
    assert code == 1 and "valid: 16 rows" in said and "1 changed files are named by no manifest" in said


def test_a_file_made_a_link_is_a_change_too(proposal, submitted, tmp_path):
    proposal.commit(OURS | submitted)
    (proposal.path / "baselines/imp.py").unlink()
    (proposal.path / "baselines/imp.py").symlink_to("mine.py")
    proposal.commit({})
    code, _, summary = proposal.checked(tmp_path)
    assert code == 1 and "\nbaselines/imp.py\n" in summary


def test_nothing_of_what_is_proposed_is_run(proposal, made, submitted, tmp_path):
    proposal.commit(OURS)
    trap = f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).write_text('x')\n"
    proposal.commit(submitted | {METHOD: trap + made.text, "ticketbench.py": trap, "sitecustomize.py": trap})
    assert proposal.checked(tmp_path)[0] == 1
    assert not (tmp_path / "ran").exists()

"""The ready-made GitHub action: it parses, its scripts are bash, take nothing but the environment, and do their work.

Its scripts run here as a runner runs them, but for `gh`, which is a stand-in that knows one repository, and for
`ticketbench run`, which is told to start no processes beside its own.
"""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from ticketbench.results import read_rows, result_files, row_id, write_rows

ROOT = Path(__file__).parents[1]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text())
STEPS = ACTION["runs"]["steps"]
SCRIPTS = {step["name"]: step["run"] for step in STEPS if "run" in step}
GUARD = (ROOT / "docs/guard.md").read_text()

TASK = """
id = "tiny/mlp"
version = 1
title = "A tiny perceptron"
tier = "smoke"
extends = "digits/mlp"
[network]
options.hidden = [8]
[training]
steps = 30
evaluate_every = 10
rewind_step = 10
schedule = { milestones = [20] }
[ladder]
prune = 0.5
rounds = 2
"""
GH = """#!/usr/bin/env bash
echo "$*" >> gh.log
case "$*" in
  *actions/workflows/guard.yml/runs*) printf '%s\\n' $RUNS ;;
  *comments*--jq*) printf '%s\\n' $COMMENTS ;;
  *actions/runs/$BROKEN/artifacts*) echo "gh: HTTP ${HTTP:-502}" >&2; exit 1 ;;
  *actions/runs/7/artifacts*) echo 70 ;;
  *actions/runs/*/artifacts*) ;;
  "run download 7 "*) mkdir -p "${@: -1}"; cp -r "$KEPT"/. "${@: -1}" ;;
  "run download"*) exit 1 ;;
  *--jq\\ .default_branch) echo main ;;
esac
"""
TICKETBENCH = """#!/bin/sh
if [ "$1" = run ]; then shift; set -- run --jobs 1 "$@"; fi
exec "{python}" -m ticketbench "$@"
"""


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_every_script_is_bash_and_stops_at_the_first_mistake(script):
    subprocess.run(["bash", "-n"], input=script, text=True, check=True)
    assert script.startswith("set -euo pipefail\n")


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS)
def test_nothing_is_pasted_into_a_script(script):
    """An expression in a script would be replaced by a branch's name or a title before bash reads it."""
    assert "${{" not in script and "eval" not in script


def test_every_input_is_described_and_used_and_every_step_that_is_named_is_there():
    said = (ROOT / "action.yml").read_text()
    ids = {step["id"] for step in STEPS if "id" in step}
    for name, declared in ACTION["inputs"].items():
        assert declared["description"] and f"inputs.{name} " in said.replace("}}", " ").replace("==", " ")
    for part in said.split("steps.")[1:]:
        assert part.split(".")[0] in ids
    assert all(step["shell"] == "bash" for step in STEPS if "run" in step)


def test_the_guides_workflow_is_yaml_whose_inputs_the_action_has():
    (workflow,) = [block for block in _blocks("yaml") if "pull_request" in block]
    said = yaml.safe_load(workflow)
    (job,) = said["jobs"].values()
    (guard,) = [step for step in job["steps"] if step["uses"].startswith("ticketbench/ticketbench@")]
    assert set(guard["with"]) <= set(ACTION["inputs"]) and {"tasks"} <= set(guard["with"])
    assert said["permissions"] == {"contents": "read", "actions": "read", "pull-requests": "write"}
    assert "pull_request_target" not in workflow


def test_the_guides_task_and_network_make_a_task(tmp_path, monkeypatch):
    from ticketbench.networks import build
    from ticketbench.task import load_task

    (tmp_path / "guard.toml").write_text(next(iter(_blocks("toml"))))
    (tmp_path / "our_model").mkdir()
    (tmp_path / "our_model/network.py").write_text(next(iter(_blocks("python"))))
    monkeypatch.chdir(tmp_path)
    task = load_task(Path("guard.toml"))
    assert task.tier == "ci" and task.replicates.seeds == 5
    assert build(task.network, (1, 8, 8), 10)


@pytest.fixture(scope="module")
def runner(tmp_path_factory):
    """A runner's workspace with a task, and a function that runs a step there with the environment it is given."""
    folder = tmp_path_factory.mktemp("workspace")
    (folder / "bin").mkdir()
    (folder / "bin/gh").write_text(GH)
    (folder / "bin/gh").chmod(0o755)
    (folder / "bin/ticketbench").write_text(TICKETBENCH.format(python=sys.executable))
    (folder / "bin/ticketbench").chmod(0o755)
    (folder / "tiny.toml").write_text(TASK)

    def step(name: str, **said: str) -> SimpleNamespace:
        output, summary = folder / "output", folder / "summary"
        output.write_text("")
        summary.write_text("")
        told = {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            "RUNNER_TEMP": str(folder / "temp"),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "GITHUB_REPOSITORY": "our/model",
            "GITHUB_WORKFLOW_REF": "our/model/.github/workflows/guard.yml@refs/pull/3/merge",
            "HOME": str(folder),
        }
        done = subprocess.run(
            ["bash", "-c", SCRIPTS[name]], cwd=folder, env=told | said, capture_output=True, text=True
        )
        lines = (line.partition("=") for line in output.read_text().splitlines())
        outputs = {key: value for key, _, value in lines}
        return SimpleNamespace(
            code=done.returncode, said=done.stdout + done.stderr, outputs=outputs, summary=summary.read_text()
        )

    made = step("Run", TASKS="tiny.toml\n", METHODS="random-layer\n", SEEDS="1", RESULTS="temp/ticketbench/results")
    assert made.code == 0, made.said
    return SimpleNamespace(folder=folder, step=step, results="temp/ticketbench/results")


def test_results_are_held_against_a_folder_or_the_newest_artifact_of_the_default_branch(runner):
    found = runner.step("Fetch the base", BASE=runner.results)
    assert found.outputs == {"path": runner.results}
    found = runner.step("Fetch the base", BASE="ticketbench-results", RUNS="9 7 5", KEPT=runner.results)
    assert found.outputs["path"] == str(runner.folder / "temp/ticketbench/base") and "of run 7" in found.said
    asked = (runner.folder / "gh.log").read_text()
    assert "branch=main" in asked and ".head_repository.id == .repository.id" in asked
    assert 'select(.event == "push" or .event == "schedule" or .event == "workflow_dispatch")' in asked
    report = "temp/report.md"
    said = runner.step(
        "Compare",
        BASE=found.outputs["path"],
        RESULTS=runner.results,
        REPORT=report,
        TASKS="tiny.toml\ndigits/mlp",
        BEFORE="",
    )
    assert said.code == 0 and said.outputs == {"code": "0"}
    assert said.summary == (runner.folder / report).read_text()
    assert said.summary.startswith("### No regression: scores, masks and curves identical in all 3 rows.")
    assert (runner.folder / "temp/report.xml").read_text().startswith("<?xml")


def test_no_base_yet_is_a_warning(runner):
    found = runner.step("Fetch the base", BASE="ticketbench-results", RUNS="9 5")
    assert found.code == 0 and not found.outputs and "::warning title=ticketbench::There is no base" in found.said


def test_what_is_not_found_is_looked_for_further_back_and_any_other_error_ends_the_search(runner):
    said = {"BASE": "ticketbench-results", "RUNS": "9 7", "KEPT": runner.results, "BROKEN": "9"}
    assert "of run 7" in runner.step("Fetch the base", **said, HTTP="404").said
    found = runner.step("Fetch the base", **said)
    assert found.code == 2 and not found.outputs and "could not be listed" in found.said and "HTTP 502" in found.said


def test_a_folder_named_like_the_artifact_is_not_the_base_and_a_path_must_be_there(runner):
    (runner.folder / "ticketbench-results").mkdir()
    found = runner.step("Fetch the base", BASE="ticketbench-results", RUNS="7", KEPT=runner.results)
    assert found.outputs["path"] == str(runner.folder / "temp/ticketbench/base")
    found = runner.step("Fetch the base", BASE="results/gone")
    assert found.code == 2 and not found.outputs and "there is no results/gone in the checkout" in found.said


def test_a_change_does_not_set_its_own_margin(runner):
    folder = runner.folder
    rows = [row for path in result_files(folder / runner.results) for row in read_rows(path)]
    for name, drop in (("good", 0.0), ("bad", 0.1)):
        made = [row | {"seed": seed} for row in rows for seed in range(3)]
        scored = ({"test_final": 0.9 - drop + 0.001 * row["seed"] * (1 - drop)} for row in made)
        made = [row | new | {"test_correct": None} for row, new in zip(made, scored, strict=True)]
        write_rows(folder / name / "all.parquet", [row | {"row_id": row_id(row)} for row in made])
    commit = "git init -q && git add tiny.toml && git -c user.name=a -c user.email=a@b commit -q -m x"
    commit += " && git rev-parse HEAD"
    sha = subprocess.run(commit, cwd=folder, shell=True, check=True, capture_output=True, text=True).stdout.strip()
    (folder / "tiny.toml").write_text(TASK + "[scoring]\nmargin = 0.99\n")
    try:
        before = runner.step("Read the tasks of the base", COMMIT=sha, BRANCH="main", GH_TOKEN="x").outputs["tasks"]
        assert Path(before, "tiny.toml").read_text() == TASK
        said = {"BASE": "good", "RESULTS": "bad", "REPORT": "temp/margin.md", "TASKS": "tiny.toml"}
        held = runner.step("Compare", **said, BEFORE=before)
        assert held.outputs == {"code": "1"} and "::warning" not in held.said
        for nothing in ("", str(folder / "bin")):
            own = runner.step("Compare", **said, BEFORE=nothing)
            assert own.outputs == {"code": "0"} and "Beware of a wide margin" in own.summary
            assert "tiny.toml is not in the base's commit: its margin is that of this change." in own.said
        gone = runner.step("Read the tasks of the base", COMMIT="0" * 40, BRANCH="main", GH_TOKEN="x")
        assert gone.code == 0 and not gone.outputs and "could not be fetched" in gone.said
    finally:
        (folder / "tiny.toml").write_text(TASK)


def test_what_cannot_be_compared_is_in_the_summary_and_in_the_code(runner):
    said = runner.step("Compare", BASE="tiny.toml", RESULTS=runner.results, REPORT="temp/bad.md", TASKS="", BEFORE="")
    assert said.code == 0 and said.outputs == {"code": "2"} and said.summary.startswith("### No comparison")


@pytest.mark.parametrize(
    ("fail_on", "codes"),
    [
        ("regression", {"": 0, "0": 0, "1": 1, "2": 2}),
        ("strict", {"": 2, "0": 0, "1": 1, "2": 2}),
        ("never", {"": 0, "0": 0, "1": 0, "2": 0}),
        ("allways", {"0": 2}),
    ],
)
def test_what_fails_the_job_is_what_the_caller_says(runner, fail_on, codes):
    for code, ended in codes.items():
        assert runner.step("Say how it ended", CODE=code, FAIL_ON=fail_on).code == ended


def test_one_comment_is_written_and_then_kept_up_to_date(runner):
    (runner.folder / "table.md").write_text("### No regression $(touch pasted) `touch pasted`\n" + "x" * 70_000)
    said = {"REPORT": "table.md", "PULL_REQUEST": "3", "ARTIFACT": "a -->b"}
    for comments, asked in (("", "-X POST repos/our/model/issues/3/comments"), ("12 13", "issues/comments/12")):
        (runner.folder / "gh.log").unlink(missing_ok=True)
        assert runner.step("Comment", COMMENTS=comments, **said).code == 0
        log = (runner.folder / "gh.log").read_text()
        assert asked in log and "body=<!-- ticketbench a--b -->\n### No regression" in log and len(log) < 62_000
    assert not (runner.folder / "pasted").exists()


def test_where_the_base_is_made_is_the_default_branch(runner):
    subprocess.run(
        "git init -q && git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x",
        cwd=runner.folder,
        shell=True,
        check=True,
    )
    for ref, makes in (("refs/heads/main", "true"), ("refs/pull/3/merge", "false"), ("refs/heads/other", "false")):
        found = runner.step("Find out where we are", GITHUB_REF=ref)
        assert found.outputs["makes-base"] == makes and len(found.outputs["tree"]) == 40


def _blocks(language: str) -> list[str]:
    return [part.split("```")[0] for part in GUARD.split(f"```{language}\n")[1:]]

"""The house: imports run downward, files fit in the head, and our methods use what a stranger's can."""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import ticketbench

ROOT = Path(__file__).parents[1]
LONGEST = 400


def test_imports_run_downward_only():
    tool = shutil.which("lint-imports", path=str(Path(sys.executable).parent)) or shutil.which("lint-imports")
    assert tool, "import-linter is not installed: pip install 'ticketbench[test]'"
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_file_is_longer_than_a_reader_can_hold():
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in (ROOT / "suite").rglob("*.py")}
    assert lengths
    assert {str(path.relative_to(ROOT)): n for path, n in lengths.items() if n > LONGEST} == {}


def test_baselines_import_only_public_names_torch_and_a_little_of_pythons_own():
    """Each is exactly what an author would send."""
    files = sorted((ROOT / "baselines").glob("*.py"))
    assert files
    refused = {path.name: said for path in files if (said := list(foreign(ast.parse(path.read_text("utf-8")))))}
    assert refused == {}


def foreign(tree):
    """The imports of a file that a method's author may not count on."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "ticketbench" and not node.level:
            yield from (f"ticketbench.{a.name}" for a in node.names if a.name not in ticketbench.__all__)
        elif isinstance(node, ast.ImportFrom):
            yield from [] if allowed(node.module or "") and not node.level else [f"{'.' * node.level}{node.module}"]
        elif isinstance(node, ast.Import):
            yield from (a.name for a in node.names if not allowed(a.name))


def allowed(module):
    top = module.partition(".")[0]
    return top == "torch" or module in {"ticketbench", "collections.abc", "dataclasses", "math"}


def test_the_check_on_baselines_would_notice():
    code = "import math, numpy, os\nfrom torch import nn\nfrom . import imp\n"
    code += "from ticketbench import Search, results\n"
    code += "from ticketbench.masks import count\nimport ticketbench.harness\n"
    assert sorted(foreign(ast.parse(code))) == [
        ".None",
        "numpy",
        "os",
        "ticketbench.harness",
        "ticketbench.masks",
        "ticketbench.results",
    ]

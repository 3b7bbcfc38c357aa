"""The arrows between the packages, and what a light command may load."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"benchmark", "models", "evaluation"}
ALLOWED = {"evaluation": {"evaluation"}, "models": {"models"}, "benchmark": OURS}
HEAVY = ("torch", "sklearn", "seaborn", "matplotlib", "numba", "pandas", "scipy", "numpy", "h5py")


def sources(package):
    return sorted((ROOT / package).rglob("*.py"))


def imported(path):
    """Top-level names of everything a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", OURS)
def test_packages_import_only_what_they_may(package):
    for path in sources(package):
        forbidden = (set(imported(path)) & OURS) - ALLOWED[package]
        assert not forbidden, f"{path} imports {forbidden}"


def test_evaluation_and_data_sets_never_import_torch():
    for path in [*sources("evaluation"), *sources("benchmark/datasets")]:
        assert "torch" not in set(imported(path)), path


def test_data_sets_use_numpy_h5py_and_the_standard_library():
    light = {"rich", "platformdirs"}  # progress and the place of the cache, imported where used
    allowed = {"numpy", "h5py", "benchmark", "evaluation", *light} | set(sys.stdlib_module_names)
    for path in sources("benchmark/datasets"):
        assert set(imported(path)) <= allowed, path


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_evaluation_and_the_command_line_work_without_torch():
    done = run(
        "import sys, pkgutil, importlib\n"
        # Absent, as it is where it was never installed: some libraries look into sys.modules.
        "class Absent:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] == 'torch':\n"
        "            raise ModuleNotFoundError(name)\n"
        "sys.meta_path.insert(0, Absent())\n"
        "import evaluation, benchmark.cli\n"
        "for module in pkgutil.walk_packages(evaluation.__path__, 'evaluation.'):\n"
        "    importlib.import_module(module.name)\n"
        "for name in benchmark.cli.COMMANDS:\n"
        "    importlib.import_module(f'benchmark.commands.{name}')\n"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments):
    done = run(
        "import sys\n"
        "from benchmark.cli import cli\n"
        f"cli({arguments!r}, standalone_mode=False)\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'loaded {loaded}' if loaded else 0)\n"
    )
    assert done.returncode == 0, done.stderr

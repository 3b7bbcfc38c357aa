"""The map in docs/architecture.md holds: every room is named, and every arrow is allowed."""

import ast
import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("benchmark", "evaluation", "models")
HEAVY = (
    "torch",
    "sklearn",
    "seaborn",
    "matplotlib",
    "numba",
    "pandas",
    "scipy",
    "numpy",
    "h5py",
    "submitit",
)


def read_map():
    """Rooms and modules of the table, each with what it may import; None for everything."""
    allowed = {}
    for line in (ROOT / "docs/architecture.md").read_text().splitlines():
        if not line.startswith("| `"):
            continue
        names, _, targets = (cell.strip() for cell in line.strip("|").split("|"))
        for name in re.findall(r"`([\w.]+)`", names):
            everything = targets == "everything"
            allowed[name] = None if everything else set(re.findall(r"`([\w.]+)`", targets))
    return allowed


MAP = read_map()


def modules():
    """Every module of ours: dotted name below `disentanglement_bench`, and its file."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()
ROOMS = {name for name, path in MODULES.items() if path.name == "__init__.py"}


def room_of(module):
    """The row of the map that a module belongs to."""
    if module in MAP:
        return module
    while module not in ROOMS:
        module = module.rpartition(".")[0]
    return module


def imports(name, eager_only=False):
    """Modules of ours that a module imports, wherever in the file, or only when it is loaded."""
    path = MODULES[name]
    package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
    tree = ast.parse(path.read_text())
    for node in tree.body if eager_only else ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                assert alias.name.split(".")[0] not in (*PACKAGES, "disentanglement_bench"), path
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level == 0:
            assert node.module.split(".")[0] not in (*PACKAGES, "disentanglement_bench"), path
            continue
        above = package[: len(package) - node.level + 1]
        for alias in node.names:
            base = [*above, *(node.module.split(".") if node.module else [])]
            full = ".".join([*base, alias.name])
            target = full if full in MODULES else ".".join(base)
            if target:
                yield target


def test_the_map_names_every_room():
    assert set(MAP) - ROOMS <= set(MODULES), set(MAP) - ROOMS - set(MODULES)
    assert not ROOMS - set(MAP)


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_module_imports_only_what_its_room_may(name):
    allowed = MAP[room_of(name)]
    if allowed is None:
        return
    targets = {room_of(target) for target in imports(name)} - {room_of(name)}
    assert targets <= allowed, f"{name} imports {targets - allowed}"


def test_every_room_says_what_lives_there():
    for name in sorted(ROOMS):
        text = ast.get_docstring(ast.parse(MODULES[name].read_text()))
        assert text, name


def test_there_are_no_import_cycles():
    arrows = {name: set(imports(name, eager_only=True)) - {name} for name in MODULES}
    # A package's __init__ runs before its modules; it counts only where it imports something.
    done, active = set(), []

    def visit(name):
        if name in done or name not in arrows:
            return
        assert name not in active, " -> ".join([*active[active.index(name) :], name])
        active.append(name)
        for target in sorted(arrows[name]):
            visit(target)
        active.pop()
        done.add(name)

    for name in sorted(arrows):
        visit(name)


def test_setup_lists_exactly_the_packages_there_are():
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    names = {f"disentanglement_bench.{name}" for name in ROOMS}
    assert listed == {"disentanglement_bench", *names}


def third_party(path):
    """Top-level names of the modules of others that a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.split(".")[0]


def test_evaluation_and_data_sets_never_import_torch():
    for name, path in MODULES.items():
        if name.startswith(("evaluation", "benchmark.datasets")):
            assert "torch" not in set(third_party(path)), path


def test_data_sets_use_numpy_h5py_and_the_standard_library():
    light = {"rich", "platformdirs"}  # progress and the place of the cache, imported where used
    allowed = {"numpy", "h5py", *light} | set(sys.stdlib_module_names)
    for name, path in MODULES.items():
        if name.startswith("benchmark.datasets"):
            assert set(third_party(path)) <= allowed, path


def run(code, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=cwd
    )


def test_evaluation_and_the_command_line_work_without_torch(tmp_path):
    done = run(
        """
import sys, pkgutil, importlib

# Absent, as it is where it was never installed: some libraries look into sys.modules.
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] == "torch":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Absent())
import numpy as np
from disentanglement_bench import evaluation
from disentanglement_bench.benchmark import cli
for module in pkgutil.walk_packages(evaluation.__path__, evaluation.__name__ + "."):
    importlib.import_module(module.name)
for name in cli.COMMANDS:
    importlib.import_module(f"disentanglement_bench.benchmark.commands.{name}")
factors = np.random.default_rng(0).integers(0, 3, (60, 2))
metrics = {n: m for n, m in evaluation.metrics.METRICS.items() if not m.grouped}
keys = {key.name for metric in metrics.values() for key in metric.keys}
scores = evaluation.score(factors * 1.0, factors, tuple(metrics), np.zeros((60, 2)))
print(keys - set(scores), len(keys) > 16)
""",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "set() True"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["train", "--help"], ["submit", "train", "--help"], ["--version"]]
)
def test_help_loads_nothing_heavy(arguments, tmp_path):
    done = run(
        "import sys\n"
        "from disentanglement_bench.benchmark.cli import cli\n"
        f"cli({arguments!r}, standalone_mode=False)\n"
        f"loaded = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "sys.exit(f'loaded {loaded}' if loaded else 0)\n",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr


def test_importing_loads_nothing_heavy(tmp_path):
    code = (
        "import sys, disentanglement_bench\n"
        "from disentanglement_bench import evaluation\n"
        "from disentanglement_bench.evaluation import metrics, representation\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    assert run(code, tmp_path).stdout.strip() == "[]"

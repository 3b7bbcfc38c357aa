"""Scoring works without torch, and importing costs nothing."""

import ast
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

import evaluation

ROOT = Path(evaluation.__file__).parent
HEAVY = ("torch", "numba", "sklearn", "scipy", "pandas", "seaborn", "matplotlib", "h5py", "joblib")


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    ).stdout


def test_light_modules_load_nothing_heavy():
    code = (
        "import sys, evaluation, evaluation.metrics, evaluation.records, evaluation.file_scores, "
        "evaluation.representation, evaluation.metrics.checks\n"
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert run(code).strip() == "[]"
    assert run("import sys, evaluation; print('numpy' in sys.modules)").strip() == "False"


def test_everything_works_where_torch_cannot_be_imported():
    code = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "benchmark", "models"):
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
import importlib, pkgutil, numpy as np, evaluation
for name in pkgutil.walk_packages(evaluation.__path__, "evaluation."):
    importlib.import_module(name.name)
factors = np.random.default_rng(0).integers(0, 3, (60, 2))
found = evaluation.score(factors * 1.0, factors, tuple(evaluation.metrics.METRICS),
                         log_variances=np.zeros((60, 2)))
print(len(found))
"""
    assert run(code).strip() == "17"


def test_nothing_of_ours_is_imported():
    for module in pkgutil.walk_packages([str(ROOT)], "evaluation."):
        path = ROOT.parent / (module.name.replace(".", "/") + ("/__init__" * module.ispkg) + ".py")
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            for name in names:
                assert name.split(".")[0] not in ("torch", "benchmark", "models"), path


@pytest.mark.parametrize("name", evaluation.__all__)
def test_public_names_resolve(name):
    assert getattr(evaluation, name) is not None
    assert name in dir(evaluation)


def test_other_names_do_not():
    with pytest.raises(AttributeError, match="no attribute 'mgi'"):
        _ = evaluation.mgi

"""`bench check` itself: what is checked, and users' code that dies, hangs or leaves."""

import pytest

from disentanglement_bench.benchmark.checks import check
from disentanglement_bench.benchmark.checks.guarded import Verdict, find_kind, judge
from disentanglement_bench.benchmark.errors import BenchError

OBJECTS = """
import numpy as np
from disentanglement_bench.evaluation.metrics import Key, Metric
from disentanglement_bench.models.zoo.vae import VAE

class Data:
    name = 'mine'
    factor_names = ('x', 'y')
    factor_sizes = (8, 8)
    def __init__(self):
        random = np.random.default_rng(0)
        self.images = random.integers(0, 256, (64, 16, 16, 1), np.uint8)

def make_data():
    return Data()

made = Data()

class Model(VAE):
    pass

def spread(codes, factors, n_train):
    '''How far the codes spread.'''
    return float(min(1, codes.std()))

declared = Metric("mine", spread, (Key("mine", "mine", "how far"),), "how far", "mine[user]")

nothing = 3
"""
MODEL = """
import os, signal, sys
from dataclasses import dataclass
from disentanglement_bench.models.zoo.betavae import BetaVAE

class Mine(BetaVAE):
    {body}
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """A file of a user's objects in the current folder."""
    (tmp_path / "mine.py").write_text(OBJECTS)
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("mine:Data", "data set"),
        ("mine.py:make_data", "data set"),
        ("mine:made", "data set"),
        ("mine.py:Model", "model"),
        ("mine.py:spread", "metric"),
        ("mine:declared", "metric"),
        ("betavae", "model"),
        ("rooms3d", "data set"),
        ("mig", "metric"),
    ],
)
def test_what_is_checked_follows_from_the_object(target, kind):
    assert find_kind(target) == kind


@pytest.mark.usefixtures("mine")
@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("mine:nothing", "is of type int; expected a torch.nn.Module class"),
        ("mine", "written package.module:Name or path/to/file.py:Name; unknown name 'mine'"),
        ("betavea", "did you mean 'betavae'?"),
        ("mine:Modle", "did you mean 'Model'?"),
        ("gone.py:Model", "there is no file gone.py"),
    ],
)
def test_what_cannot_be_checked_is_said(target, message):
    with pytest.raises(BenchError) as caught:
        find_kind(target)
    assert message in str(caught.value)
    assert caught.value.exit_code == 2


@pytest.mark.usefixtures("mine")
def test_every_step_is_reported():
    lines = []
    assert check("mine.py:Data", lines.append) == "data set"
    assert "factors: x (8), y (8)" in lines
    assert judge("mine:spread", lines.append) == Verdict("metric")
    assert "perfect codes: mine:spread = 1" in lines


@pytest.mark.parametrize(
    ("body", "message", "exit_code"),
    [
        ("raise KeyError('early')", "it raises KeyError while it is imported", 2),
        ("sys.exit(0)", "it ends the program while it is imported (sys.exit(0))", 2),
        ("def loss(self, *_): sys.exit(0)", "loss: it ends the program (sys.exit(0))", 1),
        ("def loss(self, *_): raise ValueError('two\\nlines')", "loss: ValueError: two lines", 1),
        (
            "@dataclass(frozen=True)\n    class Hyperparameters:\n        batch_size: float = 4.0",
            "a hyperparameter cannot be called 'batch_size'",
            2,
        ),
    ],
)
def test_code_that_raises_or_leaves_is_judged_in_one_line(body, message, exit_code, tmp_path):
    (tmp_path / "models.py").write_text(MODEL.format(body=body))
    verdict = judge(f"{tmp_path}/models.py:Mine", print)
    assert message in verdict.problem
    assert "\n" not in verdict.problem
    assert verdict.exit_code == exit_code


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("def loss(self, *_): os._exit(0)", "ended with code 0"),
        pytest.param(
            "def loss(self, *_): signal.pause()",
            "nothing happened for 5 seconds",
            marks=pytest.mark.slow,
        ),
    ],
)
def test_code_that_dies_or_hangs_does_not_take_the_call_along(body, message, tmp_path):
    (tmp_path / "models.py").write_text(MODEL.format(body=body))
    with pytest.raises(BenchError, match=message):
        check(f"{tmp_path}/models.py:Mine", patience=5.0 if "pause" in body else 60.0)

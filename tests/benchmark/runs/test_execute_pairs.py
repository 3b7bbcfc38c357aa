"""Runs of a user's model that trains on pairs: stopped and continued, and where there are none."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from disentanglement_bench.benchmark.runs.checkpoints import read_checkpoint
from disentanglement_bench.benchmark.runs.execute import Execution

MODEL = """
from disentanglement_bench.models.zoo.betavae import BetaVAE

class Pairs(BetaVAE):
    pairs = True

    def couple(self, first, second):
        both = tuple((one + other) / 2 for one, other in zip(first, second))
        return (both[0], first[1]), (both[0], second[1])
"""


@pytest.fixture
def spec(plan, tmp_path):
    (tmp_path / "paired.py").write_text(MODEL)
    return plan(models=(f"{tmp_path}/paired.py:Pairs",), continue_steps=2)[0]


def carry_out(spec, store, dataset, stop_at=None):
    """Execute a run in this process; stop it after a number of steps."""
    asked = iter(range(1, 1000))
    with store.folder(spec).claim() as claim:
        execution = Execution(spec, store, dataset, "cpu", claim, {"command": "bench train"})
        return execution.run(should_stop=lambda: next(asked) == stop_at)


def test_a_run_on_pairs_that_was_stopped_ends_as_if_it_had_not_been(spec, store, dataset):
    assert carry_out(spec, store, dataset).status == "done"
    folder = store.folder(spec)
    whole = read_checkpoint(folder.checkpoint, "")
    log = (folder.path / "training.csv").read_text()
    for file in folder.path.iterdir():
        file.unlink()
    assert carry_out(spec, store, dataset, stop_at=3).status == "interrupted"
    assert carry_out(spec, store, dataset).status == "done"
    again = read_checkpoint(folder.checkpoint, "")
    assert all(torch.equal(again["model"][key], value) for key, value in whole["model"].items())
    assert (folder.path / "training.csv").read_text() == log
    assert folder.read()["config"]["pair_factors"] == 0


def test_images_that_are_no_grid_fail_the_run_with_what_is_needed(spec, store, dataset):
    labels = dataset.factors(np.arange(len(dataset)))
    outcome = carry_out(spec, store, replace(dataset, labels=labels))
    assert outcome.status == "failed"
    assert outcome.reason.startswith("pairs need a data set with one image for every combination")

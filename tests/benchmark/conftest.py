"""A data set and runs small enough to train in a test."""

import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.base import Dataset, ImageSource
from disentanglement_bench.benchmark.protocol.plan import make_plan
from disentanglement_bench.benchmark.protocol.presets import PRESETS, override
from disentanglement_bench.benchmark.runs.store import Store

SIDE = 16

TINY = {
    "batch_size": "8",
    "image_size": str(SIDE),
    "latent_size": "3",
    "n_train": "20",
    "n_test": "10",
    "log_every": "2",
    "checkpoint_every": "3",
}


def tiny_dataset():
    """4 × 4 × 4 positions and brightnesses of a block, 16×16 pixels."""
    images = np.zeros((64, SIDE, SIDE, 1), np.uint8)
    for flat, (x, y, level) in enumerate(np.ndindex(4, 4, 4)):
        images[flat, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4] = 60 * (level + 1)
    return Dataset(
        name="tiny",
        version="1",
        factor_names=("x", "y", "level"),
        factor_sizes=(4, 4, 4),
        source=ImageSource("uint8", images, (SIDE, SIDE, 1)),
        identity={"name": "tiny", "version": "1", "grid": (4, 4, 4)},
        notes=("made for tests",),
    )


@pytest.fixture
def dataset():
    return tiny_dataset()


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "results")


@pytest.fixture
def plan():
    """Make a plan of tiny runs."""

    def make(
        models=("lambdabeta",),
        steps=6,
        continue_steps=4,
        settings=(),
        betas=(2.0,),
        lambdas=(0.0, 8.0),
        **options,
    ):
        config = override(
            PRESETS["quick"].config, steps, continue_steps, [*TINY.items(), *settings]
        )
        sweeps = {"beta": betas, "lambda": lambdas} if "lambdabeta" in models else {"beta": betas}
        return make_plan(
            PRESETS["quick"],
            config,
            models=models,
            datasets=("tiny",),
            **{"seeds": (0,), "sweeps": sweeps, **options},
        )

    return make

import json
from pathlib import Path

import numpy as np
import pytest

DATA = Path(__file__).parents[1] / "data"


class Oracle:
    """Codes with the scores that disentanglement_lib gives them."""

    n_train = 3000

    def __init__(self):
        self.scores = json.loads((DATA / "dlib_scores.json").read_text())
        with np.load(DATA / "dlib_codes.npz") as file:
            self.arrays = {
                name: (file[f"{name}/codes"], file[f"{name}/factors"]) for name in self.scores
            }


@pytest.fixture(scope="session")
def oracle():
    return Oracle()


@pytest.fixture
def stream():
    return np.random.default_rng(0)


@pytest.fixture
def partly_disentangled(stream):
    """Codes (600, 4) and factors (600, 3) of 2, 5 and 4 classes."""
    factors = np.stack([stream.integers(0, size, 600) for size in (2, 5, 4)], axis=1)
    standard = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    mixing = stream.normal(size=(3, 4)) * 0.3 + np.eye(3, 4)
    return standard @ mixing + 0.4 * stream.normal(size=(600, 4)), factors

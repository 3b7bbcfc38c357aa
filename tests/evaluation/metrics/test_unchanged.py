"""Every flat key on the oracle's codes is what version 0.1.0 gave."""

import json
from pathlib import Path

import numpy as np
import pytest

from disentanglement_bench.evaluation import score

WANTED = json.loads((Path(__file__).parents[2] / "data" / "flat_scores_0.1.0.json").read_text())
FAST = ("mig", "mi", "sap", "sap_continuous", "modularity")


@pytest.mark.parametrize(
    ("name", "metrics"),
    [(name, FAST) for name in WANTED]
    + [(name, ("dci", "explicitness")) for name in ("rotated", "trained_beta16")],
)
def test_numbers_are_those_of_version_0_1_0(oracle, name, metrics):
    codes, factors = oracle.arrays[name]
    log_variances = np.random.default_rng(5).normal(size=codes.shape).astype(np.float32) - 1
    found = score(codes, factors, metrics, log_variances, n_train=oracle.n_train)
    for key, value in found.items():
        # A solver that iterates amplifies the rounding of other machines.
        tolerance = 2e-5 if key.startswith("explicitness") else 1e-12
        assert value == pytest.approx(WANTED[name][key], abs=tolerance), key

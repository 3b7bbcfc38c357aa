"""UDR on live data, against disentanglement_lib's numbers."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import Lasso

from disentanglement_bench.evaluation.dlib import udr

DATA = Path(__file__).parents[2] / "data"
SCORES = json.loads((DATA / "udr_scores.json").read_text())


class Points:
    """The thousand points of the oracle, in order."""

    def __init__(self):
        self.next = 0

    def sample_observations(self, num, random_state):
        self.next += num
        return np.arange(self.next - num, self.next)


class Noise:
    """Ten random numbers an observation."""

    def sample_observations(self, num, random_state):
        return random_state.random_sample((num, 10))


@pytest.fixture(scope="module")
def models():
    with np.load(DATA / "udr_codes.npz") as file:
        codes, kl = (file[name] for name in file.files)
    if codes.ndim == 2:
        codes, kl = kl, codes
    return [lambda x, c=c, k=k: (c[x], k) for c, k in zip(codes, kl, strict=True)]


@pytest.mark.parametrize("form", ["lasso", "spearman"])
def test_scores_are_those_of_disentanglement_lib(models, form):
    found = udr.compute_udr_sklearn(
        Points(), models, np.random.RandomState(0), 10, 1000, correlation_matrix=form
    )
    assert found["model_scores"] == pytest.approx(SCORES[form]["model_scores"], abs=1e-6)
    pairs = np.array(found["pairwise_disentanglement_scores"])
    assert pairs.shape == (5, 5, 1)
    np.testing.assert_allclose(pairs[..., 0], SCORES[form]["pairwise"], atol=1e-6)
    assert np.shape(found["raw_correlations"]) == (5, 5, 10, 10)


@pytest.mark.parametrize("form", ["lasso", "spearman"])
def test_order_and_sign_of_latents_do_not_matter(form):
    order = np.array([3, 1, 0, 2, 9, 8, 5, 6, 7, 4])
    sign = np.where(np.arange(10) % 2, -1.0, 1.0)
    found = udr.compute_udr_sklearn(
        Noise(),
        [lambda x: (x, np.ones(10)), lambda x: (x[:, order] * sign, np.ones(10))],
        np.random.RandomState(0),
        10,
        1000,
        correlation_matrix=form,
        include_raw_correlations=False,
    )
    assert all(0.8 < score <= 1.0 for score in found["model_scores"])
    assert "raw_correlations" not in found


def test_latents_without_information_are_filtered():
    kl = np.eye(10)[0]
    draws = np.random.RandomState(1)

    def encode(observations):
        return np.hstack([observations[:, :1], draws.random_sample((len(observations), 9))]), kl

    def scores(**options):
        state = np.random.RandomState(0)
        found = udr.compute_udr_sklearn(Noise(), [encode, encode], state, 10, 1000, **options)
        return found["model_scores"]

    assert all(score > 0.8 for score in scores())
    assert all(0.0 < score < 0.2 for score in scores(filter_low_kl=False))
    assert np.isnan(scores(kl_filter_threshold=2.0)).all()


def test_points_come_in_whole_batches():
    with pytest.raises(ValueError, match="num_data_points must be a multiple of batch_size"):
        udr.compute_udr_sklearn(Noise(), [], np.random.RandomState(0), 10, 15)


def test_strength_of_matrices():
    strength = udr.relative_strength_disentanglement
    assert strength(np.eye(3)) == 1.0
    assert strength([[1, 1, 0], [1, 1, 0], [0, 0, 1]]) == pytest.approx(2 / 3)
    assert strength(np.ones((3, 3))) == pytest.approx(1 / 3)
    assert strength(np.zeros((3, 3))) == 0.0
    assert strength([[2.0], [1.0]]) == pytest.approx((4 / 3 + (2 + 1) / 2) / 2)
    assert np.isnan(strength(np.zeros((0, 2))))


def test_correlations_are_those_of_scipy_and_scikit_learn():
    state = np.random.RandomState(0)
    first = state.random_sample((200, 3)) * 10
    second = np.column_stack([first[:, 0], first[:, 0], first[:, 2] + state.normal(size=200)])
    found = udr.spearman_correlation_conv(first, second)
    for i in range(3):
        for j in range(3):
            wanted = abs(spearmanr(first[:, i], second[:, j]).statistic)
            assert found[i, j] == pytest.approx(wanted, abs=1e-12)
    found = udr.lasso_correlation_matrix(first, second, random_state=state)
    np.testing.assert_allclose(found, np.abs(Lasso(alpha=0.1).fit(first, second).coef_).T)
    assert found[0, 1] > 0.9

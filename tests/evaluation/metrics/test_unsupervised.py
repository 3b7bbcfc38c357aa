"""Unsupervised scores: known covariances, laws and singular codes."""

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.metrics import mutual_info_score

from disentanglement_bench.evaluation import unsupervised
from disentanglement_bench.evaluation.metrics.histogram import bin_codes
from disentanglement_bench.evaluation.metrics.unsupervised import (
    find_total_correlation,
    find_wasserstein_correlation,
)

TOTAL = "gaussian_total_correlation"
DISTANCE = "gaussian_wasserstein_correlation"
NORM = "gaussian_wasserstein_correlation_norm"


def test_known_covariances():
    """By hand: −½ log(1 − r²), and 4 − 2 (√(1 + r) + √(1 − r)) for two codes of variance 1."""
    covariance = np.array([[1.0, 0.8], [0.8, 1.0]])
    assert find_total_correlation(covariance) == pytest.approx(-0.5 * np.log(0.36))
    wanted = 4 - 2 * (np.sqrt(1.8) + np.sqrt(0.2))
    assert find_wasserstein_correlation(covariance) == pytest.approx(wanted)
    assert find_total_correlation(np.diag([1.0, 5.0, 0.1])) == pytest.approx(0.0)
    assert find_wasserstein_correlation(np.diag([1.0, 5.0, 0.1])) == pytest.approx(0.0)


def test_as_defined(partly_disentangled):
    codes, factors = partly_disentangled
    found = unsupervised(codes, factors, n_train=600)
    covariance = np.cov(codes.T)
    variances = np.diag(covariance)
    root = sqrtm(np.sqrt(variances)[:, None] * covariance * np.sqrt(variances))
    distance = 2 * variances.sum() - 2 * np.trace(root)
    bins = bin_codes(codes)
    information = np.array([[mutual_info_score(one, two) for two in bins] for one in bins])
    np.fill_diagonal(information, 0.0)
    assert found.values == pytest.approx(
        {
            TOTAL: 0.5 * (np.log(variances).sum() - np.log(np.linalg.det(covariance))),
            DISTANCE: distance,
            NORM: distance / variances.sum(),
            "mutual_info_codes": information.sum() / 12,
        },
        abs=1e-9,
    )


def test_independent_and_copied_codes(stream):
    noise = stream.normal(size=(5000, 3))
    factors = stream.integers(0, 3, (5000, 1))
    independent = unsupervised(noise, factors, n_train=5000).values
    assert all(value < 0.03 for value in independent.values())
    near = np.column_stack([noise, noise[:, 0] + 0.1 * stream.normal(size=5000)])
    copied = unsupervised(near, factors, n_train=5000).values
    assert copied[TOTAL] > 2
    assert all(copied[key] > independent[key] for key in copied)


def test_order_shift_and_scale(partly_disentangled):
    codes, factors = partly_disentangled
    wanted = unsupervised(codes, factors).values
    assert unsupervised(codes[:, [2, 0, 3, 1]] + 4, factors).values == pytest.approx(wanted)
    found = unsupervised(codes * 8, factors).values
    assert found.pop(DISTANCE) == pytest.approx(64 * wanted[DISTANCE])
    assert found == pytest.approx({key: wanted[key] for key in found})
    assert unsupervised(codes * [1, 2, 4, 8], factors).values[TOTAL] == pytest.approx(wanted[TOTAL])


def test_factors_do_not_matter(partly_disentangled):
    codes, factors = partly_disentangled
    found = unsupervised(codes, factors[::-1])
    assert found.values == unsupervised(codes, factors).values


@pytest.mark.parametrize("constant", [0.0, 0.1])
def test_a_constant_code_makes_the_covariance_singular(partly_disentangled, constant):
    codes, factors = partly_disentangled
    more = np.column_stack([codes, np.full(600, constant)]).astype(np.float32)
    found, wanted = unsupervised(more, factors), unsupervised(codes, factors)
    assert found.reasons == {TOTAL: "the covariance is singular: 1 of 5 codes do not vary"}
    assert found.values[DISTANCE] == pytest.approx(wanted.values[DISTANCE], rel=1e-5)
    assert found.values[NORM] == pytest.approx(wanted.values[NORM], rel=1e-5)


def test_a_linear_function_of_other_codes_makes_it_singular(partly_disentangled):
    codes, factors = partly_disentangled
    found = unsupervised(np.column_stack([codes, codes @ [1.0, 2.0, 0.0, -1.0]]), factors)
    assert found.reasons == {
        TOTAL: "the covariance is singular: some code is a linear function of others"
    }
    assert found.values[DISTANCE] > 0


def test_only_constant_codes(partly_disentangled):
    found = unsupervised(np.full((600, 2), 0.1), partly_disentangled[1])
    assert set(found.reasons) == {TOTAL, NORM}
    assert found.reasons[NORM] == "every code is constant in the training part"
    assert found.values[DISTANCE] == found.values["mutual_info_codes"] == 0.0


def test_undefined(partly_disentangled):
    codes, factors = partly_disentangled
    assert "one code" in unsupervised(codes[:, :1], factors).reason
    assert unsupervised(codes, factors, n_train=19).reason == "19 training rows for 20 bins"
    assert unsupervised(codes * 1e200, factors).reason == "the codes reach beyond 3.4e+38"
    assert not unsupervised(codes * 1e30, factors).reasons


def test_twins(partly_disentangled):
    codes, factors = partly_disentangled
    dependent = np.column_stack([codes[:, 0], codes[:, 0] * 2 + 1e-3 * codes[:, 1], codes[:, 2]])
    drawn = unsupervised(dependent, factors, log_variances=np.ones(dependent.shape))
    assert drawn.values[TOTAL + "_sampled"] < unsupervised(dependent, factors).values[TOTAL]
    assert drawn.variant == "unsupervised[cov,hist20,sampled]"

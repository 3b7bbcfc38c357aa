import numpy as np
import pytest

from disentanglement_bench.evaluation.representation.sampling import sample_codes


def test_moments_and_seeds():
    means = np.tile([1.0, -3.0], (20_000, 1))
    log_variances = np.tile([0.0, np.log(4.0)], (20_000, 1))
    drawn = sample_codes(means, log_variances, seed=1)
    np.testing.assert_allclose(drawn.mean(axis=0), [1.0, -3.0], atol=0.06)
    np.testing.assert_allclose(drawn.var(axis=0), [1.0, 4.0], rtol=0.06)
    assert np.array_equal(drawn, sample_codes(means, log_variances, seed=1))
    assert not np.array_equal(drawn, sample_codes(means, log_variances, seed=2))


def test_global_random_state_is_left_alone():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    sample_codes([[0.0]], [[0.0]])
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_shapes_must_agree():
    with pytest.raises(ValueError, match=r"shape of codes, \(1, 2\), not \(1, 1\)"):
        sample_codes([[0.0, 1.0]], [[0.0]])

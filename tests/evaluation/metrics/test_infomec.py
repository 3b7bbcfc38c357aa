"""InfoMEC against its authors' scores, its laws, and where it is undefined."""

import json
from pathlib import Path

import numpy as np
import pytest

from disentanglement_bench.evaluation import MetricError, infomec
from disentanglement_bench.evaluation.metrics.infomec import find_active

DATA = Path(__file__).parents[2] / "data"
WANTED = json.loads((DATA / "canon_scores.json").read_text())


@pytest.fixture(scope="module")
def canon():
    with np.load(DATA / "canon_codes.npz") as file:
        rows = file["infomec_rows"]
        return {name: file[name][rows] for name in [*WANTED, "factors"]}


@pytest.mark.parametrize("name", WANTED)
def test_authors_scores(canon, name):
    found = infomec(canon[name], canon["factors"], n_train=4500)
    wanted = WANTED[name]["infomec_rows_seed1"]
    for key, tolerance in (("infom", 1e-3), ("infoc", 1e-3), ("infoe", 5e-3)):
        assert found.values[key] == pytest.approx(wanted[key], abs=tolerance), key
        assert (found.values[key] is None) == bool(found.reasons.get(key))
    np.testing.assert_allclose(found.matrix.T, wanted["nmi"], atol=1e-5)
    assert found.per_code["active"] == [float(each) for each in wanted["active"]]


@pytest.fixture
def arrays(stream):
    factors = np.stack([stream.integers(0, size, 600) for size in (2, 5, 4)], axis=1)
    return factors + 0.05 * stream.normal(size=factors.shape), factors


def test_perfect_codes_reach_one(arrays):
    codes, factors = arrays
    assert list(infomec(codes, factors).values.values()) == pytest.approx([1.0] * 3, abs=0.02)
    # Without the noise that breaks ties such codes would have no information at all.
    found = infomec(factors * 1.0, factors)
    assert list(found.values.values()) == pytest.approx([1.0] * 3, abs=0.02)


def test_noise_does_not_reach_zero(arrays, stream):
    codes, factors = stream.normal(size=(600, 10)), arrays[1]
    found = infomec(codes, factors)
    assert found.values["infoe"] < 0.1
    assert 0.4 < found.reference["noise_infom"] < 0.9
    assert 0.2 < found.reference["noise_infoc"] < 0.8


def test_order_and_scale_of_codes_do_not_matter(partly_disentangled):
    codes, factors = partly_disentangled
    wanted = infomec(codes, factors)
    moved = infomec(codes[:, ::-1] * 4.0 + 1.0, factors)
    assert moved.values == pytest.approx(wanted.values, abs=1e-4)
    assert infomec(codes, factors).values == wanted.values
    np.testing.assert_array_equal(infomec(codes, factors).matrix, wanted.matrix)


def test_the_scale_of_one_code_decides_whether_it_is_active(partly_disentangled):
    """Pruning is relative: a collapse of all codes alike does not show."""
    codes, factors = partly_disentangled
    faint = codes * [1.0, 0.02, 1.0, 1.0]
    assert infomec(faint, factors).per_code["active"] == [1.0, 0.0, 1.0, 1.0]
    assert infomec(codes * 1e-3, factors).per_code["active"] == [1.0] * 4
    posteriors = np.zeros(codes.shape)
    twin = infomec.sampled_twin(codes * 1e-3, factors, log_variances=posteriors)
    assert twin.values["infoe_sampled"] < 0.1 < infomec(codes * 1e-3, factors).values["infoe"]


def test_a_mask_finds_codes_that_have_collapsed(partly_disentangled):
    codes, factors = partly_disentangled
    spread = np.where(np.arange(4) == 1, 0.0, -5.0) + np.zeros(codes.shape)
    twin = infomec.active_twin(codes * [1.0, 1e-3, 1.0, 1.0], factors, log_variances=spread)
    assert twin.variant == "infomec[knn10,range20,kl>0.01]"
    assert twin.per_code["active"] == [1.0, None, 1.0, 1.0]


def test_two_ways_of_pruning(stream):
    """A code of rare large values has a wide range and a narrow middle."""
    codes = stream.normal(size=(500, 3)) * [1.0, 1.0, 0.01]
    codes[0, 2] = 3.0
    assert find_active(codes).tolist() == [True, True, True]
    assert find_active(codes, "iqr10").tolist() == [True, True, False]
    found = infomec(codes, stream.integers(0, 3, (500, 2)), pruning="iqr10")
    assert found.variant == "infomec[knn10,range20] with pruning=iqr10"
    with pytest.raises(MetricError, match="pruning must be 'range20' or 'iqr10', not 'none'"):
        infomec(codes, stream.integers(0, 3, (500, 2)), pruning="none")


def test_where_it_is_undefined(arrays):
    codes, factors = arrays
    one = infomec(codes * [1.0, 1e-3, 1e-3], factors)
    assert one.reasons == {
        "infoc": "one active code: there is no second one to share a factor with"
    }
    none = infomec(np.ones(codes.shape), factors)
    assert none.reasons == dict.fromkeys(("infom", "infoc"), "no code is active")
    assert none.values["infoe"] == pytest.approx(0.0, abs=1e-6)
    factor = infomec(codes, factors[:, :1])
    assert "infom" in factor.reasons
    few = infomec(codes, factors, n_train=10)
    assert set(few.reasons.values()) == {"10 training rows for 10 neighbours each"}


def test_classes_weigh_alike(stream):
    """With rare classes, no code at all still counts 0."""
    factors = (stream.random(900) < 0.05).astype(int)[:, None]
    found = infomec(stream.normal(size=(900, 2)), factors, n_train=900)
    assert abs(found.values["infoe"]) < 0.05

import json

import numpy as np
import pytest
from scipy.stats import spearmanr
from sklearn.linear_model import Lasso

from disentanglement_bench.evaluation.metrics.udr import measure_udr

FORMS = ["lasso", "spearman"]


@pytest.fixture(scope="module")
def models(request):
    folder = request.path.parents[2] / "data"
    with np.load(folder / "udr_codes.npz") as file:
        codes, kl = file["codes"], file["kl"]
    return codes, kl, json.loads((folder / "udr_scores.json").read_text())


@pytest.mark.parametrize("form", FORMS)
def test_oracle(models, form):
    codes, kl, scores = models
    found = measure_udr(codes, kl, form=form)
    np.testing.assert_allclose(found.scores, scores[form]["model_scores"], atol=1e-6)
    pairs = np.nan_to_num(found.pairs)
    np.testing.assert_allclose(pairs, scores[form]["pairwise"], atol=1e-6)
    assert np.isnan(np.diag(found.pairs)).all()


def test_weights_are_those_of_scikit_learn(stream):
    """Entangled codes, whose regression takes many sweeps."""
    first = stream.normal(size=(300, 4))
    codes = np.stack([first @ stream.normal(size=(4, 4)) for _ in range(2)])
    codes = (codes - codes.mean(axis=1, keepdims=True)) / codes.std(axis=1, keepdims=True)
    model = Lasso(alpha=0.1, tol=1e-12, max_iter=100_000).fit(codes[0], codes[1])
    found = measure_udr(codes, np.ones((2, 4)))
    np.testing.assert_allclose(found.strengths[0, 1], np.abs(model.coef_.T), atol=1e-6)


def test_equal_values_share_their_rank(stream):
    codes = stream.integers(0, 4, (2, 80, 3)).astype(float)
    found = measure_udr(codes, np.ones((2, 3)), form="spearman").strengths[0, 1]
    wanted = spearmanr(codes[0], codes[1]).statistic[:3, 3:]
    np.testing.assert_allclose(found, np.abs(wanted), atol=1e-12)


@pytest.mark.parametrize(("form", "most"), [("lasso", 0.9), ("spearman", 1.0)])
def test_order_sign_and_scale_do_not_matter(stream, form, most):
    """Ranks keep no more than order: 1 where codes correlate with nothing but their partner."""
    grid = np.indices((6, 6, 6)).reshape(3, -1).T.astype(float)
    codes = np.stack([grid, grid[:, ::-1] * [-2, 3, 0.01] + 5, grid[:, [1, 2, 0]]])
    found = measure_udr(codes, np.ones((3, 3)), form=form)
    np.testing.assert_allclose(found.scores, most, atol=1e-9)


@pytest.mark.parametrize("form", FORMS)
def test_rotated_and_unrelated_codes_score_low(stream, form):
    grid = stream.permuted(np.indices((10, 10, 10)).reshape(3, -1).T.astype(float), axis=0)
    rotation = np.array([[2, -1, 2], [2, 2, -1], [-1, 2, 2]]) / 3
    grid -= grid.mean(axis=0)
    alike, rotated, unrelated = (
        measure_udr(np.stack([grid, other]), np.ones((2, 3)), form=form).scores
        for other in (grid, grid @ rotation, stream.normal(size=grid.shape))
    )
    assert (unrelated < 0.1).all()
    assert (rotated < alike - 0.5).all()


@pytest.mark.parametrize("form", FORMS)
def test_codes_that_are_not_active_do_not_count(stream, form):
    codes = stream.normal(size=(3, 200, 4))
    codes[1:, :, :2] = codes[0, :, :2]
    kl = np.array([[1, 1, 0, 0.01]] * 3)
    found = measure_udr(codes, kl, form=form)
    wanted = measure_udr(codes[:, :, :2], kl[:, :2], form=form)
    np.testing.assert_allclose(found.scores, wanted.scores)
    assert (found.strengths[:, :, 2:] == 0).all()


@pytest.mark.parametrize("form", FORMS)
def test_a_run_without_active_codes_has_no_score(stream, form):
    codes, kl = stream.normal(size=(3, 50, 2)), np.ones((3, 2))
    kl[1] = 0
    found = measure_udr(codes, kl, form=form)
    assert np.isfinite(found.scores).tolist() == [True, False, True]
    assert found.scores[0] == found.pairs[2, 0]
    kl[2] = 0
    assert np.isnan(measure_udr(codes, kl, form=form).scores).all()
    assert np.isnan(measure_udr(codes[:1], kl[:1], form=form).scores).all()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("size", [1e300, 1.0, 1e-300])
def test_constant_codes_and_extremes(stream, form, size):
    codes = stream.uniform(-1, 1, size=(2, 64, 3))
    codes[1] = codes[0]
    codes[:, :, 1] = 0.1
    with np.errstate(all="raise", under="ignore"):
        found = measure_udr(codes * size, np.ones((2, 3)), form=form)
    assert (found.strengths[:, :, 1] == 0).all()
    assert found.strengths[0, 1, 0, 0] > 0.89
    assert 0.4 < found.scores[0] < 0.7


@pytest.mark.parametrize("form", FORMS)
def test_the_largest_numbers_can_be_summed(stream, form):
    codes = np.where(stream.normal(size=(2, 64, 3)) > 0, 1.0, -1.0)
    wanted = measure_udr(codes, np.ones((2, 3)), form=form).scores
    with np.errstate(all="raise", under="ignore"):
        found = measure_udr(codes * 1.7e308, np.ones((2, 3)), form=form).scores
    np.testing.assert_allclose(found, wanted)


@pytest.mark.parametrize(
    ("codes", "kl", "options", "message"),
    [
        (np.zeros((2, 5)), np.zeros((2, 5)), {}, r"expected codes \(runs, images, latents\)"),
        (np.zeros((2, 5, 3)), np.zeros((2, 2)), {}, r"got \(2, 5, 3\) and \(2, 2\)"),
        (np.zeros((2, 0, 3)), np.zeros((2, 3)), {}, "expected codes"),
        (np.full((2, 5, 3), np.nan), np.zeros((2, 3)), {}, "must be finite"),
        (np.zeros((2, 5, 3)), np.zeros((2, 3)), {"form": "kendall"}, "lasso or spearman, not 'ke"),
    ],
)
def test_arrays_that_do_not_fit(codes, kl, options, message):
    with pytest.raises(ValueError, match=message):
        measure_udr(codes, kl, **options)

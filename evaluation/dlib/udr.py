"""Unsupervised disentanglement ranking, as that library's `udr.metrics.udr`."""

import numpy as np

from ..metrics.metric import ACTIVE_KL
from ..metrics.udr import ALPHA, measure_udr

BATCH_SIZE = 10
NUM_DATA_POINTS = 1_000


def compute_udr_sklearn(
    ground_truth_data,
    representation_functions,
    random_state,
    batch_size=BATCH_SIZE,
    num_data_points=NUM_DATA_POINTS,
    correlation_matrix="lasso",
    filter_low_kl=True,
    include_raw_correlations=True,
    kl_filter_threshold=ACTIVE_KL,
):
    """Agreement of several models, without ground-truth factors.

    Parameters
    ----------
    ground_truth_data : object
        With `sample_observations(num, random_state)`.
    representation_functions : sequence of callable
        For each model: from observations to codes (num, D) and the mean KL of each latent (D,).
    random_state : numpy.random.RandomState
    batch_size, num_data_points : int, default 10 and 1000
        The second is a multiple of the first.
    correlation_matrix : {"lasso", "spearman"}
    filter_low_kl : bool, default True
        Leave latents out whose KL is at most the threshold. Otherwise they take part, as constants.
    include_raw_correlations : bool, default True
    kl_filter_threshold : float, default 0.01

    Returns
    -------
    dict
        `model_scores`, one a model: the median of its pairs; `pairwise_disentanglement_scores`
        (models, models, 1), 0 on the diagonal; and `raw_correlations` (models, models, D, D). NaN
        for models without latents to compare.

    Raises
    ------
    ValueError
        If the points are no whole number of batches.
    """
    codes, kl = _encode(
        ground_truth_data, representation_functions, random_state, batch_size, num_data_points
    )
    form = "lasso" if correlation_matrix == "lasso" else "spearman"
    # What that library sets to 0 before it correlates lies at this threshold, whatever it filters.
    strengths = measure_udr(codes, kl, form=form, kl_threshold=ACTIVE_KL).strengths
    kept = kl > (kl_filter_threshold if filter_low_kl else -np.inf)
    models = len(codes)
    pairs = np.zeros((models, models))
    for i, j in np.argwhere(~np.eye(models, dtype=bool)):
        pairs[i, j] = relative_strength_disentanglement(strengths[i, j][np.ix_(kept[i], kept[j])])
    scores = {"raw_correlations": strengths.tolist()} if include_raw_correlations else {}
    medians = [np.median(np.delete(column, i)) for i, column in enumerate(pairs.T)]
    return {
        **scores,
        "pairwise_disentanglement_scores": pairs[..., None].tolist(),
        "model_scores": list(map(float, medians)),
    }


def _encode(data, functions, state, batch_size, count):
    """Codes (models, points, D) and mean KL (models, D) of all models on the same points."""
    if count % batch_size:
        raise ValueError(
            f"num_data_points must be a multiple of batch_size, {batch_size}; got {count}"
        )
    batches = [
        [function(observations) for function in functions]
        for observations in (
            data.sample_observations(batch_size, state) for _ in range(count // batch_size)
        )
    ]
    codes = [np.concatenate([batch[i][0] for batch in batches]) for i in range(len(functions))]
    kl = [np.mean([batch[i][1] for batch in batches], axis=0) for i in range(len(functions))]
    return np.stack(codes), np.stack(kl)


def relative_strength_disentanglement(corr_matrix):
    """How far the strengths (D, D') between two models' latents are one to one.

    The mean over rows and over columns of (largest)² / sum; 0 for rows without any strength, NaN
    for a matrix without rows or columns.
    """
    strengths = np.asarray(corr_matrix, dtype=np.float64)
    if not strengths.size:
        return np.nan
    both = []
    for axis in (0, 1):
        total, largest = strengths.sum(axis=axis), strengths.max(axis=axis)
        share = np.divide(largest**2, total, out=np.zeros_like(total), where=total > 0)
        both.append(share.mean())
    return (both[0] + both[1]) / 2


def spearman_correlation_conv(vec1, vec2):
    """Absolute rank correlations of two representations (points, D), shape (D, D)."""
    from scipy.stats import rankdata

    ranks = [rankdata(vector, axis=0) for vector in (vec1, vec2)]
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations = np.corrcoef(*ranks, rowvar=False)
    return np.abs(correlations[: ranks[0].shape[1], ranks[0].shape[1] :])


def lasso_correlation_matrix(vec1, vec2, random_state=None):
    """Absolute weights of Lasso regressions of the columns of `vec2` on those of `vec1`, (D, D)."""
    from sklearn.linear_model import Lasso

    model = Lasso(alpha=ALPHA, random_state=random_state).fit(vec1, vec2)
    return np.abs(model.coef_).T

"""BetaVAE score: do pairs that share a factor show which one it is?"""

import numpy as np

from .interventions import (
    BATCH_SIZE,
    NUM_TEST,
    NUM_TRAIN,
    find_obstacle,
    shuffle_all_rows,
    sort_rows,
    start_stream,
)
from .logistic import PENALTY, predict_classes
from .metric import Key, Metric
from .sample import single_precision
from .score import Score

_KEYS = ("betavae_score", "betavae_score_train")


def measure_betavae_score(
    codes,
    factors,
    *,
    all_codes=None,
    all_factors=None,
    factor_names=(),
    seed=0,
    batch_size=BATCH_SIZE,
    num_train=NUM_TRAIN,
    num_test=NUM_TEST,
    penalty=PENALTY,
):
    """How well a linear classifier tells which factor pairs of rows share.

    A point: one factor is drawn, then 64 pairs of different rows that have the same value of it;
    its features are the mean absolute differences of the codes. Logistic regression learns the
    factor from 10,000 points; the score is its accuracy on 5,000 more.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
        Features depend on their scale, because C is fixed.
    factors : ndarray of int, shape (N, K)
        Classes, at least two in each factor.
    all_codes, all_factors : ndarray, shape (M, D) and (M, K), optional
        The rows to draw from, training and test part together; `codes` and `factors` by default.
    factor_names : sequence of str, optional
        For reasons.
    seed : int, default 0
        For the draws.
    batch_size, num_train, num_test, penalty
        Pairs in a point, points of both parts, and C of the classifier.

    Returns
    -------
    Score
        Keys `betavae_score` and `betavae_score_train`, in 0 … 1, 1/K by chance. Undefined where a
        class has fewer rows than a batch, or where factors depend on each other.

    References
    ----------
    Higgins et al. (2017), β-VAE: Learning Basic Visual Concepts with a Constrained Variational
    Framework.

    Examples
    --------
    >>> factors = np.indices((4, 4)).reshape(2, -1).T.repeat(20, axis=0)
    >>> measure_betavae_score(factors * 1.0, factors, num_train=200, num_test=100).value
    1.0
    """
    codes = codes if all_codes is None else all_codes
    factors = factors if all_factors is None else all_factors
    obstacle = find_obstacle(factors, batch_size, factor_names)
    if obstacle:
        return Score(values=dict.fromkeys(_KEYS), reasons=dict.fromkeys(_KEYS, obstacle))
    points, shared = draw_differences(codes, factors, num_train + num_test, batch_size, seed)
    train, test = points[:num_train], points[num_train:]
    test_shared, train_shared = shared[num_train:], shared[:num_train]
    predicted, seen = predict_classes(train, train_shared, test, train, penalty=penalty)
    accuracies = (predicted == test_shared).mean(), (seen == train_shared).mean()
    return Score(values=dict(zip(_KEYS, accuracies, strict=True)))


def draw_differences(codes, factors, count, batch_size=BATCH_SIZE, seed=0):
    """Draw points: pairs of rows that share one factor, and how far apart their codes are.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
    factors : ndarray of int, shape (N, K)
        Each class has at least two rows.
    count : int
    batch_size : int, default 64
        Pairs in a point.
    seed : int, default 0

    Returns
    -------
    differences : ndarray of float64, shape (count, D)
    shared : ndarray of int64, shape (count,)
        The factor of each point.
    """
    from .kernels.interventions import average_differences

    codes = np.ascontiguousarray(codes, dtype=np.float64)
    differences = np.empty((count, codes.shape[1]))
    shared = np.empty(count, dtype=np.int64)
    state = start_stream("betavae", seed)
    average_differences(codes, *sort_rows(factors), batch_size, state, differences, shared)
    return differences, shared


def find_noise_level(
    codes,
    factors,
    *,
    all_codes=None,
    all_factors=None,
    seed,
    batch_size,
    num_train,
    num_test,
    penalty,
):
    """The score of the same codes with factors whose rows are shuffled, and that of guessing."""
    codes, factors = shuffle_all_rows(codes, factors, all_codes, all_factors, seed)
    noise = measure_betavae_score(
        codes,
        factors,
        seed=seed,
        batch_size=batch_size,
        num_train=num_train,
        num_test=num_test,
        penalty=penalty,
    )
    return {"chance": 1 / factors.shape[1], "noise": noise.values["betavae_score"]}


betavae_score = Metric(
    "betavae_score",
    measure_betavae_score,
    (
        Key(
            "betavae_score",
            "BetaVAE score",
            "accuracy of a linear classifier in naming the factor that pairs share",
        ),
        Key(
            "betavae_score_train",
            "BetaVAE score (train)",
            "the same on the points that the classifier learned from",
        ),
    ),
    "accuracy of a linear classifier in telling which factor pairs of rows share",
    "betavae[b64,n10000+5000,logreg]",
    "higgins2017beta",
    needs=(single_precision,),
    reference=find_noise_level,
    twin=True,
    masked=True,
    default=False,
    order=11,
    tolerance=0.01,
)

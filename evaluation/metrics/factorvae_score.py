"""FactorVAE score: does one code, and always the same one, stay still with each factor?"""

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
from .metric import Key, Metric
from .sample import single_precision
from .score import Score

THRESHOLD = 0.05
_KEYS = ("factorvae_score", "factorvae_score_train")


def measure_factorvae_score(
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
    threshold=THRESHOLD,
):
    """How well the code that varies least tells which factor is held fixed.

    A vote: one factor is held at the value of a random row, 64 rows are drawn among those that have
    it, and the code votes whose variance is least, relative to its variance over all rows. Codes
    whose standard deviation is below 0.05 do not take part. Each code is assigned the factor that
    most of its first 10,000 votes were cast for; the score is the accuracy on 5,000 more.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
    factors : ndarray of int, shape (N, K)
        Classes, at least two in each factor.
    all_codes, all_factors : ndarray, shape (M, D) and (M, K), optional
        The rows to draw from, training and test part together; `codes` and `factors` by default.
    factor_names : sequence of str, optional
        For reasons.
    seed : int, default 0
        For the draws.
    batch_size, num_train, num_test, threshold
        Rows in a batch, votes of both parts, and the smallest deviation of a code that takes part.

    Returns
    -------
    Score
        Keys `factorvae_score` and `factorvae_score_train`, in 0 … 1, 1/K by chance; the matrix
        holds the share of each factor's test votes that a code got. Undefined where a class has
        fewer rows than a batch, where factors depend on each other, or where no code takes part.

    References
    ----------
    Kim, Mnih (2018), Disentangling by Factorising.

    Examples
    --------
    >>> factors = np.indices((4, 4)).reshape(2, -1).T.repeat(20, axis=0)
    >>> measure_factorvae_score(factors * 1.0, factors, num_train=200, num_test=100).value
    1.0
    """
    codes = codes if all_codes is None else all_codes
    factors = factors if all_factors is None else all_factors
    deviations = codes.std(axis=0, dtype=np.float64, ddof=1)
    active = find_active(deviations**2, threshold)
    obstacle = find_obstacle(factors, batch_size, factor_names)
    if not obstacle and not active.any():
        obstacle = f"every code has a standard deviation below {threshold:g}"
    if obstacle:
        return Score(values=dict.fromkeys(_KEYS), reasons=dict.fromkeys(_KEYS, obstacle))
    train, test = draw_votes(
        codes[:, active] / deviations[active], factors, (num_train, num_test), batch_size, seed
    )
    matrix = np.zeros((len(active), factors.shape[1]))
    counts = test.sum(axis=0)
    matrix[active] = np.divide(test, counts, out=np.zeros(test.shape), where=counts > 0)
    still = len(active) - active.sum()
    return Score(
        values=dict(zip(_KEYS, (rate_votes(train, test), rate_votes(train, train)), strict=True)),
        per_code={"deviation": deviations},
        matrix=matrix,
        notes=(f"{still} of {len(active)} codes vary too little to vote",) if still else (),
    )


def find_active(variances, threshold=THRESHOLD):
    """Which codes vary enough to take part.

    Parameters
    ----------
    variances : ndarray of float64, shape (D,)
    threshold : float, default 0.05
        Smallest standard deviation.

    Returns
    -------
    ndarray of bool, shape (D,)

    Examples
    --------
    >>> find_active(np.array([1.0, 0.0001, 0.25]))
    array([ True, False,  True])
    """
    return np.sqrt(variances) >= threshold


def draw_votes(codes, factors, counts, batch_size=BATCH_SIZE, seed=0):
    """Draw batches with one factor held fixed, and count which code varies least.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
        Each in units of its own standard deviation.
    factors : ndarray of int, shape (N, K)
        Each class has at least `batch_size` rows.
    counts : sequence of int
        Votes of each part.
    batch_size : int, default 64
    seed : int, default 0

    Returns
    -------
    list of ndarray of int64, shape (D, K)
        Votes by code and factor, for each part.
    """
    from .kernels.interventions import cast_votes

    codes = np.ascontiguousarray(codes, dtype=np.float64)
    places = sort_rows(factors)
    state = start_stream("factorvae", seed)
    parts = []
    for count in counts:
        votes = np.zeros((codes.shape[1], factors.shape[1]), dtype=np.int64)
        cast_votes(codes, *places, batch_size, count, state, votes)
        parts.append(votes)
    return parts


def rate_votes(train, votes):
    """Accuracy of the majority classifier of the training votes.

    Parameters
    ----------
    train, votes : ndarray of int, shape (D, K)
        Votes by code and factor.

    Returns
    -------
    float
        In 0 … 1.

    Examples
    --------
    >>> rate_votes(np.array([[8, 1], [2, 9]]), np.array([[3, 1], [2, 4]]))
    0.7
    """
    return float(votes[np.arange(len(votes)), train.argmax(axis=1)].sum() / votes.sum())


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
    threshold,
):
    """The score of the same codes with factors whose rows are shuffled, and that of guessing."""
    codes, factors = shuffle_all_rows(codes, factors, all_codes, all_factors, seed)
    noise = measure_factorvae_score(
        codes,
        factors,
        seed=seed,
        batch_size=batch_size,
        num_train=num_train,
        num_test=num_test,
        threshold=threshold,
    )
    return {"chance": 1 / factors.shape[1], "noise": noise.values["factorvae_score"]}


factorvae_score = Metric(
    "factorvae_score",
    measure_factorvae_score,
    (
        Key(
            "factorvae_score",
            "FactorVAE score",
            "accuracy of naming the factor that is held fixed by the code that varies least",
        ),
        Key(
            "factorvae_score_train",
            "FactorVAE score (train)",
            "the same on the votes that the classifier was made of",
        ),
    ),
    "accuracy of the code that varies least in telling which factor is held fixed",
    "factorvae[b64,v10000+5000,std0.05]",
    "kim2018disentangling",
    needs=(single_precision,),
    reference=find_noise_level,
    twin=True,
    masked=True,
    default=False,
    order=10,
    tolerance=2e-3,
)

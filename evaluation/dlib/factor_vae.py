"""FactorVAE score, as that library's `metrics.factor_vae`: every batch is drawn anew."""

import numpy as np

from ..metrics.factorvae_score import THRESHOLD, find_active, rate_votes
from ..metrics.interventions import BATCH_SIZE, NUM_TEST, NUM_TRAIN
from .utils import obtain_representation

NUM_VARIANCE_ESTIMATE = 10_000
_ENCODED_AT_ONCE = 64


def compute_factor_vae(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    batch_size=BATCH_SIZE,
    num_train=NUM_TRAIN,
    num_eval=NUM_TEST,
    num_variance_estimate=NUM_VARIANCE_ESTIMATE,
    threshold=THRESHOLD,
):
    """Accuracy of the code that varies least in telling which factor is held fixed.

    Parameters
    ----------
    ground_truth_data : object
        With `num_factors`, `sample_factors(num, random_state)`, `sample_observations(num,
        random_state)` and `sample_observations_from_factors(factors, random_state)`.
    representation_function : callable
        From observations to codes (num, D).
    random_state : numpy.random.RandomState
        Draws come in that library's order.
    artifact_dir : str, optional
        Not used; it keeps the positions of the arguments.
    batch_size : int, default 64
        Points of a vote.
    num_train, num_eval : int, default 10000 and 5000
        Votes.
    num_variance_estimate : int, default 10000
        Points that the variance of each code is estimated from.
    threshold : float, default 0.05
        Codes with a smaller standard deviation do not vote; there `prune_dims.threshold`.

    Returns
    -------
    dict
        `train_accuracy`, `eval_accuracy` and `num_active_dims`, the number of codes that vote; 0
        where there is none.
    """
    observations = ground_truth_data.sample_observations(num_variance_estimate, random_state)
    codes = obtain_representation(observations, representation_function, _ENCODED_AT_ONCE)
    variances = np.var(codes, axis=1, ddof=1)
    active = find_active(variances, threshold)
    if not active.any():
        return {"train_accuracy": 0.0, "eval_accuracy": 0.0, "num_active_dims": 0}
    train, test = (
        _count_votes(
            ground_truth_data,
            representation_function,
            random_state,
            batch_size,
            count,
            variances,
            active,
        )
        for count in (num_train, num_eval)
    )
    return {
        "train_accuracy": rate_votes(train, train),
        "eval_accuracy": rate_votes(train, test),
        "num_active_dims": int(active.sum()),
    }


def _count_votes(data, function, state, batch_size, count, variances, active):
    """Votes by active code and factor."""
    votes = np.zeros((active.sum(), data.num_factors), dtype=np.int64)
    for _ in range(count):
        fixed = state.randint(data.num_factors)
        factors = data.sample_factors(batch_size, state)
        factors[:, fixed] = factors[0, fixed]
        codes = function(data.sample_observations_from_factors(factors, state))
        spread = np.var(codes, axis=0, ddof=1)[active]
        # A code without any variance, which only a threshold of 0 lets in, has no relative one.
        with np.errstate(invalid="ignore"):
            votes[np.argmin(spread / variances[active]), fixed] += 1
    return votes

"""Disentanglement, completeness and informativeness."""

import numpy as np

from .boosted_trees import boosted_importances
from .metric import Key, Metric
from .sample import rows_to_test, single_precision, two_codes, two_factors
from .score import Score

_FLOOR = 1e-11
_NOTHING = "no code predicts any factor"


def measure_dci(codes, factors, test_codes, test_factors, *, seed=0, n_jobs=1):
    """Whether each code serves one factor, each factor is served by one code, and how well.

    Gradient-boosted trees (100 stages, depth 3, learning rate 0.1) predict each factor from all
    codes; R holds their feature importances. Disentanglement is one less the normalised entropy of
    each row of R, weighted by the row's share; completeness the same for columns; informativeness
    is the accuracy. The first two are undefined where no code predicts any factor.

    Parameters
    ----------
    codes, test_codes : ndarray, shape (N, D) and (T, D)
    factors, test_factors : ndarray of int, shape (N, K) and (T, K)
        Classes, at least two in each factor of the training part.
    seed : int, default 0
        For ties between codes.
    n_jobs : int, default 1
        Threads; the result does not depend on it.

    Returns
    -------
    Score
        Four keys, each in 0 … 1; the matrix is R, whose columns sum to 1.

    References
    ----------
    Eastwood, Williams (2018), A Framework for the Quantitative Evaluation of Disentangled
    Representations.

    Examples
    --------
    >>> factors = np.random.default_rng(0).integers(0, 3, size=(300, 2))
    >>> train, test = factors[:200], factors[200:]
    >>> scores = measure_dci(train * 1.0, train, test * 1.0, test)
    >>> round(float(scores.values["dci_disentanglement"]), 2)
    1.0
    """
    trees = [boosted_importances(codes, labels, test_codes, seed, n_jobs) for labels in factors.T]
    importances = np.stack([importance for importance, _, _ in trees], axis=1)
    right = share_right([predicted for _, predicted, _ in trees], factors)
    test_right = share_right([predicted for _, _, predicted in trees], test_factors)
    values, reasons = weigh_importances(importances, "dci_")
    return Score(
        values={
            **values,
            "dci_informativeness_train": right.mean(),
            "dci_informativeness_test": test_right.mean(),
        },
        reasons=reasons,
        per_factor={
            "completeness": completeness_per_factor(importances),
            "informativeness_train": right,
            "informativeness_test": test_right,
        },
        per_code={"disentanglement": disentanglement_per_code(importances)},
        matrix=importances,
    )


def weigh_importances(importances, prefix):
    """Disentanglement and completeness: means weighted by the importances of codes and factors.

    Parameters
    ----------
    importances : ndarray of float64, shape (D, K)
    prefix : str
        Of the keys.

    Returns
    -------
    values : dict of str to float
        Keys `<prefix>disentanglement` and `<prefix>completeness`.
    reasons : dict of str to str
        Why both are undefined, where all importances are 0.
    """
    total = importances.sum()
    per_code = disentanglement_per_code(importances)
    per_factor = completeness_per_factor(importances)
    values = {
        f"{prefix}disentanglement": (per_code * importances.sum(axis=1)).sum() / (total or 1),
        f"{prefix}completeness": (per_factor * importances.sum(axis=0)).sum() / (total or 1),
    }
    return values, {} if total > 0 else dict.fromkeys(values, _NOTHING)


def share_right(predictions, factors):
    """Accuracy of the predictions of each factor; NaN without rows."""
    rows = len(factors)
    return (np.array(predictions) == factors.T).sum(axis=1) / (rows or np.nan)


def find_majority(codes, factors, test_codes, test_factors):
    """Test accuracy of always guessing each factor's most frequent training class."""
    counted = [np.unique(column, return_counts=True) for column in factors.T]
    guesses = np.array([[classes[counts.argmax()]] for classes, counts in counted])
    return {"majority_test": share_right(guesses, test_factors)}


def disentanglement_per_code(importances):
    """One less the entropy of each code's importances over K factors, in units of log K.

    Parameters
    ----------
    importances : ndarray of float64, shape (D, K)

    Returns
    -------
    ndarray of float64, shape (D,)
    """
    return _one_less_entropy(importances, importances.shape[1])


def completeness_per_factor(importances):
    """One less the entropy of each factor's importances over D codes, in units of log D.

    Parameters
    ----------
    importances : ndarray of float64, shape (D, K)

    Returns
    -------
    ndarray of float64, shape (K,)
    """
    return _one_less_entropy(importances.T, importances.shape[0])


def _one_less_entropy(shares, base):
    """1 − entropy of each row of non-negative numbers, in units of log(base)."""
    shares = shares + _FLOOR
    shares = shares / shares.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1.0 + (shares * np.log(shares)).sum(axis=1) / np.log(base)


dci = Metric(
    "dci",
    measure_dci,
    (
        Key(
            "dci_disentanglement",
            "DCI disentanglement",
            "each code serves one factor",
            needs=(two_factors,),
        ),
        Key(
            "dci_completeness",
            "DCI completeness",
            "each factor is served by one code",
            needs=(two_codes,),
        ),
        Key(
            "dci_informativeness_train",
            "DCI informativeness (train)",
            "accuracy of the trees on the training part",
        ),
        Key(
            "dci_informativeness_test",
            "DCI informativeness (test)",
            "accuracy of the trees on the test part",
            needs=(rows_to_test,),
        ),
    ),
    "disentanglement, completeness, informativeness by gradient-boosted trees",
    "dci[gbt100-d3]",
    "eastwood2018framework",
    needs=(single_precision,),
    reference=find_majority,
    order=4,
    tolerance=0.005,
)

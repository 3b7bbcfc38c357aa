"""Disentanglement, completeness and informativeness of factors that are numbers."""

import numpy as np

from .boosted_trees import regressed_importances
from .continuous import scale_factors
from .dci import completeness_per_factor, disentanglement_per_code, weigh_importances
from .metric import Key, Metric
from .sample import rows_to_test, single_precision, two_codes, two_factors
from .score import Score

_NUMBERLESS = ("nominal", "periodic")


def measure_dci_regression(
    codes, factors, test_codes, test_factors, factor_names, factor_kinds, *, seed=0, n_jobs=1
):
    """DCI with regression trees, for factors whose values are numbers.

    Gradient-boosted regression trees (100 stages, depth 3, learning rate 0.1, squared error)
    predict each factor from all codes; R holds their feature importances. Disentanglement and
    completeness are those of `dci`; informativeness is the share of variance explained, R². Units
    of the factors do not matter. The first two are undefined where no code predicts any factor.

    Parameters
    ----------
    codes, test_codes : ndarray, shape (N, D) and (T, D)
    factors, test_factors : ndarray, shape (N, K) and (T, K)
        Real numbers, or classes, which are read as numbers; none is constant in the training part.
    factor_names, factor_kinds : tuple of str
    seed : int, default 0
        For ties between codes.
    n_jobs : int, default 1
        Threads; the result does not depend on it.

    Returns
    -------
    Score
        Four keys; R² is at most 1 and below 0 where the mean would have been the better guess. A
        factor that is constant in the test part is left out of the mean there. The matrix is R,
        whose columns sum to 1.

    References
    ----------
    Eastwood, Williams (2018), A Framework for the Quantitative Evaluation of Disentangled
    Representations.

    Examples
    --------
    >>> factors = np.random.default_rng(0).uniform(size=(300, 2))
    >>> names, kinds = ("x", "y"), ("continuous", "continuous")
    >>> train, test = factors[:200], factors[200:]
    >>> score = measure_dci_regression(train, train, test, test, names, kinds)
    >>> round(float(score.values["dci_regression_disentanglement"]), 2)
    1.0
    """
    both = scale_factors(np.concatenate([factors, test_factors]).astype(np.float64))
    targets, test_targets = both[: len(factors)], both[len(factors) :]
    centre, spread = targets.mean(axis=0), targets.std(axis=0)
    targets, test_targets = (targets - centre) / spread, (test_targets - centre) / spread
    importances, predicted, test_predicted = regressed_importances(
        codes, targets, test_codes, seed, n_jobs
    )
    explained = explain_variance(predicted, targets)
    test_explained = explain_variance(test_predicted, test_targets)
    values, reasons = weigh_importances(importances, "dci_regression_")
    known = test_explained[~np.isnan(test_explained)]
    if not len(known):
        reasons["dci_regression_informativeness_test"] = "every factor is constant in the test part"
    return Score(
        values={
            **values,
            "dci_regression_informativeness_train": explained.mean(),
            "dci_regression_informativeness_test": known.mean() if len(known) else None,
        },
        reasons=reasons,
        per_factor={
            "completeness": completeness_per_factor(importances),
            "informativeness_train": explained,
            "informativeness_test": test_explained,
        },
        per_code={"disentanglement": disentanglement_per_code(importances)},
        matrix=importances,
        notes=[
            f"classes read as numbers, though {kind}: {name}"
            for name, kind in zip(factor_names, factor_kinds, strict=True)
            if kind in _NUMBERLESS
        ],
    )


def explain_variance(predicted, targets):
    """R² of the predictions of each column.

    Parameters
    ----------
    predicted, targets : ndarray of float64, shape (N, K)

    Returns
    -------
    ndarray of float64, shape (K,)
        1 less the squared error in units of the column's own spread; NaN for a constant column,
        and without rows.

    Examples
    --------
    >>> explain_variance(np.array([[0.0], [1.0]]), np.array([[0.0], [2.0]]))
    array([0.5])
    """
    if not len(targets):
        return np.full(targets.shape[1], np.nan)
    error = ((predicted - targets) ** 2).sum(axis=0)
    spread = ((targets - targets.mean(axis=0)) ** 2).sum(axis=0)
    constant = targets.min(axis=0) == targets.max(axis=0)
    return np.where(constant, np.nan, 1.0 - error / np.where(constant, 1.0, spread))


dci_regression = Metric(
    "dci_regression",
    measure_dci_regression,
    (
        Key(
            "dci_regression_disentanglement",
            "DCI disentanglement (regression)",
            "each code serves one factor, by regression trees",
            needs=(two_factors,),
        ),
        Key(
            "dci_regression_completeness",
            "DCI completeness (regression)",
            "each factor is served by one code, by regression trees",
            needs=(two_codes,),
        ),
        Key(
            "dci_regression_informativeness_train",
            "DCI informativeness (regression, train)",
            "R² of the regression trees on the training part",
            low=-np.inf,
        ),
        Key(
            "dci_regression_informativeness_test",
            "DCI informativeness (regression, test)",
            "R² of the regression trees on the test part",
            low=-np.inf,
            needs=(rows_to_test,),
        ),
    ),
    "disentanglement, completeness, informativeness by gradient-boosted regression trees",
    "dci[gbrt100-d3,r2]",
    "eastwood2018framework",
    needs=(single_precision,),
    default=False,
    continuous=True,
    order=70,
    tolerance=1e-3,
)

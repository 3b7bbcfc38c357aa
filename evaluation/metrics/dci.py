"""Disentanglement, completeness and informativeness."""

import numpy as np

from .metric import Key, Metric
from .score import LARGEST, TOO_LARGE, Score, check_backend, defined, optional, split, varying

KEYS = (
    "dci_disentanglement",
    "dci_completeness",
    "dci_informativeness_train",
    "dci_informativeness_test",
)
_FLOOR = 1e-11


def dci(
    codes,
    factors,
    *,
    n_train=None,
    seed=0,
    backend="numba",
    n_jobs=1,
    factor_names=None,
):
    """Whether each code serves one factor, each factor is served by one code, and how well.

    Gradient-boosted trees (100 stages, depth 3, learning rate 0.1) predict each factor from all
    codes; R holds their feature importances. Disentanglement is one less the normalised entropy of
    each row of R, weighted by the row's share; completeness the same for columns; informativeness
    is the accuracy. Factors that are constant in the training part are left out with a note.
    Disentanglement is undefined with one factor and completeness with one code; both where no code
    predicts anything. Test informativeness is undefined without test rows.

    Parameters
    ----------
    codes : array_like, shape (N, D)
    factors : array_like, shape (N, K)
        Classes from 0.
    n_train : int, optional
        Rows of the training part; two thirds by default.
    seed : int, default 0
        For ties between codes.
    backend : {"numba", "sklearn"}
        Compiled trees, or scikit-learn's GradientBoostingClassifier.
    n_jobs : int, default 1
        Threads of the compiled trees; the result does not depend on it.
    factor_names : sequence of str, optional

    Returns
    -------
    Score
        Four keys, each in 0 … 1; the matrix is R, whose columns sum to 1.

    Raises
    ------
    RepresentationError
        If the arrays are not a representation.

    References
    ----------
    Eastwood, Williams (2018), A Framework for the Quantitative Evaluation of Disentangled
    Representations.

    Examples
    --------
    >>> import numpy as np
    >>> factors = np.random.default_rng(0).integers(0, 3, size=(300, 2))
    >>> round(dci(factors * 1.0, factors, n_train=200).values["dci_disentanglement"], 2)
    1.0
    """
    check_backend(backend)
    parts = split(codes, factors, n_train, factor_names, LARGEST)
    mask, notes = varying(parts)
    importances, train_right, test_right = _fit(parts, mask, seed, backend, n_jobs)
    used = importances[:, mask]
    reasons = _reasons(parts, mask, used)
    rows, columns = disentanglement_per_code(used), completeness_per_factor(used)
    per_factor = np.full(len(mask), np.nan)
    per_factor[mask] = columns
    total = used.sum()
    found = (np.nan,) * 4
    if total > 0:
        found = (
            (rows * used.sum(axis=1)).sum() / total,
            (columns * used.sum(axis=0)).sum() / total,
        )
    found = (*found[:2], _mean(train_right), _mean(test_right))
    values, reasons = defined(dict(zip(KEYS, found, strict=True)), reasons)
    return Score(
        metric="dci",
        values=values,
        variant="dci[gbt100-d3]",
        reasons=reasons,
        per_factor={
            "completeness": optional(per_factor),
            "informativeness_train": optional(train_right),
            "informativeness_test": optional(test_right),
        },
        per_code={"disentanglement": optional(rows)},
        matrix=importances,
        settings={"seed": seed, "backend": backend},
        reference={"majority_test": optional(_majority(parts, mask))},
        notes=notes,
    )


def _fit(parts, mask, seed, backend, n_jobs):
    """Importances (D, K) and accuracies (K,), NaN for factors outside the mask."""
    if backend == "sklearn":
        from .slow import boosted_importances as boost
    else:
        from functools import partial

        from .boosted_trees import boosted_importances

        boost = partial(boosted_importances, n_jobs=n_jobs)
    importances = np.full((parts.train.shape[1], len(mask)), np.nan)
    train_right = np.full(len(mask), np.nan)
    test_right = np.full(len(mask), np.nan)
    for k in np.flatnonzero(mask):
        importances[:, k], predicted, predicted_test = boost(
            parts.train, parts.factors[:, k], parts.test, seed
        )
        train_right[k] = (predicted == parts.factors[:, k]).mean()
        if len(parts.test):
            test_right[k] = (predicted_test == parts.test_factors[:, k]).mean()
    return importances, train_right, test_right


def _reasons(parts, mask, used):
    """Why any of the four keys is undefined."""
    if parts.too_large:
        return dict.fromkeys(KEYS, TOO_LARGE)
    if not mask.any():
        return dict.fromkeys(KEYS, "no factor varies in the training part")
    reasons = {}
    if used.sum() == 0:
        reasons = dict.fromkeys(KEYS[:2], "no code predicts any factor")
    if mask.sum() < 2:
        reasons[KEYS[0]] = "one varying factor: a code cannot serve another"
    if parts.train.shape[1] < 2:
        reasons[KEYS[1]] = "one code: a factor cannot be served by another"
    if not len(parts.test):
        reasons[KEYS[3]] = "there are no test rows"
    return reasons


def _mean(values):
    """Mean over what is defined."""
    return values[~np.isnan(values)].mean() if (~np.isnan(values)).any() else np.nan


def _majority(parts, mask):
    """Test accuracy of always guessing each factor's most frequent training class."""
    result = np.full(len(mask), np.nan)
    if len(parts.test):
        for k in np.flatnonzero(mask):
            guess = np.bincount(parts.factors[:, k]).argmax()
            result[k] = (parts.test_factors[:, k] == guess).mean()
    return result


def _one_less_entropy(shares, base):
    """1 − entropy of each row of non-negative numbers, in units of log(base)."""
    shares = shares + _FLOOR
    shares = shares / shares.sum(axis=1, keepdims=True)
    with np.errstate(divide="ignore", invalid="ignore"):
        return 1.0 + (shares * np.log(shares)).sum(axis=1) / np.log(base)


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


DCI = Metric(
    "dci",
    dci,
    (
        Key("dci_disentanglement", "DCI disentanglement", "each code serves one factor"),
        Key("dci_completeness", "DCI completeness", "each factor is served by one code"),
        Key(
            "dci_informativeness_train",
            "DCI informativeness (train)",
            "accuracy of the trees on the training part",
        ),
        Key(
            "dci_informativeness_test",
            "DCI informativeness (test)",
            "accuracy of the trees on the test part",
        ),
    ),
    "disentanglement, completeness, informativeness by gradient-boosted trees",
    "dci[gbt100-d3]",
    citation="eastwood2018framework",
    options=("seed", "backend", "n_jobs", "factor_names"),
    order=4,
)

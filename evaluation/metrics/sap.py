"""Separated attribute predictability, by classification."""

import numpy as np

from .metric import Key, Metric
from .score import LARGEST, TOO_LARGE, Score, check_backend, defined, gaps, optional, split, varying

COST = 0.01


def sap(codes, factors, *, n_train=None, backend="numba", factor_names=None):
    """How far one code stands out as a linear predictor of each factor.

    Each code alone predicts each factor with a linear SVM (squared hinge, C = 0.01, balanced
    weights, one class against the rest); the mean over factors of (largest − second largest test
    accuracy). Factors that are constant in the training part are left out with a note; a class that
    only the test part has counts as never predicted. Undefined with one code, without test rows,
    and where no factor varies.

    Parameters
    ----------
    codes : array_like, shape (N, D)
    factors : array_like, shape (N, K)
        Classes from 0.
    n_train : int, optional
        Rows of the training part; two thirds by default.
    backend : {"numba", "sklearn"}
        The exact solution in compiled code, or LinearSVC (liblinear) pair by pair.
    factor_names : sequence of str, optional

    Returns
    -------
    Score
        Key `sap`, in 0 … 1; the matrix holds test accuracies. Accuracies depend on the scale of
        the codes, because C is fixed; `reference["perfect_ordinal"]` is what a standardised code
        that is the factor itself reaches.

    Raises
    ------
    RepresentationError
        If the arrays are not a representation.

    References
    ----------
    Kumar, Sattigeri, Balakrishnan (2018), Variational Inference of Disentangled Latent Concepts
    from Unlabeled Observations.

    Examples
    --------
    >>> import numpy as np
    >>> factors = np.indices((2, 2)).reshape(2, -1).T.repeat(64, axis=0)[:, ::-1]
    >>> order = np.random.default_rng(0).permutation(256)
    >>> sap(factors[order] * 4.0 - 2.0, factors[order], n_train=128).values["sap"] > 0.3
    True
    """
    check_backend(backend)
    parts = split(codes, factors, n_train, factor_names, LARGEST)
    mask, notes = varying(parts)
    reasons = sap_reasons("sap", parts, mask)
    matrix = np.full((parts.train.shape[1], len(mask)), np.nan)
    per_factor = np.full(len(mask), np.nan)
    ordinal = np.full(len(mask), np.nan)
    if len(parts.test):
        matrix[:, mask] = accuracies(parts.train, parts.test, parts, mask, backend)
        own = parts.factors.astype(np.float64)
        scale = np.where(mask, own.std(axis=0), 1.0)
        shifted = (
            (own - own.mean(axis=0)) / scale,
            (parts.test_factors - own.mean(axis=0)) / scale,
        )
        for k in np.flatnonzero(mask):
            one = np.arange(len(mask)) == k
            ordinal[k] = accuracies(*(part[:, [k]] for part in shifted), parts, one, "numba")[0, 0]
    if not reasons:
        per_factor[mask] = gaps(matrix[:, mask])
    value = per_factor[mask].mean() if mask.any() else np.nan
    values, reasons = defined({"sap": value}, reasons)
    return Score(
        metric="sap",
        values=values,
        variant="sap[linsvc-c0.01-balanced]",
        reasons=reasons,
        per_factor={"sap": optional(per_factor)},
        matrix=matrix,
        settings={"cost": COST, "backend": backend},
        reference={"perfect_ordinal": optional(ordinal)},
        notes=notes,
    )


def sap_reasons(key, parts, mask, needs_test=True):
    """Why a gap between codes cannot be told."""
    if parts.too_large:
        return {key: TOO_LARGE}
    if parts.train.shape[1] < 2:
        return {key: "one code: there is no second one to stand out from"}
    if needs_test and not len(parts.test):
        return {key: "there are no test rows"}
    if not mask.any():
        return {key: "no factor varies in the training part"}
    return {}


def accuracies(train, test, parts, mask, backend):
    """Test accuracy of each code for each factor of the mask, (D, factors in the mask)."""
    if backend == "sklearn":
        from .slow import svm_accuracy_matrix

        return svm_accuracy_matrix(
            train, parts.factors[:, mask], test, parts.test_factors[:, mask], COST
        )
    from .kernels.hinge import svm_accuracies

    train = np.ascontiguousarray(train.T, dtype=np.float64)
    test = np.ascontiguousarray(test.T, dtype=np.float64)
    order = np.argsort(train, axis=1, kind="stable")
    columns = []
    for k in np.flatnonzero(mask):
        classes, labels, counts = np.unique(
            parts.factors[:, k], return_inverse=True, return_counts=True
        )
        found = np.searchsorted(classes, parts.test_factors[:, k]).clip(0, len(classes) - 1)
        test_labels = np.where(classes[found] == parts.test_factors[:, k], found, -1)
        positive = COST * len(labels) / (len(classes) * counts)
        negative = positive[::-1] if len(classes) == 2 else np.full(len(classes), COST)
        columns.append(
            svm_accuracies(
                train,
                order,
                labels.ravel().astype(np.int64),
                len(classes),
                test,
                test_labels.astype(np.int64),
                positive,
                negative.copy(),
            )[0]
        )
    return np.stack(columns, axis=1) if columns else np.empty((len(train), 0))


SAP = Metric(
    "sap",
    sap,
    (Key("sap", "SAP", "gap in accuracy between the two best one-code linear SVMs"),),
    "separated attribute predictability by linear SVMs on one code",
    "sap[linsvc-c0.01-balanced]",
    citation="kumar2018variational",
    options=("backend", "factor_names"),
    order=2,
)

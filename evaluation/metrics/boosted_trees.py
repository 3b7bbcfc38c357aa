"""Feature importances of gradient-boosted trees, as scikit-learn has them."""

import contextlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np

STAGES = 100
RATE = 0.1
_TIES = int.from_bytes(b"boosting", "little") % 2**63  # apart from other random streams


def boosted_importances(train, labels, test, seed=0, n_jobs=1, stages=STAGES):
    """Fit depth-3 trees on multinomial (or binomial) deviance.

    Parameters
    ----------
    train : ndarray, shape (N, D)
        Compared in float32, as scikit-learn does.
    labels : ndarray of int, shape (N,)
        At least two classes.
    test : ndarray, shape (T, D)
    seed : int, default 0
        For ties between columns.
    n_jobs : int, default 1
        Threads; the result does not depend on it.
    stages : int, default 100

    Returns
    -------
    importances : ndarray of float64, shape (D,)
        Sum to 1, or all 0 where no tree has a split.
    predicted, predicted_test : ndarray of int, shape (N,) and (T,)
    """
    from .kernels.boosting import boost_stage
    from .kernels.residuals import residuals

    classes, labels = np.unique(labels, return_inverse=True)
    labels = labels.ravel().astype(np.int64)
    shares = np.bincount(labels) / len(labels)
    binary = len(classes) == 2
    if binary:
        start, first, shrink = np.log(shares[1:] / shares[:1]), 1, 1.0
    else:
        start = np.log(shares / np.exp(np.mean(np.log(shares))))
        first, shrink = 0, (len(classes) - 1) / len(classes)
    raw = np.repeat(start[:, None], len(train), axis=1)
    raw_test = np.repeat(start[:, None], len(test), axis=1)
    gradient = np.empty_like(raw)
    chunks = _split_trees(train, test, len(raw), seed, n_jobs)

    def grow(chunk):
        rows = chunk["rows"]
        boost_stage(
            chunk["values"],
            chunk["orders"],
            chunk["test"],
            labels,
            first + rows.start,
            gradient[rows],
            raw[rows],
            raw_test[rows],
            RATE,
            shrink,
            chunk["states"],
            chunk["importances"],
        )

    with _threads(chunks) as run:
        for _ in range(stages):
            residuals(raw, labels, first, gradient)
            run(grow)
    importances = np.concatenate([chunk["importances"] for chunk in chunks]).sum(axis=0)
    total = importances.sum()
    importances = importances / total if total > 0 else importances
    return importances, classes[_predict(raw, binary)], classes[_predict(raw_test, binary)]


def regressed_importances(train, targets, test, seed=0, n_jobs=1, stages=STAGES):
    """Fit depth-3 trees on the squared error of each target.

    Parameters
    ----------
    train : ndarray, shape (N, D)
        Compared in float32, as scikit-learn does.
    targets : ndarray of float64, shape (N, K)
        Of ordinary size: a node with a variance below 2e-16 is not split.
    test : ndarray, shape (T, D)
    seed : int, default 0
        For ties between columns.
    n_jobs : int, default 1
        Threads; the result does not depend on it.
    stages : int, default 100

    Returns
    -------
    importances : ndarray of float64, shape (D, K)
        Columns sum to 1, or are all 0 where no tree has a split.
    predicted, predicted_test : ndarray of float64, shape (N, K) and (T, K)
    """
    from .kernels.boosting import boost_squares

    targets = np.ascontiguousarray(targets.T, dtype=np.float64)
    start = targets.mean(axis=1, keepdims=True)
    raw = np.repeat(start, len(train), axis=1)
    raw_test = np.repeat(start, len(test), axis=1)

    def grow(chunk):
        rows = chunk["rows"]
        boost_squares(
            chunk["values"],
            chunk["orders"],
            chunk["test"],
            targets[rows],
            raw[rows],
            raw_test[rows],
            RATE,
            chunk["states"],
            chunk["importances"],
        )

    chunks = _split_trees(train, test, len(targets), seed, n_jobs)
    with _threads(chunks) as run:
        for _ in range(stages):
            run(grow)
    importances = np.concatenate([chunk["importances"] for chunk in chunks])
    total = importances.sum(axis=1, keepdims=True)
    importances /= np.where(total > 0, total, 1.0)
    return importances.T, raw.T, raw_test.T


@contextlib.contextmanager
def _threads(chunks):
    """Give what calls a function on every chunk, each in a thread of its own."""
    if len(chunks) == 1:
        yield lambda function: function(chunks[0])
        return
    with ThreadPoolExecutor(len(chunks)) as pool:
        yield lambda function: list(pool.map(function, chunks))


def _split_trees(train, test, trees, seed, n_jobs):
    """Split the trees of a stage over threads; each has its own scratch and random states."""
    values = np.ascontiguousarray(train.T, dtype=np.float32)
    columns = np.ascontiguousarray(test.T, dtype=np.float32)
    sorted_rows = np.argsort(values, axis=1, kind="stable")
    states = np.random.default_rng([_TIES, seed]).integers(
        1, 2**63, size=(trees, 1), dtype=np.uint64
    )
    chunks = []
    for rows in np.array_split(np.arange(trees), min(n_jobs, trees)):
        orders = np.empty((3, *values.shape), dtype=np.uint32)
        orders[0] = sorted_rows
        chunks.append(
            {
                "values": values,
                "orders": orders,
                "test": columns,
                "rows": slice(rows[0], rows[-1] + 1),
                "states": states[rows],
                "importances": np.zeros((len(rows), len(values))),
            }
        )
    return chunks


def _predict(raw, binary):
    """Class numbers with the highest log-odds."""
    return (raw[0] >= 0).astype(np.int64) if binary else raw.argmax(axis=0)

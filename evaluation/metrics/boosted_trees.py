"""Feature importances of gradient-boosted trees, as scikit-learn's classifier has them."""

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
    with contextlib.ExitStack() as stack:
        chunks = _split_classes(train, test, len(raw), seed, n_jobs)
        pool = stack.enter_context(ThreadPoolExecutor(len(chunks))) if len(chunks) > 1 else None
        for _ in range(stages):
            residuals(raw, labels, first, gradient)
            tasks = [(chunk, labels, first, gradient, raw, raw_test, shrink) for chunk in chunks]
            if pool is None:
                _grow_stage(*tasks[0])
            else:
                for done in [pool.submit(_grow_stage, *task) for task in tasks]:
                    done.result()
    importances = np.concatenate([chunk["importances"] for chunk in chunks]).sum(axis=0)
    total = importances.sum()
    importances = importances / total if total > 0 else importances
    return importances, classes[_predict(raw, binary)], classes[_predict(raw_test, binary)]


def _split_classes(train, test, trees, seed, n_jobs):
    """Split the classes over threads; each has its own scratch and random states."""
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


def _grow_stage(chunk, labels, first, gradient, raw, raw_test, shrink):
    """Grow this stage's trees of one chunk of classes."""
    from .kernels.boosting import boost_stage

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


def _predict(raw, binary):
    """Class numbers with the highest log-odds."""
    return (raw[0] >= 0).astype(np.int64) if binary else raw.argmax(axis=0)

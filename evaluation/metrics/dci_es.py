"""Explicitness and size, the extension of DCI."""

import warnings

import numpy as np

from .continuous import scale_factors
from .metric import Key, Metric
from .neighbours import find_continuous
from .sample import rows_to_test, single_precision
from .score import Score

DEPTHS = (1, 2, 4, 8, 16, 32)
NUM_TREES = 100


def measure_dci_es(
    codes,
    factors,
    test_codes,
    test_factors,
    *,
    num_trees=NUM_TREES,
    factor_kinds=(),
    seed=0,
    n_jobs=1,
):
    """How little capacity it takes to read the factors, and how few codes there are.

    For each factor the loss of a random forest on the test part is a curve over the depth of its
    trees (1, 2, 4, 8, 16, 32); the smallest loss so far counts. The loss is 1 − accuracy for a
    factor of classes and 1 − R² for a continuous one. Explicitness is 1 − (area between the curve
    and its lowest point) / (half the range of depths × the loss of guessing), averaged over
    factors. It is 1 where the shallowest trees reach the lowest loss, and so also where no depth
    helps: read the losses beside it. A continuous factor that is constant in the test part has no
    R² and is left out of the average. Size is the number of factors over the number of codes.

    Parameters
    ----------
    codes, test_codes : ndarray, shape (N, D) and (T, D)
    factors, test_factors : ndarray, shape (N, K) and (T, K)
        Classes or numbers, at least two different ones in each factor of the training part.
    num_trees : int, default 100
    factor_kinds : sequence of str, shape (K,), optional
        A factor is continuous where its kind says so; without kinds, where a value is not whole.
    seed : int, default 0
        For the rows and codes that trees see.
    n_jobs : int, default 1
        Threads; the result does not depend on it.

    Returns
    -------
    Score
        Keys `dci_es_e`, in −1 … 1, and `dci_es_s`, above 0.

    References
    ----------
    Eastwood et al. (2023), DCI-ES: An Extended Disentanglement Framework with Connections to
    Identifiability.

    Examples
    --------
    >>> factors = np.random.default_rng(0).integers(0, 2, size=(300, 2))
    >>> train, test = factors[:200], factors[200:]
    >>> score = measure_dci_es(train * 1.0, train, test * 1.0, test, num_trees=10)
    >>> [round(float(value), 2) for value in score.values.values()]
    [1.0, 1.0]
    """
    curves = np.full((factors.shape[1], len(DEPTHS)), np.nan)
    both = np.concatenate([factors, test_factors])
    continuous = find_continuous(both, factor_kinds)
    targets = np.where(continuous, scale_factors(both), both)
    if len(test_codes):
        for k, column in enumerate(targets.T):
            labels, test_labels = column[: len(codes)], column[len(codes) :]
            forest = grow_forest(codes, labels, continuous[k], num_trees, seed, n_jobs)
            curves[k] = losses_by_depth(forest, test_codes, test_labels)
    sizes = np.array([len(np.unique(labels)) for labels in factors.T])
    guessing = np.where(continuous, 1.0, 1 - 1 / sizes)
    explicit = explicitness_of_curves(np.array(DEPTHS), curves, guessing)
    known = explicit[~np.isnan(explicit)]
    reason = {} if len(known) else {"dci_es_e": "every factor is constant in the test part"}
    return Score(
        values={
            "dci_es_e": known.mean() if len(known) else None,
            "dci_es_s": factors.shape[1] / codes.shape[1],
        },
        reasons=reason,
        per_factor={
            "dci_es_e": explicit,
            "lowest_loss": curves.min(axis=1),
            "loss_of_guessing": guessing,
            **{f"loss_at_depth_{depth}": curves[:, n] for n, depth in enumerate(DEPTHS)},
        },
    )


def grow_forest(codes, labels, continuous, num_trees, seed, n_jobs):
    """A random forest of the largest depth."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    kind = RandomForestRegressor if continuous else RandomForestClassifier
    forest = kind(
        num_trees, max_features="sqrt", max_depth=DEPTHS[-1], random_state=seed, n_jobs=n_jobs
    )
    with warnings.catch_warnings():
        # Of many classes, and of sums of codes that are as large as single precision allows.
        warnings.simplefilter("ignore", UserWarning)
        warnings.simplefilter("ignore", RuntimeWarning)
        return forest.fit(codes, labels)


def losses_by_depth(forest, codes, labels):
    """Loss of a forest whose trees are cut at each depth: 1 − accuracy, or 1 − R² of a regressor.

    A tree cut at a depth is the tree that would have been grown to it: its splits up to there are
    drawn in the same way. So one forest gives the whole curve.

    Parameters
    ----------
    forest : RandomForestClassifier or RandomForestRegressor
    codes : ndarray, shape (T, D)
    labels : ndarray, shape (T,)

    Returns
    -------
    ndarray of float64, shape (depths,)
        NaN of a regressor on constant labels, on which R² is undefined.
    """
    codes = np.ascontiguousarray(codes, dtype=np.float32)
    classes = getattr(forest, "classes_", None)
    votes = np.zeros((len(DEPTHS), len(codes), 1 if classes is None else len(classes)))
    for each in forest.estimators_:
        tree = each.tree_
        leaves = tree.apply(codes)
        values = tree.value[:, 0, :]
        if classes is not None:
            values = values / values.sum(axis=1, keepdims=True)
        for vote, ends in zip(votes, _find_ends(tree), strict=True):
            vote += values[ends[leaves]]
    if classes is not None:
        return 1.0 - (classes[votes.argmax(axis=2)] == labels).mean(axis=1)
    spread = ((labels - labels.mean()) ** 2).sum()
    if labels.min() == labels.max() or spread == 0:
        return np.full(len(DEPTHS), np.nan)
    return ((votes[:, :, 0] / len(forest.estimators_) - labels) ** 2).sum(axis=1) / spread


def _find_ends(tree):
    """For each depth, the node where a row that ends in each node would have ended."""
    ends = np.tile(np.arange(tree.node_count), (len(DEPTHS), 1))
    beyond = np.array(DEPTHS)[:, None]
    parents, depth = np.zeros(1, dtype=np.int64), 0
    while len(parents):
        depth += 1
        children = np.concatenate([tree.children_left[parents], tree.children_right[parents]])
        kept = children >= 0
        above, children = np.tile(parents, 2)[kept], children[kept]
        ends[:, children] = np.where(depth > beyond, ends[:, above], children)
        parents = children
    return ends


def explicitness_of_curves(capacities, losses, guessing):
    """One less the normalised area between each loss curve and its lowest point.

    Parameters
    ----------
    capacities : ndarray, shape (C,)
        Rising.
    losses : ndarray, shape (K, C)
    guessing : ndarray, shape (K,)
        Loss without any code.

    Returns
    -------
    ndarray of float64, shape (K,)
        At least −1: a curve that begins above the loss of guessing counts as beginning there.

    Examples
    --------
    >>> curves = np.array([[0.2, 0.2, 0.2], [0.8, 0.4, 0.0], [0.8, 0.8, 0.0]])
    >>> explicitness_of_curves(np.array([0, 1, 2]), curves, np.full(3, 0.8)).round(2).tolist()
    [1.0, 0.0, -0.5]
    """
    lowest = np.minimum.accumulate(np.minimum(losses, guessing[:, None]), axis=1)
    above = lowest - lowest[:, -1:]
    area = ((above[:, 1:] + above[:, :-1]) / 2 * np.diff(capacities)).sum(axis=1)
    return 1.0 - area / ((capacities[-1] - capacities[0]) / 2 * guessing)


dci_es = Metric(
    "dci_es",
    measure_dci_es,
    (
        Key(
            "dci_es_e",
            "DCI-ES explicitness",
            "how little capacity it takes to read what the codes tell of the factors; 1 on noise",
            low=-1.0,
            needs=(rows_to_test,),
        ),
        Key(
            "dci_es_s",
            "DCI-ES size",
            "factors over codes",
            high=float("inf"),
        ),
    ),
    "explicitness and size by random forests of rising depth",
    "dci_es[rf100,depth1-32,linear,accuracy]",
    "eastwood2023dcies",
    needs=(single_precision,),
    continuous=True,
    default=False,
    order=24,
    tolerance=0.005,
)

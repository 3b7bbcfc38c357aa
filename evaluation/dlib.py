"""disentanglement_lib's metric functions, by name and signature, on this package's metrics.

A script that had `from disentanglement_lib.evaluation.metrics import mig, dci, utils` goes on with
`from disentanglement_bench.evaluation.dlib import mig, dci, utils`. Representations and factors are
transposed, as there:
(number of codes, number of points) and (number of factors, number of points). Settings that were
bound by gin are plain arguments, with that library's published configuration as defaults.
"""

from types import SimpleNamespace

import numpy as np

from .metrics import histogram
from .metrics.boosted_trees import boosted_importances
from .metrics.dci import completeness_per_factor, disentanglement_per_code, share_right
from .metrics.explicitness import measure_explicitness
from .metrics.mig import gaps
from .metrics.modularity import modularity_per_code
from .metrics.sap import measure_sap
from .metrics.sap_continuous import measure_sap_continuous

NUM_TRAIN = 10_000
NUM_TEST = 5_000
BATCH_SIZE = 16


def generate_batch_factor_code(
    ground_truth_data, representation_function, num_points, random_state, batch_size
):
    """Sample points batch by batch, and encode them.

    Parameters
    ----------
    ground_truth_data : object
        Its `sample(num, random_state)` returns factors (num, K) and observations.
    representation_function : callable
        From observations to codes (num, D).
    num_points : int
    random_state : numpy.random.RandomState
    batch_size : int

    Returns
    -------
    codes : ndarray, shape (D, num_points)
    factors : ndarray, shape (K, num_points)
    """
    factors, codes = [], []
    for start in range(0, num_points, batch_size):
        count = min(batch_size, num_points - start)
        classes, observations = ground_truth_data.sample(count, random_state)
        factors.append(classes)
        codes.append(representation_function(observations))
    return np.vstack(codes).T, np.vstack(factors).T


def split_train_test(observations, train_percentage):
    """Cut points in two, the first part rounded up.

    Parameters
    ----------
    observations : ndarray, shape (rows, points)
    train_percentage : float
        Fraction of the points, in 0 … 1.

    Returns
    -------
    tuple of ndarray
    """
    cut = int(np.ceil(observations.shape[1] * train_percentage))
    return observations[:, :cut], observations[:, cut:]


def obtain_representation(observations, representation_function, batch_size):
    """Encode observations batch by batch; codes come transposed, (D, points)."""
    starts = range(0, len(observations), batch_size)
    return np.vstack([representation_function(observations[s : s + batch_size]) for s in starts]).T


def _histogram_discretize(target, num_bins=histogram.NUM_BINS):
    """Bin numbers from 1, in the type of the target, of equal-width bins over each row."""
    return (histogram.bin_codes(target.T, num_bins) + 1).astype(target.dtype)


def make_discretizer(target, num_bins=histogram.NUM_BINS, discretizer_fn=_histogram_discretize):
    """Discretise each row of codes (D, points) with a function of (target, num_bins)."""
    return discretizer_fn(target, num_bins)


def _numbered(rows):
    """Number the different values of each row from 0."""
    return np.stack([np.unique(row, return_inverse=True)[1].ravel() for row in np.asarray(rows)])


def discrete_mutual_info(mus, ys):
    """Plug-in mutual information of discrete codes (D, points) with factors (K, points), in nats.

    Returns
    -------
    ndarray of float64, shape (D, K)
    """
    return histogram.mutual_information_matrix(_numbered(mus), _numbered(ys).T)


def discrete_entropy(ys):
    """Plug-in entropy of each row of factors (K, points), in nats, shape (K,)."""
    return histogram.entropies(_numbered(ys).T)


def normalize_data(data, mean=None, stddev=None):
    """Standardise each row; returns the result, the means and the deviations."""
    mean = np.mean(data, axis=1) if mean is None else mean
    stddev = np.std(data, axis=1) if stddev is None else stddev
    return (data - mean[:, None]) / stddev[:, None], mean, stddev


def _both_parts(data, function, state, num_train, num_test, batch_size):
    """Sample the training part, then the test part: codes and factors of each, as rows."""
    train = generate_batch_factor_code(data, function, num_train, state, batch_size)
    test = generate_batch_factor_code(data, function, num_test, state, batch_size)
    return train[0].T, train[1].T, test[0].T, test[1].T


def compute_mig(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=NUM_TRAIN,
    batch_size=BATCH_SIZE,
):
    """Mutual information gap.

    Parameters
    ----------
    ground_truth_data, representation_function, random_state, batch_size
        As in `generate_batch_factor_code`.
    artifact_dir : str, optional
        Not used; it keeps the positions of the arguments.
    num_train : int, default 10000

    Returns
    -------
    dict
        `discrete_mig`: NaN if a factor is constant.
    """
    codes, factors = generate_batch_factor_code(
        ground_truth_data, representation_function, num_train, random_state, batch_size
    )
    information = discrete_mutual_info(make_discretizer(codes), factors)
    with np.errstate(invalid="ignore", divide="ignore"):
        return {"discrete_mig": float(np.mean(gaps(information) / discrete_entropy(factors)))}


def compute_sap(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=NUM_TRAIN,
    num_test=NUM_TEST,
    batch_size=BATCH_SIZE,
    continuous_factors=False,
):
    """Separated attribute predictability.

    Parameters
    ----------
    ground_truth_data, representation_function, random_state, batch_size
        As in `generate_batch_factor_code`.
    artifact_dir : str, optional
        Not used.
    num_train : int, default 10000
    num_test : int, default 5000
    continuous_factors : bool, default False
        Squared correlation instead of classification accuracy.

    Returns
    -------
    dict
        `SAP_score`.
    """
    parts = _both_parts(
        ground_truth_data, representation_function, random_state, num_train, num_test, batch_size
    )
    score = measure_sap_continuous(*parts[:2]) if continuous_factors else measure_sap(*parts)
    return {"SAP_score": float(score.value)}


def compute_dci(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=NUM_TRAIN,
    num_test=NUM_TEST,
    batch_size=BATCH_SIZE,
):
    """Disentanglement, completeness and informativeness.

    Parameters
    ----------
    ground_truth_data, representation_function, random_state, batch_size
        As in `generate_batch_factor_code`.
    artifact_dir : str, optional
        Not used.
    num_train : int, default 10000
    num_test : int, default 5000

    Returns
    -------
    dict
        `informativeness_train`, `informativeness_test`, `disentanglement`, `completeness`.

    Raises
    ------
    ValueError
        If a factor is constant in the training part.
    """
    codes, factors, test_codes, test_factors = _both_parts(
        ground_truth_data, representation_function, random_state, num_train, num_test, batch_size
    )
    for k, labels in enumerate(factors.T):
        if labels.min() == labels.max():
            raise ValueError(f"factor {k} has one class in the training part; two are needed")
    trees = [boosted_importances(codes, labels, test_codes) for labels in factors.T]
    importances = np.stack([importance for importance, _, _ in trees], axis=1)
    right = share_right([predicted for _, predicted, _ in trees], factors)
    test_right = share_right([predicted for _, _, predicted in trees], test_factors)
    return {
        "informativeness_train": float(right.mean()),
        "informativeness_test": float(test_right.mean()),
        "disentanglement": disentanglement(importances),
        "completeness": completeness(importances),
    }


def disentanglement(importance_matrix):
    """Disentanglement of importances (D, K); 0 where all are 0."""
    return _weighted(disentanglement_per_code(importance_matrix), importance_matrix.sum(axis=1))


def completeness(importance_matrix):
    """Completeness of importances (D, K); 0 where all are 0."""
    return _weighted(completeness_per_factor(importance_matrix), importance_matrix.sum(axis=0))


def _weighted(values, weights):
    """Weighted mean, with equal weights where all are 0."""
    return float(np.average(values, weights=weights if weights.sum() > 0 else None))


def modularity(mutual_information):
    """Modularity of a matrix of mutual information (D, K)."""
    return float(modularity_per_code(mutual_information).mean())


def compute_modularity_explicitness(
    ground_truth_data,
    representation_function,
    random_state,
    artifact_dir=None,
    num_train=NUM_TRAIN,
    num_test=NUM_TEST,
    batch_size=BATCH_SIZE,
):
    """Modularity, and explicitness on both parts.

    Parameters
    ----------
    ground_truth_data, representation_function, random_state, batch_size
        As in `generate_batch_factor_code`.
    artifact_dir : str, optional
        Not used.
    num_train : int, default 10000
    num_test : int, default 5000

    Returns
    -------
    dict
        `modularity_score`, `explicitness_score_train`, `explicitness_score_test`.
    """
    parts = _both_parts(
        ground_truth_data, representation_function, random_state, num_train, num_test, batch_size
    )
    information = discrete_mutual_info(make_discretizer(parts[0].T), parts[1].T)
    explicitness = measure_explicitness(*parts).values
    return {
        "modularity_score": modularity(information),
        "explicitness_score_train": float(explicitness["explicitness_train"]),
        "explicitness_score_test": float(explicitness["explicitness_test"]),
    }


utils = SimpleNamespace(
    generate_batch_factor_code=generate_batch_factor_code,
    split_train_test=split_train_test,
    obtain_representation=obtain_representation,
    discrete_mutual_info=discrete_mutual_info,
    discrete_entropy=discrete_entropy,
    make_discretizer=make_discretizer,
    _histogram_discretize=_histogram_discretize,
    normalize_data=normalize_data,
)
mig = SimpleNamespace(compute_mig=compute_mig)
sap_score = SimpleNamespace(compute_sap=compute_sap)
dci = SimpleNamespace(
    compute_dci=compute_dci, disentanglement=disentanglement, completeness=completeness
)
modularity_explicitness = SimpleNamespace(
    compute_modularity_explicitness=compute_modularity_explicitness, modularity=modularity
)

"""Sampling, binning and information, as that library's `metrics.utils`."""

import numpy as np

from ..metrics import histogram
from ..metrics.boosted_trees import boosted_importances

BATCH_SIZE = 16
NUM_TRAIN = 10_000
NUM_TEST = 5_000


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


def sample_both_parts(data, function, state, num_train, num_test, batch_size):
    """Sample the training part, then the test part: codes and factors of each, as rows."""
    train = generate_batch_factor_code(data, function, num_train, state, batch_size)
    test = generate_batch_factor_code(data, function, num_test, state, batch_size)
    return train[0].T, train[1].T, test[0].T, test[1].T


def make_predictor_fn(predictor_fn=None):
    """What makes the classifier of downstream tasks: `logistic_regression_cv` unless named."""
    return logistic_regression_cv if predictor_fn is None else predictor_fn


def logistic_regression_cv():
    """Logistic regression whose C is chosen among ten by cross-validation with five folds."""
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import KFold

    return LogisticRegressionCV(Cs=10, cv=KFold(n_splits=5), scoring="accuracy")


def gradient_boosting_classifier():
    """Gradient-boosted trees: 100 stages, depth 3, learning rate 0.1."""
    return _BoostedTrees()


class _BoostedTrees:
    """What predicts by boosted trees, with the two methods of a scikit-learn classifier.

    The compiled trees predict while they grow, so they are grown for each prediction.
    """

    def fit(self, codes, labels):
        """Keep the training rows: codes (N, D) and labels (N,)."""
        self._codes, self._labels = codes, np.asarray(labels)
        if len(np.unique(self._labels)) < 2:
            raise ValueError("labels of one class; boosted trees need two")
        return self

    def predict(self, codes):
        """Predict the labels of codes (T, D)."""
        return boosted_importances(self._codes, self._labels, np.asarray(codes))[2]

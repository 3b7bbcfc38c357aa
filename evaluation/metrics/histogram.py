"""Plug-in mutual information between binned codes and discrete factors, by counting."""

import numpy as np

NUM_BINS = 20


def bin_codes(codes, num_bins=NUM_BINS):
    """Put each code into equal-width bins between its own minimum and maximum.

    Bins are closed on the left; the maximum falls into the last one. A constant code fills a single
    bin. Edges are computed in the precision of the codes, as NumPy's histogram does.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
    num_bins : int, default 20

    Returns
    -------
    ndarray of int64, shape (D, N)
        Bin numbers from 0.
    """
    bins = np.empty((codes.shape[1], codes.shape[0]), dtype=np.int64)
    for row, code in zip(bins, np.ascontiguousarray(codes.T), strict=True):
        edges = bin_edges(code, num_bins)
        if edges is None:  # a range too narrow or too wide for the precision of its ends
            shifted = code.astype(np.float64)
            with np.errstate(over="ignore"):
                wide = np.isinf(shifted.max() - shifted.min())
            shifted = shifted / 2.0 if wide else shifted
            shifted = shifted - shifted.min()
            width = shifted.max() or 1.0  # a constant code fills the first bin
            row[:] = np.minimum(shifted / width * num_bins, num_bins - 1)
        else:
            row[:] = np.searchsorted(edges[:-1], code, side="right") - 1
    return bins


def bin_edges(code, num_bins=NUM_BINS):
    """Edges of equal-width bins over one code, or None where its precision allows none."""
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            edges = np.histogram_bin_edges(code, num_bins)
    except ValueError:
        return None
    usable = np.isfinite(edges).all() and (np.diff(edges) > 0).all()
    return edges if usable and edges[0] <= code.min() else None


def joint_counts(bins, classes):
    """How often each bin (D, N) of each code meets each class (N,) of a factor; shape (D, B, S)."""
    num_codes, height, width = len(bins), int(bins.max()) + 1, int(classes.max()) + 1
    place = bins + np.arange(num_codes)[:, None] * height
    place *= width
    place += classes
    counts = np.bincount(place.ravel(), minlength=num_codes * height * width)
    return counts.reshape(num_codes, height, width)


def mutual_information_matrix(bins, factors):
    """Plug-in mutual information of every code with every factor.

    Parameters
    ----------
    bins : ndarray of int64, shape (D, N)
        Bin numbers from 0.
    factors : ndarray of int, shape (N, K)
        Classes from 0.

    Returns
    -------
    ndarray of float64, shape (D, K)
        In nats; exactly 0 for a constant code or factor.
    """
    matrix = np.empty((len(bins), factors.shape[1]))
    for k in range(factors.shape[1]):
        classes = compact(factors[:, k])
        joint = joint_counts(bins, classes) / bins.shape[1]
        independent = joint.sum(axis=2, keepdims=True) * joint.sum(axis=1, keepdims=True)
        ratio = np.divide(joint, independent, out=np.ones_like(joint), where=joint > 0)
        matrix[:, k] = (joint * np.log(ratio)).sum(axis=(1, 2))
        if classes.max() == 0:
            matrix[:, k] = 0.0
    matrix[bins.min(axis=1) == bins.max(axis=1)] = 0.0
    return np.maximum(matrix, 0.0)


def compact(classes):
    """Renumber classes 0, 1, … where their numbers are far apart or negative."""
    if classes.min() < 0 or classes.max() > 4 * classes.size + 1024:
        return np.unique(classes, return_inverse=True)[1].ravel()
    return classes


def class_count(classes):
    """How many classes occur."""
    return int(np.count_nonzero(np.bincount(compact(classes))))


def entropies(factors):
    """Plug-in entropy of every factor.

    Parameters
    ----------
    factors : ndarray of int, shape (N, K)

    Returns
    -------
    ndarray of float64, shape (K,)
        In nats.
    """
    result = np.zeros(factors.shape[1])
    for k in range(factors.shape[1]):
        counts = np.bincount(compact(factors[:, k]))
        shares = counts[counts > 0] / len(factors)
        result[k] = max(0.0, -(shares * np.log(shares)).sum())
    return result


def ceiling(size, num_bins=NUM_BINS):
    """Largest share of a uniform factor's entropy that a perfect ordinal code keeps after binning.

    Examples
    --------
    >>> round(ceiling(40), 3), round(ceiling(10), 3)
    (0.812, 1.0)
    """
    if size < 2:
        return np.nan
    ordinal = np.arange(size, dtype=np.float64)[:, None]
    return float(entropies(bin_codes(ordinal, num_bins).T)[0] / np.log(size))

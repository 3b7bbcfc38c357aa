"""Mean correlation coefficient."""

import itertools

import numpy as np

from .metric import Key, Metric
from .mutual_information import match_codes
from .score import Score

_ORDERS = 7  # classes whose orders are all tried: 5,040
_PHASES = 360
_PLACES = 64  # where there are more classes than this, they are taken for as many alike


def measure_mcc(codes, factors):
    """How closely each factor rises or falls with a code of its own.

    The mean absolute Spearman correlation over the best one-to-one matching of codes to factors.
    With fewer codes than factors, as many factors as codes are matched, and the mean is over
    these. A constant code correlates with nothing.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
    factors : ndarray, shape (N, K)
        Classes or numbers, at least two different ones in each factor.

    Returns
    -------
    Score
        Key `mcc`, in 0 … 1; the matrix holds absolute correlations.

    References
    ----------
    Hyvärinen, Morioka (2016), Unsupervised Feature Extraction by Time-Contrastive Learning and
    Nonlinear ICA; Khemakhem et al. (2020), Variational Autoencoders and Nonlinear ICA.

    Examples
    --------
    >>> factors = np.indices((4, 4)).reshape(2, -1).T
    >>> round(float(measure_mcc(-np.exp(factors[:, ::-1]), factors).value), 6)
    1.0
    """
    correlation = rank_correlations(codes, factors)
    total, code_of = match_codes(correlation)
    num_factors = factors.shape[1]
    few = f"{len(code_of)} of {num_factors} factors are matched: there are no more codes"
    return Score(
        values={"mcc": min(1.0, total / len(code_of))},
        per_factor={
            "matched_code": [code_of.get(k) for k in range(num_factors)],
            "mcc": [
                correlation[code_of[k], k] if k in code_of else None for k in range(num_factors)
            ],
        },
        matrix=correlation,
        notes=(few,) if len(code_of) < num_factors else (),
    )


def rank_correlations(codes, factors):
    """Absolute Spearman correlation of every code with every factor.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
    factors : ndarray, shape (N, K)

    Returns
    -------
    ndarray of float64, shape (D, K)
        Equal values share the mean of their ranks; 0 for a constant column.
    """
    from scipy.stats import rankdata

    ranks = [rankdata(table, axis=0) - (len(table) + 1) / 2 for table in (codes, factors)]
    lengths = [np.sqrt((each**2).sum(axis=0)) for each in ranks]
    scaled = [each / np.where(n > 0, n, 1.0) for each, n in zip(ranks, lengths, strict=True)]
    return np.minimum(np.abs(scaled[0].T @ scaled[1]), 1.0)


def find_ceilings(codes, factors, *, factor_kinds):
    """What a perfect code of each factor reaches in its best and in its worst coding.

    A code that tells every class of a factor from every other is perfect, but it need not put them
    in the order of their numbers. A nominal factor may be coded in any order; a periodic one in
    the order of its circle, begun anywhere: with "smooth", a cosine of any phase, which is what a
    single code without a jump can follow and which no longer tells all classes apart.
    """
    if not any(kind in ("nominal", "periodic") for kind in factor_kinds):
        return {}
    best, worst, smooth = [], [], []
    for column, kind in zip(factors.T, factor_kinds, strict=True):
        codings, waves = list_codings(column, kind)
        best.append(codings.max())
        worst.append(codings.min())
        smooth.append(waves.max())
    limits = {"best": best, "worst": worst, "smooth": smooth}
    means = {f"ceiling_{name}": np.mean(values) for name, values in limits.items()}
    return means | {f"ceiling_{name}_per_factor": np.array(v) for name, v in limits.items()}


def list_codings(column, kind):
    """Absolute Spearman correlations of a factor with its codings, and with smooth ones.

    Parameters
    ----------
    column : ndarray, shape (N,)
    kind : str

    Returns
    -------
    perfect, smooth : ndarray of float64
        One value a coding. Of a nominal factor of more than seven classes only the best and, as
        0, the worst: among so many orders some is uncorrelated, or nearly so.

    Examples
    --------
    >>> orders, _ = list_codings(np.array([0, 1, 2]), "nominal")
    >>> [round(float(value), 2) for value in (orders.min(), orders.max())]
    [0.5, 1.0]
    """
    classes, counts = np.unique(column, return_counts=True)
    if len(classes) > _PLACES:
        classes, counts = np.arange(_PLACES), np.ones(_PLACES)
    if kind == "nominal" and len(classes) <= _ORDERS:
        orders = np.array(list(itertools.permutations(range(len(classes)))))
        perfect = _correlate_classes(orders, counts)
        return perfect, perfect
    if kind == "nominal":
        perfect = np.array([1.0, 0.0])
        return perfect, perfect
    if kind == "periodic":
        place = np.arange(len(classes))
        cuts = (place + place[:, None]) % len(classes)
        phases = np.arange(_PHASES)[:, None] / _PHASES
        waves = np.cos(2 * np.pi * (place / len(classes) - phases)).round(12)
        return _correlate_classes(cuts, counts), _correlate_classes(waves, counts)
    return np.ones(1), np.ones(1)


def _correlate_classes(codings, counts):
    """Absolute Spearman correlation of each coding of the classes with their order."""
    order = np.broadcast_to(np.arange(len(counts)), codings.shape)
    first, second = _rank_classes(order, counts), _rank_classes(codings, counts)
    covariance = (counts * first * second).sum(axis=1)
    lengths = (counts * first**2).sum(axis=1) * (counts * second**2).sum(axis=1)
    return np.minimum(np.abs(covariance) / np.sqrt(np.where(lengths > 0, lengths, np.inf)), 1.0)


def _rank_classes(codings, counts):
    """Mean rank of each class among all rows, less the mean of all ranks."""
    below = (codings[:, None, :] < codings[:, :, None]) @ counts
    equal = (codings[:, None, :] == codings[:, :, None]) @ counts
    return below + equal / 2 - counts.sum() / 2


mcc = Metric(
    "mcc",
    measure_mcc,
    (Key("mcc", "MCC", "mean absolute rank correlation over the best one-to-one matching"),),
    "mean correlation coefficient by Spearman correlation",
    "mcc[spearman,rect]",
    "khemakhem2020variational",
    reference=find_ceilings,
    twin=True,
    masked=True,
    continuous=True,
    default=False,
    order=22,
    tolerance=1e-9,
)

"""InfoMEC: modularity, explicitness and compactness by information."""

import math
import warnings

import numpy as np

from .explicitness import standardise
from .histogram import entropies
from .metric import Key, Metric, MetricError
from .neighbours import neighbour_information, rows_for_neighbours
from .sample import single_precision, two_factors
from .score import Score

NEIGHBOURS = 10
PRUNING = "range20"
_STEPS = 100
_SHUFFLES = 5
_SHUFFLE = int.from_bytes(b"infomec", "little")  # apart from other random streams


def measure_infomec(codes, factors, *, num_neighbours=NEIGHBOURS, pruning=PRUNING):
    """How far codes serve one factor each, factors one code each, and how readable factors are.

    With N[i, k] the nearest-neighbour mutual information of code i with factor k over the entropy
    of the factor, and only the active codes: `infom` is the mean over codes of the largest share
    of N[i, :], rescaled from 1/K … 1 to 0 … 1; `infoc` the same over factors and N[:, k], from
    1/(active codes). `infoe` is the mean over factors of the part of the entropy that a logistic
    regression on all codes removes, on the rows it was fitted to.

    Parameters
    ----------
    codes : ndarray, shape (N, D)
    factors : ndarray of int, shape (N, K)
        Classes, at least two in each factor.
    num_neighbours : int, default 10
    pruning : {"range20", "iqr10"}
        Which codes are active: those whose range exceeds a twentieth of the largest one, or whose
        interquartile range exceeds a tenth of the largest one.

    Returns
    -------
    Score
        Keys `infom`, `infoe` and `infoc`; the matrix is N for all codes. `infom` is undefined
        where an active code has no information, `infoc` where a factor has none or only one code
        is active, both where none is.

    Raises
    ------
    MetricError
        For another pruning.

    References
    ----------
    Hsu, Dorrell, Whittington, Wu, Finn (2023), Disentanglement via Latent Quantization.

    Examples
    --------
    >>> factors = np.indices((4, 4)).reshape(2, -1).T.repeat(20, axis=0)
    >>> noise = np.random.default_rng(0).normal(size=factors.shape)
    >>> values = measure_infomec(factors + 0.01 * noise, factors).values
    >>> [round(float(value), 2) for value in values.values()]
    [1.0, 1.0, 1.0]
    """
    shares = neighbour_information(codes, factors, num_neighbours) / entropies(factors)
    active = find_active(codes, pruning)
    modularity, compactness = _share_of_largest(shares[active])
    readable = np.array([_predicted_share(codes, labels) for labels in factors.T])
    return Score(
        values={
            "infom": modularity.mean() if active.any() else np.nan,
            "infoe": readable.mean(),
            "infoc": compactness.mean(),
        },
        reasons=_find_reasons(active, modularity, compactness),
        per_factor={"infoe": readable, "infoc": compactness},
        per_code={"infom": _place(modularity, active), "active": active.astype(np.float64)},
        matrix=shares,
    )


def find_active(codes, pruning=PRUNING):
    """Codes that spread widely enough beside the one that spreads most.

    Examples
    --------
    >>> find_active(np.array([[0.0, 0.0], [1.0, 0.04]])).tolist()
    [True, False]
    """
    codes = codes.astype(np.float64)
    if pruning == "range20":
        spread, part = np.ptp(codes, axis=0), 20
    elif pruning == "iqr10":
        low, high = np.quantile(codes, (0.25, 0.75), axis=0)
        spread, part = high - low, 10
    else:
        raise MetricError(f"pruning must be 'range20' or 'iqr10', not {pruning!r}")
    return spread > spread.max() / part


def _share_of_largest(shares):
    """Largest share of each code's and of each factor's information, rescaled to 0 … 1.

    NaN for what has no information, and where there is nothing to share it with.
    """
    rescaled = []
    for axis in (1, 0):
        number = shares.shape[axis]
        with np.errstate(invalid="ignore", divide="ignore"):
            largest = shares.max(axis=axis, initial=0.0) / shares.sum(axis=axis)
            rescaled.append((largest - np.divide(1, number)) / (1 - np.divide(1, number)))
    return rescaled


def _find_reasons(active, modularity, compactness):
    if not active.any():
        return dict.fromkeys(("infom", "infoc"), "no code is active")
    reasons = {}
    if np.isnan(modularity).any():
        reasons["infom"] = "an active code has no information on any factor"
    if active.sum() == 1:
        reasons["infoc"] = "one active code: there is no second one to share a factor with"
    elif np.isnan(compactness).any():
        reasons["infoc"] = "no active code has information on some factor"
    return reasons


def _place(values, active):
    """Values of the active codes in their places among all codes."""
    placed = np.full(len(active), np.nan)
    placed[active] = values
    return placed


def _predicted_share(codes, labels):
    """The part of a factor's entropy that an unpenalised logistic regression removes.

    Classes weigh alike in the fit, so that without any codes the log loss is that of equal
    probabilities.
    """
    from sklearn.linear_model import LogisticRegression

    codes, _ = standardise(codes.astype(np.float64), codes[:0])
    model = LogisticRegression(C=math.inf, class_weight="balanced", max_iter=_STEPS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # too few steps, or many classes
        probabilities = model.fit(codes, labels).predict_proba(codes)
    place = np.searchsorted(model.classes_, labels)
    right = np.take_along_axis(probabilities, place[:, None], axis=1)
    loss = -np.log(np.maximum(right, np.finfo(np.float64).eps)).mean()
    return 1.0 - loss / np.log(len(model.classes_))


def find_noise_levels(codes, factors, *, num_neighbours, pruning, seed):
    """InfoM and InfoC of the same codes with factors whose rows are shuffled, five times.

    Codes and factors without any information there, which leave the score itself undefined, are
    left out of the means.
    """
    active = codes[:, find_active(codes, pruning)]
    entropy = entropies(factors)
    stream = np.random.default_rng([_SHUFFLE, seed])
    per_code, per_factor = [], []
    for _ in range(_SHUFFLES):
        shuffled = factors[stream.permutation(len(factors))]
        shares = neighbour_information(active, shuffled, num_neighbours) / entropy
        for terms, found in zip((per_code, per_factor), _share_of_largest(shares), strict=True):
            terms.extend(found[~np.isnan(found)])
    levels = {"noise_infom": per_code, "noise_infoc": per_factor}
    return {name: np.mean(terms) for name, terms in levels.items() if terms}


infomec = Metric(
    "infomec",
    measure_infomec,
    (
        Key(
            "infom",
            "InfoM",
            "each active code tells about one factor; known codes: noise 0.59, good 0.91",
            needs=(two_factors,),
        ),
        Key(
            "infoe",
            "InfoE",
            "part of the factors' entropy that a linear classifier removes",
            low=-math.inf,
        ),
        Key(
            "infoc",
            "InfoC",
            "each factor is told by one active code; known codes: noise 0.48, good 0.99",
        ),
    ),
    "modularity, explicitness and compactness by nearest-neighbour information",
    "infomec[knn10,range20]",
    "hsu2023disentanglement",
    needs=(single_precision, rows_for_neighbours),
    reference=find_noise_levels,
    twin=True,
    masked=True,
    default=False,
    order=20,
    tolerance=1e-4,
)

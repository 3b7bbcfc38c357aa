"""Mutual information gap."""

import numpy as np

from .histogram import (
    NUM_BINS,
    bin_codes,
    ceiling,
    class_count,
    entropies,
    mutual_information_matrix,
)
from .metric import Key, Metric
from .score import Score, check_backend, defined, gaps, maybe_sampled, optional, split, varying


def mig(
    codes,
    factors,
    *,
    n_train=None,
    num_bins=NUM_BINS,
    log_variances=None,
    seed=0,
    backend="numba",
    factor_names=None,
):
    """Mutual information gap: how far one code stands out as the carrier of each factor.

    The mean over factors of (largest − second largest mutual information with a code) / entropy of
    the factor, on the training part, with codes in equal-width bins. Factors that are constant in
    the training part are left out with a note. Undefined with one code, with fewer training rows
    than bins, and where no factor varies. A constant code has no information, which is defined.

    Parameters
    ----------
    codes : array_like, shape (N, D)
    factors : array_like, shape (N, K)
        Classes from 0.
    n_train : int, optional
        Rows of the training part; two thirds by default.
    num_bins : int, default 20
    log_variances : array_like, shape (N, D), optional
        With them the codes are drawn from their posteriors, and the score is `mig_sampled`.
    seed : int, default 0
        For the draw.
    backend : {"numba", "sklearn"}
        Counting, or scikit-learn's function pair by pair.
    factor_names : sequence of str, optional

    Returns
    -------
    Score
        Key `mig` or `mig_sampled`, in 0 … 1; the matrix holds mutual information in nats.

    Raises
    ------
    RepresentationError
        If the arrays are not a representation.

    References
    ----------
    Chen et al. (2018), Isolating Sources of Disentanglement in Variational Autoencoders.

    Examples
    --------
    >>> import numpy as np
    >>> factors = np.indices((4, 4)).reshape(2, -1).T.repeat(4, axis=0)
    >>> round(mig(factors.astype(float), factors, n_train=64).value, 6)
    1.0
    """
    check_backend(backend)
    key = "mig" if log_variances is None else "mig_sampled"
    codes, overflow = maybe_sampled(codes, log_variances, seed, (key,))
    parts = split(codes, factors, n_train, factor_names)
    matrix = binned_information(parts, num_bins, backend)
    entropy = entropies(parts.factors)
    mask, notes = varying(parts)
    reasons = overflow | binning_reasons((key,), parts, num_bins, mask)
    per_factor = np.full(len(mask), np.nan)
    if parts.train.shape[1] < 2:
        reasons.setdefault(key, "one code: there is no second one to stand out from")
    else:
        per_factor[mask] = gaps(matrix)[mask] / entropy[mask]
    value = per_factor[mask].mean() if mask.any() else np.nan
    values, reasons = defined({key: value}, reasons)
    ceilings = [ceiling(class_count(column), num_bins) for column in parts.factors.T]
    reference = {
        "ceiling": float(np.mean(np.array(ceilings)[mask])) if mask.any() else None,
        "ceiling_per_factor": optional(ceilings),
    }
    kept = [k for k in np.flatnonzero(mask) if parts.names[k] != "orientation"]
    if "orientation" in parts.names and kept:
        reference["without_orientation"] = float(per_factor[kept].mean())
    sampled = ",sampled" if log_variances is not None else ""
    return Score(
        metric=key,
        values=values,
        variant=f"mig[hist{num_bins},plugin,{'mean' if not sampled else 'sampled'}]",
        reasons=reasons,
        per_factor={key: optional(per_factor), "entropy_nats": optional(entropy)},
        matrix=matrix,
        settings={
            "num_bins": num_bins,
            "backend": backend,
            **({"seed": seed} if sampled else {}),
        },
        reference=reference,
        notes=notes,
    )


def binned_information(parts, num_bins, backend):
    """Mutual information matrix of the training part, by either backend, in nats, (D, K)."""
    if backend == "sklearn":
        from .slow import mutual_information_matrix as slow

        return slow(parts.train, parts.factors, num_bins)
    return mutual_information_matrix(bin_codes(parts.train, num_bins), parts.factors)


def binning_reasons(keys, parts, num_bins, mask):
    """Why a score on binned codes cannot be told, for each of its keys."""
    rows = len(parts.train)
    if rows < num_bins:
        reason = f"{rows} training rows for {num_bins} bins"
    elif not mask.any():
        reason = "no factor varies in the training part"
    else:
        return {}
    return dict.fromkeys(keys, reason)


MIG = Metric(
    "mig",
    mig,
    (Key("mig", "MIG", "mutual information gap of posterior means"),),
    "mutual information gap of posterior means between the two most informative codes",
    "mig[hist20,plugin,mean]",
    citation="chen2018isolating",
    options=("backend", "factor_names"),
    twin=True,
    order=1,
)

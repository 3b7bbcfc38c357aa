"""What a score can at best be, and what it is by chance: read beside every table."""

import math
import re
from itertools import chain, islice

import numpy as np
import pandas as pd

from ..naming import one_line
from ..scoring.score_files import read_score, scores_folder

_CEILING = (
    "MIG with 20 bins is at most about 0.86 for a factor of 32 values and 0.81 for one of 40."
)
_ORDINAL = (
    "SAP: a perfect ordinal code has an SVM accuracy of only 0.19–0.29 at 10 classes and "
    "0.05–0.07 at 40, depending on its scale."
)
_NOISE = (
    "I_m has a noise floor: plug-in estimates of pure noise gave 0.12 nats at 3,000 points and "
    "10 codes."
)
_KNOWN_IRS = (
    "On known codes noise scores 0.35, perfect codes 0.50 and partly collapsed ones 0.69: a higher "
    "IRS need not be a better representation."
)
_INFOMEC = "Without any information about the factors InfoM was 0.59 and InfoC 0.48 on known codes."
_EXPLICIT = (
    "DCI-ES explicitness is 1 where more capacity does not help: pure noise has 1.00, so read it "
    "beside informativeness."
)
IDENTIFIABLE = "mig_identifiable"


def reference_notes(files, metrics, stated=None):
    """Sentences with the reference values of a data set's scores.

    Parameters
    ----------
    files : iterable of str
        Representations of one data set and protocol. Values are read from the score files of the
        first that has them; where there are none, general ones are given.
    metrics : iterable of str
        Flat keys shown.
    stated : dict of str to dict, optional
        By metric, what score files would hold where none lie beside the representations:
        `reference` and `representation`.

    Returns
    -------
    list of str
    """
    stated = stated or {}
    notes = []
    for keys, metric, describe, general in _REFERENCES:
        if any(re.fullmatch(keys, name) for name in metrics):
            notes.append(_first(files, metric, describe, stated) or general)
    return [note for note in (*notes, _continuous_note(files)) if note]


def _continuous_note(files):
    """Which factors are continuous, as some score file of the first representations says."""
    for _, file in zip(range(20), files, strict=False):
        for path in sorted(scores_folder(file).glob("*.json")):
            record = read_score(path)
            if record is None:
                continue
            names = continuous_factors(record["representation"])
            if not names:
                return None
            return (
                f"Continuous factors: {', '.join(names)}. Scores that need classes are undefined "
                "for them, or put them in bins where the variant says so."
            )
    return None


def continuous_factors(about):
    """Names of the factors that are real numbers instead of classes.

    Parameters
    ----------
    about : dict
        What a score file remembers of its representation.

    Returns
    -------
    list of str

    Examples
    --------
    >>> about = {"factor_names": ["shape", "angle"], "factor_kinds": ["nominal", "continuous"]}
    >>> continuous_factors(about)
    ['angle']
    """
    names, kinds = about.get("factor_names"), about.get("factor_kinds")
    if not (isinstance(names, list) and isinstance(kinds, list) and len(names) == len(kinds)):
        return []
    pairs = zip(names, kinds, strict=True)
    return [one_line(name, 60) for name, kind in pairs if kind == "continuous"]


def _first(files, metric, describe, stated, limit=20):
    """What `describe` makes of what is stated, or of the first usable score file of a few."""
    records = (read_score(scores_folder(file) / f"{metric}.json") for file in islice(files, limit))
    for record in chain([stated.get(metric)], records):
        reference = record.get("reference") if record else None
        if isinstance(reference, dict):
            text = describe(reference, record["representation"])
            if text:
                return text
    return None


def _named(values, about):
    """Values of factors with their names, where each has one; None for a factor left out."""
    names = about.get("factor_names")
    names = names if isinstance(names, list) else []
    real = {*continuous_factors(about)}
    names = [f"{name} (continuous)" if name in real else name for name in names]
    if not isinstance(values, list) or len(values) != len(names):
        return None
    known = [(n, v) for n, v in zip(names, values, strict=True) if isinstance(v, int | float)]
    return ", ".join(f"{name} {value:.2f}" for name, value in known) or None


def _ceiling(reference, about):
    each, mean = _named(reference.get("ceiling_per_factor"), about), reference.get("ceiling")
    if each is None or not isinstance(mean, int | float):
        return None
    return f"MIG with 20 bins is at most {mean:.2f} on these factors ({each})."


def _ordinal(reference, about):
    each = _named(reference.get("perfect_ordinal"), about)
    if each is None:
        return None
    return f"SAP: SVM accuracy of a standardised perfect ordinal code, by factor: {each}."


def _noise(reference, about):
    noise, most = reference.get("noise"), reference.get("max")
    if not isinstance(noise, int | float) or not isinstance(most, int | float):
        return None
    return (
        f"I_m: {noise:.2f} nats by chance (factors shuffled, {about.get('n_train'):,} points, one "
        f"run); at most {most:.2f} nats."
    )


def _robustness(reference, about):
    noise = reference.get("noise")
    if not isinstance(noise, int | float):
        return None
    return f"IRS: {noise:.2f} by chance (factors shuffled, one run). {_KNOWN_IRS}"


def _information_shares(reference, about):
    levels = {
        label: reference.get(f"noise_{label.lower()}")
        for label in ("InfoM", "InfoC")
        if isinstance(reference.get(f"noise_{label.lower()}"), int | float)
    }
    if not levels:
        return None
    texts = " and ".join(f"{label} {value:.2f}" for label, value in levels.items())
    return f"{texts} by chance (factors shuffled, mean of five)."


def _nearest_noise(reference, about):
    noise = reference.get("noise")
    if not isinstance(noise, int | float):
        return None
    return f"I_m (kNN): {noise:.2f} nats by chance (factors shuffled, one run)."


def _chance(reference, about):
    chance = reference.get("chance")
    if not isinstance(chance, int | float):
        return None
    return f"FactorVAE and BetaVAE score: {chance:.2f} by chance, one over the number of factors."


def _correlation_ceiling(reference, about):
    best, worst = (reference.get(f"ceiling_{name}") for name in ("best", "worst"))
    if not (isinstance(best, int | float) and isinstance(worst, int | float)):
        return None
    return (
        f"MCC of a perfect code of nominal and periodic factors lies between {worst:.2f} and "
        f"{best:.2f}, depending on the order that it puts their classes in."
    )


def _majority(reference, about):
    each = _named(reference.get("majority_test"), about)
    return each and f"Downstream accuracy of always guessing the most frequent class: {each}."


def _nothing(reference, about):
    """The same words whatever the files say."""


# Keys that a note belongs to, the metric whose score file has the values, how they are told, and
# what is told where no file has them.
_REFERENCES = (
    (r"mig.*", "mig", _ceiling, _CEILING),
    (r"sap", "sap", _ordinal, _ORDINAL),
    (r"mi_(?!knn).*", "mi", _noise, _NOISE),
    (r"(factorvae|betavae)_score.*", "factorvae_score", _chance, ""),
    (r"irs(_sampled|_active)?", "irs", _robustness, f"IRS: {_KNOWN_IRS}"),
    (r"info[mc](_.*)?", "infomec", _information_shares, _INFOMEC),
    (r"mcc(_sampled|_active)?", "mcc", _correlation_ceiling, ""),
    (r"mi_knn.*", "mi_knn", _nearest_noise, ""),
    (r"dci_es_e", "dci_es", _nothing, _EXPLICIT),
    (r"downstream_.*", "downstream_logreg", _majority, ""),
)


def add_identifiable(runs):
    """Add the MIG over the factors that images determine, from the score files, where there is one.

    A data set declares the factors that its images do not determine, such as the orientation of
    a square; no representation reaches 1 on them, so MIG is given with and without them.

    Parameters
    ----------
    runs : DataFrame
        From `run_table`, with the column `file`.

    Returns
    -------
    DataFrame
        With the column `mig_identifiable`, and in `attrs["unidentifiable"]` the factors left out,
        by data set; unchanged where no data set declares any.
    """
    scored = runs[(runs["status"] == "scored") & runs["file"].notna()]
    values, left_out = pd.Series(np.nan, runs.index), {}
    for dataset, part in scored.groupby("dataset", sort=False):
        names = next(filter(None, (_identifiable(file)[0] for file in part["file"][:20])), None)
        if names:
            left_out[dataset] = names
            values[part.index] = [_identifiable(file)[1] for file in part["file"]]
    if values.isna().all():
        return runs
    runs = runs.assign(**{IDENTIFIABLE: values})
    runs.attrs["unidentifiable"] = left_out
    return runs


def _identifiable(file):
    """The factors left out, and the MIG over the others."""
    record = read_score(scores_folder(file) / "mig.json")
    reference = record.get("reference") if record else None
    reference = reference if isinstance(reference, dict) else {}
    entry = reference.get("without_unidentifiable")
    if "without_orientation" in reference:  # score files of version 0.1.0
        entry = {"factors": ["orientation"], "value": reference["without_orientation"]}
    entry = entry if isinstance(entry, dict) else {}
    names, value = entry.get("factors"), entry.get("value")
    if not isinstance(names, list) or not isinstance(value, int | float):
        return None, math.nan
    return ", ".join(map(one_line, names)), float(value)

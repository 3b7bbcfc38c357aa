"""What a score can at best be, and what it is by chance: read beside every table."""

import math

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
IDENTIFIABLE = "mig_identifiable"


def reference_notes(files, metrics):
    """Sentences with the reference values of a data set's scores.

    Parameters
    ----------
    files : iterable of str
        Representations of one data set and protocol. Values are read from the score files of the
        first that has them; where there are none, general ones are given.
    metrics : iterable of str
        Flat keys shown.

    Returns
    -------
    list of str
    """
    metrics = list(metrics)
    notes = []
    if any(name.startswith("mig") for name in metrics):
        notes.append(_first(files, "mig", _ceiling) or _CEILING)
    if "sap" in metrics:
        notes.append(_first(files, "sap", _ordinal) or _ORDINAL)
    if any(name.startswith("mi_") for name in metrics):
        notes.append(_first(files, "mi", _noise) or _NOISE)
    return notes


def _first(files, metric, describe, limit=20):
    """What `describe` makes of the first usable score file of a few."""
    for _, file in zip(range(limit), files, strict=False):
        record = read_score(scores_folder(file) / f"{metric}.json")
        reference = record.get("reference") if record else None
        if isinstance(reference, dict):
            text = describe(reference, record["representation"])
            if text:
                return text
    return None


def _named(values, about):
    names = about.get("factor_names") or []
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

"""The file that an archive holds of a representation.

It is an `.npz` file of the arrays that scores are made of and of a few attributes. What else a
representation holds, such as a command or the name of a machine, is left out.
"""

import json
import zipfile
from pathlib import Path

import numpy as np

from ..files import replacing
from ..representation.file_format import FORMAT_VERSION

# Attributes that are kept besides those that are made: `model` and `seed`.
KEPT = ("dataset_version", "beta", "lambda", "hyperparameters", "unidentifiable_factors")


def write_member(path, representation, member):
    """Write what an archive holds of a representation: the same bytes for the same content.

    Parameters
    ----------
    path : str or Path
    representation : Representation
    member : evaluation.contributions.members.Member
    """
    given = dict(member.hyperparameters)
    named = {name: given.pop(name) for name in ("beta", "lambda") if name in given}
    kept = {"model": member.method, "seed": member.seed, **named}
    if given:
        kept["hyperparameters"] = json.dumps(given, sort_keys=True)
    if "dataset_version" in representation.attributes:
        kept["dataset_version"] = str(representation.attributes["dataset_version"])
    unidentifiable = _find_unidentifiable(representation)
    if unidentifiable:
        kept["unidentifiable_factors"] = json.dumps(unidentifiable)
    kinds = list(representation.factor_kinds)
    values = {
        "codes": representation.codes,
        "log_variances": representation.log_variances,
        "factors": representation.factors,
        "index": representation.index,
        "n_train": representation.n_train,
        "factor_names": list(representation.factor_names),
        "factor_sizes": np.asarray(representation.factor_sizes, dtype=np.int64),
        "factor_kinds": kinds if any(kinds) else None,
        "dataset": representation.dataset,
        "format_version": FORMAT_VERSION,
        **kept,
    }
    write_npz(path, {name: value for name, value in values.items() if value is not None})


def _find_unidentifiable(representation):
    """Which of its factors a file says images do not determine."""
    names = representation.attributes.get("unidentifiable_factors", [])
    if isinstance(names, str):
        try:
            names = json.loads(names)
        except (ValueError, RecursionError):
            names = []
    return [name for name in representation.factor_names if name in names]


def write_npz(path, values):
    """Write arrays as `.npz`, uncompressed and without times, in their own types.

    Parameters
    ----------
    path : str or Path
    values : dict of str to array_like
    """
    with replacing(Path(path)) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, value in values.items():
            with archive.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as file:
                np.lib.format.write_array(file, np.asanyarray(value), allow_pickle=False)

"""What the authors of a row say about their method: a small file, checked as a whole."""

import dataclasses
import os
import re
import tomllib
from pathlib import Path
from typing import Any

from .. import schema
from ..files import RecordError, read_json
from ..naming import one_line
from .problems import ContributionError

LARGEST_ABOUT = 2**18
MOST_METHODS = 100
_LONGEST = 4000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_URL = re.compile(r"https?://[\x21-\x7e]{3,1000}")

TEMPLATE = """\
# A row of a standard table, as the authors of the method describe it. Nothing is guessed: fill in
# every field that is marked as required. For several methods, write [[method]] above each, then
# [method.training] and [method.hyperparameters]; each representation then says by its attribute
# `model` which of them made it.

# Required: letters, digits and . _ + - , for example "ica-vae".
name = ""
# Required: how tables write it, for example "ICA-VAE".
label = ""
# Required: what the method is, in one sentence.
description = ""
# Required: BibTeX, or text. For several lines put three quotation marks at both ends.
citation = ""
# Required: the address of the code, https://…
code = ""
# Optional: whom to ask. It will be public.
contact = ""
# Optional: licence of the representations in the archive.
licence = ""

[training]
# Required: how the encoder was made, so that another can do it again.
summary = ""
# Required: what it was trained on, and whether factors or other labels were used.
data = ""
# Required: parameter updates, 0 for a method without any.
# steps = 4000
# Required: how the hyperparameters were chosen, and by which score on which data.
tuning = ""
# Required: how many settings were tried, those that are not handed in included.
# settings_tried = 1

# Optional: what all files have in common, as numbers, texts or truth values.
[hyperparameters]
# learning_rate = 1e-4
"""


@dataclasses.dataclass(frozen=True)
class Method:
    """A method, as its authors describe it.

    Attributes
    ----------
    name, label, description, citation, code : str
    training : dict
        `summary`, `data`, `steps`, `tuning` and `settings_tried`.
    hyperparameters : dict of str to (float, int, str or bool)
        Those that all its files share.
    contact, licence : str
        Empty where nothing is said.
    """

    name: str
    label: str
    description: str
    citation: str
    code: str
    training: dict[str, Any]
    hyperparameters: dict[str, Any]
    contact: str = ""
    licence: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Plain data, as the manifest of an archive holds it."""
        return dataclasses.asdict(self)


def read_about(path: str | os.PathLike[str]) -> list[Method]:
    """Read what authors say about one method or several.

    Parameters
    ----------
    path : str or Path
        A file in TOML as `TEMPLATE`, or in JSON with the same names if it ends in `.json`.

    Returns
    -------
    list of Method

    Raises
    ------
    ContributionError
        With everything that is missing or of another type, one line each.
    """
    path = Path(path)
    try:
        if path.suffix.lower() == ".json":
            stated = read_json(path, limit=LARGEST_ABOUT)
        else:
            with open(path, "rb") as file:
                text = file.read(LARGEST_ABOUT + 1)
            if len(text) > LARGEST_ABOUT:
                raise ContributionError([f"{path}: more than {LARGEST_ABOUT} bytes"])
            stated = tomllib.loads(text.decode())
    except ContributionError:
        raise
    except RecordError as error:
        raise ContributionError([str(error)]) from None
    except (ValueError, RecursionError) as error:  # also of a number of thousands of digits
        raise ContributionError([f"{path}: not TOML in UTF-8 ({one_line(error)})"]) from None
    except OSError as error:
        raise ContributionError(
            [f"{path}: cannot be read ({error.strerror}); bench pack --template prints one"]
        ) from None
    given = stated.get("method") if isinstance(stated, dict) else None
    several = isinstance(given, list)
    more = [key for key in stated if key != "method"] if several else []
    try:
        if more:
            raise ContributionError([f"{one_line(more[0], 60)} stands outside of every [[method]]"])
        return check_methods(given if several else [stated])
    except ContributionError as error:
        raise ContributionError([f"{path}: {problem}" for problem in error.problems]) from None


def check_methods(given: object) -> list[Method]:
    """Check what is said about one method or several.

    Parameters
    ----------
    given : object
        Plain data from a file.

    Returns
    -------
    list of Method

    Raises
    ------
    ContributionError
        With everything that is missing or of another type.
    """
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_METHODS:
        raise ContributionError([f"expected a list of 1 to {MOST_METHODS} methods"])
    problems, methods = [], []
    for number, entry in enumerate(given):
        place = "" if len(given) == 1 else f"method {number + 1}: "
        found = list(_check_method(entry))
        problems += [place + problem for problem in found]
        if not found:
            stated = {key: value for key, value in entry.items() if value is not None}
            methods.append(Method(**{"hyperparameters": {}, **stated}))
    names = [method.name.lower() for method in methods]
    problems += [
        f"two methods are called {name}: give each its own name"
        for name in dict.fromkeys(names)
        if names.count(name) > 1
    ]
    if problems:
        raise ContributionError(problems)
    return methods


def _check_method(entry):
    """Everything that is wrong with one method, one line each."""
    if not isinstance(entry, dict):
        yield "expected names and values"
        return
    yield from _check_fields(entry, _FIELDS, ("name", "label", "description", "citation", "code"))
    training = entry.get("training", {})
    if not isinstance(training, dict):
        yield "training must be a table of names and values"
    else:
        yield from _check_fields(training, _TRAINING, tuple(_TRAINING), "training.")


def _check_fields(entry, checks, required, prefix=""):
    """What is missing, unknown, or of another type."""
    for name in required:
        value = entry.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            yield f"{prefix}{name} is required: {_MEANINGS[prefix + name]}"
    for name, value in entry.items():
        if name not in checks:
            yield f"{prefix}{one_line(name, 60)} is not a field; known are {', '.join(checks)}"
        elif value != "" and value is not None:
            try:
                checks[name](value, prefix + name)
            except schema.SchemaError as error:
                yield str(error)


def _setting(value, place):
    """Check the value of a hyperparameter."""
    if not isinstance(value, bool):
        schema.number_or_name(value, place)


_TEXT = schema.text(_LONGEST)
_FIELDS = {
    "name": schema.matching(
        _NAME, "1 to 64 letters, digits and . _ + -, the first a letter or digit"
    ),
    "label": schema.name,
    "description": schema.text(500),
    "citation": _TEXT,
    "code": schema.matching(_URL, "an address that begins with https://"),
    "contact": schema.text(500),
    "licence": schema.text(500),
    "training": schema.record(),
    "hyperparameters": schema.mapping(_setting, 100),
}
_TRAINING = {
    "summary": _TEXT,
    "data": _TEXT,
    "steps": schema.whole(0),
    "tuning": _TEXT,
    "settings_tried": schema.whole(1),
}
_MEANINGS = {
    "name": "letters, digits and . _ + -",
    "label": "how tables write the method",
    "description": "what the method is, in one sentence",
    "citation": "BibTeX or text",
    "code": "the address of the code",
    "training.summary": "how the encoder was made",
    "training.data": "what it was trained on, and whether factors or other labels were used",
    "training.steps": "parameter updates, 0 for a method without any",
    "training.tuning": "how the hyperparameters were chosen",
    "training.settings_tried": "how many settings were tried",
}

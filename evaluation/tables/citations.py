"""What to cite: the entries of `references.bib`, and which of them a table stands on."""

import functools
import importlib.metadata
import importlib.resources
import re
from collections.abc import Iterable

SOFTWARE = "disentanglement_bench"
STUDY = "locatello2019challenging"


@functools.cache
def _entries():
    """BibTeX entries by key, and keys by the data sets that their field `keywords` names."""
    text = importlib.resources.files(__package__).joinpath("references.bib").read_text("utf-8")
    try:
        version = importlib.metadata.version("disentanglement-bench")
    except importlib.metadata.PackageNotFoundError:
        version = "unknown"
    entries, datasets = {}, {}
    for entry in text.replace("VERSION", version).strip().split("\n\n"):
        key = re.match(r"@\w+\{([^,]+),", entry)[1]
        names = re.search(r",\n  keywords = \{data: ([^}]*)\}", entry)
        if names:
            datasets |= dict.fromkeys(names[1].split(", "), key)
            entry = entry.replace(names[0], "")
        entries[key] = entry
    return entries, datasets


def dataset_source(dataset):
    """The BibTeX key of a data set, by its label in tables; empty for one that has none.

    Examples
    --------
    >>> dataset_source("dsprites (version 1)"), dataset_source("mine")
    ('dsprites17', '')
    """
    return _entries()[1].get(dataset.split(" (")[0], "")


def is_key(citation):
    """Whether what a method or metric asks to cite is the key of an entry here."""
    return citation in _entries()[0]


def bibtex(keys: Iterable[str]) -> str:
    """The entries of some keys, as one block.

    Parameters
    ----------
    keys : iterable of str

    Returns
    -------
    str

    Raises
    ------
    KeyError
        For a key without an entry.
    """
    return "\n\n".join(_entries()[0][key] for key in keys)

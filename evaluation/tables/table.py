"""A table: texts for people, the same numbers as data, and what it stands on."""

import dataclasses

import pandas as pd

from .citations import SOFTWARE, STUDY, is_key


@dataclasses.dataclass(frozen=True)
class Compact:
    """The form of a table that fits the column of a paper.

    Attributes
    ----------
    columns : tuple of str
    rows : tuple of tuple of str
    notes : tuple of str
    """

    columns: tuple
    rows: tuple
    notes: tuple


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """A table as people read it, and the same numbers as data.

    Attributes
    ----------
    name : str
        File name without extension.
    title : str
    columns : tuple of str
    rows : tuple of tuple of str
        Texts; a line break within a cell is a newline.
    data : DataFrame
        The numbers behind it, one row for each number or comparison: what the CSV holds.
    notes : tuple of str
        What has to stand below: data, protocol, seeds, variants, reference values.
    sources : tuple of (str, str)
        What is cited for what: the label of a method, metric or data set, and a BibTeX key of
        `references.bib` or a text.
    compact : Compact, optional
        What the LaTeX form shows; all of the table by default.
    place : tuple of (str, str), optional
        Data set and protocol; None for a table about several.
    secondary : bool
        Whether a page shows it folded.
    """

    name: str
    title: str
    columns: tuple
    rows: tuple
    data: pd.DataFrame
    notes: tuple = ()
    sources: tuple = ()
    compact: Compact | None = None
    place: tuple | None = None
    secondary: bool = False

    @property
    def citations(self):
        """BibTeX keys: this suite, the study whose protocol it follows, and the sources."""
        if not self.sources:
            return ()
        keys = [SOFTWARE, STUDY, *(source for _, source in self.sources if is_key(source))]
        return tuple(dict.fromkeys(keys))

    @property
    def cited(self):
        """Labels by what is cited for them, in order.

        Returns
        -------
        dict of str to list of str
        """
        groups = {}
        for label, source in self.sources:
            if source and label not in groups.setdefault(source, []):
                groups[source].append(label)
        return groups

"""Which figures a results folder gets, in their files."""

from dataclasses import dataclass, field

from ..figures.drawing import FORMATS, save_figure
from ..figures.headline import plot_headline
from ..naming import file_name
from ..statistics.median_runs import median_runs
from .drawings import draw_grids, draw_stratum

# From this many data sets × protocols on only the figures that matter most are drawn.
MANY = 7
# Where the page shows a figure, by the first word of its name; all others are curves.
PARTS = {
    "front": "trade-off",
    "matrix": "factors",
    "methods": "comparison",
    "agreement": "agreement",
}


def find_part(name):
    """The part of the page that a figure belongs to.

    Examples
    --------
    >>> find_part("matrix-mi_sampled"), find_part("curve-mig")
    ('factors', 'curves')
    """
    return PARTS.get(name.split("-")[0], "curves")


def draw_figures(summary, folder, formats=None, extent="auto", progress=None):
    """Draw every figure that the results allow.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    folder : str or Path
    formats : sequence of str, optional
        Of png, pdf and svg; the page embeds PNG. Default: PNG and PDF, but PNG alone where only
        the main figures are drawn.
    extent : str
        ``all``, ``main`` (the overview, curves of MIG and sampled I_m over what else was swept,
        heat maps of changes) or ``auto``: all for fewer than `MANY` data sets × protocols.
    progress : callable, optional
        ``progress(text)``.

    Returns
    -------
    list of SavedFigure
    """
    if extent == "auto":
        extent = "all" if len(summary.strata) < MANY else "main"
    every = extent == "all"
    formats = formats or (FORMATS if every else FORMATS[:1])
    medians = median_runs(summary.runs) if every else None
    saved = []

    def save(drawing, name, dataset, protocol, weight):
        if drawing.figure is not None:
            taken = [stem for one in saved for stem in (one.name, one.narrow_name) if stem]
            stem = file_name(drawing.name, *name, protocol, taken=taken)
            files = save_figure(drawing.figure, folder, stem, formats)
            narrow = {}
            if drawing.narrow is not None:
                other = file_name(f"{drawing.name}-narrow", *name, protocol, taken=[*taken, stem])
                narrow = save_figure(drawing.narrow, folder, other, ("png",))
            saved.append(
                SavedFigure(
                    dataset,
                    protocol,
                    weight,
                    stem,
                    drawing.title,
                    drawing.caption,
                    files,
                    narrow,
                    find_part(drawing.name),
                )
            )

    for dataset, protocol in summary.strata:
        if progress is not None:
            progress(f"figures of {dataset}, protocol {protocol}")
        drawings = draw_stratum(summary, dataset, protocol, every, medians)
        for weight, drawing in enumerate(drawings):
            save(drawing, [dataset], dataset, protocol, weight)
    for protocol, datasets, drawing in draw_grids(summary, every):
        save(drawing, datasets, None, protocol, 1)
    return saved


def draw_headlines(summary, folder):
    """Draw the picture of the result of every data set and protocol, as PNG files.

    The page does not show them: it begins with the overview. The README does.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    folder : str or Path

    Returns
    -------
    list of Path
        ``headline-<data set>-<protocol>.png``, of those that hold a β-VAE at several β.
    """
    paths = []
    for dataset, protocol in summary.strata:
        figure = plot_headline(summary.part("cells", dataset, protocol))
        if figure is not None:
            taken = [path.stem for path in paths]
            name = file_name("headline", dataset, protocol, taken=taken)
            paths += save_figure(figure, folder, name, ("png",)).values()
    return paths


@dataclass(frozen=True)
class SavedFigure:
    """A figure in its files, as the page shows it.

    Attributes
    ----------
    dataset : str or None
        None for a figure of several data sets.
    protocol : str
    weight : int
        0 for what matters most.
    name : str
        Of its files, without extension.
    title, caption : str
    files : dict of str to Path
        By format.
    narrow : dict of str to Path
        The same for a telephone, as PNG; empty where it is not laid out in another way.
    part : str
        Of the page, from `find_part`.
    """

    dataset: str | None
    protocol: str
    weight: int
    name: str
    title: str
    caption: str
    files: dict
    narrow: dict = field(default_factory=dict)
    part: str = "curves"

    @property
    def narrow_name(self):
        """Of the file of `narrow`, without extension; None where there is none."""
        return self.narrow["png"].stem if self.narrow else None

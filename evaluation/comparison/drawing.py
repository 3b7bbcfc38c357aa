"""The figures of a comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..figures.curves import plot_curves
from ..figures.drawing import Drawing
from ..figures.methods import plot_standing
from ..figures.overview import plot_overview
from ..figures.style import BAND
from ..statistics.labels import HEADLINE
from ..statistics.summary import Summary

_LEVELS = (
    "Horizontal lines are the compared rows, which lie at no value of β: the mean over their "
    "files, and a band for its 95 % interval where there are at least three."
)


def draw_comparison(
    summary: Summary,
    dataset: str,
    protocol: str,
    own: set[str],
    metrics: Sequence[str] = HEADLINE,
) -> Iterator[Drawing]:
    """Draw methods by their means, and every metric against β with the compared rows as lines.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str
    own : set of str
        Methods of the compared rows.
    metrics : sequence of str

    Yields
    ------
    Drawing
        Those that there is something to draw of.
    """
    selected = summary.part("selected_cells", dataset, protocol)
    mine = selected[selected["method"].isin(own)]
    scored = set(mine.loc[mine["n"] > 0, "metric"])
    names = [name for name in metrics if name in scored]
    where = f"on {dataset}, protocol {protocol}"
    title = f"Methods and compared rows {where}"
    caption = (
        "Each method at the setting chosen for the metric, the best on top, and external rows as "
        "stars: mean and 95 % interval of the mean over the runs that report."
    )
    figure = plot_standing(selected, names, title, marked=own)
    narrow = plot_standing(selected, names, title, marked=own, narrow=True)
    yield from _drawn(Drawing("standing", title, caption, figure, narrow))
    cells, scores = (summary.part(name, dataset, protocol) for name in ("cells", "scores"))
    swept = cells.groupby("curve")["axis_value"].nunique()
    single = own & set(cells.loc[cells["curve"].map(swept) < 2, "method"])
    cells = cells[~cells["method"].isin(single)]
    title = f"Scores against β and compared rows {where}"
    caption = (
        "Means over seeds of every setting; bands and bars are 95 % intervals of the mean. Right "
        "of the dotted line: methods that were not swept over β, at the setting chosen for the "
        f"score. {_LEVELS}"
    )
    others = selected[~selected["method"].isin(own)]
    wide, narrow = (
        plot_overview(cells, names, title, best=others, external=mine, narrow=narrow)
        for narrow in (False, True)
    )
    yield from _drawn(Drawing("overview", title, caption, wide, narrow))
    for name in names:
        label = summary.describe(name).label
        title = f"{label} against β {where}"
        figure = plot_curves(cells, scores, (name,), title, ["beta"], levels=mine)
        yield from _drawn(Drawing(f"curve-{name}", title, f"{BAND} {_LEVELS}", figure))


def _drawn(drawing):
    if drawing.figure is not None:
        yield drawing

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgb

from disentanglement_bench.evaluation.figures import plot_curves, save_figure
from disentanglement_bench.evaluation.figures.style import (
    BLUE,
    ORANGE,
    new_figure,
    set_title,
    style,
    style_curves,
    style_external,
)


@pytest.mark.parametrize("words", [1, 6, 12, 20])
def test_a_title_never_leaves_the_figure(words):
    with style():
        figure, _ = new_figure(4.9, 3)
        set_title(figure, "disentanglement " * words)
    assert figure.texts[0].get_window_extent().x1 <= figure.bbox.x1
    assert figure.get_suptitle().split() == ["disentanglement"] * words


def test_the_style_is_undone_and_pyplot_knows_no_figure(summary, tmp_path):
    from matplotlib import pyplot

    with matplotlib.rc_context({"font.size": 33.0, "text.usetex": False}):
        before = dict(matplotlib.rcParams)
        figure = plot_curves(summary.cells, summary.scores, ("mig",), "MIG")
        save_figure(figure, tmp_path, "curve", ("png",))
        assert dict(matplotlib.rcParams) == before
        assert figure.axes[0].title.get_fontsize() != 33.0
    assert pyplot.get_fignums() == []


def curves_of(*rows):
    columns = ["curve", "axis", "lambda", "role"]
    return pd.DataFrame([(*row, "")[:4] for row in rows], columns=columns)


def test_curves_differ_in_more_than_colour():
    models = [(f"model {i}", "beta", np.nan) for i in range(40)]
    looks = style_curves(curves_of(*models)).values()
    assert len({(look["color"], look["marker"]) for look in looks}) == 40
    first = list(looks)[:4]
    assert len({look["color"] for look in first}) == len({look["marker"] for look in first}) == 4


def test_curves_of_one_model_darken_with_lambda_and_others_are_orange():
    cells = curves_of(
        ("betavae", "beta", 0.0),
        ("gamma", "gamma", np.nan),
        *((f"lambdabeta,lambda={weight}", "beta", weight) for weight in (8.0, 2.0, 32.0)),
        ("betatcvae", "beta", np.nan),
        ("mine", None, np.nan, "external"),
    )
    looks = style_curves(cells)
    light = [
        np.dot(to_rgb(looks[f"lambdabeta,lambda={weight}"]["color"]), (0.3, 0.6, 0.1))
        for weight in (2.0, 8.0, 32.0)
    ]
    assert light == sorted(light, reverse=True)
    assert len({look["color"] for look in looks.values()}) == len(looks)
    assert looks["mine"]["color"] == ORANGE
    dashes = [look["linestyle"] for look in style_external(["mine", "yours"]).values()]
    assert dashes[0] != dashes[1]
    assert "-" not in dashes
    assert style_curves(curves_of(("a", "beta", 0.0), ("b", "beta", 8.0)))["b"]["color"] == BLUE

"""Figures of the linear-Gaussian VAE, from plain arrays."""

import numpy as np
import seaborn as sns
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.ticker import FuncFormatter, MaxNLocator

from ..naming import format_number
from .style import BLUE, GREY, ORANGE, new_figure, pick_colours, style

PREDICTED = {"color": "black", "lw": 1, "ls": (0, (4, 3))}
SMALLEST_GAIN = 1e-9
GAIN = "gain Σ_W⁻¹B (1/unit of y)"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@style()
def plot_contraction(free, held):
    """Draw singular values of the gain Σ_W⁻¹B after every alternation, on a log axis.

    Parameters
    ----------
    free : dict of float to ndarray of shape (T + 1, m)
        By β, the traces without penalty (λ = 0).
    held : dict or None
        One trace with penalty: ``beta``, ``lambda``, ``trace`` (T + 1, m), ``predicted`` (m,), the
        singular values at the optimum, 0 for inactive modes, and ``factor``, by which an
        alternation multiplies the slowest inactive mode. None leaves the panel out.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = _new_panels(2 if held else 1)
    for colour, (beta, trace) in zip(pick_colours(len(free)), free.items(), strict=True):
        steps = np.arange(len(trace))
        axes[0].plot(steps, trace, color=colour, lw=0.9, alpha=0.7)
        axes[0].plot([], [], color=colour, lw=2, label=f"β = {format_number(beta)}")
        axes[0].plot(steps, trace[0, 0] * beta ** -steps.astype(float), **PREDICTED)
    axes[0].plot([], [], **PREDICTED, label="predicted slope 1/β")
    axes[0].set_title("λ = 0: every singular value shrinks")
    largest = max(trace.max() for trace in free.values())
    if held:
        _draw_held(axes[1], held)
        largest = max(largest, held["trace"].max(), held["predicted"].max())
    for axis in axes:
        axis.set_yscale("log")
        axis.yaxis.set_major_formatter(FuncFormatter(_write_power_of_ten))
        axis.set_ylim(SMALLEST_GAIN, largest * 30)
        axis.set_xlabel("alternation")
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].legend(loc="upper right")
    if held:
        axes[1].legend(loc="center right")
    axes[0].set_ylabel(f"singular values of the {GAIN}")
    return figure


def _draw_held(axis, held):
    """The panel with penalty: modes that survive and modes that die."""
    trace, predicted = held["trace"], held["predicted"]
    steps, active = np.arange(len(trace)), int((predicted > 0).sum())
    if active:
        axis.plot(steps, trace[:, :active], color=BLUE, lw=1.2)
        axis.plot([], [], color=BLUE, lw=2, label=f"active modes ({active})")
        axis.hlines(predicted[:active], 0, steps[-1], **PREDICTED)
    rest = trace[:, active:]
    if rest.size:
        axis.plot(steps, rest, color=ORANGE, lw=0.9, alpha=0.8)
        axis.plot([], [], color=ORANGE, lw=2, label=f"inactive modes ({rest.shape[1]})")
        # The slope holds once the gain is small: anchor it to the last value in sight.
        seen = max(int((rest[:, 0] > SMALLEST_GAIN).sum()) - 1, 0)
        line = rest[seen, 0] * held["factor"] ** (steps[: seen + 1] - seen).astype(float)
        axis.plot(steps[: seen + 1], line, **PREDICTED)
    label = "predicted: √(sᵢ − z*)/z*, slope (1 + 2λsᵢ)/β"
    axis.plot([], [], **PREDICTED, label=label)
    beta, lambda_ = format_number(held["beta"]), format_number(held["lambda"])
    axis.set_title(f"β = {beta}, λ = {lambda_}: active modes stay")


@style()
def plot_information(curves, dots, beta_limits):
    """Draw information against β, a curve for every λ: theory as lines, fixed points as dots.

    Parameters
    ----------
    curves : dict of float to (ndarray, ndarray)
        By λ: β and I(x; y) in nats from the closed form.
    dots : dict of float to (ndarray, ndarray)
        By λ: β and I(x; y) of the fixed points, every start a dot.
    beta_limits : tuple of float
        Smallest and largest β shown.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = _new_panels(1)
    colours = pick_colours(len(curves))
    for colour, (lambda_, (betas, values)) in zip(colours, curves.items(), strict=True):
        axis.plot(betas, values, color=colour, lw=1.6, label=f"λ = {format_number(lambda_)}")
        if lambda_ in dots:
            axis.plot(*dots[lambda_], "o", color=colour, ms=5, mec="white", mew=0.6, zorder=3)
    axis.plot([], [], "o", color=GREY, ms=5, label="fixed point, all starts")
    axis.set_xlim(*beta_limits)
    _set_log_beta(axis)
    axis.set_ylabel("mutual information I(x; y) (nats)")
    # Towards β = 1 the curves leave every scale: show the settings solved.
    largest = max((values.max() for _, values in dots.values()), default=0.0)
    if largest > 0:
        axis.set_ylim(-0.05 * largest, 1.6 * largest)
    axis.set_title("Information kept at the optimum")
    # Largest λ first, as the curves lie.
    handles, labels = axis.get_legend_handles_labels()
    order = [*range(len(curves) - 1, -1, -1), len(curves)]
    axis.legend(
        [handles[i] for i in order],
        [labels[i] for i in order],
        title="lines: closed form",
    )
    return figure


@style()
def plot_phases(betas, lambdas, active, critical, cells):
    """Draw the number of active modes over β and λ, with the line on which each mode ends.

    Parameters
    ----------
    betas : ndarray of shape (C,)
        Above 1, ascending.
    lambdas : ndarray of shape (L,)
        Above 0, ascending.
    active : ndarray of shape (L, C), int
    critical : ndarray of shape (C, K)
        Critical λ of the modes that have a latent, at every β.
    cells : ndarray of shape (M, 2)
        Pairs (β, λ) with λ > 0 that were solved, marked as dots.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = _new_panels(1)
    most = int(active.max())
    # Light enough for black lines and dots.
    colours = ListedColormap(sns.light_palette("#3a8fc4", most + 1).as_hex())
    norm = BoundaryNorm(np.arange(-0.5, most + 1.5), most + 1)
    mesh = axis.pcolormesh(
        betas, lambdas, active, cmap=colours, norm=norm, shading="nearest", rasterized=True
    )
    axis.plot(betas, critical, color="black", lw=0.9)
    axis.plot([], [], color="black", lw=0.9, label="critical λ = (β − 1)/(2sᵢ)")
    inside = [
        (b, w) for b, w in cells if betas[0] <= b <= betas[-1] and lambdas[0] <= w <= lambdas[-1]
    ]
    if inside:
        axis.plot(*np.transpose(inside), "o", color=ORANGE, ms=4.5, label="settings solved")
    axis.set_xlim(betas[0], betas[-1])
    axis.set_ylim(lambdas[0], lambdas[-1])
    _set_log_beta(axis)
    axis.set_yscale("log", base=2)
    axis.yaxis.set_major_formatter(FuncFormatter(_write_power_of_two))
    axis.set_ylabel("weight λ of the squared error")
    axis.set_title("Active modes (λ = 0: none)")
    bar = figure.colorbar(mesh, ax=axis, ticks=MaxNLocator(min(most + 1, 12), integer=True))
    bar.minorticks_off()
    bar.set_label("active modes")
    figure.legend(fontsize="small", loc="outside lower center", ncols=2)
    return figure


@style()
def plot_spectrum(before, after, predicted, beta):
    """Draw singular values of the gain before the first and after the last alternation.

    Parameters
    ----------
    before : ndarray of shape (S, m)
        One row a start.
    after : dict of float to ndarray of shape (S, m)
        By λ.
    predicted : dict of float to ndarray of shape (m,)
        By λ, from the closed form.
    beta : float

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (axis,) = _new_panels(1, 7.6)
    modes = np.arange(1, before.shape[1] + 1)
    axis.fill_between(modes, before.min(axis=0), before.max(axis=0), color=GREY, alpha=0.25, lw=0)
    axis.plot(
        modes, before.mean(axis=0), color=GREY, lw=1.5, label="before (mean, range of starts)"
    )
    colours = pick_colours(len(after))
    for colour, (lambda_, values) in zip(colours, after.items(), strict=True):
        axis.plot(modes, predicted[lambda_], "_", color=colour, ms=16, mew=1.5)
        label = f"after, λ = {format_number(lambda_)}"
        axis.plot(modes, values.mean(axis=0), "o", color=colour, ms=5, mec="white", label=label)
    axis.plot([], [], "_", color="black", ms=12, mew=1.5, label="closed form")
    axis.set_yscale("symlog", linthresh=0.1)
    axis.yaxis.set_major_formatter(FuncFormatter(_write_power_of_ten))
    axis.set_ylim(bottom=-0.01)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel("mode, largest gain first")
    axis.set_ylabel(f"singular value of the {GAIN}")
    axis.set_title(f"Gain before and after the alternation, β = {format_number(beta)}")
    axis.legend(fontsize="small", loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _new_panels(count, width=None):
    """A figure with panels side by side."""
    figure, (axes,) = new_figure(width or (5.6 if count == 1 else 10.4), 4.2, 1, count)
    return figure, axes


def _set_log_beta(axis):
    """β on a log2 scale with ticks at its powers, for curves rather than for values tried."""
    axis.set_xscale("log", base=2)
    axis.xaxis.set_major_formatter(FuncFormatter(_write_power_of_two))
    axis.set_xlabel("β (log2 scale)")


def _write_power_of_two(value, _=None):
    return format_number(value) if value >= 1 else f"1/{format_number(1 / value)}"


def _write_power_of_ten(value, _=None):
    """10⁻³ in plain letters: mathematical typesetting is off in all figures."""
    return "10" + str(round(np.log10(value))).translate(_SUPERSCRIPTS) if value > 0 else "0"

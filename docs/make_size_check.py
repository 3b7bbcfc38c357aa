"""Compare DB-1 with a few runs on images of full size: ``python docs/make_size_check.py``.

It replaces the table in results/reference/README.md, and draws size-check.png beside the scores in
results/reference/size-check.
"""

import re
from pathlib import Path

import pandas as pd
from matplotlib.lines import Line2D

from disentanglement_bench.evaluation.figures.axes import set_kl_axis, set_value_axis
from disentanglement_bench.evaluation.figures.style import BLUE, new_figure, style, write_heading
from disentanglement_bench.evaluation.naming import format_number
from disentanglement_bench.evaluation.statistics.cells import collect, compute_cells, tidy
from disentanglement_bench.evaluation.statistics.labels import describe_key
from disentanglement_bench.evaluation.statistics.shipped_runs import collect_shipped

ROOT = Path(__file__).parents[1] / "results/reference"
PAGE, FOLDER = ROOT / "README.md", ROOT / "size-check"
KEYS = ("kl", "mig", "mi_matched_sampled")
DIGITS = {"kl": 2, "mig": 3, "mi_matched_sampled": 2}
HEADS = {"kl": "KL, nats", "mig": "MIG", "mi_matched_sampled": "sampled I_m, nats"}
# Data sets, by how many times harder a β presses there than on 64×64 pixels.
HARDER = {"sprites-small": 4, "sprites": 1}
LATENTS, PIXELS = 10, 64 * 64
LAMBDAS = (0.0, 8.0)


def read_runs():
    """The β-VAE and the λβ-VAE of both sizes, trained for both phases, one row a run and score."""
    small, large = collect_shipped("db1"), collect(FOLDER / "scores.csv")
    scores = pd.concat([tidy(runs, list(KEYS)) for runs in (small, large)], ignore_index=True)
    scores = scores[scores["dataset"].isin(HARDER) & scores["role"].eq("")]
    scores = scores[scores["reduces_to"].notna()].fillna({"lambda": 0.0})
    scores = scores[scores["lambda"].isin(LAMBDAS) & scores["value"].notna()]
    full = scores["beta"] * scores["dataset"].map(HARDER)
    return scores.assign(full_beta=full, pressure=full * LATENTS / PIXELS)


def write_table(scores):
    """Markdown: both sizes at each pressure that both have, and the rest of the full size."""
    sizes = [f"{key_head}, {side}" for key_head in HEADS.values() for side in ("32×32", "64×64")]
    heads = ["", "β·m/pixels", "β, 32×32", "β, 64×64", *sizes]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for weight in LAMBDAS:
        name = f"λβ-VAE, λ = {format_number(weight)}" if weight else "β-VAE"
        for pressure in sorted(scores["pressure"].unique()):
            found = scores[(scores["lambda"] == weight) & (scores["pressure"] == pressure)]
            small, large = (found[found["dataset"] == dataset] for dataset in HARDER)
            betas = [format_number(x["beta"].iloc[0]) if len(x) else "–" for x in (small, large)]
            texts = []
            for key in KEYS:
                values = [part.loc[part["metric"] == key] for part in (small, large)]
                seeds = values[1].sort_values("seed")["value"]
                texts.append(f"{values[0]['value'].mean():.{DIGITS[key]}f}" if len(small) else "–")
                texts.append(", ".join(f"{x:.{DIGITS[key]}f}" for x in seeds) or "–")
            cells = [name, f"{pressure:.4f}", *betas, *texts]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


@style()
def draw(scores):
    """KL, MIG and sampled I_m of both sizes against the β that presses alike on 64×64 pixels."""
    cells = compute_cells(scores)
    figure, (panels,) = new_figure(9.0, 3.3, 1, len(KEYS))
    colours = dict(zip(LAMBDAS, ("#000000", BLUE), strict=True))
    for panel, key in zip(panels, KEYS, strict=True):
        places = set_value_axis(panel, scores["full_beta"], "β at 64×64, a quarter at 32×32")
        panel.xaxis.label.set_fontsize(8)
        for weight, colour in colours.items():
            for dataset, harder in HARDER.items():
                part = cells[(cells["dataset"] == dataset) & (cells["metric"] == key)]
                part = part[part["lambda"].fillna(0.0) == weight].sort_values("beta")
                x = (part["beta"] * harder).map(places)
                look = {"color": colour, "lw": 1.5, "ms": 5, "mec": "white"}
                if dataset == "sprites-small":
                    panel.plot(x, part["mean"], marker="o", **look)
                    panel.fill_between(x, part["low"], part["high"], color=colour, alpha=0.15, lw=0)
                    continue
                runs = scores[(scores["dataset"] == dataset) & (scores["metric"] == key)]
                runs = runs[runs["lambda"] == weight]
                panel.plot(x, part["mean"], marker="D", ls=(0, (5, 2)), **look)
                panel.plot(runs["full_beta"].map(places), runs["value"], "D", color=colour, ms=2.5)
        if key == "kl":
            set_kl_axis(panel, scores.loc[scores["metric"] == key, "value"].max())
        panel.set_title(write_heading(describe_key(key)), fontsize=9)
    names = {0.0: "β-VAE (λ = 0)", 8.0: "λβ-VAE, λ = 8"}
    sizes = (
        ("32×32, DB-1", {"marker": "o"}),
        ("64×64, three seeds", {"marker": "D", "ls": (0, (5, 2))}),
    )
    handles = [
        Line2D([], [], color=colour, label=f"{names[weight]}, {size}", ms=5, mec="white", **look)
        for size, look in sizes
        for weight, colour in colours.items()
    ]
    figure.legend(handles=handles, loc="outside lower left", ncols=2)
    return figure


def main():
    """Write the table and the figure."""
    scores = read_runs()
    page = PAGE.read_text()
    table = write_table(scores)
    pattern = re.compile(r"\| +\| β·m/pixels \|.*?(?=\n\n)", re.DOTALL)
    if len(pattern.findall(page)) != 1:
        raise SystemExit(f"{PAGE.name}: expected one table whose second heading is β·m/pixels")
    PAGE.write_text(pattern.sub(lambda _: table, page))
    draw(scores).savefig(FOLDER / "size-check.png", dpi=160)


if __name__ == "__main__":
    main()

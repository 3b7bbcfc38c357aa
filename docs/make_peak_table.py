"""Write the tables of the peak test's error rates and power: ``python docs/make_peak_table.py``.

Simulated experiments of five values of β, tested by `peak_tests` and, beside it, by the test of
version 0.4.0. The tables in docs/statistics.md are replaced; it takes about ten minutes.
"""

import argparse
import re
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import special

from disentanglement_bench.evaluation.statistics.trends import peak_tests

PAGE = Path(__file__).parent / "statistics.md"
SEEDS = (5, 10, 20)
CELLS = {5: 4_000, 10: 10_000, 20: 4_000}
ALPHA = 0.05
# Tests of one data set of DB-1 that Holm corrected for at once, and that it corrects for now.
FAMILY, PRIMARY = 48, 4

EQUAL = (1, 1, 1, 1, 1)
GROWING = (1, 2, 4, 7, 10)
MIDDLE, INTERIOR = (1, 1, 10, 1, 1), (1, 10, 10, 10, 1)
FIRST, LAST = (10, 1, 1, 1, 1), (1, 1, 1, 1, 10)
FLAT = (0, 0, 0, 0, 0)
DROP, RISE = (0, 0, 0, 0, -100), (-100, 0, 0, 0, 0)
DIP, UP, DOWN = (1, 0.3, 0, 0.3, 1), (0, 0.25, 0.5, 0.75, 1), (1, 0.75, 0.5, 0.25, 0)
HUMP = (0.08, 0.15, 0.20, 0.20, 0.05)
QUICK, QUICK_SPREAD = (0.087, 0.114, 0.160, 0.163, 0.037), (0.043, 0.045, 0.069, 0.073, 0.035)


class Truth(NamedTuple):
    """Means and standard deviations over β, and how seeds deviate."""

    text: str
    mean: tuple
    spread: tuple = EQUAL
    noise: str = "normal"
    shared: float = 0.5


WITHOUT_PEAK = (
    Truth("flat, equal spreads", FLAT),
    Truth("flat, tenfold spread at the smallest β", FLAT, FIRST),
    Truth("flat, tenfold spread in the middle", FLAT, MIDDLE),
    Truth("flat, tenfold spread at all interior β", FLAT, INTERIOR),
    Truth("flat, spread growing tenfold", FLAT, GROWING),
    Truth("rises by one standard deviation", UP),
    Truth("falls by one standard deviation", DOWN),
    Truth("falls by one, spread growing tenfold", DOWN, GROWING),
    Truth("U-shaped dip of one standard deviation", DIP),
    Truth("U-shaped dip, tenfold spread in the middle", DIP, MIDDLE),
    Truth("plateau, the last β far below", DROP),
    Truth("… tenfold spread at the smallest β", DROP, FIRST),
    Truth("… tenfold spread in the middle", DROP, MIDDLE),
    Truth("the first β far below, then a plateau", RISE),
    Truth("… tenfold spread at the last β", RISE, LAST),
)
SKEWED = (
    Truth("flat, tenfold spread at all interior β, long tails up", FLAT, INTERIOR, "long up"),
    Truth("… long tails down", FLAT, INTERIOR, "long down"),
    Truth("plateau, the last β far below, long tails up", DROP, EQUAL, "long up"),
    Truth("… tenfold spread at the smallest β", DROP, FIRST, "long up"),
    Truth("… tenfold spread in the middle, long tails down", DROP, MIDDLE, "long down"),
    Truth("… two modes, 40 % of deviations high", DROP, EQUAL, "two modes"),
)
PEAKED = (
    Truth("hump 0.08, 0.15, 0.20, 0.20, 0.05, standard deviation 0.06", HUMP, (0.06,) * 5),
    Truth("… 0.10", HUMP, (0.10,) * 5),
    Truth("… 0.15", HUMP, (0.15,) * 5),
    Truth("… 0.10, long tails up", HUMP, (0.10,) * 5, "long up"),
    Truth("one β higher by one standard deviation", (0, 0, 1, 0, 0)),
    Truth("MIG of the β-VAE in `quick`", QUICK, QUICK_SPREAD),
    Truth("… no seed effect", QUICK, QUICK_SPREAD, shared=0),
)


def simulate(truth, n, cells, seed=0):
    """Scores of many experiments, shape (cells, n, 5); seeds share part of their variance."""
    rng = np.random.default_rng([seed, n])

    def deviate(*shape):
        if truth.noise == "normal":
            return rng.normal(size=shape)
        if truth.noise == "two modes":
            return ((rng.random(shape) < 0.4) - 0.4) / np.sqrt(0.24)
        sign = {"long up": 1, "long down": -1}[truth.noise]
        return sign * (rng.exponential(size=shape) - 1)

    common, own = deviate(cells, n, 1), deviate(cells, n, len(truth.mean))
    share = truth.shared
    deviations = np.sqrt(share) * common + np.sqrt(1 - share) * own
    return np.array(truth.mean) + np.array(truth.spread) * deviations


def paired_t_tests(curves):
    """The test of version 0.4.0: paired t-tests against both ends, then Bonferroni over β."""
    _, n, places = curves.shape
    gaps = curves[:, :, 1:-1, None] - curves[:, :, None, [0, -1]]
    mean = gaps.mean(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        t = mean / (gaps.std(axis=1, ddof=1) / np.sqrt(n))
    p = special.stdtr(n - 1, -np.where(mean == 0, 0.0, t)).max(axis=2).min(axis=1)
    return np.minimum(1, p * (places - 2))


def measure(truth, n, cells, seed=0):
    """p-values of the old and of the new test on the same experiments."""
    curves = simulate(truth, n, cells, seed)
    return paired_t_tests(curves), peak_tests(curves)[0]


def write_share(p, level=ALPHA):
    """How many of the p-values are at most the level, in percent."""
    share = 100 * np.mean(p <= level)
    return f"{share:.0f} %" if share >= 20 else f"{share:.1f} %"


def write_table(head, rows):
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def make_tables(cells):
    """Every table of the page by the first column of its head."""
    heads = [f"{n} seeds, {which}" for n in SEEDS for which in ("old", "new")]
    tables, adjusted = {}, []
    parts = {"truth without a peak": WITHOUT_PEAK, "skewed truth": SKEWED, "peak": PEAKED}
    for name, truths in parts.items():
        rows = []
        for truth in truths:
            measured = [measure(truth, n, cells[n]) for n in SEEDS]
            rows.append([truth.text, *(write_share(p) for pair in measured for p in pair)])
            print(" | ".join(rows[-1]), flush=True)
            if truths is PEAKED:
                old, new = measured[SEEDS.index(10)]
                levels = (old, ALPHA / FAMILY), (new, ALPHA / FAMILY), (old, ALPHA / PRIMARY)
                shares = [write_share(*level) for level in (*levels, (new, ALPHA / PRIMARY))]
                adjusted.append([truth.text, *shares])
        tables[name] = write_table([name, *heads], rows)
    heads = [f"{w}, {size} tests" for size in (FAMILY, PRIMARY) for w in ("old", "new")]
    tables["peak, ten seeds"] = write_table(["peak, ten seeds", *heads], adjusted)
    return tables


def replace_tables(text, tables):
    """The page with its tables replaced."""
    for name, table in tables.items():
        pattern = re.compile(rf"\| {re.escape(name)} \|.*\n(?:\|.*\n)+")
        text, count = pattern.subn(lambda _, table=table: table, text)
        if count != 1:
            raise SystemExit(f"{PAGE}: expected one table that begins with {name!r}, not {count}")
    return text


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--scale", type=float, default=1.0, help="share of the experiments")
    scale = parser.parse_args().scale
    tables = make_tables({n: max(1, round(count * scale)) for n, count in CELLS.items()})
    PAGE.write_text(replace_tables(PAGE.read_text(), tables))


if __name__ == "__main__":
    main()

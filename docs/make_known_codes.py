"""Write the table of what every score does on known codes: ``python docs/make_known_codes.py``.

The codes are those of tests/data/canon_codes.npz, at the rows `infomec_rows` of its grid: 3,000
rows to train and 1,500 to test. The table in docs/metrics.md is replaced; it takes some minutes.
"""

import re
from pathlib import Path

import numpy as np

from disentanglement_bench.evaluation import METRICS, evaluate

DOCS = Path(__file__).parent
CODES = DOCS.parent / "tests" / "data" / "canon_codes.npz"
N_TRAIN = 3000
SETS = {
    "aligned": "axis_aligned",
    "rotated": "rotated",
    "mixed": "nonlinear_mixed",
    "shared": "duplicated_and_merged",
    "half collapsed": "collapsed_dims",
    "noise": "noise",
}
COLLAPSED, DRAWN = "collapsed", "collapsed, drawn"
TABLE = re.compile(r"\| key \| perfect \|.*\n(?:\|.*\n)+")


def make_codes():
    """Factors, and codes by the heading of their column."""
    with np.load(CODES) as file:
        rows = file["infomec_rows"]
        factors = file["factors"][rows]
        codes = {heading: file[name][rows] for heading, name in SETS.items()}
    perfect = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    return factors, {"perfect": perfect, **codes, COLLAPSED: codes["aligned"] * 1e-3}


def score_column(codes, factors, heading):
    """Values by key of all metrics of one representation, and of the twins on draws.

    Only the collapsed codes have posteriors: those are the prior, but for the tiny means.
    """
    names = [name for name, m in METRICS.items() if not (m.suffix or m.grouped)]
    spread = np.zeros(codes.shape) if heading == COLLAPSED else None
    scores = evaluate(codes, factors, names, spread, n_train=N_TRAIN, n_jobs=2)
    columns = {heading: {}, DRAWN: {}}
    for name, score in scores.items():
        metric = METRICS[name]
        if metric.sampled or not metric.suffix:
            column = columns[DRAWN if metric.sampled else heading]
            column |= {k.removesuffix(metric.suffix): v for k, v in score.values.items()}
    return {name: values for name, values in columns.items() if values}


def write_table(columns):
    """Markdown, one row a key that has a value somewhere."""
    keys = [
        key for key in columns["perfect"] if any(c.get(key) is not None for c in columns.values())
    ]
    head = ["key", *columns]
    rows = [[f"`{key}`", *(write_number(c.get(key)) for c in columns.values())] for key in keys]
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def write_number(value):
    """Two decimals, and a dash for what is undefined or does not exist."""
    return "–" if value is None else f"{value:.2f}".replace("-0.00", "0.00").replace("-", "−")


def main():
    factors, sets = make_codes()
    columns = {}
    for heading, codes in sets.items():
        columns |= score_column(codes, factors, heading)
        print(heading, flush=True)
    page = DOCS / "metrics.md"
    table = write_table(columns)
    page.write_text(TABLE.sub(lambda _: table, page.read_text()))


if __name__ == "__main__":
    main()

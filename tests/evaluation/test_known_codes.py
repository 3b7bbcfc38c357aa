"""The table of what every score does on known codes is what the code computes."""

import runpy
from pathlib import Path

import pytest

from disentanglement_bench.evaluation import METRICS

DOCS = Path(__file__).parents[2] / "docs"
NEEDS_MORE_ROWS = ("_10000", "_sample_efficiency")


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(DOCS / "make_known_codes.py")


@pytest.fixture(scope="module")
def table(script):
    """Numbers of the page by heading and key; None for a dash."""
    (text,) = script["TABLE"].findall((DOCS / "metrics.md").read_text())
    head, _, *rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()
    ]
    numbers = {
        row[0].strip("`"): [None if c == "–" else float(c.replace("−", "-")) for c in row[1:]]
        for row in rows
    }
    return {
        heading: {k: row[n] for k, row in numbers.items()} for n, heading in enumerate(head[1:])
    }


def test_every_key_has_a_row(table):
    keys = {
        key.name
        for metric in METRICS.values()
        if not (metric.suffix or metric.grouped)
        for key in metric.keys
        if not key.name.endswith(NEEDS_MORE_ROWS)
    }
    assert set(table["perfect"]) == keys


def test_every_column_is_explained(table):
    text = (DOCS / "metrics.md").read_text()
    for heading in table:
        assert f"\n| {heading} | " in text


@pytest.mark.slow
def test_numbers(script, table):
    factors, sets = script["make_codes"]()
    for heading, codes in sets.items():
        for column, values in script["score_column"](codes, factors, heading).items():
            for key, written in table[column].items():
                value = values.get(key)
                assert (value is None) == (written is None), (column, key, value)
                assert written is None or value == pytest.approx(written, abs=0.015), (column, key)

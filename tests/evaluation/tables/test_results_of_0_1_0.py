"""Tables of results that version 0.1.0 wrote say what it said."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from disentanglement_bench.evaluation.statistics.cells import collect
from disentanglement_bench.evaluation.statistics.labels import describe_key
from disentanglement_bench.evaluation.statistics.summary import summarise
from disentanglement_bench.evaluation.tables.tables import all_tables

FOLDER = Path(__file__).parents[2] / "data" / "results-0.1.0"
KEYS = {
    "beta-curves": ["curve", "beta", "metric"],
    "collapse-mig": ["curve", "metric"],
    "collapse-mi-matched-sampled": ["curve", "metric"],
    "comparison": ["method", "metric"],
    "differences": ["first", "second", "metric"],
    "ranking": ["method", "metric"],
}
# Curves go over whatever was swept; the isotonic test is gone; notes and citations are not numbers.
RENAMED = {
    "mig_without_orientation": "mig_identifiable",
    "mig[hist20,plugin,mean,without orientation]": "mig[hist20,plugin,mean,identifiable factors]",
    "too few β": "too few values",
}
COLUMNS = {f"{place}_beta": f"{place}_value" for place in ("first", "last", "peak", "tested")} | {
    "n_betas": "n_values"
}
DROPPED = {"p_isotonic", "p_isotonic_holm", "peak_distribution", "notes", "cite"}


@pytest.fixture(scope="module")
def tables():
    return {table.name: table.data for table in all_tables(summarise(collect(FOLDER)))}


def clipped(frame):
    """Intervals as they were written then, held to the range of their score."""
    if not {"low", "high", "mean"} <= set(frame):
        return frame
    facts = [describe_key(name) for name in frame["metric"]]
    low, high = (np.array([getattr(fact, end) for fact in facts]) for end in ("low", "high"))
    return frame.assign(low=frame["low"].clip(low, high), high=frame["high"].clip(low, high))


@pytest.mark.parametrize("kind", KEYS)
def test_the_same_cells_means_and_intervals(kind, tables):
    name = f"{kind}-sprites-small-quick"
    then = pd.read_csv(FOLDER / "tables" / f"{name}.csv").replace(RENAMED)
    then = clipped(then.rename(columns=COLUMNS))
    now = tables[name]
    keys = KEYS[kind]
    then, now = (frame.set_index(keys).sort_index() for frame in (then, now))
    assert list(then.index) == list(now.index)
    numbers = set(then.select_dtypes("number")) - DROPPED
    texts = set(then.columns) - numbers - DROPPED
    assert set(then.columns) - DROPPED <= set(now.columns)
    for column in numbers:
        found = pd.to_numeric(now[column]).to_numpy(dtype=float)
        np.testing.assert_allclose(found, then[column].to_numpy(dtype=float), rtol=1e-9)
    for column in texts:
        assert (
            now[column].fillna("").astype(str).tolist()
            == then[column].fillna("").astype(str).tolist()
        ), column

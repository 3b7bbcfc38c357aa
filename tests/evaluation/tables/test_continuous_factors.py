"""From files with continuous factors to tables: bins are named, and reasons stand for scores."""

import numpy as np
import pytest

from disentanglement_bench.evaluation import evaluate_paths, write_representation
from disentanglement_bench.evaluation.statistics.cells import collect
from disentanglement_bench.evaluation.statistics.labels import describe_key, restate_variant
from disentanglement_bench.evaluation.statistics.summary import summarise
from disentanglement_bench.evaluation.tables.rendering import to_text
from disentanglement_bench.evaluation.tables.tables import all_tables


@pytest.fixture
def folder(tmp_path):
    for seed in range(2):
        stream = np.random.default_rng(seed)
        factors = np.column_stack([stream.integers(0, 3, 90), stream.uniform(size=90)])
        codes = factors + 0.1 * stream.normal(size=(90, 2))
        write_representation(
            tmp_path / f"seed-{seed}.h5",
            codes,
            factors,
            factor_names=["shape", "azimuth"],
            dataset="arm",
            attributes={"model": "mine", "seed": seed},
        )
    return tmp_path


def read_tables(folder):
    return "\n".join(to_text(table) for table in all_tables(summarise(collect(folder))))


def test_tables_name_the_bins(folder):
    evaluate_paths(folder, metrics=["mig", "sap_continuous"], bin_factors=5)
    text = " ".join(read_tables(folder).split())
    assert "MIG: mig[hist20,plugin,mean] with bin_factors=5" in text
    assert "sap[r2] with" not in text


def test_tables_without_bins_have_the_other_scores(folder):
    evaluate_paths(folder, metrics=["mig", "sap_continuous"])
    scores = summarise(collect(folder)).scores
    reasons = scores.loc[scores["metric"] == "mig", "reason"]
    assert reasons.str.contains("azimuth is continuous: put it into N bins").all()
    assert scores.loc[scores["metric"] == "sap_continuous", "value"].notna().all()
    assert "sap[r2]" in read_tables(folder)


def test_what_a_variant_says_beyond_the_declared_one():
    mig = describe_key("mig")
    said = "mig[hist20,plugin,mean] with bin_factors=5 without shape"
    assert restate_variant(mig, said).variant == said
    for other in (None, mig.variant, "mig[hist30]"):
        assert restate_variant(mig, other) == mig
    without = restate_variant(describe_key("mig_identifiable"), said)
    assert without.variant.endswith(",identifiable factors] with bin_factors=5 without shape")

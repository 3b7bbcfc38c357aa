"""The script that measures the peak test, and the tables that it wrote."""

import runpy
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(scope="module")
def script():
    return runpy.run_path(DOCS / "make_peak_table.py")


def test_the_old_test_is_two_paired_t_tests_and_bonferroni(script):
    curves = script["simulate"](script["PEAKED"][1], 7, 10)
    for values, found in zip(curves, script["paired_t_tests"](curves), strict=True):
        pairs = [
            max(
                stats.ttest_rel(values[:, j], values[:, end], alternative="greater").pvalue
                for end in (0, -1)
            )
            for j in (1, 2, 3)
        ]
        assert found == pytest.approx(min(1, 3 * min(pairs)))


def test_deviations_have_the_spread_that_a_truth_states(script):
    for truth in (*script["WITHOUT_PEAK"][:2], *script["SKEWED"], *script["PEAKED"][-2:]):
        curves = script["simulate"](truth, 5, 4000)
        np.testing.assert_allclose(curves.std(axis=(0, 1)), truth.spread, rtol=0.1)
        apart = curves - curves.mean(axis=1, keepdims=True)
        together = np.corrcoef(apart.reshape(-1, 5).T)[0, 1]
        assert together == pytest.approx(truth.shared, abs=0.05)


def test_a_short_run_finds_few_false_alarms_and_the_stated_power(script):
    for truth in script["WITHOUT_PEAK"]:
        _, p = script["measure"](truth, 10, 800)
        assert np.mean(p <= 0.05) <= 0.075, truth.text
    quick = next(truth for truth in script["PEAKED"] if "quick" in truth.text)
    _, p = script["measure"](quick, 10, 800)
    assert np.mean(p <= 0.05) > 0.95
    assert np.mean(p <= 0.05 / script["PRIMARY"]) > 0.8


def test_the_page_shows_what_the_script_measures(script):
    page = (DOCS / "statistics.md").read_text()
    for truths in (script["WITHOUT_PEAK"], script["SKEWED"], script["PEAKED"]):
        for truth in truths:
            assert f"\n| {truth.text} | " in page
    table = script["write_table"](["peak", "a"], [["hump", "5 %"]])
    assert script["replace_tables"](f"a\n\n{table}\nb\n", {"peak": table}).count("hump") == 1
    with pytest.raises(SystemExit, match="expected one table that begins with 'peak', not 0"):
        script["replace_tables"]("a\n", {"peak": table})

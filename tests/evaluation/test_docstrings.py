"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib

import pytest

MODULES = [
    "evaluation.batch",
    "evaluation.metrics",
    "evaluation.metrics.checks",
    "evaluation.metrics.dci",
    "evaluation.metrics.explicitness",
    "evaluation.metrics.histogram",
    "evaluation.metrics.mig",
    "evaluation.metrics.modularity",
    "evaluation.metrics.mutual_information",
    "evaluation.metrics.sap",
    "evaluation.metrics.sap_continuous",
    "evaluation.naming",
    "evaluation.records",
    "evaluation.representation",
    "evaluation.sampling",
    "evaluation.score_files",
    "evaluation.scoring",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0

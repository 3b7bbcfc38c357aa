"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib

import pytest

MODULES = [
    "disentanglement_bench.evaluation.scoring.batch",
    "disentanglement_bench.evaluation.metrics.registry",
    "disentanglement_bench.evaluation.metrics.checks",
    "disentanglement_bench.evaluation.metrics.dci",
    "disentanglement_bench.evaluation.metrics.explicitness",
    "disentanglement_bench.evaluation.metrics.histogram",
    "disentanglement_bench.evaluation.metrics.mig",
    "disentanglement_bench.evaluation.metrics.modularity",
    "disentanglement_bench.evaluation.metrics.mutual_information",
    "disentanglement_bench.evaluation.metrics.sap",
    "disentanglement_bench.evaluation.metrics.sap_continuous",
    "disentanglement_bench.evaluation.naming",
    "disentanglement_bench.evaluation.files",
    "disentanglement_bench.evaluation.representation.file_format",
    "disentanglement_bench.evaluation.representation.sampling",
    "disentanglement_bench.evaluation.scoring.score_files",
    "disentanglement_bench.evaluation.metrics.driver",
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0

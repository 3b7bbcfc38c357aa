import numpy as np
import pytest

from disentanglement_bench.benchmark.datasets.catalogue import BUILT_IN
from disentanglement_bench.evaluation.evaluation_sample import draw_evaluation_index
from disentanglement_bench.evaluation.reference.benchmarks import BENCHMARKS, load_benchmark
from disentanglement_bench.evaluation.reference.grids import (
    GRIDS,
    draw_sample,
    grid_sizes,
    image_factors,
)
from disentanglement_bench.evaluation.reference.shipped import load_provenance


def test_the_last_factor_varies_fastest():
    assert image_factors("rooms3d", [0, 1, 15]).tolist() == [
        [0, 0, 0, 0, 0, 0],
        [0, 0, 0, 0, 0, 1],
        [0, 0, 0, 0, 1, 0],
    ]


def test_a_sample_is_that_of_the_data_set():
    index, factors = draw_sample("sprites-small", seed=3, count=7)
    np.testing.assert_array_equal(index, draw_evaluation_index(46_080, 7, 3))
    np.testing.assert_array_equal(factors, image_factors("sprites-small", index))


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_data_set_of_a_benchmark_has_a_grid_which_is_that_of_the_shipped_runs(name):
    assert set(load_benchmark(name).datasets) <= set(GRIDS)
    for dataset, known in (load_provenance(name) or {"datasets": {}})["datasets"].items():
        assert tuple(known["factor_sizes"]) == grid_sizes(dataset)


def test_the_grids_are_those_of_the_data_sets():
    for name, grid in GRIDS.items():
        assert tuple(grid) == BUILT_IN[name].factor_names
        assert tuple(grid.values()) == BUILT_IN[name].factor_sizes

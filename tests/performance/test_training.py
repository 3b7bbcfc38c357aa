"""Training speed as ratios within one run; see `training_speed.py` for the table."""

import importlib.util
import os
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def speed():
    """The module `training_speed.py` beside this file."""
    path = Path(__file__).with_name("training_speed.py")
    spec = importlib.util.spec_from_file_location("training_speed", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


needs_two_cores = pytest.mark.skipif((os.cpu_count() or 1) < 2, reason="needs two cores")


def ratio(benchmark, speed, contestants):
    """How many times as fast the second group is, with all figures beside the timing."""
    found = benchmark.pedantic(speed.compare, args=(contestants,), rounds=1)
    slow, fast = found.values()
    benchmark.extra_info |= {f"{name}, steps/s": value for name, value in found.items()}
    benchmark.extra_info["ratio"] = fast / slow
    return fast / slow


@needs_two_cores
def test_one_worker_against_a_plain_loop(benchmark, speed):
    contestants = {"plain": [("plain", 2)], "zoo": [("zoo", 2)]}
    assert ratio(benchmark, speed, contestants) >= 1.25


@needs_two_cores
def test_two_workers_against_one(benchmark, speed):
    contestants = {"one": [("zoo", 1)], "two": [("zoo", 1), ("zoo", 1)]}
    assert ratio(benchmark, speed, contestants) >= 1.8


def test_share_of_the_matrix_product_speed(benchmark, speed):
    def measure():
        found = speed.compare({"zoo": [("zoo", 1)], "mm": [("mm", 1)]})
        work = found["zoo"] * speed.flops_per_step()
        return work / (found["mm"] * speed.FLOPS_PER_PRODUCT)

    share = benchmark.pedantic(measure, rounds=1)
    benchmark.extra_info["share"] = share
    assert 0.1 < share < 1

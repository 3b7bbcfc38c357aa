"""Speed of stacked training as a ratio within one run; see `stacking_speed.py` for the tables."""

import importlib.util
import os
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def speed():
    """The module `stacking_speed.py` beside this file."""
    path = Path(__file__).with_name("stacking_speed.py")
    spec = importlib.util.spec_from_file_location("stacking_speed", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_stacks_of_the_quick_protocol_against_one_by_one(benchmark, speed):
    """One worker a core; small networks are where a stack pays on a CPU."""
    workers = os.cpu_count() or 1
    found = benchmark.pedantic(speed.measure, args=("quick", workers, (1, 8), 30.0), rounds=1)
    speeds = {members: value for members, (value, _) in speed.summed(found).items()}
    benchmark.extra_info |= {f"{n} together, run-steps/s": value for n, value in speeds.items()}
    benchmark.extra_info["ratio"] = speeds[8] / speeds[1]
    assert speeds[8] / speeds[1] >= 1.05

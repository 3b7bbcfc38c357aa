import itertools

import pytest

from disentanglement_bench.evaluation.scoring.shards import check_part, take_part


@pytest.mark.parametrize(("length", "count"), [(0, 3), (1, 1), (7, 3), (12, 4), (5, 9), (900, 7)])
def test_parts_are_even_and_hold_everything_once(length, count):
    files = list(range(length))
    parts = [take_part(files, index, count) for index in range(count)]
    assert sorted(itertools.chain(*parts)) == files
    assert {len(part) for part in parts} <= {length // count, -(-length // count)}
    assert all(part == sorted(part) for part in parts)


@pytest.mark.parametrize("count", [5, 10, 20, 50])
def test_every_part_has_runs_of_every_kind(count):
    """Also where there are as many seeds as parts, or a multiple of them."""
    files = [
        (group, setting, seed) for group in range(4) for setting in range(30) for seed in range(10)
    ]
    for index in range(count):
        part = take_part(files, index, count)
        groups = [sum(file[0] == group for file in part) for group in range(4)]
        assert max(groups) - min(groups) <= 1
        seeds = [sum(file[2] == seed for file in part) for seed in range(10)]
        assert max(seeds) <= 3 * len(part) / 10
        assert len({file[2] for file in part}) >= min(8, len(part) // 3)


def test_what_is_no_part_is_refused():
    check_part((2, 3))
    for part in ((3, 3), (-1, 3), (0, 0)):
        with pytest.raises(ValueError, match="from 0 to n - 1"):
            check_part(part)

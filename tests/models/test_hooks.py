"""What a data set must be for pairs."""

import pytest

from disentanglement_bench.models.hooks import check_pairs

GRID = (3, 1, 4, 2)


def test_a_data_set_without_pairs_is_refused():
    for sizes, count in ((None, 24), ((3, 4), 11)):
        with pytest.raises(ValueError, match="one image for every combination of factors"):
            check_pairs(sizes, 0, count)
    with pytest.raises(ValueError, match="a factor with more than one class"):
        check_pairs((1, 1), 0)
    with pytest.raises(ValueError, match=r"^pair_factors must be at least 0, got -1$"):
        check_pairs(GRID, -1)
    with pytest.raises(ValueError, match="with more than one class is 3; lower it to that"):
        check_pairs(GRID, 4)
    check_pairs(GRID, 3, 24)

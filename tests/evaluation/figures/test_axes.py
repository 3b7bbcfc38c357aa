import numpy as np

from disentanglement_bench.evaluation.figures.axes import find_limits, place_values, thin_out
from disentanglement_bench.evaluation.statistics.labels import describe_key


def test_beta_zero_has_a_place_of_its_own():
    assert place_values([0, 0.5, 4]).tolist() == [-2, -1, 2]
    assert place_values([0]).tolist() == [0]


def test_values_that_span_no_octaves_lie_on_a_plain_scale():
    assert place_values([-1.0, 0.0, 3.0], False).tolist() == [0, 0.5, 2]
    assert place_values([3.0], False).tolist() == [0]
    assert place_values([], False).tolist() == []


def test_the_largest_and_the_smallest_values_have_places():
    with np.errstate(all="raise"):
        assert place_values([-1.5e308, 0, 1.5e308], False).tolist() == [0, 1, 2]
        assert place_values([0, 5e-324]).tolist() == [-1075, -1074]


def test_ticks_keep_their_distance_and_both_ends():
    assert thin_out([0, 0.3, 1, 1.2]) == [0, 1.2]
    assert thin_out([0, 2, 3, 4, 5]) == [0, 2, 3, 4, 5]
    assert thin_out([]) == []


def test_limits_hold_all_points_of_any_size():
    facts = describe_key("nll")
    for points in ([5.0], [-1e300, 1e300], [np.nan, 3.0], []):
        low, high = find_limits(points, [np.nan], facts)
        assert low < high
        assert all(low <= point <= high for point in points if point == point)

"""Compiled draws against what all rows of a class give, and against their expectation."""

import numpy as np
import pytest

from disentanglement_bench.evaluation.metrics.interventions import sort_rows, start_stream
from disentanglement_bench.evaluation.metrics.kernels.interventions import (
    _draw,
    average_differences,
    cast_votes,
)


@pytest.fixture
def grid(stream):
    """Codes (240, 3) of factors (240, 2) with 4 and 3 classes of 60 and 80 rows."""
    factors = np.indices((4, 3)).reshape(2, -1).T.repeat(20, axis=0)
    return stream.normal(size=(240, 3)) * (1 + factors @ stream.random((2, 3))), factors


def test_numbers_are_uniform():
    state = start_stream("numbers", 0)
    counts = np.bincount([_draw(state, 7) for _ in range(3500)])
    assert len(counts) == 7
    assert np.abs(counts - 500).max() < 80


def test_a_batch_of_a_whole_class_is_drawn_without_replacement(grid):
    """All 60 rows of a class of the first factor take part, so its vote is known."""
    codes, factors = grid
    rows, starts, stops = (each[:1] for each in sort_rows(factors))
    votes = np.zeros((3, 1), dtype=np.int64)
    cast_votes(codes, rows, starts, stops, 60, 4000, start_stream("votes", 0), votes)
    winners = [codes[factors[:, 0] == k].var(axis=0).argmin() for k in range(4)]
    wanted = np.bincount(winners, minlength=3) * 1000
    assert votes.sum() == 4000
    assert np.abs(votes[:, 0] - wanted).max() < 150
    assert (votes[wanted == 0] == 0).all()


def test_batches_leave_classes_together(grid):
    codes, factors = grid
    rows, starts, stops = sort_rows(factors)
    cast_votes(
        codes, rows, starts, stops, 16, 500, start_stream("votes", 1), np.zeros((3, 2), np.int64)
    )
    for own, column in zip(rows, factors.T, strict=True):
        assert sorted(own) == list(range(240))
        assert (np.diff(column[own]) >= 0).all()
    assert (rows[0] != np.arange(240)).any()


def test_votes_for_factors_are_even(grid):
    codes, factors = grid
    votes = np.zeros((3, 2), dtype=np.int64)
    cast_votes(codes, *sort_rows(factors), 8, 4000, start_stream("votes", 2), votes)
    assert np.abs(votes.sum(axis=0) - 2000).max() < 150


def test_differences_have_the_mean_of_all_pairs_of_different_rows(grid):
    codes, factors = grid
    differences, shared = np.empty((4000, 3)), np.empty(4000, dtype=np.int64)
    average_differences(
        codes, *sort_rows(factors), 64, start_stream("pairs", 0), differences, shared
    )
    apart = np.abs(codes[:, None] - codes)
    for k, column in enumerate(factors.T):
        same = (column[:, None] == column) & ~np.eye(240, dtype=bool)
        found = differences[shared == k]
        error = 5 * found.std(axis=0) / np.sqrt(len(found))
        assert (np.abs(found.mean(axis=0) - apart[same].mean(axis=0)) < error).all()


def test_pairs_are_of_two_rows():
    """Two rows a class, one apart: no pair is a row with itself."""
    factors = np.arange(10)[:, None] // 2
    codes = (np.arange(10) % 2)[:, None] * 1.0
    differences, shared = np.empty((50, 1)), np.empty(50, dtype=np.int64)
    average_differences(
        codes, *sort_rows(factors), 3, start_stream("pairs", 1), differences, shared
    )
    assert (differences == 1.0).all()
    assert (shared == 0).all()

"""Whether a representation holds what a standard benchmark scores, said in one sentence if not."""

from __future__ import annotations

import numpy as np
from scipy import stats

from ..evaluation_sample import EVALUATION_IMAGES
from ..naming import one_line
from ..reference.agreement import check_agreement
from ..reference.benchmarks import Benchmark
from ..reference.grids import GRIDS, draw_sample, grid_sizes, image_factors
from ..representation.representation import Representation
from ..scoring.score_files import describe

# Classes of a factor that a random sample would have with less than this probability.
SUSPICIOUS = 1e-6


def find_disagreement(
    representation: Representation, benchmark: Benchmark, seed: int | None = None
) -> str:
    """Say why the scores of a representation do not compare with a benchmark's.

    Parameters
    ----------
    representation : Representation
    benchmark : Benchmark
    seed : int, optional
        That of the representation; the benchmark's own sample of that seed is not questioned.

    Returns
    -------
    str
        One line with what was expected, what came and what to do; empty where they do.
    """
    stated = check_agreement(describe(representation), benchmark)
    if representation.dataset not in benchmark.datasets:
        if not representation.dataset:
            return f"{stated[0]}: write it with dataset=… of one of them"
        return f"{stated[0]}: only codes of the images of one of them compare"
    factors = _refuse_factors(representation)
    if factors or stated:
        return factors or f"{'; '.join(stated)}: {_advise(representation, benchmark)}"
    if is_benchmark_sample(representation, benchmark, seed):
        return _refuse_images(representation)
    return _refuse_images(representation) or _refuse_sample(representation)


def _advise(representation, benchmark):
    """How to make a representation that compares."""
    count = benchmark.n_train + benchmark.n_test
    drawn = "seed" if count == EVALUATION_IMAGES else f"seed, count={count}"
    return (
        f'encode load_dataset("{representation.dataset}").evaluation_sample({drawn}) and write it '
        f"with n_train={benchmark.n_train}"
    )


def _refuse_factors(representation):
    grid = GRIDS[representation.dataset]
    names, sizes = representation.factor_names, representation.factor_sizes
    if "continuous" in representation.factor_kinds:
        return (
            "its factors are real numbers, and those of "
            f"{representation.dataset} are classes: write dataset.factors(index)"
        )
    unnamed = names == tuple(f"factor_{k}" for k in range(len(names)))
    if not unnamed and names != tuple(grid):
        return (
            f"its factors are {one_line(', '.join(names), 120)}, and those of "
            f"{representation.dataset} {', '.join(grid)}, in this order"
        )
    # Sizes that were not stated follow from the largest class of the sample.
    fits = len(sizes) == len(grid) and all(
        own == size or (unnamed and own <= size)
        for own, size in zip(sizes, grid.values(), strict=True)
    )
    if not fits:
        return (
            f"its factors have {one_line(', '.join(map(str, sizes)), 60)} classes, and those of "
            f"{representation.dataset} {', '.join(map(str, grid.values()))}: write "
            "factor_sizes=dataset.factor_sizes"
        )
    return ""


def _refuse_images(representation):
    """Factors that are not those of the images, and images that occur twice."""
    dataset, sizes = representation.dataset, grid_sizes(representation.dataset)
    index = representation.index
    if index is not None:
        if index.max() >= np.prod(sizes):
            return f"its index reaches {index.max():,}, but {dataset} has {np.prod(sizes):,} images"
        factors = image_factors(dataset, index)
        wrong = np.flatnonzero((factors != representation.factors).any(axis=1))
        if len(wrong):
            return (
                f"row {wrong[0]} has the factors {representation.factors[wrong[0]].tolist()}, but "
                f"image {index[wrong[0]]} of {dataset} has "
                f"{factors[wrong[0]].tolist()}: write dataset.factors(index) in the order of the "
                "codes"
            )
    # Of a full grid the factors say which image it is.
    places = np.ravel_multi_index(tuple(representation.factors.T.astype(np.int64)), sizes)
    repeated = len(places) - len(np.unique(places))
    if repeated:
        return (
            f"{repeated:,} of its images occur more than once, and the test part must hold new "
            "ones: draw them without replacement"
        )
    return ""


def _refuse_sample(representation):
    """Images that are no random sample of the grid: their scores are of another problem."""
    for (name, size), column in zip(
        GRIDS[representation.dataset].items(), representation.factors.T, strict=True
    ):
        counts = np.bincount(column, minlength=size)
        if stats.chisquare(counts).pvalue < SUSPICIOUS:
            return (
                f"its images are no random sample of {representation.dataset}: the classes of "
                f"{name} occur {counts.min():,} to {counts.max():,} times; draw them with "
                "evaluation_sample(seed)"
            )
    return ""


def is_benchmark_sample(
    representation: Representation, benchmark: Benchmark, seed: int | None
) -> bool:
    """Whether the images are the evaluation sample that the benchmark scores for a seed.

    Parameters
    ----------
    representation : Representation
    benchmark : Benchmark
    seed : int or None

    Returns
    -------
    bool
    """
    dataset, count = representation.dataset, benchmark.n_train + benchmark.n_test
    if seed is None or dataset not in benchmark.datasets:
        return False
    return np.array_equal(representation.factors, draw_sample(dataset, seed, count)[1])

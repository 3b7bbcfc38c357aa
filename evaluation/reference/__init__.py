"""Reference figures as data: what others published, and the standard benchmarks."""

from typing import TYPE_CHECKING

from ..lazy import import_when_used

if TYPE_CHECKING:
    from .benchmarks import BENCHMARKS, Benchmark, BenchmarkDataset, load_benchmark
    from .published import (
        SOURCE,
        compare_with_paper,
        literature_scores,
        paper_percent_change,
        percent_change,
    )

__getattr__ = import_when_used(
    __name__,
    {
        "BENCHMARKS": "benchmarks",
        "Benchmark": "benchmarks",
        "BenchmarkDataset": "benchmarks",
        "SOURCE": "published",
        "compare_with_paper": "published",
        "literature_scores": "published",
        "load_benchmark": "benchmarks",
        "paper_percent_change": "published",
        "percent_change": "published",
    },
)

__all__ = [
    "BENCHMARKS",
    "SOURCE",
    "Benchmark",
    "BenchmarkDataset",
    "compare_with_paper",
    "literature_scores",
    "load_benchmark",
    "paper_percent_change",
    "percent_change",
]

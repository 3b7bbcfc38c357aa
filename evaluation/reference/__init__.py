"""Reference figures as data: what others published; standard benchmarks and their scores."""

from typing import TYPE_CHECKING

from ..lazy import import_when_used

if TYPE_CHECKING:
    from .agreement import check_agreement
    from .benchmarks import BENCHMARKS, Benchmark, BenchmarkDataset, load_benchmark
    from .published import (
        SOURCE,
        compare_with_paper,
        literature_scores,
        paper_percent_change,
        percent_change,
    )
    from .shipped import load_provenance, load_scores

__getattr__ = import_when_used(
    __name__,
    {
        "BENCHMARKS": "benchmarks",
        "Benchmark": "benchmarks",
        "BenchmarkDataset": "benchmarks",
        "SOURCE": "published",
        "check_agreement": "agreement",
        "compare_with_paper": "published",
        "literature_scores": "published",
        "load_benchmark": "benchmarks",
        "load_provenance": "shipped",
        "load_scores": "shipped",
        "paper_percent_change": "published",
        "percent_change": "published",
    },
)

__all__ = [
    "BENCHMARKS",
    "SOURCE",
    "Benchmark",
    "BenchmarkDataset",
    "check_agreement",
    "compare_with_paper",
    "literature_scores",
    "load_benchmark",
    "load_provenance",
    "load_scores",
    "paper_percent_change",
    "percent_change",
]

"""A benchmark suite for disentangled representation learning.

What a notebook needs, imported when it is first used, so that importing the package costs nothing:

>>> import disentanglement_bench as db
>>> "score" in dir(db)
True

`evaluate` and `score` score arrays, `read_representation` and `write_representation` read and write
the interchange format, `load_dataset` gives images and factors, `compare` puts representations
beside the scores of a standard benchmark, and `report` makes tables, figures and a page of
everything scored below a folder.
"""

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .benchmark.datasets import load_dataset
    from .benchmark.reporting.report import report
    from .evaluation.comparison.comparing import compare
    from .evaluation.metrics.arrays import evaluate, score
    from .evaluation.representation.file_format import read_representation, write_representation

    __version__: str

_PLACES = {
    "compare": "evaluation.comparison.comparing",
    "evaluate": "evaluation.metrics.arrays",
    "load_dataset": "benchmark.datasets",
    "read_representation": "evaluation.representation.file_format",
    "report": "benchmark.reporting.report",
    "score": "evaluation.metrics.arrays",
    "write_representation": "evaluation.representation.file_format",
}

__all__ = [
    "__version__",
    "compare",
    "evaluate",
    "load_dataset",
    "read_representation",
    "report",
    "score",
    "write_representation",
]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        value: object = version("disentanglement-bench")
    elif name in _PLACES:
        value = getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*__all__, "benchmark", "evaluation", "models"]

"""From arrays to paper: score saved representations without torch.

Everything is imported when it is first used, so that importing the package costs nothing:

>>> from disentanglement_bench.evaluation import score, read_representation

Every metric that stands in a file of `metrics` can be imported from here by the file's name, and
is called on arrays:

>>> from disentanglement_bench.evaluation import mig
>>> mig([[0.0, 1.0]] * 30, [[0]] * 30).reason
'no factor varies in the training part'
"""

import importlib
from pathlib import Path
from typing import Any

_PLACES = {
    "evaluate": "metrics.arrays",
    "score": "metrics.arrays",
    "Score": "metrics.score",
    "Metric": "metrics.metric",
    "Key": "metrics.metric",
    "MetricError": "metrics.metric",
    "METRICS": "metrics.registry",
    "get_metric": "metrics.registry",
    "check_metric": "metrics.checks",
    "sample_codes": "representation.sampling",
    "Representation": "representation.representation",
    "RepresentationError": "representation.array_checks",
    "RecordError": "files",
    "Shared": "representation.representation",
    "read_representation": "representation.file_format",
    "write_representation": "representation.file_format",
    "evaluate_paths": "scoring.batch",
    "kl_per_latent": "representation.posterior",
    "collapse_order": "representation.posterior",
    "collect": "statistics.cells",
    "summarise": "statistics.summary",
}
_METRICS = Path(__file__).with_name("metrics")

__all__ = sorted(_PLACES)


def __getattr__(name: str) -> Any:
    place = _PLACES.get(name, f"metrics.{name}")
    if name in _PLACES or (_METRICS / f"{name}.py").is_file():
        found = getattr(importlib.import_module(f"{__name__}.{place}"), name, None)
        if found is not None:
            globals()[name] = found
            return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__

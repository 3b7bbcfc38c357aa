"""From arrays to paper: score saved representations without torch.

Everything is imported when it is first used, so that importing the package costs nothing:

>>> from evaluation import score, read_representation
"""

import importlib

_PLACES = {
    "score": "disentanglement_bench.evaluation.metrics.driver",
    "mig": "disentanglement_bench.evaluation.metrics.mig",
    "sap": "disentanglement_bench.evaluation.metrics.sap",
    "sap_continuous": "disentanglement_bench.evaluation.metrics.sap_continuous",
    "dci": "disentanglement_bench.evaluation.metrics.dci",
    "mutual_information": "disentanglement_bench.evaluation.metrics.mutual_information",
    "modularity": "disentanglement_bench.evaluation.metrics.modularity",
    "explicitness": "disentanglement_bench.evaluation.metrics.explicitness",
    "Score": "disentanglement_bench.evaluation.metrics.score",
    "Metric": "disentanglement_bench.evaluation.metrics.metric",
    "Key": "disentanglement_bench.evaluation.metrics.metric",
    "MetricError": "disentanglement_bench.evaluation.metrics.metric",
    "METRICS": "disentanglement_bench.evaluation.metrics.registry",
    "get_metric": "disentanglement_bench.evaluation.metrics.registry",
    "check_metric": "disentanglement_bench.evaluation.metrics.checks",
    "sample_codes": "disentanglement_bench.evaluation.representation.sampling",
    "Representation": "disentanglement_bench.evaluation.representation.file_format",
    "RepresentationError": "disentanglement_bench.evaluation.representation.array_checks",
    "RecordError": "disentanglement_bench.evaluation.files",
    "read_representation": "disentanglement_bench.evaluation.representation.file_format",
    "write_representation": "disentanglement_bench.evaluation.representation.file_format",
    "evaluate_paths": "disentanglement_bench.evaluation.scoring.batch",
    "kl_per_latent": "disentanglement_bench.evaluation.representation.posterior",
    "collapse_order": "disentanglement_bench.evaluation.representation.posterior",
    "collect": "disentanglement_bench.evaluation.statistics.cells",
    "summarise": "disentanglement_bench.evaluation.statistics.summary",
}

__all__ = sorted(_PLACES)


def __getattr__(name):
    if name not in _PLACES:
        raise AttributeError(f"module 'evaluation' has no attribute {name!r}")
    found = getattr(importlib.import_module(_PLACES[name]), name)
    globals()[name] = found
    return found


def __dir__():
    return __all__

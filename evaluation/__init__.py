"""From arrays to paper: score saved representations without torch.

Everything is imported when it is first used, so that importing the package costs nothing:

>>> from evaluation import score, read_representation
"""

import importlib

_PLACES = {
    "score": "evaluation.scoring",
    "mig": "evaluation.metrics.mig",
    "sap": "evaluation.metrics.sap",
    "sap_continuous": "evaluation.metrics.sap_continuous",
    "dci": "evaluation.metrics.dci",
    "mutual_information": "evaluation.metrics.mutual_information",
    "modularity": "evaluation.metrics.modularity",
    "explicitness": "evaluation.metrics.explicitness",
    "Score": "evaluation.metrics.score",
    "Metric": "evaluation.metrics.registry",
    "Key": "evaluation.metrics.registry",
    "MetricError": "evaluation.metrics.registry",
    "METRICS": "evaluation.metrics",
    "get_metric": "evaluation.metrics",
    "check_metric": "evaluation.metrics.checks",
    "sample_codes": "evaluation.sampling",
    "Representation": "evaluation.representation",
    "RepresentationError": "evaluation.array_checks",
    "RecordError": "evaluation.records",
    "read_representation": "evaluation.representation",
    "write_representation": "evaluation.representation",
    "evaluate_paths": "evaluation.batch",
    "kl_per_latent": "evaluation.posterior",
    "collapse_order": "evaluation.posterior",
    "collect": "evaluation.aggregate",
    "summarise": "evaluation.summary",
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

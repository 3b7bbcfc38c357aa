"""The metrics' table of contents: names, keys, directions, ranges and variants as data.

Nothing is computed and no heavy library is imported here.
"""

import math

from .registry import Key, Metric, MetricError, find_metric, plugins

_PLACE = "disentanglement_bench.evaluation.metrics"


def _information_keys(suffix, of):
    return (
        Key(
            f"mi_matched{suffix}",
            f"I_m: information of {of} with factors, summed over the best one-to-one matching",
            high=math.inf,
            unit="nats",
        ),
        Key(f"mi_matched_fraction{suffix}", "I_m over the summed factor entropies"),
        Key(f"mi_mean_max{suffix}", "mean over factors of the largest information over entropy"),
    )


METRICS = {
    metric.name: metric
    for metric in (
        Metric(
            "mig",
            f"{_PLACE}.mig:mig",
            (Key("mig", "mutual information gap of posterior means"),),
            "mutual information gap between the two most informative codes",
            "mig[hist20,plugin,mean]",
            ("backend", "factor_names"),
        ),
        Metric(
            "mig_sampled",
            f"{_PLACE}.mig:mig",
            (Key("mig_sampled", "mutual information gap of codes drawn from the posterior"),),
            "mutual information gap of codes drawn from the posterior",
            "mig[hist20,plugin,sampled]",
            ("backend", "factor_names", "seed", "log_variances"),
        ),
        Metric(
            "sap",
            f"{_PLACE}.sap:sap",
            (Key("sap", "gap in accuracy between the two best one-code linear SVMs"),),
            "separated attribute predictability by linear SVMs on one code",
            "sap[linsvc-c0.01-balanced]",
            ("backend", "factor_names"),
        ),
        Metric(
            "sap_continuous",
            f"{_PLACE}.sap_continuous:sap_continuous",
            (Key("sap_continuous", "gap between the two largest squared correlations"),),
            "separated attribute predictability by squared correlation",
            "sap[r2]",
            ("factor_names",),
        ),
        Metric(
            "dci",
            f"{_PLACE}.dci:dci",
            (
                Key("dci_disentanglement", "each code serves one factor"),
                Key("dci_completeness", "each factor is served by one code"),
                Key("dci_informativeness_train", "accuracy of the trees on the training part"),
                Key("dci_informativeness_test", "accuracy of the trees on the test part"),
            ),
            "disentanglement, completeness, informativeness by gradient-boosted trees",
            "dci[gbt100-d3]",
            ("seed", "backend", "n_jobs", "factor_names"),
        ),
        Metric(
            "mi",
            f"{_PLACE}.mutual_information:mutual_information",
            _information_keys("", "posterior means"),
            "mutual information of posterior means with factors",
            "mi[hist20,plugin,nats,mean]",
            ("backend", "factor_names", "seed"),
        ),
        Metric(
            "mi_sampled",
            f"{_PLACE}.mutual_information:mutual_information",
            _information_keys("_sampled", "drawn codes"),
            "mutual information of codes drawn from the posterior with factors",
            "mi[hist20,plugin,nats,sampled]",
            ("backend", "factor_names", "seed", "log_variances"),
        ),
        Metric(
            "modularity",
            f"{_PLACE}.modularity:modularity",
            (Key("modularity", "each code tells about one factor only"),),
            "modularity from mutual information",
            "modularity[hist20,plugin]",
            ("backend", "factor_names"),
        ),
        Metric(
            "explicitness",
            f"{_PLACE}.explicitness:explicitness",
            (
                Key("explicitness_train", "area under ROC of a linear classifier, training part"),
                Key("explicitness_test", "area under ROC of a linear classifier, test part"),
            ),
            "explicitness by multinomial logistic regression",
            "explicitness[logreg-c1,auc]",
            ("factor_names",),
        ),
    )
}

TRAINING_KEYS = {
    key.name: key
    for key in (
        Key("nll", "negative log-likelihood of the decoder", False, unit="nats", high=math.inf),
        Key("kl", "divergence of the posterior from the prior", False, unit="nats", high=math.inf),
        Key("l2", "squared reconstruction error", False, unit="intensity²", high=math.inf),
        Key("tc", "total correlation, minibatch estimate", False, -math.inf, math.inf, "nats"),
        Key("active_units", "latents whose mean varies by more than 0.01", True, high=math.inf),
    )
}


def get_metric(name):
    """Look up a metric: built in, offered by an installed package, or `module:name`.

    Parameters
    ----------
    name : str

    Returns
    -------
    Metric

    Raises
    ------
    MetricError
        With the closest name, if it is unknown.

    Examples
    --------
    >>> get_metric("mig").keys[0].higher_is_better
    True
    """
    return find_metric(name, METRICS)


def metric_names():
    """All metrics that a name can be given for, built in first.

    Returns
    -------
    list of str
    """
    return [*METRICS, *(name for name in sorted(plugins()) if name not in METRICS)]


def with_twins(metrics, posterior):
    """The metrics to compute: each once, and the sampled twins where there is a posterior.

    Parameters
    ----------
    metrics : iterable of Metric
    posterior : bool
        Whether log-variances are given.

    Returns
    -------
    list of Metric
        Without those that need log-variances where there are none.

    Examples
    --------
    >>> [metric.name for metric in with_twins([METRICS["mig"], METRICS["sap"]], posterior=True)]
    ['mig', 'mig_sampled', 'sap']
    """
    chosen = {}
    for metric in metrics:
        chosen.setdefault(metric.name, metric)
        twin = METRICS.get(f"{metric.name}_sampled")
        if twin is not None and metric is METRICS[metric.name]:
            chosen.setdefault(twin.name, twin)
    return [m for m in chosen.values() if posterior or not m.needs_log_variances]


__all__ = [
    "METRICS",
    "TRAINING_KEYS",
    "Key",
    "Metric",
    "MetricError",
    "get_metric",
    "metric_names",
    "with_twins",
]

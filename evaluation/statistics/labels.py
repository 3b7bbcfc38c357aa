"""What tables and figures know about flat keys, read from what metrics declare."""

import dataclasses
import functools
import math

import pandas as pd

from ..metrics import METRICS, TRAINING_KEYS
from ..metrics.metric import ACTIVE, SAMPLED

HEADLINE = (
    "mig",
    "sap",
    "dci_disentanglement",
    "dci_completeness",
    "mi_matched",
    "mi_matched_sampled",
)
# Columns of tidy scores and cells that hold what a user's metric declares of its key.
FACTS = ["metric_label", "unit", "higher_is_better", "minimum", "maximum"]


@dataclasses.dataclass(frozen=True)
class KeyFacts:
    """A flat key as tables and figures need it.

    Attributes
    ----------
    name, label : str
    variant : str
        The exact form of the metric.
    unit : str
        Empty for a pure number.
    higher_is_better : bool or None
        None where neither direction is better, or none is declared: nothing is then ranked,
        chosen or tested by this key.
    low, high : float
        Range.
    metric : str
        Metric that gives the key; "training" for what the training loop measures.
    citation : str
        BibTeX key, or a text.
    description : str
        What it measures, in a line; empty where nobody says so.
    """

    name: str
    label: str
    variant: str
    unit: str
    higher_is_better: bool | None
    low: float
    high: float
    metric: str
    citation: str = ""
    description: str = ""

    @property
    def arrow(self):
        """↑ where higher is better, ↓ where lower is; empty where neither is."""
        return {True: "↑", False: "↓", None: ""}[self.higher_is_better]

    @property
    def sign(self):
        """Factor that turns values so that larger is better; 0 where no direction is."""
        return {True: 1, False: -1, None: 0}[self.higher_is_better]

    @property
    def axis(self):
        """Label of an axis: name and unit."""
        unit = f"{self.unit} per image" if self.metric == "training" and self.unit else self.unit
        return f"{self.label} ({unit})" if unit else self.label


def _facts(key, variant, metric, citation=""):
    low, high = key["low"], key["high"]
    return KeyFacts(
        name=key["name"],
        label=key.get("label") or key["name"],
        variant=variant,
        unit=key.get("unit") or "",
        higher_is_better=key.get("higher_is_better"),
        low=-math.inf if low is None else float(low),
        high=math.inf if high is None else float(high),
        metric=metric,
        citation=citation,
        description=key.get("description") or "",
    )


@functools.cache
def _built_in():
    known = {}
    for name, key in TRAINING_KEYS.items():
        variant = f"{name}[{'final' if name == 'active_units' else 'mean of last steps'}]"
        known[name] = _facts(dataclasses.asdict(key), variant, "training")
    for name, metric in METRICS.items():
        known |= declared_keys({name: metric.declaration()})
    variant = known["mig"].variant.replace("]", ",identifiable factors]")
    name, label = "mig_identifiable", "MIG, identifiable factors"
    known[name] = dataclasses.replace(known["mig"], name=name, label=label, variant=variant)
    units = known["active_units"]
    known["active_units"] = dataclasses.replace(units, citation="burda2016importance")
    return known


def declared_keys(declarations):
    """The keys that metrics declare.

    Parameters
    ----------
    declarations : dict of str to dict
        By the name of the metric, as `Metric.declaration` gives them.

    Returns
    -------
    dict of str to KeyFacts
        By flat key.
    """
    return {
        key["name"]: _facts(key, declared["variant"], name, declared.get("citation") or "")
        for name, declared in declarations.items()
        for key in declared["keys"]
    }


def describe_key(name: str, scores: pd.DataFrame | None = None) -> KeyFacts:
    """Describe a flat key: built in, from training, or as the scores at hand declare it.

    Parameters
    ----------
    name : str
    scores : DataFrame, optional
        Tidy scores or cells: the columns of `FACTS` describe the keys of users' metrics.

    Returns
    -------
    KeyFacts
        Of a key that nobody declares without a direction and with the variant ``name[undeclared]``.

    Examples
    --------
    >>> describe_key("mig").variant, describe_key("nll").arrow
    ('mig[hist20,plugin,mean]', '↓')
    """
    if name in _built_in():
        return _built_in()[name]
    if scores is not None and set(FACTS) <= set(scores):
        rows = scores[scores["metric"] == name]
        if len(rows):
            return _from_row(rows.iloc[0])
    return undeclared_key(name)


def first_keys():
    """The first key of each built-in metric that tables show apart from the headline ones.

    Returns
    -------
    tuple of str
        Twins only of the metrics that are computed by default.
    """
    return tuple(
        metric.keys[0].name
        for metric in METRICS.values()
        if metric.keys[0].name not in HEADLINE and (metric.default or not metric.suffix)
    )


def untwinned(metric):
    """The metric that a twin on sampled or active codes belongs to; itself for any other.

    Examples
    --------
    >>> untwinned("mi_sampled"), untwinned("irs_active"), untwinned("mig")
    ('mi', 'irs', 'mig')
    """
    return metric.removesuffix(SAMPLED).removesuffix(ACTIVE)


def is_built_in(name):
    """Whether a flat key is one of ours, or of training."""
    return name in _built_in()


def undeclared_key(name):
    """What is known of a key that nobody declares: next to nothing."""
    label = name.replace("_", " ")
    variant = f"{name}[undeclared]"
    return KeyFacts(name, label, variant, "", None, -math.inf, math.inf, name)


def _from_row(row):
    better = row["higher_is_better"]
    return KeyFacts(
        row["metric"],
        row["metric_label"],
        row["variant"],
        row["unit"],
        None if pd.isna(better) else bool(better),
        float(row["minimum"]),
        float(row["maximum"]),
        row["metric"],
    )


def restate_variant(facts, stated):
    """The facts of a key with what its scores' variant says beyond the declared one.

    Parameters
    ----------
    facts : KeyFacts
    stated : str or None
        The variant of the metric's scores.

    Returns
    -------
    KeyFacts

    Examples
    --------
    >>> restate_variant(describe_key("mig"), "mig[hist20,plugin,mean] with bin_factors=10").variant
    'mig[hist20,plugin,mean] with bin_factors=10'
    """
    declared = METRICS[facts.metric].variant if facts.metric in METRICS else facts.variant
    if not stated or not stated.startswith(declared):
        return facts
    return dataclasses.replace(facts, variant=facts.variant + stated.removeprefix(declared))


def describe_keys(scores):
    """`describe_key` of every metric in tidy scores, in their order.

    Returns
    -------
    dict of str to KeyFacts
    """
    firsts = scores.drop_duplicates("metric")
    return {name: describe_key(name, firsts) for name in firsts["metric"]}

"""What tables and figures call metrics and methods, and what they need to know about them."""

import dataclasses
import functools
import re

from ..metrics import METRICS, TRAINING_KEYS, Key, MetricError, get_metric, plugins
from ..naming import format_number

METHODS = {
    "vae": "VAE",
    "betavae": "β-VAE",
    "lambdabeta": "λβ-VAE",
    "lambdabeta_scratch": "λβ-VAE (λ from the start)",
    "betatcvae": "β-TCVAE",
    "betavae_first": "β-VAE (first phase)",
}
HEADLINE = (
    "mig",
    "sap",
    "dci_disentanglement",
    "dci_completeness",
    "mi_matched",
    "mi_matched_sampled",
)
# A method is not better for a smaller KL, and the TC is a minibatch estimate.
NEVER_RANKED = ("kl", "tc", "active_units")


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
    higher_is_better : bool
    low, high : float
        Range.
    metric : str
        Metric that gives the key; "training" for what the training loop measures.
    """

    name: str
    label: str
    variant: str
    unit: str
    higher_is_better: bool
    low: float
    high: float
    metric: str

    @property
    def arrow(self):
        """↑ where higher is better, ↓ where lower is; empty where neither is."""
        if self.name in NEVER_RANKED:
            return ""
        return "↑" if self.higher_is_better else "↓"

    @property
    def axis(self):
        """Label of an axis: name and unit."""
        unit = f"{self.unit} per image" if self.metric == "training" and self.unit else self.unit
        return f"{self.label} ({unit})" if unit else self.label


def _of_training(key):
    variant = f"{key.name}[{'final' if key.name == 'active_units' else 'mean of last steps'}]"
    return KeyFacts(
        key.name,
        key.label,
        variant,
        key.unit,
        key.higher_is_better,
        key.low,
        key.high,
        "training",
    )


@functools.cache
def _known():
    found = {name: _of_training(key) for name, key in TRAINING_KEYS.items()}
    for metric in METRICS.values():
        found.update(_of_metric(metric))
    partial = found["mig"]
    name = "mig_without_orientation"
    variant = partial.variant.replace("]", ",without orientation]")
    found[name] = dataclasses.replace(
        partial, name=name, label="MIG without orientation", variant=variant
    )
    return found


def _of_metric(metric):
    return {
        key.name: KeyFacts(
            key.name,
            key.label,
            metric.variant,
            key.unit,
            key.higher_is_better,
            key.low,
            key.high,
            metric.name,
        )
        for key in metric.keys
    }


@functools.cache
def _of_plugins():
    found = {}
    for name in plugins():
        try:
            found.update(_of_metric(get_metric(name)))
        except MetricError:  # its scores are still shown, as those of an unknown metric
            continue
    return found


@functools.cache
def describe_key(name):
    """Look a flat key up: built in, from training, or from an installed package.

    Parameters
    ----------
    name : str

    Returns
    -------
    KeyFacts
        Of a key that nobody declares, with the variant ``name[undeclared]`` and higher taken to
        be better, as `bench evaluate` does for a plain function.

    Examples
    --------
    >>> describe_key("mig").variant, describe_key("nll").arrow
    ('mig[hist20,plugin,mean]', '↓')
    """
    if name in _known():
        return _known()[name]
    if name in _of_plugins():
        return _of_plugins()[name]
    key = Key(name, high=float("inf"))
    label = name.replace("_", " ")
    return KeyFacts(name, label, f"{name}[undeclared]", "", True, key.low, key.high, name)


def rankable(name):
    """Whether one method can be better than another in this key."""
    return name not in NEVER_RANKED


def method_label(method):
    """How a method is written in tables.

    Examples
    --------
    >>> method_label("lambdabeta"), method_label("mymodel")
    ('λβ-VAE', 'mymodel')
    """
    return METHODS.get(method, method)


def curve_label(curve):
    """How a curve, that is a method with everything fixed but β, is written in legends.

    Examples
    --------
    >>> curve_label("lambdabeta,lambda=8"), curve_label("betavae")
    ('λβ-VAE, λ = 8', 'β-VAE')
    """
    method, _, rest = curve.partition(",")
    return ", ".join([method_label(method), *(_greek(part) for part in rest.split(",") if part)])


def setting_label(setting):
    """How hyperparameters are written: ``beta=4,lambda=2`` as ``β = 4, λ = 2``."""
    return ", ".join(_greek(part) for part in setting.split(",") if part) or "default"


def _greek(part):
    name, _, value = part.partition("=")
    return f"{ {'beta': 'β', 'lambda': 'λ'}.get(name, name) } = {value}"


def method_order(method):
    """Sort key: the zoo first in its own order, then others by name."""
    names = list(METHODS)
    return (names.index(method), "") if method in METHODS else (len(names), method)


def curve_order(curve):
    """Sort key of a curve: by method, then by the numbers in it."""
    method, _, rest = curve.partition(",")
    order = ("betavae", "lambdabeta", "lambdabeta_scratch", "betatcvae", "betavae_first")
    place = order.index(method) if method in order else len(order)
    numbers = tuple(float(x) for x in re.findall(r"=(-?[\d.]+(?:e-?\d+)?)", rest))
    return place, method, numbers, rest


def write_setting(values):
    """Hyperparameters as one text, β and λ first.

    Parameters
    ----------
    values : dict of str to float
        NaN and None are left out.

    Examples
    --------
    >>> write_setting({"lambda": 2.0, "beta": 4.0, "gamma": None})
    'beta=4,lambda=2'
    """
    order = sorted(values, key=lambda n: ({"beta": 0, "lambda": 1}.get(n, 2), n))
    parts = []
    for name in order:
        value = values[name]
        if value is None or value != value:
            continue
        text = value if isinstance(value, str) else format_number(value)
        parts.append(f"{name}={text}")
    return ",".join(parts)

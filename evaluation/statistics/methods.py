"""Which method every run is of, what it is called and on which curve it lies.

All of it follows from what runs declare about their model: its name and label, the model that it
continues from, and the simpler methods that it is at certain hyperparameters.
"""

import dataclasses
import re

import numpy as np
import pandas as pd

from ..scoring.run_records import describe_method
from .axes import choose_axis, default_axis, name_value, setting_label, write_setting

_SHOWN = (
    "curve",
    "curve_label",
    "axis",
    "axis_label",
    "setting",
    "setting_label",
    "reduces_to",
    "role",
    "citation",
)
# What tells a method from the model that was trained; it follows the name of the model.
ROLES = {"first": "first phase", "scratch": "from scratch", "external": "external"}


@dataclasses.dataclass(frozen=True)
class Method:
    """What one run is called in tables and figures.

    Attributes
    ----------
    name, label : str
    curve, curve_label : str
        The method and every hyperparameter and swept setting but the axis: what one curve is
        drawn of.
    axis : str or None
        The hyperparameter or setting that the curve is drawn over; None where a run has none.
    axis_label : str
        How it is written; empty without an axis.
    setting, setting_label : str
        All hyperparameters and swept settings as text, with the names that users type, and as
        people read it.
    reduces_to : str or None
        The simplest method that its model reduces to; None for one that is related to no other.
        Methods that share it differ in hyperparameters alone.
    role : str
        One of `ROLES`, or empty.
    citation : str
        A BibTeX key or a text.
    order : tuple
        Sort key.
    """

    name: str
    label: str
    curve: str
    curve_label: str
    axis: str | None
    axis_label: str
    setting: str
    setting_label: str
    reduces_to: str | None
    role: str
    citation: str
    order: tuple


def name_method(declared, values, role="", citations=None, roots=(), axis=None):
    """Derive a run's method from what it declares about its model.

    Parameters
    ----------
    declared : dict
        The block `method` of a run record.
    values : dict of str to float
        Hyperparameters, and settings that were swept.
    role : str
        One of `ROLES`, or empty. Runs of a first phase reduce to nothing: they are what others
        start from.
    citations : dict of str to str, optional
        By the names of methods, for those that a model reduces to.
    roots : container of str
        Methods that other models reduce to.
    axis : str, optional
        What the curve is drawn over; by default what the model declares (`default_axis`).

    Returns
    -------
    Method

    Examples
    --------
    >>> vae = {"name": "vae", "label": "VAE", "where": {"beta": 1}}
    >>> declared = {"name": "betavae", "label": "β-VAE", "reduces_to": [vae]}
    >>> found = name_method(declared, {"beta": 1.0})
    >>> found.label, found.curve, found.axis, found.setting
    ('VAE', 'betavae', 'beta', 'beta=1')
    """
    reductions = declared.get("reduces_to") or []
    fits = [] if role == "first" else [r for r in reductions if _holds(r, values)]
    own = {"name": declared["name"], "label": declared["label"], "where": {}}
    method = fits[0] if fits else own
    declared_axis = default_axis(declared, values)
    axis = axis or declared_axis
    # A setting has one name, whatever other runs there are; a curve goes over what varies.
    named, base = (
        next((r for r in fits if name not in r["where"]), own) for name in (declared_axis, axis)
    )
    if role == "scratch" and fits:
        role = ""
    setting = write_setting({k: v for k, v in values.items() if k not in named["where"]})
    fixed = {k: v for k, v in values.items() if k not in (axis, *base["where"])}
    fixed = write_setting(fixed)
    symbols = declared.get("symbols")
    root = declared["name"] if declared["name"] in roots else None
    root = reductions[0]["name"] if reductions else root
    place = reductions.index(method) if fits else len(reductions)
    name, curve = (_suffixed(entry["name"], role) for entry in (method, base))
    mark = f" ({ROLES[role]})" if role else ""
    return Method(
        name=name,
        label=method["label"] + mark,
        curve=",".join(filter(None, [curve, fixed])),
        curve_label=", ".join(
            filter(None, [base["label"] + mark, fixed and setting_label(fixed, symbols)])
        ),
        axis=axis,
        axis_label=name_value(axis, symbols) if axis else "",
        setting=setting,
        setting_label=setting_label(setting, symbols),
        reduces_to=None if role else root,
        role=role,
        citation=(citations or {}).get(method["name"], declared.get("citation") or ""),
        order=(role == "first", role == "external", root is None, root or "", place, name),
    )


def _suffixed(name, role):
    return f"{name}_{role}" if role else name


def _holds(reduction, values):
    return all(values.get(k) == v for k, v in reduction["where"].items())


def add_methods(runs, declarations):
    """Give every run its method, curve and setting.

    Parameters
    ----------
    runs : DataFrame
        With `dataset`, `protocol`, `hyperparameters` and `settings` (dicts), `init`, `steps` and
        `source`.
    declarations : list of dict
        For every run the block `method` of its record.

    Returns
    -------
    DataFrame
        With the fields of `Method` as columns (`method`, `method_label`, `curve`, `curve_label`,
        `axis`, `axis_label`, `setting`, `setting_label`, `reduces_to`, `role`, `citation`),
        `axis_value`, `continued_by` (of runs of a first phase: labels of what continues them), and
        sorted by method, curve and value of the axis. Hyperparameters that a related method fixes
        are filled in: the β-VAE has λ = 0 where there is a λβ-VAE.
    """
    names = [declared["name"] for declared in declarations]
    values = [
        {**given, **swept}
        for given, swept in zip(runs["hyperparameters"], runs["settings"], strict=True)
    ]
    axes = _choose_axes(runs, declarations, values)
    strata = list(zip(runs["dataset"], runs["protocol"], strict=True))
    continued = {}
    for stratum, declared, init in zip(strata, declarations, runs["init"], strict=True):
        if declared.get("continues") and init != "scratch":
            heirs = continued.setdefault((*stratum, declared["continues"]), {})
            heirs[declared["label"]] = True
    citations, roots = {}, set()
    for declared in declarations:
        citations.setdefault(declared["name"], declared.get("citation") or "")
        roots |= {reduction["name"] for reduction in (declared.get("reduces_to") or [])[:1]}
    for declared in declarations:
        for reduction in declared.get("reduces_to") or []:
            known = describe_method(reduction["name"])
            citations.setdefault(reduction["name"], known["citation"])
    methods, heirs = [], []
    columns = runs[["unequal_steps", "source", "init"]].to_dict("records")
    for row, stratum, name, declared, own, axis in zip(
        columns, strata, names, declarations, values, axes, strict=True
    ):
        heir = continued.get((*stratum, name), {}) if row["unequal_steps"] else {}
        role = ""
        if row["source"] == "external":
            role = "external"
        elif heir:
            role = "first"
        elif declared.get("continues") and row["init"] == "scratch":
            role = "scratch"
        methods.append(name_method(declared, own, role, citations, roots, axis))
        heirs.append(", ".join(heir) if role == "first" else None)
    columns = {"method": [m.name for m in methods], "method_label": [m.label for m in methods]}
    columns |= {name: [getattr(m, name) for m in methods] for name in _SHOWN}
    columns["continued_by"] = heirs
    columns["_order"] = [(m.order, *_numbers(m.curve)) for m in methods]
    runs = runs.assign(**{k: pd.Series(v, runs.index, dtype=object) for k, v in columns.items()})
    _fill_implied(runs, declarations)
    _place_on_axes(runs, values)
    _tell_apart(runs)
    order = {key: place for place, key in enumerate(sorted(set(runs["_order"])))}
    runs["_order"] = runs["_order"].map(order)
    keys = ["dataset", "protocol", "_order", "axis_value", "setting", "seed", "path"]
    return runs.sort_values(keys, kind="stable", ignore_index=True).drop(columns="_order")


def _choose_axes(runs, declarations, values):
    """Every run's axis, one for each model of data set and protocol; what others trained apart."""
    columns = (runs["dataset"], runs["protocol"], runs["source"] == "external", declarations)
    keys = [(*key, declared["name"]) for *key, declared in zip(*columns, strict=True)]
    groups = {}
    for place, key in enumerate(keys):
        groups.setdefault(key, []).append(place)
    axes = {
        key: choose_axis(declarations[places[0]], [values[place] for place in places])
        for key, places in groups.items()
    }
    return [axes[key] for key in keys]


def _place_on_axes(runs, values):
    """Where on its curve each run lies; a method that is another at one β lies on that one's."""
    implied = runs["axis"].isna() & runs["beta"].notna()
    runs.loc[implied, "axis"], runs.loc[implied, "axis_label"] = "beta", name_value("beta")
    stated = [own.get(axis, np.nan) for own, axis in zip(values, runs["axis"], strict=True)]
    # Text lies nowhere on an axis of numbers.
    numbers = [np.nan if isinstance(value, str) else value for value in stated]
    runs["axis_value"] = np.array(numbers, dtype=float)
    for name in ("beta", "lambda"):
        filled = runs[name].where(runs["axis"] == name)
        runs["axis_value"] = runs["axis_value"].fillna(filled)


def _numbers(curve):
    """Curves of one method go by the numbers in their names."""
    found = re.findall(r"=(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)(?=,|$)", curve, re.ASCII)
    return tuple(map(float, found)), curve


def _fill_implied(runs, declarations):
    """Set the hyperparameters that other models fix where they reduce to a run's method."""
    implied = {}
    for declared in declarations:
        for reduction in declared.get("reduces_to") or []:
            implied.setdefault(reduction["name"], {}).update(reduction["where"])
    for name in ("beta", "lambda"):
        known = {model: where[name] for model, where in implied.items() if name in where}
        base = [re.sub(r"_(first|external)$", "", method) for method in runs["method"]]
        runs[name] = runs[name].fillna(pd.Series(base, runs.index).map(known)).astype(float)


def _tell_apart(runs):
    """Add the name to labels that several methods share."""
    for name, label in (("method", "method_label"), ("curve", "curve_label")):
        pairs = runs[[name, label]].drop_duplicates()
        shared = set(pairs.loc[pairs[label].duplicated(keep=False), name])
        twice = runs[name].isin(shared)
        runs[label] = np.where(twice, runs[label] + " (" + runs[name] + ")", runs[label])

"""Which method every run is of, what it is called and on which curve it lies.

All of it follows from what runs declare about their model: its name and label, the model that it
continues from, and the simpler methods that it is at certain hyperparameters.
"""

import dataclasses
import re

import numpy as np
import pandas as pd

from ..scoring.run_records import describe_method
from .labels import setting_label, write_setting

# What tells a method from the model that was trained; it follows the name of the model.
ROLES = {"first": "first phase", "scratch": "from scratch", "external": "external"}


@dataclasses.dataclass(frozen=True)
class Method:
    """What one run is called in tables and figures.

    Attributes
    ----------
    name, label : str
    curve, curve_label : str
        The method and every hyperparameter but β: what a curve over β is drawn of.
    setting : str
        All hyperparameters as text.
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
    setting: str
    reduces_to: str | None
    role: str
    citation: str
    order: tuple


def name_method(declared, hyperparameters, role="", citations=None, roots=()):
    """Derive a run's method from what it declares about its model.

    Parameters
    ----------
    declared : dict
        The block `method` of a run record.
    hyperparameters : dict of str to float
    role : str
        One of `ROLES`, or empty. Runs of a first phase reduce to nothing: they are what others
        start from.
    citations : dict of str to str, optional
        By the names of methods, for those that a model reduces to.
    roots : container of str
        Methods that other models reduce to.

    Returns
    -------
    Method

    Examples
    --------
    >>> vae = {"name": "vae", "label": "VAE", "where": {"beta": 1}}
    >>> declared = {"name": "betavae", "label": "β-VAE", "reduces_to": [vae]}
    >>> found = name_method(declared, {"beta": 1.0})
    >>> found.label, found.curve, found.setting
    ('VAE', 'betavae', 'beta=1')
    """
    reductions = declared.get("reduces_to") or []
    fits = [] if role == "first" else [r for r in reductions if _holds(r, hyperparameters)]
    own = {"name": declared["name"], "label": declared["label"], "where": {}}
    method = fits[0] if fits else own
    base = next((r for r in fits if "beta" not in r["where"]), own)
    if role == "scratch" and fits:
        role = ""
    rest = {k: v for k, v in hyperparameters.items() if k not in base["where"]}
    setting = write_setting(rest)
    fixed = write_setting({k: v for k, v in rest.items() if k != "beta"})
    root = declared["name"] if declared["name"] in roots else None
    root = reductions[0]["name"] if reductions else root
    place = reductions.index(method) if fits else len(reductions)
    name, curve = (_suffixed(entry["name"], role) for entry in (method, base))
    mark = f" ({ROLES[role]})" if role else ""
    return Method(
        name=name,
        label=method["label"] + mark,
        curve=",".join(filter(None, [curve, fixed])),
        curve_label=", ".join(filter(None, [base["label"] + mark, fixed and setting_label(fixed)])),
        setting=setting,
        reduces_to=None if role else root,
        role=role,
        citation=(citations or {}).get(method["name"], declared.get("citation") or ""),
        order=(role == "first", role == "external", root is None, root or "", place, name),
    )


def _suffixed(name, role):
    return f"{name}_{role}" if role else name


def _holds(reduction, hyperparameters):
    return all(hyperparameters.get(k) == v for k, v in reduction["where"].items())


def add_methods(runs, declarations):
    """Give every run its method, curve and setting.

    Parameters
    ----------
    runs : DataFrame
        With `dataset`, `protocol`, `hyperparameters` (dict), `init`, `steps` and `source`.
    declarations : list of dict
        For every run the block `method` of its record.

    Returns
    -------
    DataFrame
        With the fields of `Method` as columns (`method`, `method_label`, `curve`, `curve_label`,
        `setting`, `reduces_to`, `role`, `citation`), `continued_by` (of runs of a first phase:
        labels of what continues them), and sorted by method, curve and β. Hyperparameters that a
        related method fixes are filled in: the β-VAE has λ = 0 where there is a λβ-VAE.
    """
    names = [declared["name"] for declared in declarations]
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
    columns = runs[["unequal_steps", "source", "init", "hyperparameters"]].to_dict("records")
    for row, stratum, name, declared in zip(columns, strata, names, declarations, strict=True):
        heir = continued.get((*stratum, name), {}) if row["unequal_steps"] else {}
        role = ""
        if row["source"] == "external":
            role = "external"
        elif heir:
            role = "first"
        elif declared.get("continues") and row["init"] == "scratch":
            role = "scratch"
        methods.append(name_method(declared, row["hyperparameters"], role, citations, roots))
        heirs.append(", ".join(heir) if role == "first" else None)
    shown = ("curve", "curve_label", "setting", "reduces_to", "role", "citation")
    fields = {"method": "name", "method_label": "label", **dict(zip(shown, shown, strict=True))}
    columns = {column: [getattr(m, f) for m in methods] for column, f in fields.items()}
    columns["continued_by"] = heirs
    columns["_order"] = [(m.order, *_numbers(m.curve)) for m in methods]
    runs = runs.assign(**{k: pd.Series(v, runs.index, dtype=object) for k, v in columns.items()})
    _fill_implied(runs, declarations)
    _tell_apart(runs)
    order = {key: place for place, key in enumerate(sorted(set(runs["_order"])))}
    runs["_order"] = runs["_order"].map(order)
    keys = ["dataset", "protocol", "_order", "beta", "setting", "seed", "path"]
    return runs.sort_values(keys, kind="stable", ignore_index=True).drop(columns="_order")


def _numbers(curve):
    """Curves of one method go by the numbers in their names."""
    found = re.findall(r"=(-?[\d.]+(?:e-?\d+)?)", curve)
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

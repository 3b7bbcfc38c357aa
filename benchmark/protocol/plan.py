"""From a preset and options to the ordered list of runs."""

import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property

from ...evaluation.importing import name_object
from .presets import Config
from .registry import Model
from .settings import OF_HOOKS, uses_setting, write_value
from .sweep import list_points

# Keys of a configuration that do not change what a run computes.
_BOOKKEEPING = ("checkpoint_every", "steps", "continue_steps")
# What a setting is where a stored configuration, of a version before it, does not name it.
DEFAULTS = {name: value for name, value in vars(Config()).items() if name not in _BOOKKEEPING}


@dataclass(frozen=True)
class RunSpec:
    """One run: what is trained on what, and where its folder is.

    Attributes
    ----------
    dataset : str
        Name of the data set, or what finds a user's own from any folder.
    preset : str
    tag : str
        Name of a variant of the preset, or "".
    model : Model
    hyperparameters : tuple of (str, float)
    init : str
        "parent" (continues from `parent`) or "scratch".
    seed : int
    config : Config
    phases : tuple of int
        Steps of each phase, the parent's included.
    parent : RunSpec or None
    notes : tuple of str
        Where the data set made the protocol change, a sentence each.
    settings : tuple of (str, object)
        Settings of the protocol that are swept and differ from it here; `config` has them.
    """

    dataset: str
    preset: str
    tag: str
    model: Model
    hyperparameters: tuple[tuple[str, float], ...]
    init: str
    seed: int
    config: Config
    phases: tuple[int, ...]
    parent: "RunSpec | None" = None
    notes: tuple[str, ...] = ()
    settings: tuple[tuple[str, object], ...] = ()

    def __hash__(self):
        return hash(self.path)

    @property
    def dataset_name(self):
        """The data set as it is stored and shown: a user's own from a file goes by its stem."""
        return name_object(self.dataset)

    @property
    def start(self):
        """The first step that the run trains itself."""
        return sum(self.parent.phases) if self.parent else 0

    @property
    def own_steps(self):
        """Number of steps that the run trains itself."""
        return sum(self.phases) - self.start

    @property
    def from_scratch(self):
        """Whether a model that continues another was trained from the start instead."""
        return self.model.continues is not None and self.init == "scratch"

    @cached_property
    def path(self):
        """The run's folder below the folder of all runs; it is the run's identity."""
        chosen = (*self.hyperparameters, *self.settings)
        settings = [f"{name}={write_value(value)}" for name, value in chosen]
        if self.from_scratch:
            settings.append("init=scratch")
        preset = f"{self.preset}+{self.tag}" if self.tag else self.preset
        return "/".join(
            (
                self.dataset_name.replace(":", "."),
                preset,
                self.model.folder,
                ",".join(settings) or "default",
                f"seed-{self.seed}",
            )
        )

    def identity(self):
        """What was trained on what, as run.json and the tables name it."""
        identity = {
            "dataset": self.dataset_name,
            "preset": self.preset,
            "tag": self.tag,
            "model": self.model.name,
            "hyperparameters": dict(self.hyperparameters),
            "init": self.init,
            "seed": self.seed,
        }
        return {**identity, "settings": dict(self.settings)} if self.settings else identity

    def method(self):
        """What tables and figures need to know of the method, as run.json stores it."""
        return self.model.method()

    def resolved(self):
        """Everything that decides the result, as plain data; what run.json stores as config."""
        config = {k: v for k, v in vars(self.config).items() if k not in _BOOKKEEPING}
        for name in OF_HOOKS:
            if not uses_setting(self.model, name):
                del config[name]
        config["final_steps"] = min(self.config.final_steps, max(1, self.phases[-1] // 10))
        return {
            "model": self.model.name,
            "hyperparameters": dict(self.hyperparameters),
            "init": self.init,
            "seed": self.seed,
            "phases": list(self.phases),
            "start": self.start,
            **config,
        }


def config_sha256(resolved):
    """Hash of a resolved configuration, independent of the order of its keys.

    Settings at their default are left out: one that is new does not change the hash of old runs.
    """
    changed = {k: v for k, v in resolved.items() if k not in DEFAULTS or v != DEFAULTS[k]}
    text = json.dumps(changed, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def make_plan(
    preset,
    config,
    models=(),
    datasets=(),
    seeds=None,
    sweeps=None,
    init="parent",
    tag="",
    fit=None,
):
    """List the runs of a preset, parents before their children.

    Parameters
    ----------
    preset : Preset
    config : Config
        The preset's own with the options applied.
    models, datasets : iterable of str
        Default: the whole zoo, the preset's data sets.
    seeds : iterable of int, optional
    sweeps : dict of str to tuple of (float or str), optional
        Values of hyperparameters, in place of the models' own and the preset's; and, as text,
        of settings of the protocol. Every model is trained at all combinations.
    init : str
        "parent" or "scratch": how a model that continues another begins.
    tag : str
    fit : callable, optional
        ``fit(dataset, config) -> (Config, notes)``: the configuration on one data set.

    Returns
    -------
    list of RunSpec
        Without repetitions; ordered by data set, seed, then as the models were named.

    Raises
    ------
    BenchError
        For unknown names, values out of range or given twice, a hyperparameter that no planned
        model has, a setting that cannot be swept, or a continuation of no steps.
    """
    points = list_points(preset, config, models, sweeps or {}, init)
    configs = {point.settings: replace(config, **dict(point.settings)) for point in points}
    plan = []
    for dataset in dict.fromkeys(tuple(datasets) or preset.datasets):
        fitted = {
            settings: fit(dataset, varied) if fit else (varied, ())
            for settings, varied in configs.items()
        }
        for seed in dict.fromkeys(preset.list_seeds(dataset) if seeds is None else seeds):
            specs = {}
            for point in points:
                varied, notes = fitted[point.settings]
                specs[point] = RunSpec(
                    dataset=dataset,
                    preset=preset.name,
                    tag=tag,
                    model=point.model,
                    hyperparameters=point.hyperparameters,
                    init="parent" if point.parent else "scratch",
                    seed=seed,
                    config=varied,
                    phases=point.phases,
                    parent=specs.get(point.parent),
                    notes=notes,
                    settings=point.settings,
                )
            plan += specs.values()
    return plan


def families(plan):
    """Group a plan into families: a parent with its children, or a run alone.

    Returns
    -------
    list of list of RunSpec
        In the order of the plan.
    """
    grouped = {}
    for spec in plan:
        grouped.setdefault(spec.parent or spec, []).append(spec)
    return list(grouped.values())


def shard(plan, index, count):
    """The part of a plan that one of `count` machines carries out; families stay whole.

    Parameters
    ----------
    plan : list of RunSpec
    index : int
        From 0 to count − 1.
    count : int
    """
    return [spec for family in families(plan)[index::count] for spec in family]

"""From a preset and options to the ordered list of runs."""

import hashlib
import json
from dataclasses import asdict, dataclass

from ...evaluation.naming import format_number
from ..errors import BenchError
from .presets import Config
from .registry import ZOO, ModelEntry, get_model

# Keys of a configuration that do not change what a run computes.
_BOOKKEEPING = ("checkpoint_every", "steps", "continue_steps")


@dataclass(frozen=True)
class RunSpec:
    """One run: what is trained on what, and where its folder is.

    Attributes
    ----------
    dataset, preset : str
    tag : str
        Name of a variant of the preset, or "".
    model : ModelEntry
    hyperparameters : tuple of (str, float)
    init : str
        "parent" (continues from `parent`) or "scratch".
    seed : int
    config : Config
    phases : tuple of int
        Steps of each phase, the parent's included.
    parent : RunSpec or None
    """

    dataset: str
    preset: str
    tag: str
    model: ModelEntry
    hyperparameters: tuple[tuple[str, float], ...]
    init: str
    seed: int
    config: Config
    phases: tuple[int, ...]
    parent: "RunSpec | None" = None

    @property
    def start(self):
        """The first step that the run trains itself."""
        return sum(self.parent.phases) if self.parent else 0

    @property
    def own_steps(self):
        """Number of steps that the run trains itself."""
        return sum(self.phases) - self.start

    @property
    def path(self):
        """The run's folder below the folder of all runs; it is the run's identity."""
        settings = [f"{name}={format_number(value)}" for name, value in self.hyperparameters]
        if self.model.name == "lambdabeta" and self.init == "scratch":
            settings.append("init=scratch")
        preset = f"{self.preset}+{self.tag}" if self.tag else self.preset
        return "/".join(
            (
                self.dataset.replace(":", "."),
                preset,
                self.model.folder,
                ",".join(settings) or "default",
                f"seed-{self.seed}",
            )
        )

    def identity(self):
        """What was trained on what, as run.json and the tables name it."""
        return {
            "dataset": self.dataset,
            "preset": self.preset,
            "tag": self.tag,
            "model": self.model.name,
            "hyperparameters": dict(self.hyperparameters),
            "init": self.init,
            "seed": self.seed,
        }

    def resolved(self):
        """Everything that decides the result, as plain data; what run.json stores as config."""
        config = {k: v for k, v in asdict(self.config).items() if k not in _BOOKKEEPING}
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
    """Hash of a resolved configuration, independent of the order of its keys."""
    text = json.dumps(resolved, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def make_plan(
    preset,
    config,
    models=(),
    datasets=(),
    seeds=None,
    betas=None,
    lambdas=None,
    init="parent",
    tag="",
    settings=(),
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
    betas, lambdas : iterable of float, optional
        Default: the preset's.
    init : str
        "parent" or "scratch": how `lambdabeta` with λ > 0 begins.
    tag : str
    settings : iterable of (str, float)
        Further hyperparameters of plugin models.

    Returns
    -------
    list of RunSpec
        Without repetitions; ordered by data set, seed, then as the models were named.

    Raises
    ------
    BenchError
        For unknown names, a hyperparameter no planned model has, or λ without a continuation.
    """
    seeds = tuple(range(preset.seeds)) if seeds is None else tuple(seeds)
    models = tuple(models) or ("vae", *ZOO)
    builder = _Builder(preset, config, betas, lambdas, init, tag, dict(settings))
    plan = {}
    for dataset in tuple(datasets) or preset.datasets:
        for seed in seeds:
            for model in models:
                for spec in builder.specs(model, dataset, seed):
                    if spec.parent is not None:
                        plan.setdefault(spec.parent)
                    plan.setdefault(spec)
    builder.check_used()
    return list(plan)


class _Builder:
    def __init__(self, preset, config, betas, lambdas, init, tag, settings):
        self.preset = preset
        self.config = config
        self.betas = betas
        self.lambdas = lambdas
        self.init = init
        self.tag = tag
        self.settings = settings
        self.used = set()
        self.entries = {}

    def specs(self, model, dataset, seed):
        """The runs of one model, data set and seed, over the sweep."""
        if model == "vae":
            yield self._vae(dataset, seed)
            return
        entry = self.entries.setdefault(model, get_model(model))
        names = entry.hyperparameter_names()
        betas = self._sweep(names, "beta", self.betas, self.preset.betas_of(model))
        lambdas = self._sweep(names, "lambda", self.lambdas, self.preset.lambdas)
        self.used.update(name for name in self.settings if name in names)
        for beta in betas:
            for lambda_ in lambdas:
                given = {"beta": beta, "lambda": lambda_, **self.settings}
                values = {name: given[name] for name in names if given.get(name) is not None}
                if entry.name == "lambdabeta":
                    yield self._lambda_beta(dataset, seed, beta, lambda_)
                elif entry.name == "betavae":
                    yield self._parent(dataset, seed, beta)
                else:
                    values = self._with_defaults(entry, values)
                    yield self._spec(entry, dataset, seed, values, self._both_phases())

    def check_used(self):
        """Refuse hyperparameters that no planned model has."""
        unused = [name for name in self.settings if name not in self.used]
        if unused:
            known = sorted({n for e in self.entries.values() for n in e.hyperparameter_names()})
            raise BenchError(
                f"--set {unused[0]}: neither a setting of the protocol nor a hyperparameter of "
                f"the models planned (theirs: {', '.join(known) or 'none'}); "
                "see bench list presets",
                exit_code=2,
            )

    def _sweep(self, names, name, given, default):
        if name not in names or name in self.settings:
            return (None,)
        return tuple(default if given is None else given)

    def _with_defaults(self, entry, values):
        """A plugin's hyperparameters, its own defaults among them, so that they are on record."""
        if entry.hyperparameters is not None:
            return values
        from ...models.autoencoder import resolve_hyperparameters

        try:
            return resolve_hyperparameters(entry.load(), values)
        except (TypeError, ValueError) as error:
            raise BenchError(f"model {entry.name!r}: {error}", exit_code=2) from error

    def _both_phases(self):
        second = self.config.continue_steps
        return (self.config.steps, second) if second else (self.config.steps,)

    def _vae(self, dataset, seed):
        """The VAE after as many steps as the runs it is compared with."""
        if self.config.continue_steps:
            return self._lambda_beta(dataset, seed, 1, 0)
        return self._parent(dataset, seed, 1)

    def _parent(self, dataset, seed, beta):
        return self._spec(ZOO["betavae"], dataset, seed, {"beta": beta}, (self.config.steps,))

    def _lambda_beta(self, dataset, seed, beta, lambda_):
        values = {"beta": beta, "lambda": lambda_}
        # Without the penalty both beginnings are the same computation: one run serves both.
        if self.init == "scratch" and lambda_ > 0:
            return self._spec(ZOO["lambdabeta"], dataset, seed, values, self._both_phases())
        if not self.config.continue_steps:
            raise BenchError(
                "lambdabeta continues from betavae for --continue-steps, which is 0; "
                "give it a positive number, or train from the start with --init scratch",
                exit_code=2,
            )
        parent = self._parent(dataset, seed, beta)
        return self._spec(ZOO["lambdabeta"], dataset, seed, values, self._both_phases(), parent)

    def _spec(self, entry, dataset, seed, values, phases, parent=None):
        return RunSpec(
            dataset=dataset,
            preset=self.preset.name,
            tag=self.tag,
            model=entry,
            hyperparameters=tuple((name, float(value)) for name, value in values.items()),
            init="parent" if parent else "scratch",
            seed=seed,
            config=self.config,
            phases=phases,
            parent=parent,
        )


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
    mine = families(plan)[index::count]
    return [spec for family in mine for spec in family]

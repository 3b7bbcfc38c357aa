"""Named protocols, and everything about a run that can be set."""

from dataclasses import dataclass, field, fields, replace

from ...evaluation.naming import unknown_name
from ...evaluation.reference.benchmarks import Benchmark
from ..errors import BenchError
from .fit import check_network


@dataclass(frozen=True)
class Config:
    """Everything that decides what a run computes, apart from objective, data set and seed.

    Attributes
    ----------
    network : str
        Encoder and decoder, a name in `models.networks.NETWORKS`.
    image_size : int
        Side to which images are average-pooled; 0 leaves them as they are.
    latent_size : int
    batch_size : int
    learning_rate, adam_beta1, adam_beta2, adam_epsilon : float
    steps : int
        Steps of the first phase.
    continue_steps : int
        Steps of the second phase, which begins with a fresh Adam; 0 for none.
    final_steps : int
        Steps over which the final means are taken, at most a tenth of the last phase.
    log_every, checkpoint_every : int
        Steps between rows of training.csv, and between checkpoints.
    n_train, n_test : int
        Images of the representation's training and test part.
    amp : str
        "none" or "bf16".
    tf32 : str
        What may round its operands to TF32 on a CUDA device: "none", "convolutions" or "all",
        which adds matrix products. Without effect elsewhere.
    permuted_batch : str
        Whose codes a model with an adversary permutes: "second" (those of a second batch, from a
        stream of its own) or "same" (those of the batch it trains on).
    pair_factors : int
        In how many factors the images of a pair differ, for a model that trains on pairs; 0 draws
        it for each pair.
    """

    network: str = "conv"
    image_size: int = 0
    latent_size: int = 10
    batch_size: int = 64
    learning_rate: float = 1e-4
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    steps: int = 150_000
    continue_steps: int = 50_000
    final_steps: int = 5_000
    log_every: int = 100
    checkpoint_every: int = 5_000
    n_train: int = 10_000
    n_test: int = 5_000
    amp: str = "none"
    tf32: str = "convolutions"
    permuted_batch: str = "second"
    pair_factors: int = 0

    def __post_init__(self):
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise BenchError(
                    f"{name} must be from {low:g} to {high:g}, got {value:g}", exit_code=2
                )
        for name, choices in _CHOICES.items():
            value = getattr(self, name)
            if value not in choices:
                raise BenchError(
                    f"{name} must be {' or '.join(choices)}, got {value!r}", exit_code=2
                )


_RANGES = {
    "image_size": (0, 4096),
    "latent_size": (1, 4096),
    "batch_size": (1, 1 << 20),
    "learning_rate": (1e-12, 10),
    "adam_beta1": (0, 0.999999999),
    "adam_beta2": (0, 0.999999999),
    "adam_epsilon": (0, 1),
    "steps": (1, 10**9),
    "continue_steps": (0, 10**9),
    "final_steps": (1, 10**9),
    "log_every": (1, 10**6),
    "checkpoint_every": (1, 10**9),
    "n_train": (1, 10**8),
    "n_test": (1, 10**8),
    "pair_factors": (0, 1000),
}
_CHOICES = {
    "amp": ("none", "bf16"),
    "tf32": ("none", "convolutions", "all"),
    "permuted_batch": ("second", "same"),
}


@dataclass(frozen=True)
class Preset:
    """A protocol: data sets, sweep and configuration.

    Attributes
    ----------
    name, description : str
    datasets : tuple of str
        Trained when no data set is named.
    seeds : int
        Number of seeds when none are named.
    sweeps : dict of str to tuple of float
        Values of a hyperparameter of this name, in every model that has no sweep of its own.
    config : Config
    model_sweeps : dict of str to dict
        Values by model, then by hyperparameter, in place of `sweeps` and of what a model says.
    follows : str
        Of a standard benchmark: the preset whose sweep a model takes that it does not name; else
        the preset's own name.
    dataset_seeds : dict of str to tuple of int
        Seeds of these data sets when none are named.
    """

    name: str
    description: str
    datasets: tuple[str, ...]
    seeds: int
    sweeps: dict[str, tuple[float, ...]]
    config: Config
    model_sweeps: dict[str, dict[str, tuple[float, ...]]] = field(default_factory=dict)
    follows: str = ""
    dataset_seeds: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def find_sweeps(self, model):
        """Values of the hyperparameters of a model (a `protocol.registry.Model`), by name."""
        if model.name in self.model_sweeps:
            return self.model_sweeps[model.name]
        own = model.declaration.sweeps.get(self.follows or self.name, {})
        return {**self.sweeps, **own}

    def list_seeds(self, dataset):
        """The seeds of a data set when none are named."""
        return self.dataset_seeds.get(dataset, range(self.seeds))


GENUINE = ("dsprites", "shapes3d", "mpi3d_real")

PRESETS = {
    preset.name: preset
    for preset in (
        Preset(
            name="quick",
            description="two CPU cores, minutes; 32×32 images; not comparable with the paper",
            datasets=("sprites-small",),
            seeds=5,
            sweeps={"beta": (1, 4, 8, 16, 32), "lambda": (0, 8)},
            config=Config(
                network="conv-small",
                image_size=32,
                batch_size=32,
                learning_rate=2e-3,
                steps=3_000,
                continue_steps=1_000,
                log_every=50,
                checkpoint_every=500,
                n_train=3_000,
                n_test=1_500,
            ),
        ),
        Preset(
            name="paper",
            description="arXiv:2602.09277: 150,000 steps, then 50,000 with λ",
            datasets=GENUINE,
            seeds=10,
            sweeps={"beta": (1, 4, 8, 16, 32), "lambda": (0, 2, 4, 6, 8)},
            config=Config(),
        ),
        Preset(
            name="dlib",
            description="Locatello et al. 2019: 300,000 steps; λβ continues for 50,000",
            datasets=GENUINE,
            seeds=50,
            sweeps={"beta": (1, 2, 4, 6, 8, 16), "lambda": (0, 2, 4, 6, 8)},
            config=Config(network="conv-dlib", steps=300_000, permuted_batch="same"),
        ),
    )
}
DEFAULT_PRESET = "quick"


def get_preset(name: str) -> Preset:
    """Return the preset of this name, or raise `BenchError` with what there is."""
    if name not in PRESETS:
        raise BenchError(unknown_name("preset", name, PRESETS), exit_code=2)
    return PRESETS[name]


def benchmark_preset(benchmark: Benchmark) -> Preset:
    """The protocol of a standard benchmark, from its definition alone."""
    followed = PRESETS[benchmark.follows]
    seeds = {name: dataset.seeds for name, dataset in benchmark.datasets.items()}
    return Preset(
        name=benchmark.name,
        description=benchmark.description,
        datasets=tuple(seeds),
        seeds=max(len(each) for each in seeds.values()),
        sweeps=followed.sweeps,
        config=Config(**benchmark.config, checkpoint_every=followed.config.checkpoint_every),
        model_sweeps=benchmark.models,
        follows=followed.name,
        dataset_seeds=seeds,
    )


def override(config, steps=None, continue_steps=None, settings=()):
    """Apply the options of `bench train` to a preset's configuration.

    Parameters
    ----------
    config : Config
    steps, continue_steps : int, optional
        `steps` alone scales the second phase in the preset's ratio.
    settings : iterable of (str, str)
        Keys of `Config` with values as text.

    Returns
    -------
    Config

    Raises
    ------
    BenchError
        For an unknown key, or a value of the wrong type or out of range.
    """
    changes = {}
    types = {field.name: field.type for field in fields(Config)}
    for key, text in settings:
        if key not in types:
            raise BenchError(unknown_name("setting", key, types), exit_code=2)
        changes[key] = parse_value(key, text, types[key])
    if steps is not None:
        changes["steps"] = steps
    if continue_steps is not None:
        changes["continue_steps"] = continue_steps
    if "steps" in changes and "continue_steps" not in changes:
        ratio = config.continue_steps / config.steps
        changes["continue_steps"] = max(round(changes["steps"] * ratio), int(ratio > 0))
    changed = replace(config, **changes)
    if "network" in changes:
        check_network(changed.network)
    return changed


def parse_value(key, text, kind):
    """Read a setting's value: `kind` is int, float or str."""
    if kind is str:
        return text
    try:
        number = float(text)
        if kind is float:
            return number
        if number.is_integer():
            return int(number)
    except (ValueError, OverflowError):
        pass
    expected = "a whole number" if kind is int else "a number"
    raise BenchError(f"{key} must be {expected}, got {text!r}", exit_code=2)

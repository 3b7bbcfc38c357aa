"""What a user asks `bench train` for, turned into a plan of runs."""

from collections import Counter
from dataclasses import dataclass

from ...evaluation.importing import absolute_reference, name_object
from ...evaluation.naming import unknown_name
from ...evaluation.reference.benchmarks import Benchmark
from .. import datasets as data
from ..errors import BenchError
from .fit import check_images, check_pairing, fit_config
from .plan import RunSpec, make_plan, shard
from .presets import DEFAULT_PRESET, Preset, benchmark_preset, get_preset, override
from .settings import OF_HOOKS, TYPES, refuse_unused, split_values
from .standard import check_runs, find_benchmark, split_shipped
from .sweep import refuse_same_names


@dataclass(frozen=True)
class TrainRequest:
    """The options of `bench train`; None takes the preset's value.

    `settings` are names with what stands behind ``=`` as text: one value of a setting is the
    protocol's, a list of values (``"1e-3,2e-3"``, or ``"1e-3,"``) is a sweep, with a folder for
    each value that is not the protocol's. Of a hyperparameter both are a sweep.
    """

    preset: str | None = None
    benchmark: str | None = None
    models: tuple[str, ...] = ()
    datasets: tuple[str, ...] = ()
    seeds: tuple[int, ...] | None = None
    betas: tuple[float, ...] | None = None
    lambdas: tuple[float, ...] | None = None
    steps: int | None = None
    continue_steps: int | None = None
    init: str = "parent"
    settings: tuple[tuple[str, str], ...] = ()
    tag: str = ""
    amp: str | None = None
    device: str = "auto"
    jobs: int | None = None
    stack: int | str | None = None
    shard: tuple[int, int] | None = None
    compiled: bool = False
    deterministic: bool = False
    graphs: bool = True
    results: str = "results"
    data_dir: str | None = None
    retrain_shipped: bool = False
    retry_failed: bool = False
    wait: bool = True

    def plan(self) -> list[RunSpec]:
        """The runs to train, as `split_plan` gives them."""
        return self.split_plan()[0]

    def split_plan(self) -> tuple[list[RunSpec], list[RunSpec]]:
        """The runs asked for; every setting has been checked, as far as it can be by now.

        Returns
        -------
        left : list of RunSpec
            To train, or trained already.
        shipped : list of RunSpec
            Of a standard benchmark: runs whose scores ship with the package, which count as done.

        Raises
        ------
        BenchError
            For unknown names, options that contradict each other, values out of range or of the
            wrong type, and images that a network cannot take.
        """
        self._refuse_contradictions()
        preset, benchmark = self.find_protocol()
        settings = [
            (key, text) for key, text in self.settings if key in TYPES and not split_values(text)[1]
        ]
        if self.amp is not None:
            settings.append(("amp", self.amp))
        config = override(preset.config, self.steps, self.continue_steps, settings)
        chosen = {key for key, _ in self.settings}
        datasets = [self._find_dataset(name) for name in self.datasets or preset.datasets]
        refuse_same_names({reference: name_object(reference) for reference in datasets})
        plan = make_plan(
            preset,
            config,
            models=self.models or (benchmark.models if benchmark else ()),
            datasets=datasets,
            seeds=self.seeds,
            sweeps=self._sweeps(),
            init=self.init,
            tag=self.tag,
            fit=lambda name, varied: fit_config(
                varied, name, data.count_images(name, self.data_dir), chosen
            ),
        )
        models = {spec.model: None for spec in plan}
        refuse_unused([name for name in OF_HOOKS if name in chosen], models)
        for name in datasets:
            shape = None if ":" in name else data.describe(name, self.data_dir).image_shape
            specs = [spec for spec in plan if spec.dataset == name]
            if shape is not None:
                check_images(specs, name, shape)
            if paired := [spec for spec in specs if spec.model.declaration.hooks.pairs]:
                check_pairing(paired, name, data.grid_sizes(name, self.data_dir))
        shipped: list[RunSpec] = []
        if benchmark is not None:
            check_runs(plan, benchmark)
            if not self.retrain_shipped:
                plan, shipped = split_shipped(plan, benchmark.name)
        return shard(plan, *self.shard) if self.shard else plan, shipped

    def find_protocol(self) -> tuple[Preset, Benchmark | None]:
        """The protocol that is trained, and the standard benchmark whose it is, if any."""
        if self.benchmark is None:
            return get_preset(self.preset or DEFAULT_PRESET), None
        benchmark = find_benchmark(self.benchmark)
        if self.preset is not None:
            raise BenchError(
                f"--benchmark {self.benchmark} has a protocol of its own; leave --preset "
                f"{self.preset} out, or leave --benchmark out",
                exit_code=2,
            )
        return benchmark_preset(benchmark), benchmark

    def _refuse_contradictions(self):
        """Refuse a setting that is given twice: which of the two counts would be a guess."""
        options = {
            "steps": self.steps,
            "continue_steps": self.continue_steps,
            "amp": self.amp,
            "beta": self.betas,
            "lambda": self.lambdas,
        }
        times = Counter(key for key, _ in self.settings)
        for key, number in times.items():
            if number > 1:
                raise BenchError(
                    f"--set {key}=… is given {number} times; give it once", exit_code=2
                )
            if options.get(key) is not None:
                option = "--" + key.replace("_", "-")
                raise BenchError(
                    f"{option} and --set {key}=… are the same setting; give one of them",
                    exit_code=2,
                )

    def _sweeps(self):
        """Values by name; whether any model has them is the plan's business."""
        sweeps = {"beta": self.betas, "lambda": self.lambdas}
        for key, text in self.settings:
            values, listed = split_values(text)
            if key not in TYPES or listed:
                sweeps[key] = values
        return {key: values for key, values in sweeps.items() if values is not None}

    def _find_dataset(self, name):
        if ":" in name:
            return absolute_reference(name)
        names = data.list_names(self.data_dir)
        if name not in names:
            hint = ", or package.module:Name, or path/to/file.py:Name"
            raise BenchError(unknown_name("data set", name, names) + hint, exit_code=2)
        return name

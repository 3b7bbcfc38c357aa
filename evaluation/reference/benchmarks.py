"""Standard benchmarks: definitions in files that never change, read and checked."""

import functools
import importlib.resources
import json
from dataclasses import dataclass
from typing import Any

from ..naming import unknown_name

# By the name that commands take; a change of a definition is another benchmark.
BENCHMARKS = ("db1", "db1-paper")


@dataclass(frozen=True)
class BenchmarkDataset:
    """A data set of a standard benchmark.

    Attributes
    ----------
    version : str
        Version of the data set.
    seeds : tuple of int
        Seeds that make the standard table.
    confirmation_seeds : tuple of int
        Further seeds, of the models that the primary hypotheses are about.
    """

    version: str
    seeds: tuple[int, ...]
    confirmation_seeds: tuple[int, ...]


@dataclass(frozen=True)
class Benchmark:
    """A standard benchmark, written down once.

    Attributes
    ----------
    name : str
        As commands take it and as it stands in the paths of its runs, e.g. ``"db1"``.
    title : str
        As papers cite it, e.g. ``"DB-1"``.
    version : str
    description : str
    follows : str
        The preset that it copied. A model that it does not name takes that preset's sweep.
    datasets : dict of str to BenchmarkDataset
    config : dict of str to (str, int or float)
        Every setting of the protocol.
    models : dict of str to dict
        By model, then by hyperparameter: the values that are trained.
    metrics : dict of str to str
        Flat keys with the variant under which scores compare.
    primary : dict
        `metrics` and `curves` of the primary hypotheses, and when they were `declared`.
    """

    name: str
    title: str
    version: str
    description: str
    follows: str
    datasets: dict[str, BenchmarkDataset]
    config: dict[str, Any]
    models: dict[str, dict[str, tuple[float, ...]]]
    metrics: dict[str, str]
    primary: dict[str, Any]

    @property
    def n_train(self) -> int:
        """Rows of the evaluation sample's training part."""
        return self.config["n_train"]

    @property
    def n_test(self) -> int:
        """Rows of the evaluation sample's test part."""
        return self.config["n_test"]

    @property
    def image_size(self) -> int:
        """Side to which images are average-pooled, in pixels; 0 leaves them as they are."""
        return self.config["image_size"]


@functools.cache
def load_benchmark(name: str) -> Benchmark:
    """Read the definition of a standard benchmark.

    Parameters
    ----------
    name : str
        One of `BENCHMARKS`.

    Returns
    -------
    Benchmark

    Raises
    ------
    ValueError
        For a name that there is no benchmark of.

    Examples
    --------
    >>> load_benchmark("db1").datasets["rooms3d"].version
    '1'
    """
    if name not in BENCHMARKS:
        raise ValueError(unknown_name("benchmark", name, BENCHMARKS))
    file = importlib.resources.files(__package__).joinpath(f"{name}.json")
    stated = json.loads(file.read_text(encoding="utf-8"))
    datasets = {
        dataset: BenchmarkDataset(
            entry["version"], tuple(entry["seeds"]), tuple(entry["confirmation_seeds"])
        )
        for dataset, entry in stated.pop("datasets").items()
    }
    models = {
        model: {key: tuple(values) for key, values in sweep.items()}
        for model, sweep in stated.pop("models").items()
    }
    return Benchmark(name=name, datasets=datasets, models=models, **stated)

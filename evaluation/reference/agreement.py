"""Whether a representation can be compared with a standard benchmark."""

from collections.abc import Mapping
from typing import Any

from ..naming import one_line
from .benchmarks import BENCHMARKS, Benchmark, load_benchmark
from .grids import grid_sizes


def check_agreement(about: Mapping[str, Any], benchmark: Benchmark) -> list[str]:
    """Say what keeps a representation's scores from being compared with a benchmark.

    Parameters
    ----------
    about : dict
        What the representation says of itself, as `evaluation.scoring.score_files.describe` gives
        it and score files remember it: `dataset`, `rows`, `n_train`, `factor_sizes` and
        `attributes`, of which `dataset_version` is looked at.
    benchmark : Benchmark

    Returns
    -------
    list of str
        A reason each, in one line; empty where nothing does. A version that is not stated is no
        reason.

    Examples
    --------
    >>> benchmark = load_benchmark("db1")
    >>> check_agreement({"dataset": "rooms3d", "rows": 4500, "n_train": 3000}, benchmark)
    []
    >>> check_agreement({"dataset": "rooms3d", "rows": 900, "n_train": 600}, benchmark)
    ['its sample has 600 + 300 rows, and that of DB-1 3000 + 1500']
    """
    title, name = benchmark.title, about.get("dataset") or ""
    if name not in benchmark.datasets:
        stated = f"its data set is {one_line(name, 60)!r}" if name else "it names no data set"
        return [f"{stated}, and {title} has {', '.join(benchmark.datasets)}"]
    reasons = []
    version = (about.get("attributes") or {}).get("dataset_version")
    wanted = benchmark.datasets[name].version
    if version is not None and str(version) != wanted:
        reasons.append(
            f"its {name} is version {one_line(version, 30)}, and that of {title} version {wanted}"
        )
    rows, n_train = about.get("rows", 0), about.get("n_train", 0)
    if (n_train, rows - n_train) != (benchmark.n_train, benchmark.n_test):
        reasons.append(
            f"its sample has {n_train} + {rows - n_train} rows, and that of {title} "
            f"{benchmark.n_train} + {benchmark.n_test}"
        )
    sizes, given = grid_sizes(name), tuple(about.get("factor_sizes") or ())
    if given and given != sizes:
        shown = one_line(", ".join(map(str, given)), 60)
        reasons.append(
            f"its factors have {shown} classes, and those of {name} {', '.join(map(str, sizes))}"
        )
    return reasons


def trains_as_published(protocol: str) -> bool:
    """Whether a protocol trains on images of the size that published work uses, and as long.

    Parameters
    ----------
    protocol : str
        A preset or a standard benchmark, with or without ``+tag``.

    Returns
    -------
    bool
        Benchmarks say it themselves: one that makes images smaller does not.

    Examples
    --------
    >>> trains_as_published("paper+mine"), trains_as_published("db1"), trains_as_published("quick")
    (True, False, False)
    """
    name = protocol.partition("+")[0]
    return load_benchmark(name).image_size == 0 if name in BENCHMARKS else name != "quick"

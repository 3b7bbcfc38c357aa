"""Check an object of a user in a process that may die or hang without taking the call along."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass

from ...evaluation.guarding import GuardedFailure, call_guarded
from ...evaluation.importing import ImportFailure, load_object
from ...evaluation.metrics import METRICS, Metric, MetricError, get_metric, plugins
from ...evaluation.metrics.checks import check_metric
from ...evaluation.naming import one_line, unknown_name
from .. import datasets
from ..errors import BenchError
from ..protocol.registry import get_model, model_names

KINDS = ("model", "data set", "metric")
# PyTorch alone reserves more than most metrics and data sets ever hold.
MEMORY_BYTES = 16 << 30
PATIENCE_SECONDS = 120.0


@dataclass(frozen=True)
class Verdict:
    """What came of a check.

    Attributes
    ----------
    kind : str
        One of `KINDS`, or "" where not even that could be found out.
    problem : str
        The first thing that is wrong, on one line; "" where everything is right.
    exit_code : int
    """

    kind: str = ""
    problem: str = ""
    exit_code: int = 0


def check(
    target: str,
    report: Callable[[str], object] | None = None,
    patience: float = PATIENCE_SECONDS,
) -> str:
    """Check a model, data set or metric.

    Parameters
    ----------
    target : str
        ``package.module:Name``, ``path/to/file.py:Name``, or a name that `bench` knows.
    report : callable, optional
        Called with a line of text for everything that was found right, at once.
    patience : float
        Seconds that one step of the check may take.

    Returns
    -------
    str
        One of `KINDS`.

    Raises
    ------
    BenchError
        With the first thing that is wrong and what was expected; also when the user's code ends
        its process or hangs.
    """
    try:
        verdict = call_guarded(judge, target, report=report, patience=patience, memory=MEMORY_BYTES)
    except GuardedFailure as error:
        raise BenchError(f"{one_line(target)}: its code did not finish: {error}") from error
    if verdict.problem:
        raise BenchError(verdict.problem, verdict.exit_code)
    return verdict.kind


def judge(target, report):
    """Check in this process; whatever the user's code does, short of ending it, is judged.

    Parameters
    ----------
    target : str
    report : callable
        Called with a line of text for everything that was found right.

    Returns
    -------
    Verdict
    """
    kind = ""
    try:
        kind = find_kind(target)
        if kind == "model":
            import torch

            from .model import check_model

            # On small models, threads that wait for each other crawl where the machine is busy.
            torch.set_num_threads(1)
            model = get_model(target)
            parent = model.continues
            check_model(model.load(), report, parent=parent and parent.load())
        elif kind == "data set":
            from .dataset import check_dataset

            check_dataset(target, report)
        else:
            for line in check_metric(get_metric(target)):
                report(line)
    except BenchError as error:
        return Verdict(kind, str(error), error.exit_code)
    except MetricError as error:
        return Verdict(kind, one_line(error, limit=1000), 1)
    except SystemExit as error:
        return Verdict(kind, f"{target}: its code ends the program (sys.exit({error.code!r}))", 1)
    return Verdict(kind)


def find_kind(target):
    """Find out what a name or a reference stands for.

    Parameters
    ----------
    target : str

    Returns
    -------
    str
        One of `KINDS`.

    Raises
    ------
    BenchError
        If there is nothing of this name, or it is none of the three.
    """
    if ":" not in target:
        names = {
            "model": model_names(),
            "data set": datasets.list_names(),
            "metric": [*METRICS, *plugins()],
        }
        for kind, of_kind in names.items():
            if target in of_kind:
                return kind
        everything = [name for of_kind in names.values() for name in of_kind]
        raise BenchError(
            "your own is written package.module:Name or path/to/file.py:Name; "
            + unknown_name("name", target, everything),
            exit_code=2,
        )
    try:
        target_object = load_object(target, "model, data set or metric")
    except ImportFailure as error:
        raise BenchError(str(error), exit_code=2) from error
    if isinstance(target_object, Metric):
        return "metric"
    if isinstance(target_object, type):
        return "model" if _is_module(target_object) else "data set"
    if hasattr(target_object, "factor_names"):
        return "data set"
    if callable(target_object):
        return "metric" if _takes_arguments(target_object) else "data set"
    raise BenchError(
        f"{target} is of type {type(target_object).__name__}; expected a torch.nn.Module class "
        "(docs/models.md), a data set (docs/datasets.md) or a metric (docs/metrics.md)",
        exit_code=2,
    )


def _is_module(kind):
    import torch

    return issubclass(kind, torch.nn.Module)


def _takes_arguments(function):
    """Whether a function cannot be called without arguments, as one that makes a data set is."""
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError):  # compiled functions may not tell
        return True
    return False

"""How many runs a stack has: chosen from measurements, and kept in the results folder."""

import importlib.metadata
import math
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from ...evaluation import schema
from ...evaluation.files import RecordError, read_json, write_json
from ...evaluation.naming import one_line
from ...evaluation.schema import SchemaError

# More runs at once must be so much faster, or the smaller stack is taken: it needs less memory,
# and a process that is lost takes fewer runs with it.
WORTH = 1.03
SCHEMA_VERSION = 1
_LARGEST_FILE = 2**24


@dataclass(frozen=True)
class Choice:
    """The number of runs that a worker trains at once, and what was measured for it.

    Attributes
    ----------
    members : int
        1 means one by one.
    run_steps_per_second : float
        Steps per second summed over the members and over all workers of the call.
    one_by_one : float
        The same for stacks of one run.
    memory_bytes : int
        Of the worker that needs most.
    graph : bool
        Whether the step is a CUDA graph.
    """

    members: int
    run_steps_per_second: float
    one_by_one: float
    memory_bytes: int
    graph: bool

    def describe(self, device):
        """The choice in one short line.

        Examples
        --------
        >>> Choice(8, 379.4, 222.1, 90 << 20, False).describe("cpu")
        'stacks of 8 runs on cpu: 379 run-steps/s, 222 one by one'
        >>> Choice(1, 222.1, 222.1, 20 << 20, False).describe("cpu")
        'runs one by one on cpu: 222 run-steps/s, no stack is faster'
        """
        speed = f"{write_speed(self.run_steps_per_second)} run-steps/s"
        if self.members == 1:
            return f"runs one by one on {device}: {speed}, no stack is faster"
        one_by_one = write_speed(self.one_by_one)
        return f"stacks of {self.members} runs on {device}: {speed}, {one_by_one} one by one"


def write_speed(speed):
    """A speed for reading, in three digits.

    Examples
    --------
    >>> write_speed(222.4), write_speed(12345.6), write_speed(0.04567)
    ('222', '12,300', '0.0457')
    """
    return f"{float(f'{speed:.3g}'):,.10g}"


_TEXT = schema.text(2000)
_IDENTITY = {
    "key": _TEXT,
    "device": _TEXT,
    "threads": schema.whole(1, 1 << 20),
    "jobs": schema.whole(1, 1 << 20),
    "torch": _TEXT,
    "version": _TEXT,
}
_CHOICE = {
    "members": schema.whole(1, 1 << 20),
    "run_steps_per_second": schema.number(0),
    "one_by_one": schema.number(0),
    "memory_bytes": schema.whole(0),
    "graph": schema.truth,
}
_FILE = schema.record(
    {
        "schema_version": schema.whole(1, SCHEMA_VERSION),
        "choices": schema.list_of(schema.record({**_IDENTITY, **_CHOICE}, measured=_TEXT)),
    }
)


def choose(workers, stack="auto"):
    """Choose the size of stacks that trains most steps in all workers together.

    Parameters
    ----------
    workers : list of tuple of Measurement
        What each worker measured while the others did the same, as
        `benchmark.workers.measuring.measure` gives it.
    stack : int or "auto"
        A number takes the largest size up to it, however fast.

    Returns
    -------
    Choice
        A larger stack is taken only where it is faster by the factor `WORTH` than the smaller one
        that would be taken without it, and where every worker could carry it out.
    """
    sizes = [_by_size(measurements) for measurements in workers]
    common = sorted(set.intersection(*map(set, sizes))) if sizes else []
    speeds = {
        members: sum(size[members].run_steps_per_second for size in sizes) for members in common
    }
    if 1 not in speeds:
        return Choice(1, 0.0, 0.0, 0, False)
    worth, most = (WORTH, math.inf) if stack == "auto" else (0, stack)
    best = 1
    for members in common:
        if members <= most and speeds[members] >= worth * speeds[best]:
            best = members
    return Choice(
        best,
        speeds[best],
        speeds[1],
        max(size[best].memory_bytes for size in sizes),
        all(size[best].graph for size in sizes),
    )


def _by_size(measurements):
    """The fastest measurement of each size that did not fail, by the number of members."""
    fastest = {}
    for measured in measurements:
        known = fastest.get(measured.members)
        if not measured.error and (
            known is None or measured.run_steps_per_second > known.run_steps_per_second
        ):
            fastest[measured.members] = measured
    return fastest


class Choices:
    """The choices that were measured before, in ``stacks.json`` of the results folder.

    Parameters
    ----------
    results : path
    device : str
        The device's model, by which its speed is known: a choice counts for equal devices.
    threads, jobs : int
        Of a worker, and workers of the call.
    note : callable, optional
        Called with one line where the file cannot be read; its choices are then measured again.

    Notes
    -----
    Calls that store at the same time replace the file whole, one after the other. What one of
    them added may be lost then, and is measured again by the next call that needs it.
    """

    def __init__(self, results, device, threads, jobs, note=None):
        import torch

        self.path = Path(results) / "stacks.json"
        self._note = note
        self._identity = {
            "device": device,
            "threads": threads,
            "jobs": jobs,
            "torch": str(torch.__version__),
            "version": importlib.metadata.version("disentanglement-bench"),
        }

    def find(self, key):
        """The `Choice` for runs of a measuring key, or None where it must be measured.

        Parameters
        ----------
        key : object
            Whose `repr` is the same in every process.
        """
        wanted = {"key": repr(key), **self._identity}
        for entry in self._read():
            if _identify(entry) == wanted:
                return Choice(**{name: entry[name] for name in _CHOICE})
        return None

    def store(self, key, choice):
        """Keep a `Choice` for later calls; it replaces an earlier one of the same key."""
        identity = {"key": repr(key), **self._identity}
        others = [entry for entry in self._read() if _identify(entry) != identity]
        measured = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        entry = {**identity, **asdict(choice), "measured": measured}
        write_json(self.path, {"schema_version": SCHEMA_VERSION, "choices": [*others, entry]})

    def _read(self):
        """The entries of the file; none where it is missing or damaged."""
        try:
            content = read_json(self.path, _LARGEST_FILE)
            _FILE(content, "")
        except FileNotFoundError:
            return []
        except (RecordError, SchemaError) as error:
            if self._note is not None:
                where = "" if isinstance(error, RecordError) else f"{one_line(self.path)}: "
                self._note(f"{where}{one_line(error)}; stacks are measured again")
                # Once is enough: it is written anew when the measurement ends.
                self._note = None
            return []
        return content["choices"]


def _identify(entry):
    return {name: entry[name] for name in _IDENTITY}

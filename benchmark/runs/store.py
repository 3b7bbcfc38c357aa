"""Run folders: where runs lie, what state they are in, and how their files are written."""

import contextlib
import os
from pathlib import Path

from ...evaluation.files import RecordError, write_atomically, write_json
from ...evaluation.naming import one_line
from ...evaluation.scoring.run_records import RUN_SCHEMA_VERSION, read_run
from ..errors import BenchError
from ..protocol.plan import DEFAULTS, config_sha256
from .claims import acquire


class Store:
    """The runs below a results folder.

    Parameters
    ----------
    results : path
        The folder given as ``--results``; runs lie in ``runs/`` below it.
    """

    def __init__(self, results):
        self.results = Path(results)
        self.runs = self.results / "runs"

    def folder(self, spec):
        """The `RunFolder` of a `RunSpec`."""
        return RunFolder(self.runs / spec.path)

    def check_writable(self):
        """Raise `BenchError` unless runs can be written below the results folder."""
        try:
            self.runs.mkdir(parents=True, exist_ok=True)
            write_atomically(self.runs / ".writable", "")
            (self.runs / ".writable").unlink(missing_ok=True)
        except OSError as error:
            raise BenchError(
                f"cannot write to {self.runs}: {error.strerror or error}; "
                "choose another folder with --results"
            ) from error

    def survey(self, plan, observer=None):
        """Find out how the runs of a plan stand.

        Parameters
        ----------
        plan : list of RunSpec
        observer : benchmark.runs.claims.Observer, optional

        Returns
        -------
        dict of RunSpec to (str, str)
            Status and reason, as of `RunFolder.status`.

        Raises
        ------
        BenchError
            For runs that lie where the plan wants to put different ones; it names the keys that
            differ for the first of them.
        """
        states, conflicts = {}, []
        for spec in plan:
            folder = self.folder(spec)
            status, reason, differences = folder.inspect(spec, observer)
            states[spec] = status, reason
            if differences:
                conflicts.append((folder, differences))
        if conflicts:
            folder, differences = conflicts[0]
            others = f" (and {len(conflicts) - 1} more)" if len(conflicts) > 1 else ""
            raise BenchError(
                f"{folder.path}{others} holds a run with another configuration: "
                f"{one_line('; '.join(differences))}. Give this variant a folder of its own with "
                "--tag NAME, or a setting with a comma behind its value (--set name=value,); or "
                "remove the old run",
                exit_code=2,
            )
        return states


class RunFolder:
    """One run's folder.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path):
        self.path = Path(path)

    @property
    def checkpoint(self):
        """Path of the checkpoint."""
        return self.path / "checkpoint.pt"

    @property
    def representation(self):
        """Path of the representation."""
        return self.path / "representation.h5"

    @property
    def traceback(self):
        """Path of a failed run's traceback."""
        return self.path / "traceback.txt"

    def read(self):
        """The run's record, or None if there is none.

        Raises
        ------
        BenchError
            If the record cannot be read.
        """
        try:
            return read_run(self.path / "run.json")
        except FileNotFoundError:
            return None
        except RecordError as error:
            raise BenchError(
                f"{one_line(error)}; remove the file to train the run again"
            ) from error

    def status(self, observer=None):
        """State of the run and its reason.

        Parameters
        ----------
        observer : benchmark.runs.claims.Observer, optional
            Tells whether the process that trains a run is alive.

        Returns
        -------
        (str, str)
            "missing" or one of `evaluation.scoring.run_records.STATUSES`. A record left as
            running by a process that is gone is an interrupted run, and so is a finished one whose
            representation is missing or damaged.

        Raises
        ------
        BenchError
            If the record or the claims cannot be read.
        """
        return self._status(self.read(), observer)

    def inspect(self, spec, observer=None):
        """State of the run, and how its configuration differs from the one wanted.

        A run that has not reached its first checkpoint holds nothing that could be continued, so
        it does not keep its folder from another configuration: it counts as missing.

        Parameters
        ----------
        spec : RunSpec
            What is wanted here.
        observer : benchmark.runs.claims.Observer, optional

        Returns
        -------
        status, reason : str
            As of `status`.
        differences : list of str
            ``key: there, wanted`` for every difference.
        """
        record = self.read()
        status, reason = self._status(record, observer)
        differences = compare(record["config"], spec.resolved()) if record else []
        if differences and status != "running" and not self.holds_steps(record):
            return "missing", "", []
        return status, reason, differences

    def holds_steps(self, record):
        """Whether something is left of a run's training: its outcome or a checkpoint."""
        return record["status"] == "done" or self.checkpoint.exists()

    def _status(self, record, observer):
        damage = None
        if record is not None and record["status"] == "done":
            damage = find_damage(self.representation)
            if damage is None:
                # Whatever claims there are: a plan of thousands must not look for them all.
                return "done", record["reason"]
        claimed = observer is not None and self._is_claimed(observer)
        if claimed:
            return "running", ""
        if record is None:
            return "missing", ""
        if damage is not None:
            return "interrupted", f"its representation.h5 {damage}; train writes it again"
        if record["status"] == "running" and observer is not None:
            latest = self.read()
            if latest is not None and latest["status"] != "running":
                # It was published between reading the record and looking for its claim.
                return self._status(latest, observer)
            return "interrupted", "its process ended"
        return record["status"], record["reason"]

    def _is_claimed(self, observer):
        try:
            return observer.observe(self.path)[0]
        except OSError as error:
            raise BenchError(f"{self.path}: cannot be read ({error.strerror})") from error

    def claim(self, dead=None):
        """Claim the folder, and clear what an earlier owner left half-written.

        Parameters
        ----------
        dead : str, optional
            Token of a claim that an observer found dead.

        Returns
        -------
        benchmark.runs.claims.Claim or None
        """
        claim = acquire(self.path, dead)
        if claim is not None:
            with contextlib.suppress(OSError):
                for leftover in self.path.glob(".*.tmp"):
                    leftover.unlink(missing_ok=True)
        return claim

    def write_record(self, record):
        """Write run.json, which is always written last."""
        write_json(self.path / "run.json", {"schema_version": RUN_SCHEMA_VERSION, **record})

    def write_text(self, name, text):
        """Write a text file of the run."""
        write_atomically(self.path / name, text)

    def record_lost(self, spec, reason):
        """Record a run as failed whose process ended before it could say so.

        Parameters
        ----------
        spec : RunSpec
        reason : str
        """
        claim = self.claim()
        if claim is None:
            return
        with claim:
            record = self.read() or {"run": spec.identity(), "config": spec.resolved()}
            if self.status()[0] != "done":
                self.write_text("traceback.txt", reason + "\n")
                self.write_record({**record, "status": "failed", "reason": reason})


def compare(there, wanted):
    """Differences of two configurations, as readable text.

    Parameters
    ----------
    there, wanted : dict
        As stored in run.json; one level of nesting.

    Returns
    -------
    list of str
    """
    if config_sha256(there) == config_sha256(wanted):
        return []
    there, wanted = {**DEFAULTS, **there}, {**DEFAULTS, **wanted}
    keys = [*wanted, *(key for key in there if key not in wanted)]
    return [
        f"{key}: {there.get(key, 'absent')} there, {wanted.get(key, 'absent')} wanted"
        for key in keys
        if there.get(key) != wanted.get(key) or (key in there) != (key in wanted)
    ]


def find_damage(path):
    """What is wrong with an HDF5 file, as far as its first bytes and its length tell; else None.

    Parameters
    ----------
    path : Path

    Returns
    -------
    str or None

    Examples
    --------
    >>> find_damage("nowhere.h5")
    'is missing'
    """
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(48)
            size = os.fstat(file.fileno()).st_size
    except FileNotFoundError:
        return "is missing"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    if len(head) < 48 or not head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "is no HDF5 file"
    # The superblock says where the file ends (HDF5 File Format Specification, section II.A).
    start = 40 if head[8] < 2 else 28
    end = int.from_bytes(head[start : start + 8], "little")
    return None if end == size else f"has {size:,} bytes instead of {end:,}"

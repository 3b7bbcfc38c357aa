"""Run folders: where runs lie, what state they are in, and how their files are written."""

from pathlib import Path

from ...evaluation.files import RecordError, write_atomically, write_json
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

    def conflicts(self, plan):
        """Runs that lie where the plan wants to put a different one.

        Returns
        -------
        list of (RunFolder, list of str)
            Folder and a text ``key: there → wanted`` for every difference.
        """
        found = []
        for spec in plan:
            folder = self.folder(spec)
            record = folder.read()
            if record is not None:
                differences = compare(record.get("config", {}), spec.resolved())
                if differences:
                    found.append((folder, differences))
        return found

    def refuse_conflicts(self, plan):
        """Raise `BenchError` for the first conflict, naming the keys that differ."""
        found = self.conflicts(plan)
        if found:
            folder, differences = found[0]
            others = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
            raise BenchError(
                f"{folder.path}{others} holds a run with another configuration: "
                f"{'; '.join(differences)}. Give this variant a folder of its own with "
                "--tag NAME, or remove the old run",
                exit_code=2,
            )


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
            raise BenchError(f"{error}; remove the file to train the run again") from error

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
            running by a process that is gone is an interrupted run.
        """
        record = self.read()
        claimed = observer is not None and observer.observe(self.path)[0]
        if record is None:
            return ("running", "") if claimed else ("missing", "")
        status, reason = record["status"], record.get("reason") or ""
        if status == "done":
            return status, reason
        if claimed:
            return "running", ""
        if status == "running" and observer is not None:
            return "interrupted", "its process ended"
        return status, reason

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
        """Record a run whose process ended without a word as failed.

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
            if record.get("status") != "done":
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

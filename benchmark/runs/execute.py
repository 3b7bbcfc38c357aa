"""Carry out one run: train it, or continue it, and publish its files."""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass

import torch

from ...models.training import precision
from ...models.training.images import Images
from ...models.training.loop import Stopped
from ..errors import BenchError
from ..protocol.plan import RunSpec
from .building import build_trainer, close_streams
from .checkpoints import read_checkpoint, write_checkpoint
from .claims import Claim, ClaimLost
from .outcome import Outcome
from .publish import check_enough_images, publish_representation
from .record import (
    describe_device,
    describe_run,
    describe_session,
    explain_failure,
    peak_memory,
    refuse_other_data,
)
from .store import Store, compare


@dataclass(eq=False)
class Execution:
    """One run on one device, from claim to published files.

    Parameters
    ----------
    spec : RunSpec
    store : Store
    dataset : Dataset
    device : str
    claim : benchmark.runs.claims.Claim
        Owned by this process; checked before every file that is published.
    provenance : dict
        Stored with the run: command, git state, versions.
    compiled : bool, default False
    deterministic : bool, default False
        See `models.training.precision.apply`.
    load_images : callable, default Images
        ``load_images(source, device, side)``, the images of a data set on the device.
    note : callable, optional
        ``note(text)``, told in one line what of the training works less well than it should.
    """

    spec: RunSpec
    store: Store
    dataset: object
    device: str | torch.device
    claim: Claim
    provenance: dict
    compiled: bool = False
    deterministic: bool = False
    load_images: Callable = Images
    note: Callable | None = None

    def __post_init__(self):
        self.folder = self.store.folder(self.spec)
        self.device = torch.device(self.device)
        self.description = describe_run(self.spec, self.dataset)
        # How this run was trained so far: one entry a process that worked on it.
        self.sessions = []
        self.threads = torch.get_num_threads()
        self.trainer = None
        self._images = None
        self._earlier_sessions = []

    def run(self, on_progress=None, should_stop=None):
        """Train and publish; every ending is recorded in run.json.

        Parameters
        ----------
        on_progress : callable, optional
            ``on_progress(steps done by this run, row of the log)``.
        should_stop : callable, optional

        Returns
        -------
        Outcome
        """
        return self.begin() or self.train(on_progress, should_stop)

    def begin(self):
        """Prepare the training: the run's trainer, at the step where it goes on.

        Returns
        -------
        Outcome or None
            How the run ended if that was not possible.
        """
        try:
            self._prepare()
        except (Exception, SystemExit) as error:
            return self.end_by(error)
        return None

    def train(self, on_progress=None, should_stop=None):
        """Train a run that has begun, by itself, and publish it; as `run`."""
        self.open_session(1)

        def report(step, row):
            if on_progress is not None:
                on_progress(step - self.spec.start, row)

        try:
            try:
                self.trainer.run(self.save, report, should_stop)
            finally:
                close_streams(self.trainer)
        except (Exception, SystemExit) as error:
            # A model may call sys.exit, which must not end the worker in silence.
            return self.end_by(error)
        return self.publish()

    def open_session(self, members):
        """Note under what conditions this process trains the run from here on.

        Parameters
        ----------
        members : int
            Number of runs that are trained together.
        """
        # The number of threads decides the order of sums, and so the last bits.
        torch.set_num_threads(self.threads)
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        if self.trainer.step < self.trainer.schedule.end:
            # A stack passes nothing through torch.compile.
            compiled = self.compiled and members == 1
            session = describe_session(self.device, compiled, self.trainer.step, members)
            self.sessions = [*self._earlier_sessions, session]

    def save(self, trainer):
        """Write the checkpoint and the log so far."""
        self.claim.check()
        self.sessions[-1]["graph"] = trainer.graphed
        state = {
            **trainer.state(),
            "config_sha256": self.description["config_sha256"],
            "sessions": self.sessions,
        }
        write_checkpoint(self.folder.checkpoint, state)
        self.folder.write_text("training.csv", trainer.recorder.csv())

    def publish(self):
        """Write the representation of a run that was trained to its end, and record it as done.

        Returns
        -------
        Outcome
        """
        trainer = self.trainer
        try:
            final = publish_representation(
                self.folder.representation,
                self.spec,
                self.dataset,
                trainer,
                self._images,
                self.claim,
            )
            figures = {
                "seconds": round(trainer.seconds, 3),
                # None when an earlier session did all the steps.
                "steps_per_second": trainer.steps_here / trainer.seconds_here
                if trainer.steps_here
                else None,
                "peak_memory_bytes": peak_memory(self.device),
                "final": final,
            }
            return self._record(Outcome("done", figures=figures))
        except (Exception, SystemExit) as error:
            return self.end_by(error)

    def end_by(self, error, members=1):
        """Record the ending that an exception brought about.

        Parameters
        ----------
        error : BaseException
        members : int
            Number of runs that were trained together and ended by it.

        Returns
        -------
        Outcome
        """
        match error:
            case ClaimLost():
                return Outcome("lost", str(error))
            case Stopped():
                return self.interrupt(f"stopped at step {error.step}; its checkpoint is saved")
        text = "".join(traceback.format_exception(error))
        return self._record_failure(explain_failure(error, members), text)

    def interrupt(self, reason):
        """Record the run as interrupted; the `Outcome`."""
        try:
            return self._record(Outcome("interrupted", reason))
        except OSError as error:
            return Outcome("interrupted", f"{reason} (recording it failed: {error.strerror})")

    def _prepare(self):
        self.claim.check()
        state = self._read_start()
        self.folder.traceback.unlink(missing_ok=True)
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
        precision.apply(self.device, self.spec.config.tf32, self.deterministic)
        self._write_record(Outcome("running"))
        side = self.spec.config.image_size or None
        self._images = self.load_images(self.dataset.source, self.device, side)
        check_enough_images(self.spec.config, len(self._images))
        self.trainer = build_trainer(
            self.spec, self._images, self.dataset.grid_sizes, self.device, self.compiled, self.note
        )
        self._go_on(self.trainer, state)

    def _read_start(self):
        """The state to go on from: the run's own, its parent's, or None; data and settings agree.

        Raises
        ------
        BenchError
            If it is damaged, or belongs to other data or to another configuration.
        """
        record, parent = self.folder.read(), self.spec.parent
        if record is not None and self.folder.holds_steps(record):
            refuse_other_data(record, self.dataset, "this run")
        if parent is not None and (parent_record := self.store.folder(parent).read()):
            refuse_other_data(parent_record, self.dataset, "its parent")
        if not self.folder.checkpoint.exists():
            if parent is None:
                return None
            path = self.store.folder(parent).checkpoint
            return read_checkpoint(path, f"remove {path.parent} to train this run's parent again")
        path = self.folder.checkpoint
        state = read_checkpoint(path, "remove it to train the run from its start")
        wanted = self.description["config_sha256"]
        if state["config_sha256"] != wanted:
            # Older versions wrote the same configuration in other words.
            if not (
                record is not None
                and record.get("config_sha256") == state["config_sha256"]
                and not compare(record["config"], self.description["config"])
            ):
                raise BenchError(f"{path} belongs to another configuration; remove it")
            state["config_sha256"] = wanted
            write_checkpoint(path, state)
        return state

    def _go_on(self, trainer, state):
        """Bring a new trainer to the step where a state from `_read_start` ends."""
        if self.folder.checkpoint.exists():
            self.threads = state["threads"]
            try:
                trainer.load(state)
            except ValueError as error:
                raise BenchError(f"{self.folder.checkpoint}: {error}") from error
            # Version 0.1.0 recorded the last session only, and that in run.json.
            self.sessions = state.get("sessions", [])
        elif state is not None:
            trainer.inherit(state)
        self._earlier_sessions = self.sessions

    def _record(self, outcome):
        try:
            self.claim.check()
            self._write_record(outcome)
        except ClaimLost as error:
            return Outcome("lost", str(error))
        return outcome

    def _record_failure(self, outcome, text):
        """Record a failure; when even that cannot be written, the outcome says so as well."""
        try:
            self.claim.check()
            self.folder.write_text("traceback.txt", text)
            self._write_record(outcome)
        except ClaimLost as error:
            return Outcome("lost", str(error))
        except OSError as error:
            reason = f"{outcome.reason} (and recording it failed: {error.strerror})"
            return Outcome("failed", reason, unexpected=outcome.unexpected)
        return outcome

    def _write_record(self, outcome):
        self.folder.write_record(
            {
                "status": outcome.status,
                "reason": outcome.reason,
                **self.description,
                **self.provenance,
                "device": describe_device(self.device),
                "threads": self.threads,
                "sessions": self.sessions,
                "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                **(outcome.figures or {}),
            }
        )

"""What a job of the cluster does: it calls `bench`, lets it save when SLURM warns, and requeues.

This runs on the cluster's nodes, below submitit, which pickles a `Task` when it is submitted.
"""

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field

from .slurm import read_job_state

# submitit's signal, which SLURM sends before the time limit; a user may choose between these.
WARNINGS = (signal.SIGUSR1, signal.SIGUSR2)


@dataclass
class Task:
    """One call of `bench`; submitit requeues it, because it has a `checkpoint`.

    SLURM signals every process of a job: SIGUSR2 when the time limit is near, SIGTERM when another
    job needs the node, when somebody cancels the job, and at its end. `bench` takes a second signal
    for an order to stop without saving, so the call ignores both, and is asked once, by SIGINT,
    which SLURM does not send.

    Parameters
    ----------
    arguments : tuple of str
        Of `bench`.
    folder : str
        The current folder of the call.
    environment : dict of str to str
        Variables set beyond what the cluster hands on.
    """

    arguments: tuple[str, ...]
    folder: str
    environment: dict[str, str] = field(default_factory=dict)

    def __call__(self):
        """Call `bench` and wait for it; the job ends with its exit code, or is requeued."""
        # submitit's handlers: they write the task down once more and requeue the job.
        requeue = {number: signal.getsignal(number) for number in WARNINGS}
        requeue = {number: handler for number, handler in requeue.items() if callable(handler)}
        child = _Child(self, {signal.SIGTERM, *requeue})
        code = child.wait()
        if 0 <= code < 128:
            # It ended by itself, even if it was asked to stop meanwhile.
            if code:
                sys.exit(code)
            return
        if not child.received:
            _say(f"bench was ended by a signal (exit code {code}); bench submit again goes on")
            sys.exit(_as_exit_code(code))
        state, reason = read_job_state(os.environ.get("SLURM_JOB_ID", ""))
        warnings = [number for number in requeue if number in child.received]
        # A job that somebody cancelled would come back, also when its time was running out, and
        # one that was preempted without grace time SLURM requeues by itself.
        if not requeue or not (
            state == "RUNNING" or reason == "TimeLimit" or (warnings and state == "unknown")
        ):
            _say(f"bench has saved its work and ended; SLURM says of this job: {state}")
            sys.exit(128 + signal.SIGTERM)
        _say("bench has saved its work; the job asks to be requeued")
        number = (warnings or list(requeue))[0]
        _requeue(requeue[number], number)

    def checkpoint(self):
        """What submitit shall run after a requeue: the same call, which goes on by itself."""
        from submitit.helpers import DelayedSubmission

        return DelayedSubmission(self)

    def command(self):
        """The command of this call; of the same Python, and of no file in the current folder."""
        return [sys.executable, "-P", "-m", "disentanglement_bench.benchmark.cli", *self.arguments]


class _Child:
    """The running call, and the signals that came for it."""

    def __init__(self, task, signals):
        self.received = []
        signal.pthread_sigmask(signal.SIG_BLOCK, signals)
        try:
            self._process = subprocess.Popen(
                task.command(),
                cwd=task.folder,
                env=os.environ | task.environment,
                preexec_fn=lambda: _ignore(signals),
            )
            for number in signals:
                signal.signal(number, self._on_signal)
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)

    def wait(self):
        """Exit code of the call, negative if a signal ended it; later signals change nothing."""
        return self._process.wait()

    def _on_signal(self, number, frame):
        _say(f"{signal.Signals(number).name} came")
        self.received.append(number)
        if len(self.received) == 1:
            self._process.send_signal(signal.SIGINT)


def _ignore(signals):
    """In the new process, before it becomes the call."""
    for number in signals:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)


def _requeue(handler, number):
    """Let submitit requeue the job; where it may not, say what to do."""
    from submitit.core.utils import UncompletedJobError

    try:
        handler(number, None)
    except UncompletedJobError as error:
        _say(f"{error} Call bench submit again to go on")
        sys.exit(128 + number)
    except (OSError, subprocess.SubprocessError) as error:
        _say(f"the job could not be requeued ({error}); call bench submit again to go on")
        sys.exit(128 + number)


def _as_exit_code(code):
    return 128 - code if code < 0 else code


def _say(text):
    print(f"bench submit: {text}", flush=True)

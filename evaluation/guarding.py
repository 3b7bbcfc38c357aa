"""Calls that foreign bytes may crash, hang or fill: in a process of their own, within limits."""

import contextlib
import ctypes
import multiprocessing
import os
import resource
import signal
import sys
import threading

from .naming import one_line

MEMORY_BYTES = 2 << 30
PATIENCE_SECONDS = 60.0
_SIGNAL_AT_PARENTS_DEATH = 1  # PR_SET_PDEATHSIG of Linux


class GuardedFailure(RuntimeError):
    """A guarded call that did not return; the message is one line."""


def call_guarded(function, *arguments, report=None, patience=None, memory=MEMORY_BYTES):
    """Call a function in a process that may die without taking this one along.

    Parameters
    ----------
    function : callable
        Importable by name; called with the arguments and ``report=`` a callable that sends its
        arguments to this process.
    *arguments
        Picklable.
    report : callable, optional
        Called with what the function reports.
    patience : float, optional
        Seconds without a report or an end after which the process is killed.
    memory : int, default 2 GiB
        Bytes of data that the process may hold.

    Returns
    -------
    object
        What the function returns.

    Raises
    ------
    GuardedFailure
        When the function raises anything, dies, or reports nothing for too long.
    """
    patience = PATIENCE_SECONDS if patience is None else patience
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(
        target=_serve, args=(theirs, function, arguments, memory, os.getpid()), daemon=True
    )
    process.start()
    theirs.close()
    try:
        while True:
            if not ours.poll(patience):
                raise GuardedFailure(f"nothing happened for {patience:g} seconds")
            kind, content = ours.recv()
            if kind == "returned":
                return content
            if kind == "raised":
                raise GuardedFailure(content)
            if report is not None:
                report(*content)
    except EOFError:
        process.join()
        raise GuardedFailure(_describe_end(process.exitcode)) from None
    finally:
        process.kill()
        process.join()
        ours.close()


def _serve(connection, function, arguments, memory, parent):
    """Make the call in the new process and send what came of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent)
    with contextlib.suppress(ValueError, OSError):  # not every system limits data
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    try:
        result = function(*arguments, report=lambda *step: connection.send(("reported", step)))
        message = ("returned", result)
    except MemoryError:
        message = ("raised", f"it needs more than {memory >> 20} MiB of memory")
    except Exception as error:
        kind = f"{type(error).__name__}: " if type(error).__module__ == "builtins" else ""
        message = ("raised", one_line(f"{kind}{error}", limit=1000))
    connection.send(message)


def end_with(parent):
    """Let this process end when its parent is gone, even if the parent was killed outright."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_SIGNAL_AT_PARENTS_DEATH, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)
        return

    def watch():
        while os.getppid() == parent:
            never.wait(1.0)
        os._exit(1)

    never = threading.Event()
    threading.Thread(target=watch, daemon=True).start()


def _describe_end(code):
    if code is not None and code < 0:
        return f"its process was ended by {signal.Signals(-code).name}"
    return f"its process ended with code {code}"

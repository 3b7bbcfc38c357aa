"""A worker process: it reads and scores foreign files, and may die of one without harm to others.

Reading has a time limit that grows with the file, each score another, and memory is limited to
what the program itself takes and an allowance that grows with the file.
"""

import math
import os
import resource
import signal
from multiprocessing.connection import Connection

from ..guarding import end_with
from ..metrics import choose_metrics
from .file_scores import score_file
from .group_files import METRIC, Group
from .group_scores import score_group

READ_SECONDS = 60.0
READ_BYTES_PER_SECOND = 2**20
MEMORY_ALLOWANCE = 3 * 2**28
MEMORY_PER_BYTE = 32


def serve(descriptor):
    """Score files until the other end of the channel is closed.

    The first message gives the process id of the parent and the references of the metrics; the
    answer is None or why they cannot be loaded. Each further message is a task, the options and
    what to leave out: a file and names of metrics, or a `Group` and names of its files. It is
    answered by the name of each metric, or file of a group, as it begins, and by the `Outcome`.

    Parameters
    ----------
    descriptor : int
        Open file of the channel.
    """
    channel = Connection(descriptor)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    parent, references = channel.recv()
    end_with(parent)
    try:
        metrics = choose_metrics(references)
    except Exception as error:
        channel.send(str(error))
        return
    channel.send(None)
    while True:
        try:
            task, options, skip = channel.recv()
        except EOFError:
            return
        group = task if isinstance(task, Group) else None
        size = sum(map(_size, group.members.values() if group else [task]))
        _limit_memory(options.memory or MEMORY_ALLOWANCE + MEMORY_PER_BYTE * size)
        reading = min(options.seconds, READ_SECONDS + size / READ_BYTES_PER_SECOND)
        _limit_time(reading)

        def step(name, computing=options.seconds, reading=reading, group=group):
            channel.send(name)
            _limit_time(reading if group and name != METRIC else computing)

        if group:
            outcome = score_group(group, skip, step, options.force)
        else:
            outcome = score_file(task, metrics, options, skip, step)
        _limit_time(0)
        channel.send(outcome)


def _size(path):
    try:
        return os.stat(path).st_size
    except OSError:
        return 0


def _limit_time(seconds):
    """Let the system end this process after so many seconds, whatever it does; 0 for never."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(math.ceil(seconds))


def _limit_memory(allowance):
    """Let this process take `allowance` bytes more than it has, where the system can tell."""
    try:
        with open("/proc/self/statm") as file:
            data = int(file.read().split()[5]) * resource.getpagesize()
    except OSError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    soft = data + allowance
    resource.setrlimit(
        resource.RLIMIT_DATA, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
    )

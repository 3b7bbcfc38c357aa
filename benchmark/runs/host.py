"""This machine and its processes, told apart from others that have the same name or number."""

import contextlib
import functools
import os
import socket
import subprocess
from pathlib import Path


@functools.cache
def host_name():
    """This machine and, on Linux, its boot and process namespace: where a pid means something."""
    parts = [socket.gethostname()]
    with contextlib.suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(os.readlink("/proc/self/ns/pid"))
    return "|".join(parts)


def process_start(pid):
    """When a process of this machine started, as text that a later process with its id would not
    share; None if there is no such process."""
    try:
        # After the command, which may hold spaces and brackets: field 22 is the start time.
        fields = Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()
        return None if fields[0] == "Z" else fields[19]
    except (OSError, ValueError, TypeError, OverflowError, IndexError):
        if os.path.exists("/proc/self/stat"):
            return None
    try:
        listed = subprocess.run(
            ["ps", "-o", "lstart=", "-p", str(int(pid))],
            capture_output=True,
            text=True,
            check=False,
        )
    except (OSError, TypeError, ValueError, OverflowError):
        return None
    return listed.stdout.strip() or None

"""A small SLURM cluster on this machine: munged, one slurmctld, and two nodes of one CPU each.

It needs no systemd and no configuration of the machine: everything lies in one temporary folder and
is gone at the end. By hand, for a look at `bench submit`:

    python tests/slurm/cluster.py       # prints what to export, and runs until Ctrl-C
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol")
NODES = ("n1", "n2")
DEADLINE = 30.0

CONFIGURATION = """
ClusterName=bench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
# A requeued job waits until its credential has expired.
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
AccountingStorageType=accounting_storage/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,sched_min_interval=0,batch_sched_delay=0,bf_interval=2
SlurmdParameters=config_overrides
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait=10
ReturnToService=1
MaxArraySize={max_array_size}
{nodes}
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE PriorityTier=1 GraceTime=30
PartitionName=spare Nodes=ALL MaxTime=INFINITE PriorityTier=1
PartitionName=urgent Nodes=ALL MaxTime=INFINITE PriorityTier=9 PreemptMode=OFF
"""


class Cluster:
    """SLURM daemons in a folder of their own; a context manager that starts and ends them.

    Parameters
    ----------
    max_array_size : int
        The cluster's limit on the tasks of one array.

    Attributes
    ----------
    folder : Path
    environment : dict of str to str
        What SLURM's commands need to find this cluster.
    """

    def __init__(self, max_array_size=6):
        self.folder = Path(tempfile.mkdtemp(prefix="bench-slurm-"))
        self.environment = {"SLURM_CONF": str(self.folder / "slurm.conf")}
        self._max_array_size = max_array_size
        self._daemons = []

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *exception):
        self.close()

    def run(self, *command, check=True):
        """Output of one of SLURM's commands."""
        done = subprocess.run(
            command,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr or done.stdout}")
        return done.stdout

    def job_states(self):
        """State of every job and array task that the cluster remembers, by ``job`` or
        ``array_task``."""
        lines = self.run("squeue", "--array", "--noheader", "--states=all", "--format=%i %T")
        return dict(line.split() for line in lines.splitlines())

    def cancel_all(self):
        """Cancel all jobs and wait for their ends."""

        def none_is_left():
            self.run("scancel", f"--user={os.getuid()}", check=False)
            return not self.run("squeue", "--noheader").strip()

        self._await(none_is_left, "all jobs end")

    def close(self):
        """End the jobs and the daemons, in the order that leaves nothing behind."""
        if self._daemons:
            with contextlib.suppress(subprocess.TimeoutExpired, RuntimeError):
                self.cancel_all()
        for daemon in reversed(self._daemons):
            daemon.terminate()
        for daemon in reversed(self._daemons):
            try:
                daemon.wait(timeout=DEADLINE)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        self._daemons.clear()
        shutil.rmtree(self.folder, ignore_errors=True)

    def describe(self):
        """The ends of all logs, for a message."""
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(
            f"== {log.name}\n" + "\n".join(log.read_text(errors="replace").splitlines()[-30:])
            for log in logs
        )

    def _start(self):
        folder = self.folder
        # Jobs of any user look for the socket, and munged wants nobody else to write here.
        folder.chmod(0o755)
        (folder / "state").mkdir()
        for node in NODES:
            (folder / f"spool-{node}").mkdir()
        self._configure()
        key = folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        self._launch(
            "munged",
            "--foreground",
            "--force",
            f"--key-file={key}",
            f"--socket={folder}/munge.socket",
            f"--pid-file={folder}/munged.pid",
            f"--log-file={folder}/munged.log",
            f"--seed-file={folder}/munged.seed",
        )
        self._await((folder / "munge.socket").exists, "munged opens its socket")
        self._launch("slurmctld", "-D")
        for node in NODES:
            self._launch("slurmd", "-D", "-N", node)
        self._await(self.is_ready, "all nodes are idle")

    def _configure(self):
        host = socket.gethostname().split(".")[0]
        first, *ports = find_free_ports(1 + len(NODES))
        nodes = "\n".join(
            f"NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=1"
            for node, port in zip(NODES, ports, strict=True)
        )
        (self.folder / "slurm.conf").write_text(
            CONFIGURATION.format(
                folder=self.folder,
                host=host,
                user=pwd.getpwuid(os.getuid()).pw_name,
                port=first,
                nodes=nodes,
                max_array_size=self._max_array_size,
            )
        )

    def _launch(self, *command):
        path = shutil.which(command[0], path=search_path())
        with open(self.folder / f"{command[0]}-{len(self._daemons)}.out.log", "w") as output:
            self._daemons.append(
                subprocess.Popen(
                    [path, *command[1:]],
                    env=os.environ | self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            )

    def is_ready(self):
        """Whether both nodes are up and have nothing to do."""
        shown = self.run("sinfo", "--noheader", "--Node", "--format=%N %T", check=False)
        return {f"{node} idle" for node in NODES} <= {line.strip() for line in shown.splitlines()}

    def _await(self, happened, meaning):
        end = time.monotonic() + DEADLINE
        while not happened():
            ended = [daemon.args[0] for daemon in self._daemons if daemon.poll() is not None]
            if ended or time.monotonic() > end:
                why = f"{', '.join(ended)} ended" if ended else f"not within {DEADLINE:.0f} s"
                raise RuntimeError(f"expected that {meaning}: {why}\n{self.describe()}")
            time.sleep(0.1)


def search_path():
    """Where programs are looked for; daemons lie in sbin, which is not in every user's PATH."""
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def missing_programs():
    """Those of SLURM's programs that this machine does not have."""
    return [name for name in PROGRAMS if shutil.which(name, path=search_path()) is None]


def find_free_ports(count):
    """Ports that nothing listens to at this moment."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def end_on_signals():
    """Let this process end in order, once, however it is asked to: its daemons outlive it else."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def leave(number, frame):
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise SystemExit

    for number in numbers:
        signal.signal(number, leave)


if __name__ == "__main__":
    end_on_signals()
    with Cluster() as started:
        print(*(f"export {name}={value}" for name, value in started.environment.items()), sep="\n")
        print("# Ctrl-C ends the cluster.", flush=True)
        while True:
            signal.pause()

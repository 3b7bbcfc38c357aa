"""Jobs and job arrays: what they ask the cluster for, their scripts, and their submission."""

import contextlib
import io
import re
import shutil
import warnings
from dataclasses import dataclass

from ...evaluation.naming import one_line
from ..errors import BenchError
from .slurm import outside_job

# SLURM warns so long before the time limit, and up to a minute earlier: all runs of a stack must
# be saved by then. Of short limits it takes a quarter.
WARNING_SECONDS = 120
INSTALL = "pip install 'disentanglement-bench[slurm]'"
# What the script has anyway, or what an option of `bench submit` says.
TAKEN = {
    "array": "--array",
    "partition": "--partition",
    "time": "--time",
    "gpus-per-node": "--gpus-per-node",
    "cpus-per-task": "--cpus-per-task",
    "mem": "--mem",
    "account": "--account",
    "qos": "--qos",
    "constraint": "--constraint",
    "exclude": "--exclude",
    "dependency": "--dependency",
    **dict.fromkeys(("output", "error", "open-mode", "signal", "requeue", "no-requeue", "wrap")),
    **dict.fromkeys(("nodes", "ntasks", "ntasks-per-node", "chdir")),
    # With these sbatch does not submit, or does not say the number in the words that are read.
    **dict.fromkeys(("help", "usage", "version", "test-only", "quiet", "parsable")),
}


@dataclass(frozen=True)
class Resources:
    """What each task of an array asks for; None leaves it to the cluster.

    Attributes
    ----------
    time : int
        Minutes.
    partition : str or None
        One, or several with commas: the one that can begin first is taken.
    gpus_per_node, cpus_per_task : int or None
    mem, account, qos, constraint, exclude, dependency : str or None
        As sbatch takes them.
    slurm : tuple of (str, str or True)
        Other options of sbatch; True is one without a value.
    requeues : int
        How often a task goes on after its time ran out.
    """

    time: int
    partition: str | None = None
    gpus_per_node: int | None = None
    cpus_per_task: int | None = None
    mem: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    exclude: str | None = None
    dependency: str | None = None
    slurm: tuple[tuple[str, str | bool], ...] = ()
    requeues: int = 20

    def __post_init__(self):
        for key, _ in self.slurm:
            if key in TAKEN:
                option = TAKEN[key]
                advice = f"use {option}" if option else "bench submit needs its own"
                raise BenchError(f"--slurm {key} is not taken; {advice}", exit_code=2)
        for name, value in [*vars(self).items(), *self.slurm]:
            # The rest would be a line of the script, which then has no other options either.
            if isinstance(value, str) and len(value.splitlines()) > 1:
                raise BenchError(
                    f"an option of sbatch is one line, got {one_line(value)!r} for {name}",
                    exit_code=2,
                )

    def parameters(self, name):
        """Parameters of submitit's SLURM executor.

        Parameters
        ----------
        name : str
            The job's.

        Returns
        -------
        dict
        """
        parameters = {
            "job_name": name,
            "time": self.time,
            "signal_delay_s": min(WARNING_SECONDS, self.time * 60 // 4),
            # Preempted jobs, and those of a node that went down, come back.
            "additional_parameters": {"requeue": True, **dict(self.slurm)},
            "stderr_to_stdout": True,
            # Tasks beyond a number that submitit chooses would wait.
            "array_parallelism": 10**9,
            # An accounting key of this name is refused where keys are checked.
            "wckey": None,
        }
        for key in ("partition", "gpus_per_node", "cpus_per_task", "mem", "account", "qos"):
            parameters[key] = getattr(self, key)
        for key in ("constraint", "exclude", "dependency"):
            parameters[key] = getattr(self, key)
        if self.cpus_per_task is not None:
            # Since SLURM 22.05 srun does not take this over from sbatch.
            parameters["srun_args"] = [f"--cpus-per-task={self.cpus_per_task}"]
        return parameters


def parse_time(text):
    """Read a time limit in one of sbatch's forms.

    Parameters
    ----------
    text : str
        ``minutes``, ``minutes:seconds``, ``hours:minutes:seconds``, ``days-hours``,
        ``days-hours:minutes`` or ``days-hours:minutes:seconds``.

    Returns
    -------
    int
        Whole minutes, rounded up.

    Raises
    ------
    ValueError
        For anything else, and for no time at all.

    Examples
    --------
    >>> parse_time("04:00:00"), parse_time("90"), parse_time("1-12"), parse_time("0:30")
    (240, 90, 2160, 1)
    """
    match = re.fullmatch(r"(?:(\d{1,4})-)?(\d{1,6})(?::(\d{1,2}))?(?::(\d{1,2}))?", text.strip())
    if match is None:
        raise ValueError(text)
    days, *parts = match.groups()
    numbers = [int(part) for part in parts if part is not None]
    if days is None:
        # Without days, one number is minutes, and two are minutes and seconds.
        numbers = [0] * (len(numbers) < 3) + numbers
    hours, minutes, seconds = [*numbers, 0, 0][:3]
    total = ((int(days or 0) * 24 + hours) * 60 + minutes) * 60 + seconds
    if total == 0:
        raise ValueError(text)
    return -(-total // 60)


def split_array(tasks, limit=None):
    """Sizes of the arrays that hold so many tasks.

    Parameters
    ----------
    tasks : int
    limit : int, optional
        Most tasks of one array.

    Returns
    -------
    list of int

    Examples
    --------
    >>> split_array(20, 6), split_array(20)
    ([6, 6, 6, 2], [20])
    """
    limit = limit or tasks
    return [min(limit, tasks - first) for first in range(0, tasks, limit)]


def check_folder(folder):
    """Raise `BenchError` if SLURM would write logs to another folder than this.

    Parameters
    ----------
    folder : Path
        Of scripts and logs.
    """
    if len(str(folder).splitlines()) > 1 or set(str(folder)) & set("%\\"):
        raise BenchError(
            f"SLURM cannot write logs below {one_line(folder)}: it reads % and \\ in names of logs "
            "in its own way, and a name is one line; choose another folder"
        )


def write_script(folder, name, resources, size):
    """The script that sbatch is given for an array of so many tasks, or for one job.

    Parameters
    ----------
    folder : Path
        Of scripts and logs.
    name : str
    resources : Resources
    size : int

    Returns
    -------
    str

    Raises
    ------
    BenchError
        If submitit is not installed, or does not know a parameter.
    """
    slurm = _import_submitit()

    class Writer(slurm.SlurmExecutor):
        """Writes scripts also where there is no SLURM."""

        @classmethod
        def affinity(cls):
            return 1

    executor = Writer(folder, max_num_timeout=resources.requeues)
    _set_parameters(executor, resources.parameters(name))
    if size > 1:
        executor.parameters["map_count"] = size
    return executor._make_submission_file_text(executor._submitit_command_str, "")


def submit_tasks(folder, name, resources, tasks):
    """Submit tasks as one array, or as one job where there is one task.

    Parameters
    ----------
    folder : Path
        Of scripts and logs; made if missing.
    name : str
    resources : Resources
    tasks : list of benchmark.cluster.task.Task

    Returns
    -------
    str
        The number of the array or of the job.

    Raises
    ------
    BenchError
        If submitit or SLURM is missing, SLURM refuses, or the folder cannot be written.
    """
    slurm = _import_submitit()
    if missing := [program for program in ("sbatch", "srun") if shutil.which(program) is None]:
        raise BenchError(
            f"{missing[0]} is not found here: bench submit runs where jobs are submitted to SLURM; "
            "--dry-run prints the script anywhere"
        )
    from submitit.core.utils import FailedJobError, FailedSubmissionError

    executor = slurm.SlurmExecutor(folder, max_num_timeout=resources.requeues)
    _set_parameters(executor, resources.parameters(name))
    try:
        # submitit prints a refusal that it raises too.
        with outside_job(), contextlib.redirect_stderr(io.StringIO()):
            jobs = executor.submit_array(tasks)
    except (FailedJobError, FailedSubmissionError) as error:
        reason = one_line(error) or "sbatch failed and gave no reason"
        raise BenchError(f"SLURM refused: {reason}") from error
    except OSError as error:
        raise BenchError(
            f"cannot write scripts of jobs to {one_line(folder)}: "
            f"{error.strerror or one_line(error)}"
        ) from error
    return jobs[0].job_id.split("_")[0]


def _set_parameters(executor, parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        executor.update_parameters(**parameters)


def _import_submitit():
    """submitit's part for SLURM, or `BenchError` where it is not installed."""
    try:
        from submitit.slurm import slurm
    except ImportError as error:
        raise BenchError(
            f"bench submit needs submitit, which cannot be imported ({one_line(error)}): {INSTALL}"
        ) from error
    return slurm

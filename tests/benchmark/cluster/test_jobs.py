import os
import sys

import pytest

from disentanglement_bench.benchmark.cluster.jobs import (
    Resources,
    parse_time,
    split_array,
    submit_tasks,
    write_script,
)
from disentanglement_bench.benchmark.cluster.submit import submit_evaluate
from disentanglement_bench.benchmark.cluster.task import Task
from disentanglement_bench.benchmark.errors import BenchError


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("5", 5),
        ("5:01", 6),
        ("04:00:00", 240),
        ("1-0", 1440),
        ("1-2:30", 1590),
        ("0-0:0:1", 1),
    ],
)
def test_times_are_read_as_sbatch_reads_them(text, minutes):
    assert parse_time(text) == minutes


@pytest.mark.parametrize("text", ["", "0", "00:00:00", "4h", "1:2:3:4", "-5", "UNLIMITED"])
def test_other_texts_are_no_times(text):
    with pytest.raises(ValueError, match=r"^" + text + "$"):
        parse_time(text)


@pytest.mark.parametrize(("tasks", "limit", "sizes"), [(4, 4, [4]), (5, 4, [4, 1]), (0, 4, [])])
def test_arrays_are_cut_at_the_limit(tasks, limit, sizes):
    assert split_array(tasks, limit) == sizes


@pytest.mark.parametrize(("key", "advice"), [("mem", "--mem"), ("signal", "needs its own")])
def test_options_that_the_script_has_anyway_are_refused(key, advice):
    with pytest.raises(BenchError, match=advice):
        Resources(time=5, slurm=((key, "1"),))


@pytest.mark.parametrize(
    "options", [{"mem": "4G\nrm x"}, {"slurm": (("comment", "a\r\nb"),)}], ids=["own", "other"]
)
def test_options_of_more_than_one_line_would_end_the_others(options):
    with pytest.raises(BenchError, match="is one line"):
        Resources(time=5, **options)


def test_a_script_asks_for_what_was_asked_for(tmp_path):
    pytest.importorskip("submitit")
    resources = Resources(
        time=240,
        partition="a,b",
        gpus_per_node=1,
        cpus_per_task=4,
        mem="16G",
        account="lab",
        qos="low",
        constraint="a100|h100",
        exclude="n[1-3]",
        dependency="afterany:5",
        slurm=(("gres", "lscratch:10"), ("exclusive", True)),
    )
    script = write_script(tmp_path, "bench-train", resources, 3)
    flags = {line.removeprefix("#SBATCH --") for line in script.splitlines() if "#SBATCH" in line}
    assert flags == {
        "account=lab",
        "array=0-2%3",
        "constraint='a100|h100'",
        "cpus-per-task=4",
        "dependency=afterany:5",
        "exclude='n[1-3]'",
        "exclusive",
        "gpus-per-node=1",
        "gres=lscratch:10",
        "job-name=bench-train",
        "mem=16G",
        "nodes=1",
        "open-mode=append",
        f"output={tmp_path}/%A_%a_0_log.out",
        "partition=a,b",
        "qos=low",
        "requeue",
        "signal=USR2@120",
        "time=240",
    }
    # Otherwise srun takes one CPU, since SLURM 22.05.
    assert "--cpus-per-task=4" in script.splitlines()[-1]


def test_short_tasks_are_warned_later(tmp_path):
    pytest.importorskip("submitit")
    script = write_script(tmp_path, "bench-train", Resources(time=2), 1)
    assert "#SBATCH --signal=USR2@30" in script
    assert "--array" not in script


def test_tasks_are_submitted_as_one_array_and_wait_for_their_turn(tmp_path, fake_slurm):
    pytest.importorskip("submitit")
    folder = tmp_path / "jobs"
    tasks = [Task(("train",), "/work")] * 2
    assert submit_tasks(folder, "bench-train", Resources(time=5), tasks) == "1"
    (script,) = fake_slurm()
    assert script == write_script(folder, "bench-train", Resources(time=5), 2)
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")}
    assert names == {"1_submission.sh", "1_0_submitted.pkl", "1_1_submitted.pkl"}


def test_a_job_submitted_from_a_job_takes_nothing_over(tmp_path, fake_slurm, program, monkeypatch):
    pytest.importorskip("submitit")
    told = tmp_path / "told"
    program(
        "sbatch",
        f"open({str(told)!r}, 'w').write(' '.join(os.environ)); print('Submitted batch job 1')",
    )
    variables = {"SLURM_CONF": "c", "SBATCH_ACCOUNT": "lab", "SLURM_NTASKS": "2"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    for job, expected in ((None, set(variables)), ("7", {"SLURM_CONF", "SBATCH_ACCOUNT"})):
        if job:
            monkeypatch.setenv("SLURM_JOB_ID", job)
        submit_tasks(tmp_path / "jobs", "bench-train", Resources(time=5), [Task((), "/work")])
        assert set(told.read_text().split()) & {*variables, "SLURM_JOB_ID"} == expected
    assert os.environ["SLURM_NTASKS"] == "2"


def test_a_refusal_of_slurm_is_one_line(tmp_path, fake_slurm, program, capsys):
    pytest.importorskip("submitit")
    program("sbatch", "sys.exit('sbatch: error: invalid partition\\nspecified: x')")
    with pytest.raises(BenchError, match="SLURM refused: sbatch: error: invalid partition"):
        submit_tasks(tmp_path, "bench-train", Resources(time=5), [Task((), "/work")])
    assert capsys.readouterr() == ("", ""), "the caller prints it, once"
    program("sbatch", "sys.exit(1)")
    with pytest.raises(BenchError, match="gave no reason"):
        submit_tasks(tmp_path, "bench-train", Resources(time=5), [Task((), "/work")])


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, fake_slurm):
    pytest.importorskip("submitit")
    (tmp_path / "jobs").touch()
    with pytest.raises(BenchError, match=r"cannot write scripts of jobs to .*jobs: File exists$"):
        submit_tasks(tmp_path / "jobs", "bench-train", Resources(time=5), [Task((), "/work")])
    assert fake_slurm() == []


def test_what_was_submitted_before_a_refusal_is_named(tmp_path, fake_slurm, program, monkeypatch):
    pytest.importorskip("submitit")
    program(
        "sbatch",
        "if 'array' in open(sys.argv[1]).read(): print('Submitted batch job 7')\n"
        "else: sys.exit('sbatch: error: AssocMaxSubmitJobLimit')",
    )
    monkeypatch.chdir(tmp_path)
    for name in "abcd":
        (tmp_path / f"{name}.npz").touch()
    with pytest.raises(BenchError, match=r"AssocMaxSubmitJobLimit; jobs submitted before: 7$"):
        submit_evaluate((".",), {}, Resources(time=5), 4)


def test_without_slurm_it_says_where_to_call(tmp_path, monkeypatch):
    pytest.importorskip("submitit")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(BenchError, match=r"sbatch is not found here.*--dry-run"):
        submit_tasks(tmp_path, "bench-train", Resources(time=5), [Task((), "/work")])


def test_without_submitit_it_says_what_to_install(tmp_path, monkeypatch):
    for name in ("submitit", "submitit.slurm"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BenchError, match=r"pip install 'disentanglement-bench\[slurm\]'"):
        write_script(tmp_path, "bench-train", Resources(time=5), 1)

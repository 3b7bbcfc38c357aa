"""`bench submit` on a real SLURM: two nodes of one CPU, arrays of at most two tasks."""

import pytest

pytestmark = [pytest.mark.slurm, pytest.mark.slow]

# Steps of a run that lasts some seconds after its first checkpoint, and of one that never ends.
LONG, ENDLESS = 1200, 1_000_000


def test_an_array_spreads_over_both_nodes_and_finishes_the_plan(slurm):
    (script,) = slurm.bench(
        "submit", "train", *slurm.plan(seeds=3), "--time", "30", "--array", "2", "--dry-run"
    ).split("#!")[1:]
    (array,) = slurm.submit("--array", "2", seeds=3)
    states = slurm.wait_for_end(array)
    assert states == {f"{array}_0": "COMPLETED", f"{array}_1": "COMPLETED"}
    assert slurm.statuses() == dict.fromkeys(range(3), "done")
    records = slurm.records().values()
    assert {record["slurm_job"] for record in records} == set(states)
    assert all(record["slurm_job"] == record["sessions"][0]["slurm_job"] for record in records)
    nodes = slurm.cluster.run("squeue", "--states=all", "--noheader", "--format=%N", "-j", array)
    assert set(nodes.split()) == {"n1", "n2"}
    submitted = (slurm.results / f"jobs/{array}_submission.sh").read_text()
    assert submitted.split("#!")[1].strip() == script.strip()
    assert "--no-wait" in next(iter(records))["command"]
    # Finished runs are never submitted.
    printed = slurm.bench("submit", "train", *slurm.plan(seeds=3), "--time", "30", "--array", "2")
    assert "3 runs: 3 done." in printed
    assert "Nothing is left to train" in printed
    assert set(slurm.cluster.job_states()) == set(states)
    assert "2 logs of SLURM jobs in" in slurm.bench("status", "results")


def test_arrays_beyond_the_limit_and_several_calls_share_one_folder(slurm):
    # Nothing starts before both are submitted, or the second might find nothing left to submit.
    nodes = ("scontrol", "update", "nodename=n1,n2")
    slurm.cluster.run(*nodes, "state=drain", "reason=test")
    first = slurm.submit("--array", "3", seeds=5)
    second = slurm.submit("--array", "2", seeds=5)
    slurm.cluster.run(*nodes, "state=resume")
    # Of three tasks, two are an array, which is as many as this cluster takes.
    assert [len(first), len(second)] == [2, 1]
    states = slurm.wait_for_end(*first, *second)
    assert len(states) == 5
    assert set(states.values()) == {"COMPLETED"}
    assert slurm.statuses() == dict.fromkeys(range(5), "done")
    # Nothing was trained twice, and nothing is left of the claims.
    assert [len(record["sessions"]) for record in slurm.records().values()] == [1] * 5
    assert not list(slurm.results.glob("runs/**/claim-*"))


def test_a_task_that_is_killed_leaves_its_run_to_the_others(slurm):
    (array,) = slurm.submit("--array", "2", seeds=2, steps=LONG)
    slurm.wait_for(slurm.seeds_with_checkpoints, "a run has a checkpoint")
    seed = slurm.seeds_with_checkpoints()[0]
    task = slurm.records()[seed]["slurm_job"]
    slurm.cluster.run("scancel", "--signal=KILL", f"{task}.0")
    states = slurm.wait_for_end(array)
    assert states.pop(task) == "FAILED"
    assert set(states.values()) == {"COMPLETED"}
    assert slurm.statuses() == {0: "done", 1: "done"}
    first, second = slurm.records()[seed]["sessions"]
    assert [first["slurm_job"], second["slurm_job"]] == [task, *states]
    assert second["first_step"] > 0


def test_a_node_that_goes_down_gives_its_task_to_the_other(slurm):
    (job,) = slurm.submit(seeds=1, steps=LONG)
    slurm.wait_for(slurm.seeds_with_checkpoints, "the run has a checkpoint")
    where = ("squeue", "--noheader", "--states=all", "--format=%N", f"--jobs={job}")
    before = slurm.cluster.run(*where).strip()
    slurm.cluster.run("scontrol", "update", f"nodename={before}", "state=down", "reason=test")
    assert slurm.wait_for_end(job) == {job: "COMPLETED"}
    assert {before, slurm.cluster.run(*where).strip()} == {"n1", "n2"}
    (record,) = slurm.records().values()
    assert record["status"] == "done"
    assert len(record["sessions"]) == 2
    assert record["sessions"][1]["first_step"] > 0


def test_a_task_whose_time_runs_out_saves_its_stack_and_is_requeued_until_it_is_cancelled(slurm):
    (job,) = slurm.submit("--stack", "2", seeds=2, steps=ENDLESS, time="1")
    slurm.wait_for(lambda: slurm.log(job).count("Starting with") == 2, "the job runs again")
    assert "SIGUSR2 came" in slurm.log(job)
    assert "this job is timed-out" in slurm.log(job)
    assert slurm.statuses() == {0: "interrupted", 1: "interrupted"}
    slurm.wait_for_another_checkpoint()
    # Who cancels a job whose time is running out does not want it back.
    slurm.cluster.run("scancel", "--signal=USR2", job, check=False)
    slurm.cancel(job)
    for record in slurm.records().values():
        first, second = record["sessions"][:2]
        assert (first["first_step"], first["slurm_job"]) == (0, second["slurm_job"])
        assert second["first_step"] > 0
    assert f"log: results/jobs/{job}_0_log.out" in slurm.bench("status", "results")


def test_a_task_that_may_not_be_requeued_any_more_says_what_to_do(slurm):
    (job,) = slurm.submit("--requeues", "0", seeds=1, steps=ENDLESS, time="5")
    slurm.wait_for(slurm.seeds_with_checkpoints, "the run has a checkpoint")
    slurm.cluster.run("scancel", "--signal=USR2", job)
    assert slurm.wait_for_end(job) == {job: "FAILED"}
    assert "Call bench submit again" in slurm.log(job)
    assert slurm.statuses() == {0: "interrupted"}
    printed = slurm.bench("submit", "train", *slurm.plan(steps=ENDLESS), "--time", "5", "--dry-run")
    assert "1 runs: 1 interrupted." in printed


@pytest.mark.parametrize("partition", ["main", "spare"], ids=["with grace", "without grace"])
def test_a_task_that_is_preempted_saves_and_comes_back(slurm, partition):
    (job,) = slurm.submit("--partition", partition, "--exclude", "n2", steps=ENDLESS)
    slurm.wait_for(slurm.seeds_with_checkpoints, "the run has a checkpoint")
    slurm.cluster.run(
        "sbatch", "--partition=urgent", "--nodelist=n1", "--output=/dev/null", "--wrap=true"
    )
    slurm.wait_for(lambda: slurm.log(job).count("Starting with") == 2, "the job runs again")
    assert "SIGTERM came" in slurm.log(job)
    assert slurm.statuses() == {0: "interrupted"}
    slurm.wait_for_another_checkpoint()
    assert f"of running runs: results/jobs/{job}_0_log.out" in slurm.bench("status", "results")
    slurm.cancel(job)
    assert slurm.records()[0]["sessions"][1]["first_step"] > 0


def test_scores_are_computed_in_parts_and_then_put_together(slurm):
    slurm.bench("train", *slurm.plan(seeds=3, steps=20))
    printed = slurm.bench(
        "submit", "evaluate", "results", "--metrics", "mig", "--time", "30", "--array", "2"
    )
    assert "3 representations." in printed
    numbers = slurm.read_numbers(printed)
    states = slurm.wait_for_end(*numbers)
    assert set(states.values()) == {"COMPLETED"}
    assert len(states) == 3
    rows = (slurm.results / "scores.csv").read_text().splitlines()[1:]
    assert len(rows) == 3

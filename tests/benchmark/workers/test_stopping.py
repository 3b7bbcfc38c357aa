"""When the runner stops by itself, and what a stop leaves behind."""

import multiprocessing
import signal
from multiprocessing import synchronize

import pytest

from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.runs.outcome import Outcome
from disentanglement_bench.benchmark.workers.agenda import Agenda
from disentanglement_bench.benchmark.workers.messages import Note, Unstacked
from disentanglement_bench.benchmark.workers.processes import Worker
from disentanglement_bench.benchmark.workers.progress import PlainReporter
from disentanglement_bench.benchmark.workers.runner import Runner


def make_runner(plan, store, dataset, lines, device="cpu"):
    reporter = PlainReporter(lines.append)
    return Runner(plan, store, lambda name: dataset, [device], 1, 1, reporter, {})


@pytest.mark.slow
def test_one_failure_after_another_on_an_accelerator_stops_the_call(
    store, plan, dataset, monkeypatch
):
    """On the device "meta", which computes nothing; and without a semaphore that could be left."""

    def refuse(*_):
        raise AssertionError("a named semaphore was made")

    monkeypatch.setattr(synchronize.SemLock, "__init__", refuse)
    lines = []
    specs = plan(models=("betavae",), betas=(1.0, 2.0, 4.0, 8.0))
    summary = make_runner(specs, store, dataset, lines, "meta").run()
    assert [summary.statuses[spec] for spec in specs] == ["failed"] * 3 + ["missing"]
    assert summary.exit_code == 1
    assert [line for line in lines if line.startswith("stopping")] == [
        "stopping: 3 runs in a row failed unexpectedly, the last on meta; check the device, "
        "then train again with --retry-failed"
    ]


class Process:
    """A worker's process as far as the runner ends it."""

    killed = False
    exitcode = -9

    def kill(self):
        self.killed = True

    def join(self):
        pass


def test_a_worker_that_is_killed_while_it_starts_is_replaced_where_others_started(
    store, plan, dataset
):
    runner = make_runner(plan(models=("betavae",)), store, dataset, [])

    def lose_one():
        worker = Worker(Process(), multiprocessing.Pipe()[0], 0, "cpu")
        runner._workers.append(worker)
        runner._lost(worker)

    with pytest.raises(BenchError, match=r"could not start \(exit code -9\)"):
        lose_one()
    runner._started_well, runner._failed_starts = True, 0
    lose_one()
    lose_one()
    with pytest.raises(BenchError, match="could not start"):
        lose_one()


def test_a_workers_own_end_after_a_signal_is_no_second_signal(store, plan, dataset):
    (spec,) = plan(models=("betavae",))
    runner = make_runner([spec], store, dataset, [])
    runner._agenda = Agenda([spec], store, retry_failed=False)
    runner._agenda.take(lambda spec: None)
    runner.reporter.begin([spec], [spec])
    busy = Worker(Process(), multiprocessing.Pipe()[0], 0, "cpu", {spec.path: spec}, ready=True)
    other = Worker(Process(), multiprocessing.Pipe()[0], 1, "cpu", ready=True)
    runner._workers = [busy, other]
    runner._on_signal(signal.SIGTERM)
    runner._finish(busy, spec, Outcome("interrupted", "stopped at step 3"))
    assert not other.process.killed
    runner._on_signal(signal.SIGTERM)
    assert other.process.killed


def test_a_signal_to_a_worker_alone_stops_the_call(store, plan, dataset):
    (spec,) = plan(models=("betavae",))
    runner = make_runner([spec], store, dataset, [])
    runner._agenda = Agenda([spec], store, retry_failed=False)
    runner._agenda.take(lambda spec: None)
    runner.reporter.begin([spec], [spec])
    worker = Worker(Process(), multiprocessing.Pipe()[0], 0, "cpu", ready=True)
    runner._finish(worker, spec, Outcome("interrupted", "stopped at step 3"))
    assert runner._signal == signal.SIGTERM


def test_runs_are_shared_out_so_that_no_worker_is_idle_at_the_end(store, plan, dataset):
    specs = plan(models=("betavae",), betas=tuple(range(1, 17)))
    runner = make_runner(specs, store, dataset, [])
    runner.jobs, runner.stack = 2, 8
    runner.__post_init__()
    runner._agenda = Agenda(specs, store, False, runner._sizes.key)
    first, second = (Worker(Process(), None, slot, "cpu", ready=True) for slot in (0, 1))
    runner._workers = [first, second]
    runner.reporter.begin(specs, specs)
    sent = []
    runner._send = lambda worker, message: sent.append((worker.slot, message)) or True
    runner._assign()
    assert [(slot, len(train.specs), train.members) for slot, train in sent] == [
        (0, 8, 8),
        (1, 8, 8),
    ]
    # The other will be done with its last two runs' worth of steps soon, and takes the rest then.
    for path in list(second.runs):
        runner._agenda.put_back([second.take_out(path)])
    first.left = dict.fromkeys(first.left, 0.25)
    sent.clear()
    runner._assign()
    assert [(slot, len(train.specs)) for slot, train in sent] == [(1, 5)]


def test_runs_of_a_stack_that_fail_for_one_reason_are_one_failure(store, plan, dataset):
    specs = plan(models=("betavae",), betas=(1.0, 2.0, 4.0, 8.0))
    lines = []
    runner = make_runner(specs, store, dataset, lines)
    runner._agenda = Agenda(specs, store, False)
    runner.reporter.begin(specs, specs)
    worker = Worker(Process(), None, 0, "cuda:0", ready=True)
    for spec in specs:
        runner._finish(worker, spec, Outcome("failed", "an error", unexpected=True))
    assert runner._failures == 1
    assert not any("stopping" in line for line in lines)


def test_a_line_of_a_worker_is_shown_once_and_what_cannot_be_stacked_goes_alone(
    store, plan, dataset
):
    (spec,) = plan(models=("betavae",))
    lines = []
    runner = make_runner([spec], store, dataset, lines)
    runner.stack = 8
    runner.__post_init__()
    ours, theirs = multiprocessing.Pipe()
    worker = Worker(Process(), ours, 0, "cpu", {spec.path: spec}, ready=True)
    assert runner._sizes.find(spec) == 8
    for message in (Note("odd"), Note("odd"), Unstacked(spec.path, "one by one"), Note("even")):
        theirs.send(message)
        runner._receive(worker)
    assert lines == ["odd", "one by one", "even"]
    assert runner._sizes.find(spec) == 1

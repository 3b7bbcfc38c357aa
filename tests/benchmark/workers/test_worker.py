"""The worker's side of the protocol, without processes."""

import multiprocessing
import os
import signal
import threading
from types import SimpleNamespace

import pytest
import torch

from disentanglement_bench.benchmark.runs.outcome import Outcome
from disentanglement_bench.benchmark.workers.messages import (
    Declined,
    Ended,
    Measure,
    Measured,
    Progress,
    Ready,
    Stop,
    Train,
    Unstacked,
)
from disentanglement_bench.benchmark.workers.worker import (
    StopRequest,
    WorkerSettings,
    _Worker,
    serve,
)
from disentanglement_bench.models.training.capture import CudaCapture, choose_capture


@pytest.fixture
def start(store, dataset):
    """Serve in a thread; the runner's end of the connection, and the thread."""
    started = []

    def make(device="cpu", stop=None, **options):
        ours, theirs = multiprocessing.Pipe()
        own = (str(store.results), {"tiny": dataset}, device, 1, False, {})
        settings = WorkerSettings(*own, **options)
        thread = threading.Thread(target=serve, args=(theirs, settings, stop or StopRequest()))
        thread.start()
        started.append((ours, thread))
        assert isinstance(ours.recv(), Ready)
        return ours, thread

    yield make
    for ours, thread in started:
        ours.close()
        thread.join(timeout=60)
        assert not thread.is_alive()


def receive_end(connection):
    """The next message that is not progress."""
    while isinstance(message := connection.recv(), Progress):
        pass
    return message


def test_a_worker_carries_out_one_run_after_another(start, plan):
    connection, _ = start()
    for spec in plan():
        connection.send(Train((spec,)))
        ended = receive_end(connection)
        assert (ended.path, ended.outcome.status, ended.worker_ends) == (spec.path, "done", False)


@pytest.mark.parametrize("graphs", [True, False])
def test_a_worker_captures_steps_unless_it_was_told_not_to(graphs, start, monkeypatch):
    monkeypatch.setattr(CudaCapture, "allowed", not graphs)
    start(graphs=graphs)
    capture = choose_capture("auto", torch.device("cuda"))
    assert isinstance(capture, CudaCapture) is graphs


def test_a_stop_over_the_pipe_saves_and_ends_the_run(start, plan, store):
    connection, _ = start()
    (spec,) = plan(models=("betavae",), steps=10**6, continue_steps=0)
    connection.send(Train((spec,)))
    assert isinstance(connection.recv(), Progress)
    connection.send(Stop())
    assert receive_end(connection).outcome.status == "interrupted"
    assert store.folder(spec).checkpoint.exists()
    connection.send(Train((spec,)))
    assert receive_end(connection).outcome.reason == "stopped before it began"


def test_a_runner_that_vanishes_stops_the_run(start, plan, store):
    connection, thread = start()
    (spec,) = plan(models=("betavae",), steps=10**6, continue_steps=0)
    connection.send(Train((spec,)))
    assert isinstance(connection.recv(), Progress)
    connection.close()
    thread.join(timeout=60)
    assert store.folder(spec).status()[0] == "interrupted"
    assert store.folder(spec).checkpoint.exists()


def test_a_worker_ends_after_an_unexpected_failure_on_an_accelerator(start, plan):
    """The device "meta" computes nothing, so that every run on it fails."""
    connection, thread = start("meta")
    spec = plan(models=("betavae",))[0]
    connection.send(Train((spec,)))
    ended = receive_end(connection)
    assert ended.outcome.status == "failed"
    assert ended.outcome.unexpected
    assert ended.worker_ends
    thread.join(timeout=60)
    assert not thread.is_alive()


def test_a_worker_goes_on_after_a_failure_that_says_what_to_do(start, plan):
    connection, _ = start("meta")
    spec = plan(models=("betavae",), settings=[("n_train", "60")])[0]
    connection.send(Train((spec,)))
    ended = receive_end(connection)
    assert ended == Ended(spec.path, ended.outcome, worker_ends=False)
    assert "lower them with --set n_train" in ended.outcome.reason


def receive_ends(connection, count):
    """The next messages that are not progress, by path."""
    ends = [receive_end(connection) for _ in range(count)]
    return {end.path: end for end in ends}


def test_a_worker_carries_out_several_runs_together(start, plan, store):
    connection, _ = start()
    specs = plan(models=("betavae",), betas=(1.0, 2.0, 4.0))
    with store.folder(specs[1]).claim():
        connection.send(Train(tuple(specs), members=8))
        ends = receive_ends(connection, 3)
    assert ends.pop(specs[1].path) == Declined(specs[1].path)
    assert [end.outcome.status for end in ends.values()] == ["done", "done"]
    assert store.folder(specs[0]).read()["sessions"][0]["stack"] == 2
    assert not list(store.runs.rglob("claim-*"))
    connection.send(Train(tuple(specs), members=8))
    ends = receive_ends(connection, 3)
    assert ends[specs[0].path] == Declined(specs[0].path), "done, so another's as far as it knows"
    assert ends[specs[1].path].outcome.status == "done"


def test_a_stop_saves_and_ends_every_run_of_a_stack(start, plan, store):
    connection, _ = start()
    specs = plan(models=("betavae",), betas=(1.0, 2.0), steps=10**6, continue_steps=0)
    connection.send(Train(tuple(specs), members=2))
    assert isinstance(connection.recv(), Progress)
    connection.send(Stop())
    ends = receive_ends(connection, 2)
    assert {end.outcome.status for end in ends.values()} == {"interrupted"}
    assert all(store.folder(spec).checkpoint.exists() for spec in specs)


def test_runs_that_cannot_be_stacked_are_given_back_but_for_one(start, plan, store):
    """On the device "meta", where that one fails, so that the worker ends."""
    connection, thread = start("meta")
    specs = plan(models=("betavae",), betas=(1.0, 2.0, 4.0))
    connection.send(Train(tuple(specs), members=8))
    thread.join(timeout=60)
    assert not thread.is_alive()
    unstacked, *declined, ended = [receive_end(connection) for _ in range(4)]
    assert isinstance(unstacked, Unstacked)
    assert declined == [Declined(spec.path, elsewhere=False) for spec in specs[1:]]
    assert (ended.path, ended.worker_ends) == (specs[0].path, True)
    assert store.folder(specs[1]).status()[0] == "interrupted"
    assert not list(store.runs.rglob("claim-*"))


def test_after_a_device_error_the_rest_of_a_stack_is_for_another_worker(plan, store):
    ours, theirs = multiprocessing.Pipe()
    settings = WorkerSettings(str(store.results), {}, "cuda:0", 1, False, {})
    worker = _Worker(theirs, settings, StopRequest())
    first, second = plan(models=("betavae",), betas=(1.0, 2.0))
    for spec, outcome in (
        (first, Outcome("failed", "CUDA error", unexpected=True)),
        (second, Outcome("interrupted", "stopped at step 4")),
    ):
        claim = store.folder(spec).claim()
        worker._end(SimpleNamespace(spec=spec, claim=claim), outcome)
    assert ours.recv().worker_ends
    assert ours.recv() == Declined(second.path, elsewhere=False)
    assert not list(store.runs.rglob("claim-*"))


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_a_worker_measures_and_goes_on(device, start, plan):
    connection, _ = start(device)
    specs = plan(models=("betavae",), betas=(1.0, 2.0))
    connection.send(Measure(tuple(specs), (1, 2), 0.01))
    match connection.recv():
        case Measured(measurements):
            assert measurements[0].members == 1
            assert bool(measurements[0].error) == (device == "meta")
    connection.send(Measure(tuple(specs), (1,), 0.01))
    assert isinstance(connection.recv(), Measured)


def test_a_signal_only_sets_a_flag():
    stop = StopRequest()
    before = signal.signal(signal.SIGTERM, stop.make)
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.made
    finally:
        signal.signal(signal.SIGTERM, before)

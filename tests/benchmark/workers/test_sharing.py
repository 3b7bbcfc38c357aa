"""Many real processes walk one plan at once, each with an agenda of its own."""

import multiprocessing
import os
import threading
from collections import Counter

import h5py
import pytest

from disentanglement_bench.benchmark.workers import agenda as agenda_module
from disentanglement_bench.benchmark.workers.agenda import Agenda

PROCESSES = 32


def train(folder, spec):
    """Stands for training: publishes the files that make a run done."""
    with h5py.File(folder.representation, "w") as file:
        file["codes"] = [1.0]
    record = {"run": spec.identity(), "config": spec.resolved()}
    folder.write_record({"status": "done", "reason": "", **record})


def walk(plan, store, begin, tell):
    """What a call with one worker does until every run of the plan is done.

    Parameters
    ----------
    plan : list of RunSpec
    store : Store
    begin : multiprocessing barrier
        Lets all calls compare the plan with the empty folder before any of them begins.
    tell : callable
        Called with what happens.
    """
    agenda_module.ELSEWHERE_SECONDS = agenda_module.LOOKS_SECONDS = 0.1
    agenda, pause = Agenda(plan, store, retry_failed=False), threading.Event()
    begin.wait()
    while agenda.unfinished:
        list(agenda.check_elsewhere())
        for spec, dead in agenda.take(lambda spec: None).items():
            folder = store.folder(spec)
            claim = folder.claim(dead)
            if claim is None:
                tell("collided")
                agenda.give_back(spec)
                continue
            with claim:
                ended = folder.status()[0] == "done"
                if not ended:
                    train(folder, spec)
                    tell("trained")
            if ended:
                tell("claimed in vain")
                agenda.give_back(spec)
            else:
                agenda.end(spec, "done", "")
        pause.wait(0.01)


@pytest.mark.slow
def test_32_processes_share_a_plan_and_hardly_ever_claim_the_same_run(store, plan):
    specs = plan(betas=range(1, 101), lambdas=(0.0, 8.0))
    assert len(specs) == 300
    context = multiprocessing.get_context("fork")
    begin = context.Barrier(PROCESSES)
    reader, writer = os.pipe()

    def tell(event):
        os.write(writer, f"{event}\n".encode())

    processes = [
        context.Process(target=walk, args=(specs, store, begin, tell), daemon=True)
        for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    os.close(writer)
    happened = Counter(line.strip() for line in os.fdopen(reader))
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * PROCESSES
    assert happened["trained"] == len(specs)
    # All begin with the first run; after that each is at a place of its own.
    assert happened["collided"] + happened["claimed in vain"] < len(specs) / 2, happened
    assert not list(store.runs.rglob("claim-*"))

import io

from rich.console import Console

from disentanglement_bench.benchmark.runs.outcome import Outcome
from disentanglement_bench.benchmark.workers.progress import PlainReporter, RichReporter

FINAL = {"nll": 100.0, "kl": 2.5}
ROW = (4, 100.0, 2.5, 1.0, 0.0, 3)


def play(reporter, plan, tick=lambda: None):
    parent, control, child = plan
    with reporter:
        reporter.begin(plan, plan)
        reporter.run_started(0, parent, "cpu")
        tick()
        reporter.progress(0, parent, 4, ROW)
        reporter.run_ended(0, parent, Outcome("done", figures={"final": FINAL}))
        reporter.run_started(0, control, "cpu")
        reporter.run_given_up(0, control)
        reporter.run_elsewhere(control)
        reporter.run_settled_elsewhere(control, "done")
        reporter.run_started(0, child, "cpu")
        reporter.run_ended(0, child, Outcome("failed", "for a reason"))
        reporter.message("bye")


def test_plain_lines_tell_what_happens_and_how_long_it_takes(plan):
    lines, clock = [], iter([0, 8]).__next__
    play(PlainReporter(lines.append, clock), plan())
    assert lines == [
        "3 runs, 0 of them done or settled before",
        "start  tiny betavae beta=2 seed 0 (6 steps on cpu)",
        "[1/3] tiny betavae beta=2 seed 0 done: NLL 100.0, KL 2.50 nats; about 16 s left",
        "start  tiny lambdabeta beta=2 lambda=0 seed 0 (4 steps on cpu)",
        "leave  tiny lambdabeta beta=2 lambda=0 seed 0: another process has it",
        "wait   tiny lambdabeta beta=2 lambda=0 seed 0: another process trains it",
        "[2/3] tiny lambdabeta beta=2 lambda=0 seed 0 done by another process",
        "start  tiny lambdabeta beta=2 lambda=8 seed 0 (4 steps on cpu)",
        "[3/3] tiny lambdabeta beta=2 lambda=8 seed 0 failed: for a reason",
        "bye",
    ]


def test_bars_end_complete(plan):
    stream = io.StringIO()
    reporter = RichReporter(Console(file=stream, force_terminal=True, width=120))
    play(reporter, plan())
    (total,) = reporter._progress.tasks
    assert total.completed == total.total == 14
    assert total.fields["note"] == "3 of 3 runs"
    assert "for a reason" in stream.getvalue()

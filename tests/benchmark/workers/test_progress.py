import dataclasses
import io
import re

from rich.console import Console

from disentanglement_bench.benchmark.runs.outcome import Outcome
from disentanglement_bench.benchmark.workers.progress import (
    PlainReporter,
    RichReporter,
    describe,
    make_reporter,
)

FINAL = {"nll": 100.0, "kl": 2.5}
ROW = (4, 100.0, 2.5, 1.0, 0.0, 3)


def play(reporter, plan, tick=lambda: None):
    parent, control, child = plan
    with reporter:
        reporter.begin(plan, plan)
        reporter.runs_started(0, [parent], "cpu")
        tick()
        reporter.progress(0, parent, 4, ROW)
        reporter.run_ended(0, parent, Outcome("done", figures={"final": FINAL}))
        reporter.runs_started(0, [control], "cpu")
        reporter.run_given_up(0, control)
        reporter.run_elsewhere(control)
        reporter.run_settled_elsewhere(control, "done")
        reporter.runs_started(0, [child], "cpu")
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


def test_a_run_is_told_from_others_by_its_settings(plan):
    spec = dataclasses.replace(plan()[0], settings=(("network", "conv"), ("learning_rate", 1e-3)))
    assert describe(spec) == "tiny betavae beta=2 network=conv learning_rate=0.001 seed 0"


def test_bars_end_complete(plan):
    stream = io.StringIO()
    reporter = RichReporter(Console(file=stream, force_terminal=True, width=120))
    play(reporter, plan())
    (total,) = reporter._progress.tasks
    assert total.completed == total.total == 14
    assert total.fields["note"] == "3 of 3 runs"
    assert "for a reason" in stream.getvalue()


def test_at_80_columns_names_are_cut_but_no_number(plan):
    specs = plan(settings=[("batch_size", "8")], steps=210_000, continue_steps=99_999)
    stream = io.StringIO()
    reporter = RichReporter(Console(file=stream, force_terminal=True, width=80))
    with reporter:
        reporter.begin(specs, specs)
        reporter.runs_started(0, [specs[-1]], "cpu")
        reporter.progress(0, specs[-1], 55_555, (55_555, 1234.5, 23.45, 1.0, 0.0, 3))
        reporter._progress.refresh()
        shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    for text in ("55555/99999", "55555/409998", "NLL 1234.5 KL 23.45", "0 of 3 runs"):
        assert text in shown
    assert max(len(line.strip("\r")) for line in shown.splitlines()) <= 80
    assert "…" in shown


def test_a_narrower_terminal_is_cleared(plan):
    specs = plan()
    stream = io.StringIO()
    reporter = RichReporter(Console(file=stream, force_terminal=True, width=120))
    with reporter:
        reporter.begin(specs, specs)
        reporter.runs_started(0, [specs[0]], "cpu")
        reporter.progress(0, specs[0], 2, ROW)
        assert "\x1b[2J" not in stream.getvalue()
        reporter._progress.console.width = 80
        reporter.progress(0, specs[0], 4, ROW)
        assert "\x1b[2J" in stream.getvalue()


def test_a_terminal_that_is_gone_stops_nothing(plan):
    class Gone(io.StringIO):
        def write(self, text):
            raise OSError(5, "Input/output error")

    play(make_reporter(Gone()), plan())


def play_together(reporter, specs, shown=lambda: None):
    _, control, child = specs
    with reporter:
        reporter.begin(specs, specs)
        reporter.runs_started(0, [control, child], "cuda:0")
        reporter.progress(0, control, 2, ROW)
        reporter.progress(0, child, 2, (4, 200.0, 4.5, 1.0, 0.0, 3))
        shown()
        reporter.run_ended(0, control, Outcome("failed", "for a reason"))
        shown()
        reporter.run_given_up(0, child)


def test_runs_that_are_trained_together_have_a_line_each(plan):
    lines = []
    play_together(PlainReporter(lines.append, lambda: 0), plan())
    assert lines[1:3] == [
        "start  tiny lambdabeta beta=2 lambda=0 seed 0 (4 steps on cuda:0, 2 runs together)",
        "start  tiny lambdabeta beta=2 lambda=8 seed 0 (4 steps on cuda:0, 2 runs together)",
    ]
    assert lines[3].startswith("[1/3] tiny lambdabeta beta=2 lambda=0 seed 0 failed")


def test_runs_that_are_trained_together_share_a_bar(plan):
    reporter = RichReporter(Console(file=io.StringIO(), force_terminal=True, width=120))
    seen = []

    def look():
        bar = reporter._progress.tasks[-1]
        seen.append((bar.description, bar.completed, bar.total, bar.fields["note"]))

    play_together(reporter, plan(), look)
    assert seen == [
        ("2 runs, λβ-VAE, tiny", 4, 8, "NLL 150.0 KL 3.50"),
        ("tiny lambdabeta beta=2 lambda=8 seed 0", 2, 4, "NLL 150.0 KL 3.50"),
    ]
    (total,) = reporter._progress.tasks
    assert (total.completed, total.total) == (4, 14)

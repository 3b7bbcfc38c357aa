"""What is shown while runs are trained: bars on a terminal, plain lines elsewhere."""

import time

from ..console import TolerantStream, make_bars


def describe(spec):
    """A run in one short phrase."""
    from ..protocol.settings import write_value

    chosen = (*spec.hyperparameters, *spec.settings)
    settings = " ".join(f"{name}={write_value(value)}" for name, value in chosen)
    scratch = " scratch" if spec.from_scratch else ""
    return f"{spec.dataset_name} {spec.model.name} {settings}{scratch} seed {spec.seed}"


def describe_together(specs):
    """Runs that are trained together in one short phrase; a single one as by `describe`."""
    first, *others = specs
    if not others:
        return describe(first)
    labels = dict.fromkeys(spec.model.declaration.label for spec in specs)
    return f"{1 + len(others)} runs, {', '.join(labels)}, {first.dataset_name}"


def describe_outcome(outcome):
    """How a run ended, with its figures when it is done."""
    if outcome.status != "done":
        return outcome.status + (f": {outcome.reason}" if outcome.reason else "")
    final = outcome.figures["final"]
    return f"done: NLL {final['nll']:.1f}, KL {final['kl']:.2f} nats"


class PlainReporter:
    """One line when a run starts or ends.

    Parameters
    ----------
    echo : callable
        Prints one line.
    clock : callable, default time.monotonic
    """

    def __init__(self, echo, clock=time.monotonic):
        self._echo = echo
        self._clock = clock

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return None

    def begin(self, plan, pending):
        """Training starts: `pending` are the runs of the `plan` that are not done."""
        self._total = len(pending)
        self._ended = 0
        self._steps_left = sum(spec.own_steps for spec in pending)
        self._steps_done = 0
        self._last = {}
        self._began = self._clock()
        self._echo(f"{len(plan)} runs, {len(plan) - len(pending)} of them done or settled before")

    def runs_started(self, slot, specs, device):
        """A worker takes a run, or several to train together."""
        together = f", {len(specs)} runs together" if len(specs) > 1 else ""
        for spec in specs:
            self._last[spec] = 0
            self._echo(f"start  {describe(spec)} ({spec.own_steps} steps on {device}{together})")

    def progress(self, slot, spec, steps, row):
        """A worker has done this many steps of a run."""
        self._steps_done += steps - self._last.get(spec, 0)
        self._last[spec] = steps

    def run_given_up(self, slot, spec, elsewhere=True):
        """A worker leaves a run to another process, or else for another turn."""
        why = "another process has it" if elsewhere else "it has its turn later"
        self._echo(f"leave  {describe(spec)}: {why}")

    def run_ended(self, slot, spec, outcome):
        """A run ended."""
        self._steps_left -= spec.own_steps
        self._ended += 1
        self._echo(
            f"[{self._ended}/{self._total}] {describe(spec)} {describe_outcome(outcome)}"
            f"{self._time_left()}"
        )

    def run_elsewhere(self, spec):
        """Another process trains a run."""
        self._echo(f"wait   {describe(spec)}: another process trains it")

    def run_settled_elsewhere(self, spec, status):
        """Another process ended a run."""
        self._ended += 1
        self._steps_left -= spec.own_steps
        self._echo(f"[{self._ended}/{self._total}] {describe(spec)} {status} by another process")

    def message(self, text):
        """Say something."""
        self._echo(text)

    def _time_left(self):
        if self._steps_done == 0 or self._steps_left <= 0:
            return ""
        seconds = (self._clock() - self._began) / self._steps_done * self._steps_left
        return f"; about {format_seconds(seconds)} left"


class RichReporter:
    """One bar for each running worker and one for everything, with the time left.

    Parameters
    ----------
    console : rich.console.Console
    """

    def __init__(self, console):
        # Training reports about once a second; the estimate looks back far enough.
        self._progress = make_bars(console, speed_estimate_period=120)
        self._width = console.width
        self._bars = {}

    def __enter__(self):
        self._progress.start()
        return self

    def __exit__(self, *exception):
        self._progress.stop()

    def begin(self, plan, pending):
        """Training starts: `pending` are the runs of the `plan` that are not done."""
        steps = sum(spec.own_steps for spec in pending)
        self._runs = len(pending)
        self._ended = 0
        self._total = self._progress.add_task("all steps", total=steps, note="")
        self._note()

    def runs_started(self, slot, specs, device):
        """A worker takes a run, or several to train together, which share a bar."""
        self._bars[slot] = _Bar(self._progress, specs)

    def progress(self, slot, spec, steps, row):
        """A worker has done this many steps of a run."""
        self._clear_if_narrower()
        self._progress.advance(self._total, self._bars[slot].advance(spec, steps, row))

    def run_given_up(self, slot, spec, elsewhere=True):
        """A worker leaves a run to another process, or else for another turn."""
        self._progress.advance(self._total, -self._remove(slot, spec))

    def run_ended(self, slot, spec, outcome):
        """A run ended."""
        self._progress.advance(self._total, spec.own_steps - self._remove(slot, spec))
        self._ended += 1
        self._note()
        if outcome.status == "failed":
            self.message(f"failed: {describe(spec)}: {outcome.reason}")

    def _remove(self, slot, spec):
        """Take a run out of its worker's bar; the steps that it had done."""
        steps, left = self._bars[slot].remove(spec)
        if not left:
            del self._bars[slot]
        return steps

    def run_elsewhere(self, spec):
        """Another process trains a run."""

    def run_settled_elsewhere(self, spec, status):
        """Another process ended a run."""
        self._ended += 1
        self._progress.advance(self._total, spec.own_steps)
        self._note()

    def message(self, text):
        """Say something."""
        self._progress.console.print(text, markup=False, highlight=False)

    def _clear_if_narrower(self):
        """A terminal that was made narrower wraps what is drawn, which would be left there."""
        console = self._progress.console
        if console.width < self._width:
            console.clear()
        self._width = console.width

    def _note(self):
        self._progress.update(self._total, note=f"{self._ended} of {self._runs} runs")


class _Bar:
    """The bar of the runs that a worker has: their steps, and means over the last rows."""

    def __init__(self, progress, specs):
        self._progress = progress
        self._steps = dict.fromkeys(specs, 0)
        self._rows = {}
        self._task = progress.add_task(describe_together(specs), total=self._total(), note="")

    def advance(self, spec, steps, row):
        """Take a run's progress; the number of new steps."""
        new = steps - self._steps[spec]
        self._steps[spec], self._rows[spec] = steps, row
        _, nll, kl = (sum(column) / len(self._rows) for column in self._columns())
        note = f"NLL {nll:.1f} KL {kl:.2f}"
        self._progress.update(self._task, completed=sum(self._steps.values()), note=note)
        return new

    def remove(self, spec):
        """Take a run out; the steps that it had done, and whether any run is left."""
        steps = self._steps.pop(spec)
        self._rows.pop(spec, None)
        if self._steps:
            self._progress.update(
                self._task,
                description=describe_together(self._steps),
                completed=sum(self._steps.values()),
                total=self._total(),
            )
        else:
            self._progress.remove_task(self._task)
        return steps, bool(self._steps)

    def _total(self):
        return sum(spec.own_steps for spec in self._steps)

    def _columns(self):
        """Steps, NLL and KL of the runs' last rows."""
        return zip(*(row[:3] for row in self._rows.values()), strict=True)


def make_reporter(file):
    """The reporter that suits a stream: bars on a terminal, else lines."""
    from rich.console import Console

    file = TolerantStream(file)
    console = Console(file=file)
    if console.is_terminal:
        return RichReporter(console)
    return PlainReporter(lambda text: print(text, file=file, flush=True))


def format_seconds(seconds):
    """Write a duration.

    Examples
    --------
    >>> format_seconds(42), format_seconds(3725), format_seconds(5_000_000)
    ('42 s', '1 h 02 min', '1,389 h')
    """
    seconds = round(seconds)
    if seconds < 90:
        return f"{seconds} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours = minutes // 60
    # Of a week of training, nobody needs the minutes.
    return f"{hours} h {minutes % 60:02d} min" if hours < 100 else f"{round(seconds / 3600):,} h"

"""Measuring how many runs to train together, before a call hands out the first of them."""

from collections import defaultdict

from ...evaluation.naming import one_line
from .messages import Measure
from .stacks import find_stack

# Measuring may take this part of the time that training would take, run by run.
SHARE = 1 / 50
# A budget of fewer seconds measures too little; more than the most are not needed.
LEAST_SECONDS, MOST_SECONDS = 3.0, 60.0
# Time to measure a single run, on which the budget depends.
FIRST_SECONDS = 1.0
# With fewer steps for each worker the budget would be too small on any device.
LEAST_STEPS = 1_000
LARGEST_STACK = 64


class Calibration:
    """Chooses the size of stacks for every kind of run, or takes what was chosen earlier.

    All workers measure at once, as they will train.

    Parameters
    ----------
    pending : list of RunSpec
    sizes : benchmark.workers.sizes.StackSizes
        Its `chosen` is filled in.
    devices : list of str
    jobs : int
        Number of workers, which take the devices in turn.
    tell : callable
        ``tell(text)``, for a line about each choice.

    Attributes
    ----------
    done : bool
        Whether nothing is left to be measured.
    """

    def __init__(self, pending, sizes, devices, jobs, tell):
        self._sizes = sizes
        self._devices = devices
        self._jobs = jobs
        self._tell = tell
        self._steps = {spec: spec.own_steps for spec in pending}
        self._kinds = self._list_kinds(pending)
        self._conversation = None
        self._answers = None
        self.done = not self._kinds

    def go_on(self, workers, choices, send):
        """Ask the workers, which are all idle, for what is to be measured next.

        Parameters
        ----------
        workers : list of benchmark.workers.processes.Worker
        choices : benchmark.workers.choices.Choices
            Of these workers.
        send : callable
            ``send(worker, message)``.
        """
        answers = None
        if self._conversation is None:
            self._conversation = self._choose(choices)
        else:
            answers = list(self._answers.values())
        try:
            message = self._conversation.send(answers)
        except StopIteration:
            self.done = True
            return
        self._answers = {}
        for worker in list(workers):
            worker.measuring = True
            send(worker, message)

    def receive(self, worker, measurements):
        """Take a worker's answer: a tuple of Measurement, empty where the worker is gone."""
        worker.measuring = False
        self._answers[worker.slot] = measurements

    def _choose(self, choices):
        """Yield what all workers are to measure, and receive the list of their answers."""
        from .choices import choose
        from .measuring import list_sizes

        sharing = -(-self._jobs // len(self._devices))
        for kind, specs in self._kinds.items():
            choice = choices.find(kind)
            if choice is None:
                steps = sum(self._steps[spec] for spec in specs)
                together = find_stack(specs, self._steps)
                share = min(self._share(together), LARGEST_STACK)
                if steps < LEAST_STEPS * self._jobs:
                    continue
                answers = yield Measure(tuple(together[:1]), (1,), FIRST_SECONDS, sharing)
                self._tell_obstacle(answers)
                speed = choose(answers).one_by_one
                budget = min(SHARE * steps / speed, MOST_SECONDS) if speed else 0
                if budget < LEAST_SECONDS:
                    continue
                measured = tuple(together[:share])
                answers = yield Measure(measured, list_sizes(share), budget, sharing)
                self._tell_obstacle(answers)
                choice = choose(answers)
                if not choice.one_by_one:
                    continue
                try:
                    choices.store(kind, choice)
                except OSError as error:
                    self._tell(f"{one_line(choices.path)} cannot be written ({error.strerror})")
            self._sizes.chosen[kind] = choice.members
            self._tell(choice.describe(", ".join(self._devices)))

    def _tell_obstacle(self, answers):
        """Say why runs are trained one by one, where it is not that stacks are slower."""
        larger = [found for answer in answers for found in answer if found.members > 1]
        if not all(answers):
            why = "a worker could not end its measurement, perhaps for want of memory"
        elif larger and all(found.error for found in larger):
            why = larger[0].error
        else:
            return
        self._tell(f"runs are trained one by one: {why}")

    def _list_kinds(self, pending):
        """The runs of which each worker could train several together, by kind."""
        kinds = defaultdict(list)
        for spec in pending:
            if self._sizes.key(spec) is not None:
                kinds[self._sizes.kind(spec)].append(spec)
        return {
            kind: specs
            for kind, specs in kinds.items()
            if self._share(find_stack(specs, self._steps)) > 1
        }

    def _share(self, specs):
        return -(-len(specs) // self._jobs)

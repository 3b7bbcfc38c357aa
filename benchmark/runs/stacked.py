"""Carry out several runs together: those at the same step train in lock-step, as a stack."""

from collections import defaultdict

from ...evaluation.naming import one_line
from ...models.training.loop import Stopped
from ...models.training.stacking import StackedTrainer, StackingError
from .building import close_streams
from .outcome import Outcome
from .record import is_out_of_memory


def run_together(executions, members, on_end, on_progress, should_stop, on_unstacked):
    """Train and publish several runs; each ends by itself, and its ending is in its run.json.

    Those that cannot be trained together with most of the others, or with any, are returned: they
    would only wait here, while another worker may be idle.

    Parameters
    ----------
    executions : list of benchmark.runs.execute.Execution
        Of runs that can be members of one stack.
    members : int
        Train at most so many of them.
    on_end : callable
        ``on_end(execution, outcome)``, called once for each as soon as it has ended.
    on_progress : callable
        ``on_progress(execution, steps done by this run, row of the log)``.
    should_stop : callable
    on_unstacked : callable
        ``on_unstacked(execution, text)``, called with one of the runs, and a line that says why,
        where they can only be trained one by one.
    """
    begun = []
    for execution in executions:
        outcome = execution.begin()
        if outcome is not None:
            on_end(execution, outcome)
        elif execution.trainer.step == execution.trainer.schedule.end:
            # Only its representation is missing.
            _train_alone(execution, on_end, on_progress, should_stop)
        else:
            begun.append(execution)
    if not begun:
        return
    group = max(group_alike(begun, members), key=len)
    for execution in begun:
        if execution not in group:
            on_end(execution, _leave(execution))
    if len(group) > 1 and _train_stack(group, on_end, on_progress, should_stop, on_unstacked):
        return
    for execution in group[1:]:
        on_end(execution, _leave(execution))
    _train_alone(group[0], on_end, on_progress, should_stop)


def group_alike(executions, members):
    """Divide runs that have begun into those that can go on in lock-step.

    That needs the same step; and the same number of threads, on which a run's numbers depend.

    Parameters
    ----------
    executions : list of benchmark.runs.execute.Execution
    members : int
        The largest size of a group.

    Returns
    -------
    list of list of Execution
        Groups of nearly equal size, in the order of the runs.
    """
    alike = defaultdict(list)
    for execution in executions:
        alike[execution.trainer.step, execution.threads].append(execution)
    groups = []
    for group in alike.values():
        count = -(-len(group) // members)
        size = -(-len(group) // count)
        groups += [group[start : start + size] for start in range(0, len(group), size)]
    return groups


def _train_alone(execution, on_end, on_progress, should_stop):
    outcome = execution.train(lambda steps, row: on_progress(execution, steps, row), should_stop)
    on_end(execution, outcome)


def _train_stack(group, on_end, on_progress, should_stop, on_unstacked):
    """Train runs in lock-step and publish them; False if they must be trained one by one."""
    alive = {execution.trainer: execution for execution in group}

    def save(trainer):
        alive[trainer].save(trainer)

    def report(trainer, step, row):
        execution = alive[trainer]
        on_progress(execution, step - execution.spec.start, row)

    def drop(trainer, error):
        execution = alive.pop(trainer)
        close_streams(trainer)
        on_end(execution, execution.end_by(error))

    for execution in group:
        execution.open_session(len(group))
    try:
        StackedTrainer(list(alive), note=group[0].note).run(save, report, should_stop, drop)
    except StackingError as error:
        on_unstacked(group[0], _explain_unstacked(error, len(group)))
        return False
    except (Exception, SystemExit) as error:
        # Stopped, or what befell all of them at once.
        for trainer, execution in alive.items():
            close_streams(trainer)
            on_end(execution, execution.end_by(error, len(group)))
        return True
    for trainer in alive:
        close_streams(trainer)
    for execution in alive.values():
        # Encoding takes a while for each; its checkpoint is saved, so it can be done later.
        if should_stop():
            outcome = execution.end_by(Stopped(execution.trainer.step))
        else:
            outcome = execution.publish()
        on_end(execution, outcome)
    return True


def _leave(execution):
    """Give up a run that has begun, but was not trained any further by this process."""
    close_streams(execution.trainer)
    outcome = execution.interrupt("left before it went on")
    return outcome if outcome.status == "lost" else Outcome("returned")


def _explain_unstacked(error, members):
    cause = error.__cause__
    if cause is not None and is_out_of_memory(cause):
        return (
            f"{members} runs together need more memory than there is, so they are trained one by "
            "one; give --stack a smaller number"
        )
    return f"runs are trained one by one instead of {members} together: {one_line(error)}"

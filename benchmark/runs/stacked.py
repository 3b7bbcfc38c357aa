"""Carry out several runs together: those at the same step train in lock-step, as a stack."""

from collections import defaultdict

from ...evaluation.naming import one_line
from ...models.training.loop import Stopped
from ...models.training.stacking import StackedTrainer, StackingError
from .building import close_streams
from .record import is_out_of_memory


def run_together(executions, members, on_end, on_progress, should_stop, on_unstacked):
    """Train and publish several runs; each ends by itself, and its ending is in its run.json.

    Parameters
    ----------
    executions : list of benchmark.runs.execute.Execution
        Of runs that can be members of one stack.
    members : int
        Train at most so many of them at once.
    on_end : callable
        ``on_end(execution, outcome)``, called once for each as soon as it has ended.
    on_progress : callable
        ``on_progress(execution, steps done by this run, row of the log)``.
    should_stop : callable
    on_unstacked : callable
        ``on_unstacked(execution, text)``, called with one of the runs, and a line that says why,
        where they had to be trained one by one.
    """
    begun = []
    for execution in executions:
        outcome = execution.begin()
        if outcome is None:
            begun.append(execution)
        else:
            on_end(execution, outcome)
    for group in group_alike(begun, members):
        if should_stop():
            for execution in group:
                on_end(execution, _leave(execution))
        elif len(group) == 1 or not _train_stack(
            group, on_end, on_progress, should_stop, on_unstacked
        ):
            _train_one_by_one(group, on_end, on_progress, should_stop)


def group_alike(executions, members):
    """Divide runs that have begun into those that can go on in lock-step.

    That needs the same step; and the same number of threads, on which a run's numbers depend.
    A run that was trained to its end before, and only lacks its representation, is alone.

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
        trainer = execution.trainer
        alone = execution if trainer.step == trainer.schedule.end else None
        alike[trainer.step, execution.threads, alone].append(execution)
    groups = []
    for group in alike.values():
        count = -(-len(group) // members)
        size = -(-len(group) // count)
        groups += [group[start : start + size] for start in range(0, len(group), size)]
    return groups


def _train_one_by_one(group, on_end, on_progress, should_stop):
    for execution in group:
        if execution is not group[0] and should_stop():
            outcome = _leave(execution)
        else:
            outcome = execution.train(
                lambda steps, row, execution=execution: on_progress(execution, steps, row),
                should_stop,
            )
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
    """End a run that has begun, but was not trained any further by this process."""
    close_streams(execution.trainer)
    return execution.interrupt("stopped before it went on")


def _explain_unstacked(error, members):
    cause = error.__cause__
    if cause is not None and is_out_of_memory(cause):
        return (
            f"{members} runs together need more memory than there is, so they are trained one by "
            "one; give --stack a smaller number"
        )
    return f"runs are trained one by one instead of {members} together: {one_line(error)}"

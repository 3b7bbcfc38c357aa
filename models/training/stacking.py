"""Training several runs in lock-step: which ones can be, and the loop that does it."""

import time

from ..autoencoder import Autoencoder
from ..hooks import read_hooks
from .capture import choose_capture
from .graph import GraphedStep, call_weakly
from .loop import Stopped
from .recording import Diverged
from .stack import Stack, StackingError, check_attributes

WEIGHED = "weighed terms"


def find_family(model_class):
    """Find out which models can be trained in one stack.

    Parameters
    ----------
    model_class : type

    Returns
    -------
    hashable or None
        Models of equal families can be members of one stack; None for a model that cannot be a
        member of any, because a second optimiser trains a part of it, or it permutes codes. The
        classes whose losses are weighted sums of the same terms, and whose networks are the
        zoo's, are one family; any other class is its own.

    Examples
    --------
    >>> from disentanglement_bench.models.zoo import load_model
    >>> find_family(load_model("vae")) == find_family(load_model("lambdabeta"))
    True
    >>> print(find_family(load_model("factorvae")))
    None
    """
    hooks = read_hooks(model_class)
    if hooks.adversary is not None or hooks.permutes:
        return None
    inherited = ("__init__", "encode", "decode", "loss")
    as_the_zoo = all(
        getattr(model_class, name) is getattr(Autoencoder, name, None) for name in inherited
    )
    if as_the_zoo and not hooks.logs and not hooks.couples:
        return WEIGHED, hooks.pairs
    return model_class


class StackedTrainer:
    """Runs that are trained in lock-step; any of them can go on alone from its checkpoint.

    Sums are taken in another order than by `models.training.loop.Trainer`, so that results agree
    to float32 round-off, step by step. Nothing is passed through `torch.compile`, also where the
    members' own objectives are.

    Parameters
    ----------
    trainers : list of models.training.loop.Trainer
        At the same step, loaded or inherited; with models of one family, equal schedules, and
        batches of the same data set.
    graph : object, default "auto"
        What captures the steps, see `models.training.capture.choose_capture`.
    note : callable, optional
        ``note(text)``, told in one line when steps are not captured though they should be.

    Attributes
    ----------
    members : list of models.training.loop.Trainer
        Those that train; whoever fails is taken out. After each save, and at the end, a member
        is as if it had trained alone, but that its seconds are its share of the stack's.
    stack : models.training.stack.Stack
        What is trained, until it is copied back into the members.

    Raises
    ------
    StackingError
        If they cannot be trained as a stack.
    """

    def __init__(self, trainers, graph="auto", note=None):
        self.members = list(trainers)
        families = {find_family(type(trainer.model)) for trainer in trainers}
        if len(families) != 1 or None in families:
            names = ", ".join(dict.fromkeys(type(trainer.model).__name__ for trainer in trainers))
            raise StackingError(f"models of one family are needed for a stack, got {names or 0}")
        family = families.pop()
        self._weighed = isinstance(family, tuple) and family[0] == WEIGHED
        try:
            self.stack = Stack(self.members, self._weighed)
            check_attributes([trainer.model for trainer in self.members])
        except Exception as error:
            raise _explain(error) from error
        device = self.members[0].device
        self._update = GraphedStep(
            call_weakly(self._compute),
            call_weakly(self._tensors),
            choose_capture(graph, device),
            device,
            note,
        )
        self._tried = False
        # Steps in the stack's own record, which the members' recorders do not have yet.
        self._pending = 0
        self._began = None

    @property
    def step(self):
        """Steps done, the parent's included."""
        return self.members[0].step

    def run(self, save, on_progress=None, should_stop=None, on_failure=None):
        """Train to the end of the schedule, or until every member has failed.

        Parameters
        ----------
        save : callable
            ``save(trainer)`` for each member, at checkpoints, at the end and before stopping.
        on_progress : callable, optional
            ``on_progress(trainer, step, row)`` after each interval of the log.
        should_stop : callable, optional
            Asked after every step; True saves all members and raises `Stopped`.
        on_failure : callable, optional
            ``on_failure(trainer, error)`` for a member that is taken out, because it diverged or
            because `save` or `on_progress` raised an error for it; the others go on. By default
            the error is raised.

        Raises
        ------
        StackingError
            If the first step fails; nothing of the members has changed then.
        models.training.loop.Stopped
        """
        for trainer in self.members:
            trainer.model.train()
        self._began = time.perf_counter()
        with self._update:
            self._train(save, on_progress, should_stop, on_failure)

    def _train(self, save, on_progress, should_stop, on_failure):
        schedule = self.members[0].schedule
        while self.members and self.step < schedule.end:
            self._train_step()
            finished = self.step == schedule.end
            if finished or self._pending == self.members[0].recorder.missing:
                self._hand_over()
                self._for_each(lambda trainer: _report(trainer, on_progress), on_failure)
            if not self.members:
                return
            stopping = should_stop is not None and not finished and should_stop()
            if finished or stopping or self.step % schedule.checkpoint_every == 0:
                self._save(save, on_failure)
            if stopping and self.members:
                raise Stopped(self.step)

    def _train_step(self):
        schedule, step = self.members[0].schedule, self.step
        if len(self.stack) != len(self.members):
            self.stack.write_back()
            self._update.restart()
            self.stack = Stack(self.members, self._weighed)
        if step in schedule.boundaries and step > schedule.start:
            for trainer in self.members:
                trainer.optimiser = trainer.make_optimiser(trainer.model.parameters(), schedule)
            self.stack.begin_phase()
            self._update.restart()
        if self._tried:
            self._update(*self.stack.inputs(step))
        else:
            self._try_step(step)
        self._pending += 1
        for trainer in self.members:
            trainer.step += 1
            trainer.steps_here += 1
            trainer.graphed = self._update.used

    def _compute(self, *inputs):
        """One update of the stack that there is now."""
        self.stack.update(*inputs)

    def _tensors(self):
        return self.stack.tensors()

    def _try_step(self, step):
        """The first step, on the stack's own copies of everything."""
        try:
            self.stack.compare(step)
            self._update(*self.stack.inputs(step))
        except Exception as error:
            raise _explain(error) from error
        self._tried = True

    def _hand_over(self):
        """Give the members' recorders what was recorded since the last time."""
        here, steps = self.stack.here, self._pending
        for number, trainer in enumerate(self.stack.trainers):
            images = steps * trainer.noise.shape[0]
            trainer.recorder.take(here.values[:steps, number], here.moments[:, number], images)
        here.clear()
        self._pending = 0

    def _save(self, save, on_failure):
        if self._pending:
            self._hand_over()
        self.stack.write_back()
        finite = dict(zip(self.stack.trainers, self.stack.find_finite(), strict=True))

        def check_and_save(trainer):
            trainer.recorder.check_finite(trainer.step)
            if not finite[trainer]:
                raise Diverged(trainer.step, "NaN or infinite", "a weight")
            save(trainer)

        self._for_each(check_and_save, on_failure)
        # Saving is no training.
        self._began = time.perf_counter()

    def _for_each(self, act, on_failure):
        """Do something for each member, and take out those for which it fails."""
        self._share_time()
        failed = []
        for trainer in self.members:
            try:
                act(trainer)
            except Exception as error:
                if on_failure is None:
                    raise
                failed.append((trainer, error))
        gone = [trainer for trainer, _ in failed]
        self.members = [trainer for trainer in self.members if trainer not in gone]
        for trainer, cause in failed:
            on_failure(trainer, cause)

    def _share_time(self):
        """Add the time since the last call in equal shares."""
        now = time.perf_counter()
        share = (now - self._began) / len(self.members)
        self._began = now
        for trainer in self.members:
            trainer.seconds += share
            trainer.seconds_here += share


def _report(trainer, on_progress):
    trainer.recorder.flush(trainer.step)
    if on_progress is not None:
        on_progress(trainer, trainer.step, trainer.recorder.rows[-1])


def _explain(error):
    """A `StackingError` of one line."""
    if isinstance(error, StackingError):
        return error
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return StackingError(f"these runs cannot be trained as a stack: {text}")

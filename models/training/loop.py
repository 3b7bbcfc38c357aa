"""The one training loop: any model with the zoo's protocol, any source of batches."""

import contextlib
import time
from dataclasses import replace

import torch

from ..autoencoder import Objective
from ..hooks import read_hooks
from .capture import choose_capture
from .coefficients import Coefficients
from .graph import GraphedStep, call_weakly, describe_optimiser
from .optimisers import fused_adam, load_optimiser
from .recording import Diverged, Recorder
from .step import Adversary, training_step
from .streams import global_states, private_randomness, seeded_states, stream_seed


class Stopped(Exception):
    """Training was asked to stop; its checkpoint is saved."""

    def __init__(self, step):
        super().__init__(f"stopped at step {step}")
        self.step = step


def build_model(model_class, seed, device, image_shape, **arguments):
    """Construct a model from its own random stream and move it to the device, channels-last.

    Parameters
    ----------
    model_class : type
        Called as ``model_class(image_shape, **arguments)``.
    seed : int
        The run's seed; the weights depend on nothing else.
    device : torch.device
    image_shape : tuple of int
        (channels, height, width).

    Returns
    -------
    torch.nn.Module
    """
    device = torch.device(device)
    states = seeded_states(device, stream_seed(seed, "initialisation"))
    with private_randomness(device, states):
        model = model_class(image_shape, **arguments)
    return model.to(device=device, memory_format=torch.channels_last)


class Trainer:
    """A training run that can be stopped, saved and continued bit for bit.

    Parameters
    ----------
    model : torch.nn.Module
        With the protocol of `models.autoencoder.Autoencoder`, on its device.
    hyperparameters : dict of str to float
        The coefficients of the objective; the model's ``coefficients_at`` may change them.
    batches : callable
        ``batches(step) -> images``, e.g. `models.training.batches.Batches`, or for a model of
        pairs `models.training.pairs.PairedBatches`.
    noise : callable
        ``noise(step) -> Tensor (B, D)``, e.g. `models.training.streams.Noise`; B counts images,
        so that a batch of pairs has two rows a pair.
    schedule : Schedule
    seed : int
        Seeds what randomness the model itself has (dropout, say).
    amp : bool, default False
        bfloat16 inside encoder and decoder.
    compiled : bool, default False
        Pass the objective through `torch.compile`.
    make_optimiser : callable, default fused_adam
        ``make_optimiser(parameters, schedule) -> torch.optim.Optimizer``.
    permutations : callable, optional
        ``permutations(step) -> Permutation``, for a model that permutes codes, e.g.
        `models.training.permutations.Permutations`.
    graph : object, default "auto"
        What captures steps, see `models.training.capture.choose_capture`.
    note : callable, optional
        ``note(text)``, told in one line when steps are not captured though they should be.

    Attributes
    ----------
    step : int
        Steps done, the parent's included.
    seconds : float
        Training time without that of saving, also of earlier sessions of this run.
    steps_here, seconds_here : int, float
        Of this session alone.
    graphed : bool
        Whether steps of this session were replayed from a graph.
    """

    def __init__(
        self,
        model,
        hyperparameters,
        batches,
        noise,
        schedule,
        seed,
        amp=False,
        compiled=False,
        make_optimiser=fused_adam,
        permutations=None,
        graph="auto",
        note=None,
    ):
        self.model = model
        self.batches = batches
        self.noise = noise
        self.schedule = schedule
        self.device = next(model.parameters()).device
        self.hooks = read_hooks(type(model))
        if self.hooks.permutes and permutations is None:
            raise ValueError("the model permutes codes, so its trainer needs permutations")
        self.permutations = permutations if self.hooks.permutes else None
        self.coefficients = Coefficients(model, hyperparameters, schedule, self.device)
        objective = Objective(model, amp)
        self.objective = torch.compile(objective) if compiled else objective
        self.make_optimiser = make_optimiser
        self.step = schedule.start
        self.seconds = 0.0
        self.steps_here = 0
        self.seconds_here = 0.0
        self.graphed = False
        capture = choose_capture(graph, self.device)
        function, tensors = call_weakly(self._compute), call_weakly(self._tensors)
        self._update = GraphedStep(function, tensors, capture, self.device, note)
        self.recorder = Recorder(
            schedule.log_every,
            noise.shape[1],
            self.device,
            final_from=max(schedule.start, schedule.end - schedule.final_steps),
            further=self.hooks.columns,
        )
        self.adversary = None
        if self.hooks.adversary is not None:
            self.adversary = Adversary(model, self.hooks, compiled)
        self._begin_phase()
        # None while training, when the global generators hold them.
        self._random = seeded_states(self.device, stream_seed(seed, "model"))

    def run(self, save, on_progress=None, should_stop=None):
        """Train to the end of the schedule.

        Parameters
        ----------
        save : callable
            ``save(trainer)``, called at checkpoints, at the end and before stopping.
        on_progress : callable, optional
            ``on_progress(step, row)`` after each interval of the log.
        should_stop : callable, optional
            Asked after every step; True saves and raises `Stopped`.

        Raises
        ------
        models.training.recording.Diverged
            When a loss or a weight is not finite; nothing is saved then.
        Stopped
        """
        schedule, recorder = self.schedule, self.recorder
        self.model.train()
        with self._own_randomness(), self._update:
            began = time.perf_counter()
            while self.step < schedule.end:
                if self.step in schedule.boundaries and self.step > schedule.start:
                    self._begin_phase()
                self._train_step()
                self.step += 1
                self.steps_here += 1
                finished = self.step == schedule.end
                if recorder.full or finished:
                    recorder.flush(self.step)
                    if on_progress is not None:
                        on_progress(self.step, recorder.rows[-1])
                stopping = should_stop is not None and not finished and should_stop()
                if finished or stopping or self.step % schedule.checkpoint_every == 0:
                    self._check_finite()
                    self._add_time(time.perf_counter() - began)
                    save(self)
                    began = time.perf_counter()
                if stopping:
                    raise Stopped(self.step)

    def _train_step(self):
        """Carry out the step that is next, and record it."""
        images, noise = self.batches(self.step), self.noise(self.step)
        self.coefficients(self.step)
        permutation = self.permutations(self.step) if self.permutations is not None else None
        self._update(images, noise, permutation)
        self.recorder.count(noise.shape[0])
        self.graphed = self._update.used

    def _compute(self, images, noise, permutation):
        """One update and what is recorded of it; all of this a graph can repeat."""
        given = images, noise, self.coefficients.tensors, permutation
        logged, means = training_step(self.objective, self.optimiser, *given, self.adversary)
        self.recorder.here.write(logged, means)

    def _tensors(self):
        """All that `_compute` changes or reads, apart from what it is given."""
        tensors = {
            "weights": list(self.model.parameters()),
            "buffers": list(self.model.buffers()),
            "coefficients": list(self.coefficients.tensors.values()),
            "log": list(vars(self.recorder.here).values()),
            **describe_optimiser(self.optimiser),
        }
        if self.adversary is not None:
            adversary = describe_optimiser(self.adversary.optimiser)
            tensors |= {f"adversary's {name}": state for name, state in adversary.items()}
        return {name: some for name, some in tensors.items() if some}

    def _begin_phase(self):
        """Make fresh optimisers: one for the model, and one for its adversary."""
        self._update.restart()
        if self.adversary is None:
            self.optimiser = self.make_optimiser(self.model.parameters(), self.schedule)
            return
        self.optimiser = self.make_optimiser(self.adversary.opponents, self.schedule)
        self.adversary.optimiser = self.make_optimiser(
            self.adversary.parameters, replace(self.schedule, **self.adversary.adam)
        )

    def state(self):
        """Everything that a bit-identical continuation needs, loadable with weights_only.

        The tensors are the run's own, not copies: save them before the next step.
        """
        adversary = {}
        if self.adversary is not None:
            adversary["adversary"] = self.adversary.optimiser.state_dict()
        return {
            "step": self.step,
            "seconds": self.seconds,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            **adversary,
            "recorder": self.recorder.state(),
            "random": self._random or global_states(self.device),
            "threads": torch.get_num_threads(),
        }

    def load(self, state):
        """Continue a run of the same schedule from its own `state`.

        Raises
        ------
        ValueError
            If the model has an adversary and the state none, or the other way round.
        """
        if ("adversary" in state) != (self.adversary is not None):
            there, wanted = ("one", "none") if self.adversary is None else ("none", "one")
            raise ValueError(
                f"the checkpoint has {there} where the model has {wanted}: the optimiser of an "
                "adversary; remove the checkpoint to train the run from its start"
            )
        self._load_common(state)
        load_optimiser(self.optimiser, state["optimiser"])
        if self.adversary is not None:
            load_optimiser(self.adversary.optimiser, state["adversary"])
        self.recorder.load(state["recorder"])
        self.seconds = state["seconds"]

    def inherit(self, state):
        """Begin where a parent's `state` ends: its weights and randomness, a fresh optimiser.

        Raises
        ------
        ValueError
            If the parent did not end where this run starts.
        """
        if state["step"] != self.schedule.start:
            raise ValueError(
                f"the parent's checkpoint is at step {state['step']}, "
                f"but this run continues from step {self.schedule.start}"
            )
        self._load_common(state)

    def _load_common(self, state):
        self.step = state["step"]
        self.model.load_state_dict(state["model"])
        # A parent from another kind of device lacks the state of this device's generator.
        self._random = {k: state["random"].get(k, own) for k, own in self._random.items()}

    def _check_finite(self):
        """Raise `Diverged` rather than let a state be saved that cannot be trained on.

        The one copy to the host also waits for the device, so that the time taken next is right.
        """
        self.recorder.check_finite(self.step)
        weights = torch.stack([p.detach().isfinite().all() for p in self.model.parameters()])
        if not weights.all():
            raise Diverged(self.step, "NaN or infinite", "a weight")

    def _add_time(self, seconds):
        self.seconds += seconds
        self.seconds_here += seconds

    @contextlib.contextmanager
    def _own_randomness(self):
        with private_randomness(self.device, self._random):
            self._random = None
            try:
                yield
            finally:
                self._random = global_states(self.device)

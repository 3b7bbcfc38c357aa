"""The one training loop: any model with the zoo's protocol, any source of batches."""

import contextlib
import time

import torch

from ..autoencoder import Objective, coefficient_tensors
from .recording import Diverged, Recorder
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


def fused_adam(parameters, schedule):
    """Adam in one kernel for all parameters, where the device has it."""
    parameters = list(parameters)
    fused = all(p.device.type in ("cpu", "cuda") and p.is_floating_point() for p in parameters)
    return torch.optim.Adam(
        parameters,
        lr=schedule.learning_rate,
        betas=(schedule.adam_beta1, schedule.adam_beta2),
        eps=schedule.adam_epsilon,
        fused=fused,
    )


def training_step(objective, optimiser, images, noise, coefficients):
    """One update; everything stays on the device.

    Returns
    -------
    logged : Tensor of shape (5,)
        Loss, NLL, KL, L2, TC.
    means : Tensor of shape (B, D)
        Posterior means.
    """
    loss, logged, means = objective(images, noise, coefficients)
    loss.backward()
    optimiser.step()
    optimiser.zero_grad(set_to_none=True)
    return logged, means


class Trainer:
    """A training run that can be stopped, saved and continued bit for bit.

    Parameters
    ----------
    model : torch.nn.Module
        With the protocol of `models.autoencoder.Autoencoder`, on its device.
    hyperparameters : dict of str to float
        The coefficients of the objective.
    batches : callable
        ``batches(step) -> images``, e.g. `models.training.batches.Batches`.
    noise : callable
        ``noise(step) -> Tensor (B, D)``, e.g. `models.training.streams.Noise`.
    schedule : Schedule
    seed : int
        Seeds what randomness the model itself has (dropout, say).
    amp : bool, default False
        bfloat16 inside encoder and decoder.
    compiled : bool, default False
        Pass the objective through `torch.compile`.
    make_optimiser : callable, default fused_adam
        ``make_optimiser(parameters, schedule) -> torch.optim.Optimizer``.

    Attributes
    ----------
    step : int
        Steps done, the parent's included.
    seconds : float
        Training time without that of saving, also of earlier sessions of this run.
    steps_here, seconds_here : int, float
        Of this session alone.
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
    ):
        self.model = model
        self.batches = batches
        self.noise = noise
        self.schedule = schedule
        self.device = next(model.parameters()).device
        self.coefficients = coefficient_tensors(hyperparameters, self.device)
        objective = Objective(model, amp)
        self.objective = torch.compile(objective) if compiled else objective
        self.make_optimiser = make_optimiser
        self.step = schedule.start
        self.seconds = 0.0
        self.steps_here = 0
        self.seconds_here = 0.0
        self.recorder = Recorder(
            schedule.log_every,
            noise.shape[1],
            self.device,
            final_from=max(schedule.start, schedule.end - schedule.final_steps),
        )
        self.optimiser = make_optimiser(model.parameters(), schedule)
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
        with self._own_randomness():
            began = time.perf_counter()
            while self.step < schedule.end:
                if self.step in schedule.boundaries and self.step > schedule.start:
                    self.optimiser = self.make_optimiser(self.model.parameters(), schedule)
                recorder.add(
                    *training_step(
                        self.objective,
                        self.optimiser,
                        self.batches(self.step),
                        self.noise(self.step),
                        self.coefficients,
                    )
                )
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

    def state(self):
        """Everything that a bit-identical continuation needs, loadable with weights_only.

        The tensors are the run's own, not copies: save them before the next step.
        """
        return {
            "step": self.step,
            "seconds": self.seconds,
            "model": self.model.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "recorder": self.recorder.state(),
            "random": self._random or global_states(self.device),
            "threads": torch.get_num_threads(),
        }

    def load(self, state):
        """Continue a run of the same schedule from its own `state`."""
        self._load_common(state)
        self.optimiser.load_state_dict(state["optimiser"])
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

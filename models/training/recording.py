"""What a training run measures of itself, without waiting for the device at every step."""

import math

import torch

from ..autoencoder import LOGGED

# A latent is active when its posterior mean varies by more than this (Burda et al. 2016).
ACTIVE_VARIANCE = 0.01
COLUMNS = ("step", "nll", "kl", "l2", "tc", "active_units")


class Diverged(ArithmeticError):
    """The loss, or a weight, became NaN or infinite."""

    def __init__(self, step, value, quantity="the loss"):
        super().__init__(
            f"{quantity} became {value} at step {step}; lower learning_rate "
            "(--set learning_rate=…) or the weights β and λ"
        )
        self.step = step
        self.value = value


class Recorder:
    """Collects the terms of every step on the device and reads them once an interval.

    Parameters
    ----------
    interval : int
        Steps between two rows of the log, and between two copies to the host.
    latent_size : int
    device : torch.device
    final_from : int
        The first step (counted from 0) that enters the final means.

    Attributes
    ----------
    rows : list of tuple
        One (step, nll, kl, l2, tc, active units) an interval: means over the interval's steps,
        active units by the variance of the posterior means over all its images.
    """

    def __init__(self, interval, latent_size, device, final_from):
        self.interval = interval
        self.final_from = final_from
        self.rows = []
        self._buffer = torch.zeros(interval, len(LOGGED), device=device)
        self._moments = torch.zeros(2, latent_size, device=device)
        self._filled = 0
        self._images = 0
        self._sums = [0.0] * len(LOGGED)
        self._count = 0

    def add(self, logged, means):
        """Take one step's terms, shape (5,), and posterior means, shape (B, D)."""
        self._buffer[self._filled] = logged
        self._moments[0] += means.sum(dim=0)
        self._moments[1] += means.square().sum(dim=0)
        self._filled += 1
        self._images += means.shape[0]

    @property
    def full(self):
        """Whether the interval is complete."""
        return self._filled == self.interval

    def check_finite(self, step):
        """Raise `Diverged` if a loss since the last `flush` was not finite.

        Parameters
        ----------
        step : int
            The last step, counted from 1.
        """
        self._read_terms(step)

    def flush(self, step):
        """Close the interval whose last step was the `step`-th (counted from 1).

        Raises
        ------
        Diverged
            If the loss of a step was not finite.
        """
        values = self._read_terms(step)
        first = step - self._filled
        for offset, row in enumerate(values):
            if first + offset >= self.final_from:
                self._sums = [a + b for a, b in zip(self._sums, row, strict=True)]
                self._count += 1
        means = [sum(column) / self._filled for column in zip(*values, strict=True)]
        self.rows.append((step, *means[1:], self._active_units()))
        self._reset()

    def final(self):
        """Means over the last steps, in nats (L2 in squared intensity) per image."""
        return {
            name: total / self._count
            for name, total in zip(LOGGED, self._sums, strict=True)
            if name != "loss"
        }

    def state(self):
        """Everything needed to go on, as tensors and numbers."""
        return {
            "rows": torch.tensor(self.rows, dtype=torch.float64),
            "buffer": self._buffer[: self._filled].clone(),
            "moments": self._moments.clone(),
            "images": self._images,
            "sums": torch.tensor(self._sums, dtype=torch.float64),
            "count": self._count,
        }

    def load(self, state):
        """Go on from a `state`."""
        self.rows = [tuple(row) for row in state["rows"].tolist()]
        self._filled = len(state["buffer"])
        self._buffer[: self._filled] = state["buffer"].to(self._buffer.device)
        self._moments.copy_(state["moments"])
        self._images = state["images"]
        self._sums = state["sums"].tolist()
        self._count = state["count"]

    def csv(self):
        """The log as CSV text, one row an interval."""
        lines = [",".join(COLUMNS)]
        for step, *terms, active in self.rows:
            numbers = ",".join(f"{value:.6g}" for value in terms)
            lines.append(f"{int(step)},{numbers},{int(active)}")
        return "\n".join(lines) + "\n"

    def _read_terms(self, step):
        """Copy the terms since the last `flush` to the host, one list a step."""
        values = self._buffer[: self._filled].tolist()
        for number, (loss, *_) in enumerate(values, step - self._filled + 1):
            if not math.isfinite(loss):
                raise Diverged(number, loss)
        return values

    def _active_units(self):
        first, second = self._moments.cpu().double() / self._images
        return float(((second - first.square()) > ACTIVE_VARIANCE).sum())

    def _reset(self):
        self._moments.zero_()
        self._filled = 0
        self._images = 0

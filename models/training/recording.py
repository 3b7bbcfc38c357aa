"""What a training run measures of itself, without waiting for the device at every step."""

import math

import torch

from ..autoencoder import LOGGED

# A latent is active when its posterior mean varies by more than this (Burda et al. 2016).
ACTIVE_VARIANCE = 0.01
COLUMNS = ("step", "nll", "kl", "l2", "tc", "active_units")
# What is trained on and so must stay finite, as messages name it.
LOSSES = {"loss": "the loss", "adversary_loss": "the adversary's loss"}


class Diverged(ArithmeticError):
    """A loss, or a weight, became NaN or infinite."""

    def __init__(self, step, value, quantity="the loss"):
        super().__init__(
            f"{quantity} became {value} at step {step}; lower learning_rate "
            "(--set learning_rate=…) or the weights of the loss, such as β and λ"
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
    further : tuple of str
        Names of terms beside those of every model; "adversary_loss" must stay finite as well.

    Attributes
    ----------
    rows : list of tuple
        One (step, nll, kl, l2, tc, active units, further terms …) an interval: means over the
        interval's steps, active units by the variance of the posterior means over all its images.
    """

    def __init__(self, interval, latent_size, device, final_from, further=()):
        self.interval = interval
        self.final_from = final_from
        self.rows = []
        self._names = (*LOGGED, *further)
        self._losses = {
            self._names.index(name): text for name, text in LOSSES.items() if name in self._names
        }
        self._buffer = torch.zeros(interval, len(self._names), device=device)
        self._moments = torch.zeros(2, latent_size, device=device)
        self._filled = 0
        self._images = 0
        self._sums = [0.0] * len(self._names)
        self._count = 0

    def add(self, logged, means):
        """Take one step's terms, a vector, and posterior means, shape (B, D)."""
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
        common, further = means[1 : len(LOGGED)], means[len(LOGGED) :]
        self.rows.append((step, *common, self._active_units(), *further))
        self._reset()

    def final(self):
        """Means over the last steps, in nats (L2 in squared intensity) per image, by name."""
        return {
            name: total / self._count
            for name, total in zip(self._names, self._sums, strict=True)
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
        columns = (*COLUMNS, *self._names[len(LOGGED) :])
        whole = [columns.index("step"), columns.index("active_units")]
        lines = [",".join(columns)]
        for row in self.rows:
            texts = [f"{value:.6g}" for value in row]
            for position in whole:
                texts[position] = str(int(row[position]))
            lines.append(",".join(texts))
        return "\n".join(lines) + "\n"

    def _read_terms(self, step):
        """Copy the terms since the last `flush` to the host, one list a step."""
        values = self._buffer[: self._filled].tolist()
        for number, row in enumerate(values, step - self._filled + 1):
            for position, text in self._losses.items():
                if not math.isfinite(row[position]):
                    raise Diverged(number, row[position], text)
        return values

    def _active_units(self):
        first, second = self._moments.cpu().double() / self._images
        return float(((second - first.square()) > ACTIVE_VARIANCE).sum())

    def _reset(self):
        self._moments.zero_()
        self._filled = 0
        self._images = 0

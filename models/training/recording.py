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


class Interval:
    """What the steps of one interval of the log gave, kept on the device.

    `write` asks the host for nothing, not even for the number of the step, so that it can be part
    of a CUDA graph; all its tensors stay the same ones.

    Parameters
    ----------
    steps : int
        Steps in an interval.
    terms, latents : int
        Numbers of logged terms, and of latents D.
    device : torch.device
    members : tuple of int, optional
        Shape of what is trained in lock-step: ``(R,)`` for R runs; by default one run.

    Attributes
    ----------
    values : Tensor of shape (steps, *members, terms)
        Rows that were not written yet hold what an earlier interval left there.
    moments : Tensor of shape (2, *members, D)
        Sums over the interval's images of the posterior means, and of their squares.
    position : Tensor of shape (1,), int64
        The row that is written next.
    """

    def __init__(self, steps, terms, latents, device, members=()):
        self.values = torch.zeros(steps, *members, terms, device=device)
        self.moments = torch.zeros(2, *members, latents, device=device)
        self.position = torch.zeros(1, dtype=torch.int64, device=device)

    def write(self, logged, means):
        """Take one step's terms (*members, terms) and posterior means (*members, B, D)."""
        # Older releases of PyTorch have no `index_copy_` on MPS.
        self.values.index_put_((self.position,), logged.unsqueeze(0))
        self.position += 1
        self.moments[0] += means.sum(dim=-2)
        self.moments[1] += means.square().sum(dim=-2)

    def clear(self):
        """Begin the next interval."""
        self.moments.zero_()
        self.position.zero_()


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
    here : Interval
        What the steps since the last row gave.
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
        self.here = Interval(interval, len(self._names), latent_size, device)
        # The host counts for itself what `here` counts on the device.
        self._filled = 0
        self._images = 0
        self._sums = [0.0] * len(self._names)
        self._count = 0

    def add(self, logged, means):
        """Take one step's terms, a vector, and posterior means, shape (B, D)."""
        self.here.write(logged, means)
        self.count(means.shape[0])

    def count(self, images):
        """Count a step of so many images whose terms and means are written into `here`."""
        self._filled += 1
        self._images += images

    def take(self, values, moments, images):
        """Take the next steps of the interval, which were recorded elsewhere.

        Parameters
        ----------
        values : Tensor of shape (steps, terms)
            What `add` would have taken, one row a step; at most what is left of the interval.
        moments : Tensor of shape (2, D)
            As `Interval.moments`, over these steps alone.
        images : int
            Their number in all these steps.
        """
        filled = self._filled + len(values)
        self.here.values[self._filled : filled] = values
        self.here.moments += moments
        self.here.position.fill_(filled)
        self._filled = filled
        self._images += images

    @property
    def missing(self):
        """How many steps the interval lacks."""
        return self.interval - self._filled

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
            "buffer": self.here.values[: self._filled].clone(),
            "moments": self.here.moments.clone(),
            "images": self._images,
            "sums": torch.tensor(self._sums, dtype=torch.float64),
            "count": self._count,
        }

    def load(self, state):
        """Go on from a `state`."""
        self.rows = [tuple(row) for row in state["rows"].tolist()]
        self._filled = len(state["buffer"])
        self.here.values[: self._filled] = state["buffer"].to(self.here.values.device)
        self.here.moments.copy_(state["moments"])
        self.here.position.fill_(self._filled)
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
        values = self.here.values[: self._filled].tolist()
        for number, row in enumerate(values, step - self._filled + 1):
            for position, text in self._losses.items():
                if not math.isfinite(row[position]):
                    raise Diverged(number, row[position], text)
        return values

    def _active_units(self):
        first, second = self.here.moments.cpu().double() / self._images
        return float(((second - first.square()) > ACTIVE_VARIANCE).sum())

    def _reset(self):
        self.here.clear()
        self._filled = 0
        self._images = 0

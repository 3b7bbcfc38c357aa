"""How long a run trains, and with what optimiser."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """How long a run trains, and with what optimiser.

    Attributes
    ----------
    phases : tuple of int
        Steps of each phase; every phase begins with a fresh Adam.
    start : int
        The first step that this run trains itself; the steps before are its parent's. Must be a
        boundary of the phases.
    learning_rate, adam_beta1, adam_beta2, adam_epsilon : float
    log_every : int
        Steps between two rows of the log.
    checkpoint_every : int
        Steps between two checkpoints.
    final_steps : int
        Steps at the end over which the final NLL, KL, L2 and TC are averaged.

    Raises
    ------
    ValueError
        If the run would start within a phase.
    """

    phases: tuple[int, ...]
    start: int = 0
    learning_rate: float = 1e-4
    adam_beta1: float = 0.9
    adam_beta2: float = 0.999
    adam_epsilon: float = 1e-8
    log_every: int = 100
    checkpoint_every: int = 5000
    final_steps: int = 5000

    def __post_init__(self):
        if self.start not in self.boundaries:
            raise ValueError(
                f"a run with phases of {self.phases} steps cannot start at step {self.start}; "
                f"phases begin at {', '.join(map(str, self.boundaries))}"
            )

    @property
    def end(self):
        """Total number of steps, the parent's included."""
        return sum(self.phases)

    @property
    def boundaries(self):
        """The first step of every phase."""
        return tuple(sum(self.phases[:i]) for i in range(len(self.phases)))

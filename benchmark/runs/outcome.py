"""How a run ended."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes
    ----------
    status : str
        "done", "failed", "interrupted", "lost" (another process took it over), or "returned" (it
        can go on, but not together with the runs that the process trains).
    reason : str
    figures : dict, optional
        Of a done run, what run.json stores: ``final`` (the final NLL, KL and so on), ``seconds``,
        ``steps_per_second`` and ``peak_memory_bytes``.
    unexpected : bool
        A failure that neither the user's settings nor the loss explain; on an accelerator it may
        leave the device unusable for this process.
    """

    status: str
    reason: str = ""
    figures: dict | None = None
    unexpected: bool = False

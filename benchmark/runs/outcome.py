"""How a run ended."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Attributes
    ----------
    status : str
        "done", "failed", "interrupted", or "lost" (another process took it over).
    reason : str
    final : dict
        The final NLL, KL and so on of a done run.
    """

    status: str
    reason: str = ""
    final: dict | None = None

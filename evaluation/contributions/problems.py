"""What is wrong with a contribution: all of it at once."""

from collections.abc import Iterable

# What to do where a temporary file has no room.
ROOM = "set TMPDIR to a folder with more room"


class ContributionError(ValueError):
    """A contribution that cannot be packed or verified.

    Parameters
    ----------
    problems : iterable of str
        One line each; all of them, so that they can be put right together.
    """

    def __init__(self, problems: Iterable[str]):
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))

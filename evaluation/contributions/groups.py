"""The rows that representations make: the seeds of one method, data set and setting."""

import dataclasses

from .manifest import LEAST_SEEDS


@dataclasses.dataclass(frozen=True)
class Row:
    """Seeds that together are one row of the table.

    Attributes
    ----------
    method, dataset, setting : str
    seeds : tuple of int
    """

    method: str
    dataset: str
    setting: str
    seeds: tuple

    @property
    def ranked(self):
        """Whether there are enough seeds for a rank; with fewer a row is illustrative."""
        return len(self.seeds) >= LEAST_SEEDS

    def describe(self):
        """One line."""
        where = ", ".join(filter(None, (self.method, self.setting, self.dataset)))
        enough = f"fewer than {LEAST_SEEDS}, so illustrative and not ranked"
        said = "ranked" if self.ranked else enough
        return f"{where}: {len(self.seeds)} seeds ({said})"


def group_members(members):
    """The rows that representations make.

    Parameters
    ----------
    members : iterable of Member

    Returns
    -------
    list of Row
    """
    seeds = {}
    for member in members:
        key = (member.method, member.dataset, member.setting)
        seeds.setdefault(key, []).append(member.seed)
    return [Row(*key, tuple(sorted(found))) for key, found in seeds.items()]


def find_duplicates(members):
    """Say which files are the same seed of one row, or the same codes under two names.

    Parameters
    ----------
    members : dict of str to Member
        By the name of the file.

    Returns
    -------
    list of str
        One line for each.
    """
    problems, by_seed, by_codes = [], {}, {}
    for name, member in members.items():
        key = (member.method, member.dataset, member.setting, member.seed)
        other = by_seed.setdefault(key, name)
        if other != name:
            problems.append(f"{name}: is seed {member.seed} of the same row as {other}")
            continue
        other = by_codes.setdefault(member.codes, name)
        if member.codes and other != name:
            problems.append(
                f"{name}: holds the same codes as {other}; each seed needs a run of its own"
            )
    return problems

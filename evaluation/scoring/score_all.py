"""Score many representations, then compare the runs of each setting."""

import contextlib
import dataclasses

from .file_scores import Outcome
from .groups import Groups
from .reading import read_each
from .stored import read_stored
from .waiting import Waiting


@dataclasses.dataclass
class Scored:
    """What was scored, and what is stored now.

    Attributes
    ----------
    outcomes : dict of Path to Outcome
        Of each representation.
    stored : dict of Path to Stored
        Of those that can be seen.
    compared : list of Outcome
        Of groups of runs.
    repaired : list of (Path, str)
        Broken files of scores that were computed anew.
    broken : list of (Path, str)
        Broken files of scores of groups.
    """

    outcomes: dict = dataclasses.field(default_factory=dict)
    stored: dict = dataclasses.field(default_factory=dict)
    compared: list = dataclasses.field(default_factory=list)
    repaired: list = dataclasses.field(default_factory=list)
    broken: list = dataclasses.field(default_factory=list)

    @property
    def computed(self):
        """Number of scores computed now."""
        return sum(each.computed for each in (*self.outcomes.values(), *self.compared))

    @property
    def kept(self):
        """Number of scores that were up to date."""
        return sum(each.kept for each in (*self.outcomes.values(), *self.compared))

    @property
    def problems(self):
        """What could not be scored, each line once."""
        done = (*self.outcomes.values(), *self.compared)
        lines = {line: outcome.path for outcome in reversed(done) for line in outcome.problems}
        return [(path, line) for line, path in reversed(lines.items())] + self.broken


def score_all(paths, metrics, options, jobs, compare=True, progress=None, reading=None):
    """Score what is not up to date: representations, then the groups of runs they belong to.

    Other calls may be at work on the same folder: scores that were not there at first tell of them,
    see `Waiting`.

    Parameters
    ----------
    paths : list of Path
    metrics : list of Metric
    options : Options
    jobs : int
    compare : bool, default True
        Whether runs of one setting are compared.
    progress, reading : callable, optional
        As `evaluate_paths` takes them.

    Returns
    -------
    Scored
    """
    from .workers import score_files

    scored = _read_all(paths, metrics, options, reading)

    def is_begun(path):
        with contextlib.suppress(OSError, KeyError):
            known = read_stored(path, metrics, options.choices, options.force)
            return 0 < len(known.missing) < len(scored.stored[path].missing)

    waiting = Waiting((p for p, outcome in scored.outcomes.items() if outcome is None), is_begun)
    done, total = 0, len(waiting)
    if progress is not None:
        progress(0, total, None)
    options = dataclasses.replace(options, threads=max(1, jobs // max(1, total)))
    groups = Groups(scored.stored if compare else {}, metrics, options.force)

    def find_groups():
        work = Waiting(groups.find_work())
        if waiting.shared:
            work.share()
        return work

    with contextlib.closing(score_files(waiting, options, jobs, find_groups)) as scoring:
        for outcome in scoring:
            if groups.waiting is None:
                if _was_shared(scored, outcome):
                    waiting.share()
                _take(scored, outcome, metrics, options)
                done += 1
            else:
                scored.compared.append(outcome)
                done, total = len(scored.compared), len(groups.waiting)
            if progress is not None:
                progress(done, total, outcome)
    scored.compared += groups.finish()
    scored.repaired += groups.repaired
    scored.broken += groups.broken
    return scored


def _read_all(paths, metrics, options, reading):
    """What is stored of each representation; those that are up to date have their outcome."""

    def read(path):
        with contextlib.suppress(OSError):
            return read_stored(path, metrics, options.choices, options.force)

    scored = Scored(dict.fromkeys(paths))
    for path, known in zip(paths, read_each(read, paths, reading), strict=True):
        if known is not None:
            scored.stored[path] = known
            if not known.missing:
                scored.outcomes[path] = Outcome(path, kept=known.kept)
    return scored


def _was_shared(scored, outcome):
    """Whether another call computed scores of a representation meanwhile."""
    before = scored.stored.get(outcome.path)
    return outcome.kept > (before.kept if before else 0)


def _take(scored, outcome, metrics, options):
    """Note what became of a representation."""
    path = outcome.path
    scored.outcomes[path] = outcome
    before = scored.stored[path].broken if path in scored.stored else ()
    with contextlib.suppress(OSError):
        scored.stored[path] = read_stored(path, metrics, options.choices)
        gone = [line for line in before if line not in scored.stored[path].broken]
        scored.repaired += [(path, line) for line in gone]

"""Compare the runs of one setting, in a worker process: their files are foreign like any other."""

import time
from pathlib import Path

import numpy as np

from ..files import sweep, write_json
from ..metrics import METRICS
from ..metrics.metric import ACTIVE_KL
from ..metrics.udr import measure_udr
from ..naming import one_line
from ..representation.array_checks import RepresentationError
from ..representation.file_format import read_representation
from ..representation.posterior import kl_per_latent
from .file_scores import Outcome, describe_failure
from .group_files import GROUP_SCHEMA_VERSION, METRIC, read_group
from .score_files import Choices, Source, request, versions

_FORMS = {"udr": "lasso", "udr_spearman": "spearman"}
_LARGEST = float(np.finfo(np.float64).max)
ALONE = "no other run of its setting holds the same shared images"
OTHERS = "its shared images are not those of the other runs of its setting"
NO_POSTERIOR = "its shared images have no log_variances"
INACTIVE = f"no code is active on the shared images (KL above {ACTIVE_KL} nats)"
UNMATCHED = "no other run of its setting has an active code"


def score_group(group, skip=(), step=None, force=True):
    """Compare the runs of a group, and write their scores into one file.

    Parameters
    ----------
    group : Group
    skip : iterable of str
        Members that ended a worker process when they were read.
    step : callable, optional
        Called with the path of each member before it is read.
    force : bool, default True
        Compare them also where another process has just done so.

    Returns
    -------
    Outcome
        Whatever the files hold. Members that cannot be read are problems, and the others are
        compared without them.
    """
    began = time.perf_counter()
    computed, peers, blocks, problems = 0, {}, {}, []
    try:
        if not force and not skip and (state := read_group(group, {})).current:
            return Outcome(group.path, kept=state.kept)
        sweep(group.path.parent)
        for name, member in group.members.items():
            if step is not None:
                step(member)
            try:
                peers[name], block = _read_peer(Path(member), member in skip)
            except FileNotFoundError:  # removed meanwhile
                continue
            if block is not None:
                blocks[name] = block
            problems += [] if member in skip else list({*peers[name]["reasons"].values()})
        if step is not None:
            step(METRIC)
        pairs = _compare(peers, blocks)
        if blocks:
            _write(group, peers, pairs, time.perf_counter() - began)
        else:  # what an earlier call compared is there no more
            group.path.unlink(missing_ok=True)
        computed = len(blocks)
    except OSError as error:
        problems.append(f"cannot write {group.path}: {error.strerror or one_line(error)}")
    except MemoryError:
        problems.append(f"{group.path}: metric {METRIC} failed: needs more memory than it may take")
    except Exception as error:  # one group never ends the others
        problems.append(f"{group.path}: metric {METRIC} failed: {describe_failure(error)}")
    seconds = time.perf_counter() - began
    return Outcome(group.path, computed, problems=tuple(problems), seconds=seconds)


def _read_peer(path, skipped):
    """What the group's file says of a member so far, and its shared images with their data set."""
    source = Source.of(path)
    peer = {
        "source": {
            "file": path.name,
            "size": source.size,
            "mtime_ns": source.mtime_ns,
            "sha256": source.sha256() if path.is_file() else "",
        },
        "status": "none",
        "values": {},
        "reasons": {},
    }
    try:
        if skipped:
            raise RepresentationError(f"{path}: it ended a worker process")
        representation = read_representation(path)
    except RepresentationError as error:
        return peer | _undefined(one_line(error), "failed"), None
    if representation.shared is None:
        return peer, None
    return peer, (representation.dataset, representation.shared)


def _undefined(reason, status="undefined"):
    keys = [key.name for key in METRICS[METRIC].keys]
    return {"status": status, "values": dict.fromkeys(keys), "reasons": dict.fromkeys(keys, reason)}


def _compare(peers, blocks):
    """Add the scores of each run to what is said of it; give the pairs of runs for each key."""
    kinds = {}
    for name, (dataset, shared) in blocks.items():
        kind = (dataset, shared.codes.shape, shared.index.tobytes())
        kinds.setdefault((*kind, shared.log_variances is None), []).append(name)
    same = max(kinds.values(), key=len, default=[])
    for name, (_, shared) in blocks.items():
        reason = OTHERS if name not in same else ALONE if len(same) < 2 else ""
        reason = reason or (NO_POSTERIOR if shared.log_variances is None else "")
        if reason:
            peers[name] |= _undefined(reason)
    same = [name for name in same if not peers[name]["reasons"]]
    if not same:
        return {}
    codes = np.stack([blocks[name][1].codes for name in same])
    kl = np.stack([_diverge(blocks[name][1]) for name in same])
    found = {key: measure_udr(codes, kl, form=form) for key, form in _FORMS.items()}
    for run, name in enumerate(same):
        values = {key: float(result.scores[run]) for key, result in found.items()}
        if np.isnan(values[METRIC]):
            idle = not (kl[run] > ACTIVE_KL).any()
            peers[name] |= _undefined(INACTIVE if idle else UNMATCHED)
        else:
            peers[name] |= {"status": "done", "values": values}
    return {key: result.pairs for key, result in found.items()} | {"runs": same}


def _diverge(shared):
    """KL of each latent; posteriors far beyond any prior have a large one."""
    with np.errstate(over="ignore"):
        return np.minimum(kl_per_latent(shared.codes, shared.log_variances), _LARGEST)


def _write(group, peers, pairs, seconds):
    metric = METRICS[METRIC]
    record = {
        "schema_version": GROUP_SCHEMA_VERSION,
        "metric": METRIC,
        "variant": metric.variant,
        "request": request(metric, Choices(), {}),
        "peers": peers,
        "pairs": pairs,
        "declaration": metric.declaration(),
        "versions": versions(),
        "seconds": round(seconds, 4),
    }
    write_json(group.path, record)

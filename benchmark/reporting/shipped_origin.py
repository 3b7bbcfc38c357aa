"""Where the scores come from that ship with a standard benchmark, for its provenance file."""

import shlex
from collections import Counter

from ...evaluation.naming import find_spans
from ...evaluation.scoring.score_files import read_score, scores_folder

# Options that name places of one machine.
_PLACES = ("--results", "--data-dir")


def describe_batch(results, records, metrics):
    """Say what trained and scored runs that were added together.

    Parameters
    ----------
    results : Path
    records : dict of str to dict
        Run records by the run's folder below the folder of all runs.
    metrics : list of str

    Returns
    -------
    dict
    """
    runs: dict = {}
    for record in records.values():
        run = record["run"]
        of_model = runs.setdefault(run["dataset"], {}).setdefault(run["model"], Counter())
        of_model[run["seed"]] += 1
    sessions = [session for record in records.values() for session in record["sessions"]]
    written = sorted(record["written"] for record in records.values())
    return {
        "runs": {
            dataset: {
                model: {"seeds": write_seeds(seeds), "runs": sum(seeds.values())}
                for model, seeds in models.items()
            }
            for dataset, models in runs.items()
        },
        "training": {
            "commits": _count(record["git_commit"] for record in records.values()),
            "uncommitted_changes": False,
            "versions": _list_versions(record["versions"] for record in records.values()),
            "processors": _count(record["processor"] for record in records.values()),
            "devices": _count(record["device"] for record in records.values()),
            "runs_together": _count(session["stack"] for session in sessions),
            "deterministic": _count(session["deterministic"] for session in sessions),
            "first_written": written[0],
            "last_written": written[-1],
            "seconds": round(sum(record["seconds"] for record in records.values())),
            "commands": list(
                dict.fromkeys(drop_places(record["command"]) for record in records.values())
            ),
        },
        "scoring": _describe_scoring(results, records, metrics),
    }


def write_seeds(seeds):
    """Seeds as `--seeds` takes them.

    Parameters
    ----------
    seeds : iterable of int

    Returns
    -------
    str

    Examples
    --------
    >>> write_seeds([3, 0, 1, 2, 7])
    '0-3,7-7'
    """
    return ",".join(f"{first}-{last}" for first, last in find_spans(seeds))


def drop_places(command):
    """A command without the options that name folders of one machine.

    Parameters
    ----------
    command : str

    Returns
    -------
    str

    Examples
    --------
    >>> drop_places("bench train --results /home/me/results --benchmark db1 --data-dir=/data")
    'bench train --benchmark db1'
    """
    words, kept = iter(shlex.split(command)), []
    for word in words:
        if word in _PLACES:
            next(words, None)
        elif word.partition("=")[0] not in _PLACES:
            kept.append(word)
    return shlex.join(kept)


def _count(values):
    """How often each value comes, as text, the most frequent first."""
    counts = Counter(map(str, values))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _list_versions(each):
    """Distinct sets of versions with the number of runs or scores that have them."""
    counts = Counter(tuple(sorted(versions.items())) for versions in each)
    return [{**dict(versions), "count": number} for versions, number in counts.most_common()]


def _describe_scoring(results, records, metrics):
    found, seconds = [], 0.0
    for path in records:
        folder = scores_folder(results / "runs" / path / "representation.h5")
        for metric in metrics:
            record = read_score(folder / f"{metric}.json")
            found.append(record["versions"])
            seconds += record["seconds"]
    return {"versions": _list_versions(found), "seconds": round(seconds)}


def describe_datasets(results, records, metrics):
    """Say what the data sets are, and the reference values of scores on them.

    Parameters
    ----------
    results : Path
    records : dict of str to dict
        As `describe_batch` takes them.
    metrics : list of str

    Returns
    -------
    dict of str to dict
        `identity`, `notes` and `pixels` as in the runs' records; factors; and `reference_values`,
        by metric, from the score files of the first run.
    """
    datasets: dict = {}
    for path, record in records.items():
        name = record["run"]["dataset"]
        if name in datasets:
            continue
        folder = scores_folder(results / "runs" / path / "representation.h5")
        scores = {metric: read_score(folder / f"{metric}.json") for metric in metrics}
        about = next(iter(scores.values()))["representation"]
        said = {key: about[key] for key in ("n_train", "rows", *_FACTORS) if key in about}
        datasets[name] = {
            "identity": record["dataset"],
            "notes": record["notes"],
            "pixels": record["pixels"],
            **{key: said[key] for key in _FACTORS if key in said},
            "reference_values": {
                metric: {"reference": score["reference"], "representation": said}
                for metric, score in scores.items()
                if score.get("reference")
            },
        }
    return datasets


_FACTORS = ("factor_names", "factor_sizes", "factor_kinds")


def describe_methods(records):
    """What the models say about themselves, by name.

    Parameters
    ----------
    records : dict of str to dict
        As `describe_batch` takes them.

    Returns
    -------
    dict of str to dict
    """
    return {record["run"]["model"]: record["method"] for record in records.values()}

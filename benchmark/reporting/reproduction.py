"""How a report's numbers can be made again, as its page says."""

import hashlib
from pathlib import Path

from ...evaluation.files import RecordError
from ...evaluation.reference.shipped import load_provenance
from ...evaluation.scoring.run_records import read_run
from ...evaluation.statistics.run_reading import identity_text
from ..runs import provenance

# Run records read for versions and hashes; more of them say nothing new.
MOST_RECORDS = 1000


def describe_reproduction(results, runs):
    """Say how to make a report again: commands, versions and hashes of the runs' records.

    Parameters
    ----------
    results : Path
        A results folder or a table of scores.
    runs : DataFrame
        From `evaluation.statistics.cells.collect`.

    Returns
    -------
    dict
        `commands` (list of str), `facts` (list of (name, text)) and `notes` (list of str).
    """
    records = _read_records(runs)
    facts = {}

    def add(name, text):
        facts.setdefault(name, {})[text] = True

    for record in records:
        commit = str(record.get("git_commit") or "")
        if commit:
            dirty = " with uncommitted changes" if record.get("git_dirty") else ""
            add("Code that trained", commit[:12] + dirty)
        versions = record.get("versions") or {}
        if versions:
            add("Trained with", ", ".join(f"{k} {v}" for k, v in versions.items() if v))
        where = ", ".join(str(record[k]) for k in ("device", "processor") if record.get(k))
        if where:
            add("Trained on", where)
        data = (record.get("dataset") or {}).get("name")
        if data and record.get("config_sha256"):
            add("_configurations", record["config_sha256"])
    configurations = facts.pop("_configurations", {})
    for text in dict.fromkeys(runs["dataset_identity"].dropna()):
        add("Data", text)
    table = results if results.is_file() else results / "scores.csv"
    if table.is_file():
        add("Scores", f"{table.name}, sha256 {hashlib.sha256(table.read_bytes()).hexdigest()}")
    if configurations:
        joined = hashlib.sha256("".join(sorted(configurations)).encode()).hexdigest()
        add(
            "Configurations",
            f"{len(configurations)} distinct; sha256 of their sorted sha256: {joined}",
        )
    here = provenance.collect()
    add("Reported with", ", ".join(f"{k} {v}" for k, v in here["versions"].items()))
    if here["git_commit"]:
        dirty = " with uncommitted changes" if here["git_dirty"] else ""
        add("Code that reported", here["git_commit"][:12] + dirty)
    commands = list(dict.fromkeys(runs["command"].dropna().astype(str)))
    notes = []
    if len(records) == MOST_RECORDS:
        notes.append(f"Versions and hashes of training are those of {MOST_RECORDS:,} of the runs.")
    more = len(commands) - 20
    if more > 0:
        notes.append(f"{more} more commands are in the runs' run.json.")
    return {
        "commands": list(dict.fromkeys([*commands[:20], provenance.command_line()])),
        "facts": [(name, "; ".join(list(texts)[:8])) for name, texts in facts.items()],
        "notes": notes,
    }


def describe_shipped(name, confirmation=False):
    """Say where the scores that ship with a benchmark come from, and how to make them again.

    Parameters
    ----------
    name : str
        Of a standard benchmark.
    confirmation : bool, default False
        Whether the confirmation seeds are reported.

    Returns
    -------
    dict
        As `describe_reproduction`.
    """
    about = load_provenance(name)
    training = [batch["training"] for batch in about["batches"]]
    scoring = [batch["scoring"] for batch in about["batches"]]

    def join(parts):
        return "; ".join(dict.fromkeys(parts))

    def name_versions(parts):
        return join(
            ", ".join(f"{key} {value}" for key, value in versions.items() if key != "count")
            for part in parts
            for versions in part["versions"]
        )

    scores = about["scores"]
    identities = [known["identity"] for known in about["datasets"].values()]
    facts = {
        "Benchmark": f"{about['title']}, version {about['version']}",
        "Scores": f"{scores['file']}, {scores['runs']} runs, sha256 {scores['sha256']}",
        "Data": join(map(identity_text, identities)),
        "Code that trained": join(each[:12] for part in training for each in part["commits"]),
        "Trained with": name_versions(training),
        "Trained on": join(
            f"{device}, {processor}"
            for part in training
            for device in part["devices"]
            for processor in part["processors"]
        ),
        "Scored with": name_versions(scoring),
    }
    # As the shell reads it; when these commands were run, no scores shipped.
    commands = ["# Add --retrain-shipped: runs whose scores ship count as done otherwise."]
    commands += [command for part in training for command in part["commands"]]
    report = f"bench report --benchmark {name}" + " --confirmation" * confirmation
    commands += [f"bench evaluate --benchmark {name} results", f"{report} --output report"]
    return {"commands": list(dict.fromkeys(commands)), "facts": list(facts.items()), "notes": []}


def _read_records(runs):
    """Records of at most `MOST_RECORDS` runs, evenly picked."""
    folders = [Path(path) for path in runs.loc[runs["run_status"].notna(), "folder"].dropna()]
    step = max(1, -(-len(folders) // MOST_RECORDS))
    found = []
    for folder in folders[::step]:
        try:
            found.append(read_run(folder))
        except (FileNotFoundError, RecordError):
            continue
    return found

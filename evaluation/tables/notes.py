"""What has to stand under a table: data, protocol, seeds, variants, reference values."""

import numpy as np

from ..naming import format_number
from ..statistics.labels import describe_key, method_label
from ..statistics.reference_values import reference_notes

INTERVAL = (
    "Mean ± standard deviation over seeds [95 % interval of the mean: Student's t below 10 seeds, "
    "expanded percentile bootstrap from 10], seeds used/asked."
)
RENDERED = "Re-rendered data: scores do not compare with published ones."
ILLUSTRATIVE = "* fewer than 5 seeds: illustrative, no winner, no p-value."
UNEQUAL = "§ fewer training steps than the other methods: not comparable at equal steps."


def stratum_notes(runs, metrics):
    """Notes on one data set and protocol.

    Parameters
    ----------
    runs : DataFrame
        Rows of `run_table` of one data set and protocol.
    metrics : sequence of str
        Flat keys shown.

    Returns
    -------
    list of str
    """
    files = runs["file"].dropna() if "file" in runs else []
    notes = [*general_notes(runs), variants_note(metrics)]
    floor = runs["bce_floor"].dropna()
    if "nll" in metrics and len(floor) and floor.median() > 0:
        text = f"NLL cannot fall below {floor.median():.1f} nats, the entropy of the targets."
        notes.append(text)
    return [note for note in (*notes, *reference_notes(files, metrics)) if note]


def general_notes(runs):
    """Notes that are the same whatever metrics a table shows."""
    told = runs["notes"].dropna()
    own = told.iloc[0].split("\n") if len(told) else []
    warnings = warning_notes(runs)
    if any("re-rendered" in note.lower() for note in own):  # the data say it in their own words
        warnings = [note for note in warnings if note != RENDERED]
    return [data_note(runs), protocol_note(runs), seeds_note(runs), *warnings, *own]


def data_note(runs):
    """What the data are, with version, kind and hash."""
    row = runs.iloc[0]
    known = runs["dataset_identity"].dropna()
    if len(known):
        return f"Data: {known.iloc[0]}."
    version = row["dataset_version"]
    version = f", version {version}" if isinstance(version, str) else ""
    return f"Data: {row['dataset']}{version}, {row['dataset_kind']} (no record of its files)."


def protocol_note(runs):
    """Preset and training steps, and which methods have fewer."""
    steps = runs["steps"].max()
    text = f"Protocol: {runs['protocol'].iloc[0]}"
    text += f", {int(steps):,} training steps" if np.isfinite(steps) else ", steps not recorded"
    short = runs[runs["unequal_steps"]]
    if len(short):
        parts = [
            f"{method_label(method)} {' or '.join(f'{int(s):,}' for s in sorted(set(part)))}"
            for method, part in short.groupby("method", sort=False)["steps"]
        ]
        text += f" (fewer: {', '.join(parts)})"
    return text + "."


def seeds_note(runs):
    """Which seeds there are, and how many runs have no scores."""
    seeds = sorted(set(runs["seed"].dropna().astype(int)))
    text = f"Seeds: {_spans(seeds)}" if seeds else "Seeds: not recorded"
    bad = runs[runs["status"] != "scored"]["status"].value_counts()
    parts = [f"{count} {status}" for status, count in bad.items()]
    return f"{text}; {len(runs)} runs{', of them ' + ', '.join(parts) if parts else ''}."


def _spans(numbers):
    """Ascending whole numbers, runs of three and more as first–last."""
    groups = []
    for number in numbers:
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    parts = []
    for group in groups:
        wide = len(group) > 2
        parts += [f"{group[0]}–{group[-1]}"] if wide else [str(number) for number in group]
    return ", ".join(parts)


def variants_note(metrics):
    """The variant string of every metric shown."""
    facts = [describe_key(name) for name in metrics]
    parts = dict.fromkeys(f"{fact.label}: {fact.variant}" for fact in facts)
    return f"Variants: {'; '.join(parts)}." if parts else ""


def warning_notes(runs):
    """Why numbers do not compare with others', where they do not."""
    notes = []
    if runs["preset"].iloc[0] == "quick":
        text = "quick: not comparable with published figures (small images, few steps)"
        pixels, latent = runs["pixels"].dropna(), runs["latent_size"].dropna()
        if len(pixels) and len(latent):
            ratio = float(latent.iloc[0]) / float(pixels.iloc[0])
            betas = sorted(set(runs["beta"].dropna()))
            parts = [f"{beta * ratio:.3g} at β = {format_number(beta)}" for beta in betas]
            text += f"; β·m/pixels, which sets the pressure, is {', '.join(parts)}"
        notes.append(text + ".")
    if runs["dataset_kind"].iloc[0] == "re-rendered":
        notes.append(RENDERED)
    return notes


def number_text(value, key):
    """A mean in the precision that its size deserves.

    Examples
    --------
    >>> number_text(0.12345, "mig"), number_text(123.456, "nll"), number_text(float("nan"), "mig")
    ('0.123', '123.5', '–')
    """
    if value is None or not np.isfinite(value):
        return "–"
    decimals = 3 if describe_key(key).metric != "training" else 2
    if abs(value) >= 100:
        decimals = 1
    return f"{value:.{decimals}f}"


def cell_text(row):
    """Mean ± std, interval and seeds of one cell as two lines."""
    key = row["metric"]
    seeds = f"{int(row['n'])}/{int(row['n_asked'])}" + ("*" if row["illustrative"] else "")
    if not row["n"]:
        return f"–\n{seeds}"
    text = number_text(row["mean"], key)
    if row["n"] < 2:
        return f"{text}\n{seeds}"
    low, high = number_text(row["low"], key), number_text(row["high"], key)
    return f"{text} ± {number_text(row['std'], key)}\n[{low}, {high}], {seeds}"

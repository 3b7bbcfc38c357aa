"""What has to stand under a table: data, protocol, seeds, variants, reference values."""

import numpy as np

from ..naming import format_number
from ..reference.agreement import trains_as_published
from ..reference.benchmarks import BENCHMARKS, load_benchmark
from ..statistics.cells import find_least_nll
from ..statistics.reference_values import reference_notes

INTERVAL = (
    "Mean ± standard deviation over seeds [95 % interval of the mean: Student's t below 10 seeds, "
    "expanded percentile bootstrap from 10], seeds used/asked."
)
RENDERED = "Re-rendered data: scores do not compare with published ones."
ILLUSTRATIVE = "* fewer than 5 seeds: illustrative, no winner, no p-value."
CLIPPED = "Intervals that would leave the range of their score are cut at its end."
UNEQUAL = "§ fewer training steps than the other methods: not comparable at equal steps."


def general_notes(runs, brief=False):
    """Notes on one data set and protocol that are the same whatever metrics a table shows.

    Parameters
    ----------
    runs : DataFrame
        Rows of `run_table` of one data set and protocol.
    brief : bool, default False
        Leave out what a paper says elsewhere: which seeds, what sets the pressure, the data set's
        own notes.

    Returns
    -------
    list of str
    """
    stated = runs["notes"].dropna()
    own = stated.iloc[0].split("\n") if len(stated) else []
    warnings = warning_notes(runs, brief)
    if not brief and any("re-rendered" in note.lower() for note in own):
        warnings = [note for note in warnings if note != RENDERED]  # the data say it themselves
    notes = [data_note(runs), protocol_note(runs), *([] if brief else [seeds_note(runs)])]
    return [*notes, *phase_notes(runs), *external_notes(runs), *warnings, *([] if brief else own)]


def metric_notes(runs, facts):
    """Variants, and reference values of the keys shown.

    Parameters
    ----------
    runs : DataFrame
        Rows of `run_table` of one data set and protocol.
    facts : list of evaluation.statistics.labels.KeyFacts

    Returns
    -------
    list of str
    """
    names = [fact.name for fact in facts]
    notes = [variants_note(facts)]
    floor = find_least_nll(runs).max()
    if "nll" in names and floor > 0:
        notes.append(f"NLL cannot fall below {floor:.1f} nats, the entropy of the targets.")
    files = runs["file"].dropna() if "file" in runs else []
    stated = runs.attrs.get("reference_values", {}).get(runs["dataset"].iloc[0])
    return [note for note in (*notes, *reference_notes(files, names, stated)) if note]


def phase_notes(runs):
    """What runs of a first phase are, and why they are not ranked."""
    notes = []
    for curve, part in runs[runs["role"] == "first"].groupby("curve", sort=False):
        label, base = part["curve_label"].iloc[0], curve.split(",")[0].removesuffix("_first")
        heirs = part["continued_by"].iloc[0]
        text = f"{label}: the runs that {heirs} continues; they have fewer steps and are not ranked"
        if not runs.loc[runs["role"] == "", "curve"].str.split(",").str[0].eq(base).any():
            text += f". No continuation stands for the {label.split(' (')[0]} at equal steps"
        notes.append(f"{text}.")
    return notes


def external_notes(runs):
    """That representations from elsewhere are shown, and what is not known of them."""
    labels = list(dict.fromkeys(runs.loc[runs["role"] == "external", "method_label"]))
    if not labels:
        return []
    return [
        f"External, trained elsewhere: {', '.join(labels)}. Their training, its steps included, is "
        "unknown."
    ]


def variant_notes(scores, facts):
    """Which scores were left out for their variant, and which keys have no direction."""
    labels = {fact.name: fact.label for fact in facts}
    notes = []
    for (name, reason), part in scores.groupby(["metric", "reason"], sort=False):
        if name not in labels:
            continue
        count = f"{len(part)} score{'s' if len(part) > 1 else ''}"
        notes.append(f"{labels[name]}: {count} left out ({reason}).")
    for fact in facts:
        if not fact.sign and fact.metric != "training":
            notes.append(
                f"{fact.label}: its metric declares no direction, so nothing is ranked or chosen "
                "by it."
            )
    return notes


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
    protocol = runs["protocol"].iloc[0]
    text = f"Protocol: {protocol}"
    if protocol in BENCHMARKS:
        benchmark = load_benchmark(protocol)
        text += f" ({benchmark.title}, version {benchmark.version})"
    text += f", {int(steps):,} training steps" if np.isfinite(steps) else ", steps not recorded"
    short = runs[runs["unequal_steps"]]
    if len(short):
        parts = [
            f"{label} {' or '.join(f'{int(s):,}' for s in sorted(set(part)))}"
            for label, part in short.groupby("method_label", sort=False)["steps"]
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


def variants_note(facts):
    """The variant string of every metric shown."""
    parts = dict.fromkeys(f"{fact.label}: {fact.variant}" for fact in facts)
    return f"Variants: {'; '.join(parts)}." if parts else ""


def warning_notes(runs, brief=False):
    """Why numbers do not compare with others', where they do not."""
    notes = []
    preset = runs["preset"].iloc[0]
    if not trains_as_published(preset):
        text = f"{preset}: not comparable with published figures (small images, few steps)"
        pressure = "" if brief else _pressure_text(runs)
        notes.append(f"{text}{pressure}.")
    if runs["dataset_kind"].iloc[0] == "re-rendered":
        notes.append(RENDERED)
    return notes


def _pressure_text(runs):
    """What β amounts to for images of this size, for each number of latents that was trained."""
    known = runs[["pixels", "latent_size", "beta"]].dropna().astype(float)
    known = known[known["pixels"] > 0].drop_duplicates().sort_values(["latent_size", "beta"])
    several = known["latent_size"].nunique() > 1
    parts = [
        f"{beta * latents / pixels:.3g} at β = {format_number(beta)}"
        + (f", m = {format_number(latents)}" if several else "")
        for pixels, latents, beta in known.itertuples(index=False, name=None)
    ]
    joined = ("; " if several else ", ").join(parts)
    return f"; β·m/pixels, which sets the pressure, is {joined}" if parts else ""


def number_text(value, facts):
    """A mean in the precision that its size deserves.

    Examples
    --------
    >>> from disentanglement_bench.evaluation.statistics.labels import describe_key
    >>> mig, nll = describe_key("mig"), describe_key("nll")
    >>> number_text(0.12345, mig), number_text(123.456, nll), number_text(float("nan"), mig)
    ('0.123', '123.5', '–')
    >>> number_text(-1e-9, mig)
    '0.000'
    """
    if value is None or not np.isfinite(value):
        return "–"
    decimals = 2 if facts.metric == "training" else 3
    if abs(value) >= 100:
        decimals = 1
    text = f"{value:.{decimals}f}"
    return text if float(text) else text.lstrip("-")


def cell_text(cell, facts):
    """Mean ± std, interval and seeds of one cell as two lines."""
    seeds = f"{int(cell['n'])}/{int(cell['n_asked'])}" + ("*" if cell["illustrative"] else "")
    if not cell["n"]:
        return f"–\n{seeds}"
    text = number_text(cell["mean"], facts)
    if cell["n"] < 2:
        return f"{text}\n{seeds}"
    low, high = number_text(cell["low"], facts), number_text(cell["high"], facts)
    return f"{text} ± {number_text(cell['std'], facts)}\n[{low}, {high}], {seeds}"

"""The table of a standard benchmark's primary hypotheses, explored and confirmed."""

from ..naming import file_name
from ..reference.benchmarks import load_benchmark
from ..statistics.summary import Summary
from .collapse import (
    describe_peak,
    describe_test,
    drop_text,
    left_out_notes,
    peak_text,
    verdict_text,
)
from .notes import ILLUSTRATIVE
from .parts import notes_of, sources_of, with_identity
from .table import Compact, Table


def confirmation_table(summary: Summary, dataset: str, protocol: str) -> Table | None:
    """Primary hypotheses on the seeds of the table and on those that confirm.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str

    Returns
    -------
    Table or None
        None where no seed was unseen when the hypotheses were declared.
    """
    place = dataset, protocol
    data = summary.part("confirmation", *place)
    if not data["declared_before"].any():
        return None
    benchmark = load_benchmark(protocol)
    records = data.to_dict("records")
    rows = [
        (
            row["seeds"],
            f"{'before' if row['declared_before'] else 'after'} seeing\nthese seeds",
            summary.describe(row["metric"]).label,
            row["curve_label"],
            peak_text(row),
            drop_text(row),
            verdict_text(row),
        )
        for row in records
    ]
    symbols = dict.fromkeys(row["axis_label"] for row in records)
    symbol = next(iter(symbols)) if len(symbols) == 1 else "value"
    families = dict.fromkeys(f"{int(row['family'])} on seeds {row['seeds']}" for row in records)
    test = (
        f"{describe_test(symbol)} p is adjusted by Holm's method within the primary tests of each "
        f"group of seeds ({', '.join(families)})."
    )
    declared = (
        f"Hypotheses of {benchmark.title}, declared {benchmark.primary['declared']}. Where seeds "
        "were seen before that, their tests explore; the tests of seeds that nobody had seen "
        "confirm. Confirmation seeds stand in this table alone."
    )
    marks = [ILLUSTRATIVE] if any(row["illustrative"] for row in records) else []
    marks += left_out_notes(records)
    names = list(dict.fromkeys(data["metric"]))
    heads = (
        "Seeds",
        "Declared",
        "Score",
        "Curve",
        f"peaks at {symbol}",
        f"drop to largest {symbol}",
        "peak test",
    )
    notes = (
        declared,
        describe_peak(symbol),
        test,
        *marks,
        *notes_of(summary, *place, names, brief=True),
    )
    runs = summary.part("runs", *place)
    methods = dict.fromkeys(runs.loc[runs["curve"].isin(data["curve"]), "method"])
    return Table(
        file_name("confirmation", *place),
        f"Primary hypotheses of {benchmark.title} on {dataset}",
        heads,
        tuple(rows),
        with_identity(data.reset_index(drop=True), runs),
        notes,
        sources_of(summary, [dataset], protocol, methods, names),
        Compact(heads, tuple(rows), notes),
        place,
    )

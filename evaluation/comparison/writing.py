"""A comparison as files: tables, figures, rows to paste, and everything as JSON."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..files import RecordError, read_json, write_atomically, write_json
from ..naming import file_name, one_line
from ..tables.rendering import write_tables
from .comparing import Comparison
from .entries import ComparisonError

RECORD = "comparison.json"
KIND = "disentanglement_bench comparison"
SCHEMA_VERSION = 1


def check_output(folder: Path) -> Path:
    """See whether a comparison may be written to a folder.

    Parameters
    ----------
    folder : Path

    Returns
    -------
    Path
        The same.

    Raises
    ------
    ComparisonError
        If it holds something else than a comparison, or is no folder.
    """
    try:
        names = {entry.name for entry in folder.iterdir()}
    except FileNotFoundError:
        return folder
    except OSError as error:
        raise ComparisonError(
            f"{one_line(folder)}: cannot be a folder of results ({error.strerror}); choose another "
            "with --output"
        ) from None
    if names and _read_record(folder) is None:
        raise ComparisonError(
            f"{one_line(folder)} holds something else than a comparison, which would be "
            "overwritten: choose another folder with --output"
        )
    return folder


def _read_record(folder):
    """The record of the comparison in a folder, or None."""
    try:
        record = read_json(folder / RECORD)
    except (FileNotFoundError, RecordError):
        return None
    return record if isinstance(record, dict) and record.get("kind") == KIND else None


def write_comparison(comparison: Comparison, folder: Path, formats: Sequence[str]) -> Comparison:
    """Write a comparison, in place of the one that lies there.

    Parameters
    ----------
    comparison : Comparison
    folder : Path
        From `check_output`.
    formats : sequence of str
        Of the figures; none are drawn without one.

    Returns
    -------
    Comparison
        With `output` and `files`.

    Raises
    ------
    ComparisonError
        If the folder cannot be written.
    """
    before = (_read_record(folder) or {}).get("files")
    before = (
        {name for name in before if isinstance(name, str)} if isinstance(before, list) else set()
    )
    try:
        # The folder is ours from here on, also if the rest fails.
        write_json(folder / RECORD, {"kind": KIND, "files": sorted(before)})
        files = write_tables(comparison.tables, folder / "tables")
        write_atomically(folder / "rows.tex", comparison.latex)
        files.append(folder / "rows.tex")
        files += _draw(comparison, folder / "figures", formats)
        names = [path.relative_to(folder).as_posix() for path in files]
        write_json(folder / RECORD, describe_comparison(comparison) | {"files": names})
        for name in before.difference(names):
            path = folder / name
            if path.resolve().is_relative_to(folder.resolve()):
                path.unlink(missing_ok=True)
    except OSError as error:
        raise ComparisonError(
            f"cannot write {one_line(error.filename or folder)}: {error.strerror or error}; choose "
            "another folder with --output"
        ) from None
    return dataclasses.replace(comparison, output=folder, files=[*files, folder / RECORD])


def _draw(comparison, folder, formats):
    if not formats:
        return []
    from ..figures.drawing import save_figure
    from .drawing import draw_comparison

    files, taken = [], []
    for dataset, protocol in comparison.summary.strata:
        for drawing in draw_comparison(comparison.summary, dataset, protocol, set(comparison.rows)):
            taken.append(file_name(drawing.name, dataset, protocol, taken=taken))
            files += save_figure(drawing.figure, folder, taken[-1], formats).values()
            if drawing.narrow is not None:
                name = f"{drawing.name}-narrow"
                taken.append(file_name(name, dataset, protocol, taken=taken))
                files += save_figure(drawing.narrow, folder, taken[-1], ("png",)).values()
    return files


def describe_comparison(comparison: Comparison) -> dict[str, Any]:
    """Everything that a program may want to know of a comparison, as plain data.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    dict
        `benchmark`, `version`, `rows` (by method: label and cells), `places`, `chances`,
        `sentences`, `notes`, `refusals`, `entries` (one for each file).
    """
    cells = comparison.summary.selected_cells
    named = ["dataset", "metric", "variant", "setting", "chosen", "n", "mean", "std", "low", "high"]
    rows = {
        method: {
            "label": label,
            "cells": _records(cells.loc[(cells["method"] == method) & (cells["n"] > 0), named]),
        }
        for method, label in comparison.rows.items()
    }
    entries = [
        {
            "path": str(entry.path),
            "trained_here": entry.trained_here,
            "model": entry.model,
            "seed": entry.seed,
            "dataset": entry.dataset,
            "refusal": entry.refusal or None,
        }
        for entry in comparison.entries
    ]
    return {
        "kind": KIND,
        "schema_version": SCHEMA_VERSION,
        "benchmark": comparison.benchmark.title,
        "benchmark_version": comparison.benchmark.version,
        "rows": rows,
        "places": _records(comparison.places),
        "chances": _records(comparison.chances),
        "sentences": comparison.sentences,
        "notes": comparison.notes,
        "refusals": comparison.refusals,
        "entries": entries,
    }


def _records(frame):
    return frame.astype(object).where(frame.notna(), None).to_dict("records")

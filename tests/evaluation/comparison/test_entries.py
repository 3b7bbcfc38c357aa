import dataclasses
import json
import re
from pathlib import Path

import numpy as np
import pytest

from disentanglement_bench.evaluation import write_representation
from disentanglement_bench.evaluation.comparison.entries import (
    Entry,
    name_file,
    read_entry,
    refuse_copies,
)
from disentanglement_bench.evaluation.reference.grids import GRIDS

STEPS = np.arange(1500)


def test_a_file_on_the_sample_of_its_seed_compares(write, benchmark_db1):
    entry = read_entry(write(seed=3, attributes={"model": "PCA", "seed": 3}), benchmark_db1)
    assert (entry.refusal, entry.model, entry.seed) == ("", "PCA", 3)
    assert entry.own_sample
    assert entry.checked
    assert not entry.trained_here


def test_names_and_sizes_of_factors_may_be_left_out(write, benchmark_db1):
    path = write(factor_names=None, factor_sizes=None, index=None)
    entry = read_entry(path, benchmark_db1)
    assert entry.refusal == ""
    assert entry.own_sample  # the factors tell which images they are
    assert not entry.checked


def other_sample(seed=0, rows=300, available=46_080):
    index = np.random.default_rng(seed).permutation(available)[:rows]
    return index, np.stack(np.unravel_index(index, tuple(GRIDS["sprites-small"].values())), axis=1)


def test_another_random_sample_compares_too(write, benchmark_db1):
    index, factors = other_sample()
    entry = read_entry(write(index=index, factors=factors), benchmark_db1)
    assert entry.refusal == ""
    assert not entry.own_sample


INDEX, FACTORS = other_sample()
LONG_INDEX, LONG_FACTORS = other_sample(rows=1500)
SQUARES, SQUARE_FACTORS = other_sample(available=46_080 // 3)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dataset": ""}, "it names no data set, and DB-1 has sprites-small, rooms3d"),
        ({"dataset": "sprites"}, "its data set is 'sprites', and DB-1 has sprites-small"),
        ({"attributes": {"dataset_version": "0"}}, "version 0, and that of DB-1 version 1"),
        ({"n_train": 150}, r"150 \+ 150 rows, .* 200 \+ 100: encode .*evaluation_sample\(seed, "),
        (
            {
                "codes": LONG_FACTORS * 1.0,
                "factors": LONG_FACTORS,
                "index": LONG_INDEX,
                "n_train": 1000,
            },
            r"its sample has 1000 \+ 500 rows",
        ),
        (
            {"factor_names": ("form", "scale", "orientation", "posX", "posY")},
            "its factors are form, scale, .* and those of sprites-small shape, scale",
        ),
        ({"factor_sizes": (3, 6, 40, 32, 32)}, "3, 6, 40, 32, 32 classes, .* 3, 6, 10, 16, 16"),
        (
            {"factors": FACTORS + 0.5, "index": INDEX, "factor_sizes": None},
            "its factors are real numbers",
        ),
        ({"factors": FACTORS[::-1], "index": INDEX}, r"row 0 has the factors .*, but image \d+ of"),
        ({"index": INDEX + 46_080, "factors": FACTORS}, "but sprites-small has 46,080 images"),
        (
            {"index": INDEX[STEPS[:300] // 2], "factors": FACTORS[STEPS[:300] // 2]},
            "150 of its images occur more than once",
        ),
        (
            {"index": SQUARES, "factors": SQUARE_FACTORS},
            "no random sample of sprites-small: the classes of shape occur 0 to 300 times",
        ),
    ],
)
def test_what_does_not_agree_is_refused_with_the_reason(write, benchmark_db1, changed, message):
    entry = read_entry(write(**changed), benchmark_db1)
    assert not entry.unreadable
    assert re.search(message, entry.refusal), entry.refusal


def test_codes_that_are_not_finite_are_unreadable(write, benchmark_db1):
    path = write()
    with np.load(write("mine.npz")) as file:
        arrays = dict(file)
    arrays["codes"][7, 0] = np.nan
    np.savez(path.with_name("broken.npz"), **arrays)
    entry = read_entry(path.with_name("broken.npz"), benchmark_db1)
    assert entry.unreadable
    assert "codes must be finite, but row 7" in entry.refusal


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04"])
@pytest.mark.parametrize("name", ["a.h5", "a.npz"])
def test_files_of_something_else_are_unreadable(tmp_path, benchmark_db1, name, content):
    (tmp_path / name).write_bytes(content)
    entry = read_entry(tmp_path / name, benchmark_db1)
    assert entry.unreadable
    assert entry.refusal
    assert "\n" not in entry.refusal


def write_record(folder, **changed):
    run = {"dataset": "sprites-small", "preset": "db1", "tag": "", "model": "mine.Mine", "seed": 4}
    record = {"schema_version": 2, "status": "done", "run": run | changed.pop("run", {})} | changed
    (folder / "run.json").write_text(json.dumps(record))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({}, ""),
        ({"status": "failed"}, "its run is failed: let bench train finish it"),
        (
            {"run": {"preset": "quick"}},
            "the protocol quick, not db1: train it with bench train --b",
        ),
        ({"run": {"tag": "wide"}}, "the protocol db1+wide, not db1"),
        ({"run": {"model": "betavae"}}, "betavae is a model of DB-1 itself"),
    ],
)
def test_runs_that_were_trained_here_are_known_by_their_records(
    write, benchmark_db1, changed, message
):
    path = write("runs/mine/seed-4/representation.h5", seed=4)
    write_record(path.parent, **changed)
    entry = read_entry(path, benchmark_db1, name="ignored")
    assert entry.trained_here
    assert message in entry.refusal
    if not message:
        assert entry.refusal == ""
        assert (entry.model, entry.seed) == ("mine.Mine", 4)


def test_a_broken_record_is_told(write, benchmark_db1):
    path = write("runs/seed-0/representation.h5")
    (path.parent / "run.json").write_text("{")
    entry = read_entry(path, benchmark_db1)
    assert entry.unreadable
    assert "not valid JSON" in entry.refusal


@pytest.mark.parametrize(
    ("path", "attributes", "expected"),
    [
        ("mine/codes.h5", {}, ("codes", None)),
        ("mine/pca_seed3.npz", {}, ("pca", 3)),
        ("mine/seed=12.h5", {}, ("mine", 12)),
        ("mine/Seed-1/representation.h5", {}, ("mine", 1)),
        ("mine/a.h5", {"model": "VAE", "seed": 7}, ("VAE", 7)),
        ("mine/a-seed-2.h5", {"seed": -1}, ("a", 2)),
        ("mine/a-seed-2.h5", {"seed": 2.5, "model": 3}, ("a", 2)),
        ("mine/a.h5", {"model": "two\nlines"}, ("a", None)),
        ("mine/a.h5", {"model": "  ", "seed": True}, ("a", None)),
        ("/seed-3.h5", {}, ("unnamed", 3)),
    ],
)
def test_a_row_is_called_by_its_model_or_its_path(path, attributes, expected):
    assert name_file(Path(path), attributes) == expected


def test_copies_are_refused_and_collapsed_codes_of_other_images_are_not(write, benchmark_db1):
    constant = np.zeros((300, 2))
    paths = [
        write("a.h5"),
        write("b.h5"),
        write("c.h5", codes=constant),
        write("d.h5", seed=1, codes=constant),
    ]
    entries = refuse_copies([read_entry(path, benchmark_db1) for path in paths])
    assert [bool(entry.refusal) for entry in entries] == [False, True, False, False]
    assert entries[1].refusal == f"it holds the same codes as {paths[0]}: remove one"


def test_a_refused_file_is_no_original(tmp_path):
    refused = Entry(tmp_path / "a.h5", refusal="other", digest="x")
    copy = dataclasses.replace(refused, path=tmp_path / "b.h5", refusal="")
    assert refuse_copies([refused, copy])[1].refusal == ""


def test_many_rows_are_refused_and_told_what_to_write(tmp_path, benchmark_db1):
    index, factors = other_sample(rows=10_000)
    path = tmp_path / "long.h5"
    write_representation(path, factors * 1.0, factors, index=index, dataset="sprites-small")
    assert "6666 + 3334 rows" in read_entry(path, benchmark_db1).refusal


def test_codes_of_another_data_set_are_not_told_to_rename_it(write, benchmark_db1):
    far = read_entry(write(dataset="dsprites"), benchmark_db1)
    assert far.refusal.endswith("only codes of the images of one of them compare")

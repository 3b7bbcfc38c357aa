"""The documents' examples run, and they name everything there is."""

import re
from pathlib import Path

import numpy as np
import pytest

from disentanglement_bench.evaluation import (
    METRICS,
    Shared,
    check_metric,
    evaluate,
    evaluate_paths,
    read_representation,
    write_representation,
)

DOCS = Path(__file__).parents[2] / "docs"


def blocks(name):
    return re.findall(r"```python\n(.*?)```", (DOCS / name).read_text(), re.DOTALL)


def test_examples_of_formats(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    ours = [b for b in blocks("formats.md") if "encode" not in b]
    assert len(ours) == 3
    for block in ours:
        exec(block, names)
    assert read_representation("angles.h5").factor_kinds == ("nominal", "continuous")
    report = evaluate_paths(["mine.npz", "mine.h5"], metrics=["mig"], table="scores.csv")
    assert report.problems == []
    assert report.rows[0]["mig"] == pytest.approx(report.rows[1]["mig"], abs=1e-4)
    assert report.rows[1]["beta"] == 4.0


def test_the_example_of_shared_images(tmp_path, monkeypatch):
    """Its data set and its encoder are stood in for; what it does with them is as written."""
    monkeypatch.chdir(tmp_path)
    (block,) = [b for b in blocks("formats.md") if "shared_index()" in b]
    dataset = type("Dataset", (), {"shared_index": staticmethod(lambda: np.arange(9))})
    names = {
        "load_dataset": lambda name: dataset,
        "encode": lambda index: (np.zeros((9, 2)), np.ones((9, 2))),
        "codes": np.zeros((30, 2)),
        "factors": np.arange(30)[:, None],
        "Shared": Shared,
        "write_representation": write_representation,
    }
    Path("seed-0").mkdir()
    exec(block.rpartition("\nwrite_representation")[0], names)
    found = read_representation("seed-0/mine.h5")
    assert found.shared.index.tolist() == list(range(9))
    assert found.shared.log_variances.mean() == 1


def test_examples_of_other_frameworks_write_what_is_read(tmp_path, monkeypatch):
    """Their encoders are stood in for; what they do with the result is as written."""
    monkeypatch.chdir(tmp_path)

    class Array(np.ndarray):
        def cpu(self):
            return self

    pair = np.ones((2, 6, 3)).view(Array)
    (block,) = [b for b in blocks("formats.md") if "encoder.apply" in b]
    encoder = type("Encoder", (), {"apply": staticmethod(lambda parameters, images: pair)})
    exec(
        block,
        {
            "np": np,
            "encoder": encoder,
            "parameters": None,
            "images": None,
            "factors": np.arange(6)[:, None],
        },
    )
    assert evaluate_paths("mine.npz", metrics=["sap_continuous"]).problems == []


def test_examples_of_metrics(tmp_path, monkeypatch, stream):
    first, dlib, live, own = blocks("metrics.md")
    names = {}
    exec(first, names)
    assert 0 < names["alone"].value < 1
    assert names["numbers"]["mig"] == names["scores"]["mig"].value == names["alone"].value
    exec(dlib.split(")\n")[0] + ")", names)
    assert names["mig"].compute_mig
    exec(live, names)
    assert 0 <= names["votes"]["eval_accuracy"] <= 1
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_metrics.py").write_text(own)
    assert check_metric("my_metrics.py:overlap")[-1] == "a single code: overlap = undefined"
    factors = stream.integers(0, 4, (90, 2))
    found = evaluate(factors * 1.0, factors, "my_metrics.py:overlap", np.zeros((90, 2)))
    assert list(found) == ["overlap", "overlap_sampled"]


def test_every_variant_and_key_is_described():
    text = (DOCS / "metrics.md").read_text()
    for metric in METRICS.values():
        assert metric.variant in text
        for key in metric.keys:
            stem = key.name.removesuffix(metric.suffix).removesuffix("_train").removesuffix("_test")
            assert stem.removeprefix("dci_") in text


def test_the_documented_tolerances_are_those_that_metrics_declare():
    section = (DOCS / "metrics.md").read_text().split("## A second computation\n")[1]
    rows = re.findall(r"^\| (`.*?) \| ([0-9.e-]+) \|", section.split("\n## ")[0], re.MULTILINE)
    documented = {
        name: float(tolerance)
        for names, tolerance in rows
        for name in re.findall(r"`(\w+)`", names)
    }
    assert documented == {m.name: m.tolerance for m in METRICS.values() if not m.suffix}

import csv
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from disentanglement_bench.evaluation import (
    METRICS,
    MetricError,
    evaluate_paths,
    write_representation,
)
from disentanglement_bench.evaluation.files import write_json
from disentanglement_bench.evaluation.scoring.scores_table import Table, write_table
from disentanglement_bench.evaluation.statistics.cells import collect, tidy
from disentanglement_bench.evaluation.statistics.run_reading import read_scores

OLD = Path(__file__).parents[2] / "data/results-0.1.0"
MINE = """
from disentanglement_bench.evaluation import Key, Metric

def error(codes, factors, n_train):
    return 7.5

low = Metric(
    "low_error",
    error,
    (Key("low_error", "error", "how wrong", higher_is_better=False, high=10.0, unit="nats"),),
    variant="low[1]",
    citation="mine2026",
)
taken = Metric("taken", error, (Key("seed"),))
"""


def write(path, **options):
    stream = np.random.default_rng(0)
    factors = stream.integers(0, 3, (60, 2))
    write_representation(path, factors + stream.normal(size=(60, 2)), factors, **options)


def read_table(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_an_attribute_is_never_a_score(tmp_path):
    attributes = {"mig": 0.99, "mig_status": "done", "nll": 1.0, "source": "bench", "reasons": "no"}
    codes, factors = np.arange(60.0)[:, None], np.arange(60)[:, None] % 3
    write_representation(tmp_path / "a.h5", codes, factors, attributes=attributes)
    evaluate_paths(tmp_path, metrics=["mig"])
    (row,) = read_table(tmp_path / "scores.csv")
    assert row["mig"] == row["nll"] == ""
    assert row["mig_status"] == "undefined"
    assert row["source"] == "external"
    assert row["attribute.mig"] == "0.99"
    assert row["attribute.source"] == "bench"


@pytest.mark.parametrize("value", ["high", 1.7, -0.5, True, [1], {"a": 1}])
def test_forged_scores_are_told_and_computed_again(tmp_path, value):
    write(tmp_path / "a.h5")
    honest = evaluate_paths(tmp_path, metrics=["mig"]).rows[0]["mig"]
    path = tmp_path / "a.scores/mig.json"
    record = json.loads(path.read_text())
    write_json(path, {**record, "values": {"mig": value}})
    other = evaluate_paths(tmp_path, metrics=["sap_continuous"])
    assert other.rows[0].get("mig") is None
    assert (
        len([line for _, line in other.problems if "mig.json: not a valid score file" in line]) == 1
    )
    again = evaluate_paths(tmp_path, metrics=["mig"])
    assert (again.computed, again.problems) == (1, [])
    assert again.rows[0]["mig"] == honest
    ((_, line),) = again.repaired
    assert "mig.json: not a valid score file" in line
    assert "\n" not in line


def test_keys_that_a_metric_does_not_declare_are_no_scores(tmp_path):
    write(tmp_path / "a.h5")
    evaluate_paths(tmp_path, metrics=["mig"])
    record = json.loads((tmp_path / "a.scores/mig.json").read_text())
    write_json(tmp_path / "a.scores/mine.json", {**record, "metric": "mine", "declaration": None})
    (tmp_path / "a.scores/sap.json").write_text(json.dumps(record))
    forged = {
        **record,
        "metric": "forged",
        "values": {"sap": 0.9, "seed": 3.0, "own": 0.5},
        "declaration": {"keys": [{"name": name} for name in ("sap", "seed", "own")]},
    }
    write_json(tmp_path / "a.scores/forged.json", forged)
    report = evaluate_paths(tmp_path, metrics=["mig"])
    (row,) = read_table(tmp_path / "scores.csv")
    assert row["sap"] == row["seed"] == ""
    assert row["own"] == "0.5"
    reasons = [line for _, line in report.problems]
    assert [line.split("/")[-1].split(":")[0] for line in reasons] == ["mine.json", "sap.json"]


def test_scores_of_an_own_metric_stay_with_what_it_declares(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    write(tmp_path / "a.h5")
    evaluate_paths(tmp_path, metrics=[f"{tmp_path}/mine.py:low", f"{tmp_path}/mine.py:error"])
    evaluate_paths(tmp_path, metrics=["mig"])
    (row,) = read_table(tmp_path / "scores.csv")
    assert row["low_error"] == row["mine:error"] == "7.5"
    assert row["low_error_status"] == "done"
    assert row["low_error_variant"] == "low[1]"
    declared = json.loads((tmp_path / "scores.metrics.json").read_text())
    assert declared["schema_version"] == 1
    low = declared["metrics"]["low_error"]
    assert (low["variant"], low["citation"]) == ("low[1]", "mine2026")
    assert low["keys"] == [
        {
            "name": "low_error",
            "label": "error",
            "description": "how wrong",
            "higher_is_better": False,
            "low": 0.0,
            "high": 10.0,
            "unit": "nats",
        }
    ]
    assert declared["metrics"]["mi"]["keys"][0]["high"] is None
    write(tmp_path / "a.h5", n_train=30)
    evaluate_paths(tmp_path, metrics=["mig"])
    (row,) = read_table(tmp_path / "scores.csv")
    assert row["low_error"] == ""
    assert row["low_error_status"] == "outdated"


def test_an_own_metric_cannot_take_the_name_of_a_column(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    write(tmp_path / "a.h5")
    with pytest.raises(MetricError, match="'seed', which is another column of"):
        evaluate_paths(tmp_path, metrics=[f"{tmp_path}/mine.py:taken"])


def test_what_a_file_may_state_about_itself(tmp_path):
    stated = {"dataset_version": "2", "preset": "quick", "model": "mine", "seed": 3, "beta": 4.0}
    more = {"hyperparameters": {"lambda": 2, "gamma": 10, "mig": 1}, "run_status": "done"}
    write(tmp_path / "a.h5", dataset="toy", attributes={**stated, **more, "steps": 7})
    odd = {"seed": "three", "model": 5, "hyperparameters": '{"gamma": [1]}', "preset": "a\nb"}
    write(tmp_path / "b.h5", attributes=odd)
    evaluate_paths(tmp_path, metrics=["mig"])
    first, second = read_table(tmp_path / "scores.csv")
    wanted = {"dataset": "toy", "dataset_version": "2", "preset": "quick", "model": "mine"}
    wanted |= {"seed": "3", "beta": "4.0", "lambda": "2", "gamma": "10", "hyperparameter.mig": "1"}
    wanted |= {"source": "external", "steps": "", "run_status": "", "attribute.steps": "7"}
    assert {key: first[key] for key in wanted} == wanted
    assert float(first["mig"]) < 1
    for key in ("seed", "model", "gamma", "preset"):
        assert second[key] == ""
    assert second["attribute.model"] == "5"
    assert second["attribute.preset"] == "a b"


def test_only_the_file_that_a_run_writes_is_the_runs(tmp_path):
    for name in ("representation.h5", "other.h5", "representation.npz"):
        write(tmp_path / name)
    write_json(tmp_path / "run.json", {"schema_version": 2, "status": "done"})
    evaluate_paths(tmp_path, metrics=["mig"])
    rows = {row["path"]: row["source"] for row in read_table(tmp_path / "scores.csv")}
    assert rows.pop("representation.h5") == "bench"
    assert set(rows.values()) == {"external"}


def test_settings_that_were_swept_are_columns_after_the_hyperparameters(tmp_path):
    """The run at the protocol's own value names no setting: its configuration does."""
    config = {"learning_rate": 2e-3, "network": "conv", "latent_size": 10}
    for name, chosen in {
        "ordinary": {},
        "slow": {"learning_rate": 1e-3},
        "small": {"network": "conv-small"},
    }.items():
        (tmp_path / name).mkdir()
        write(tmp_path / name / "representation.h5", attributes=chosen)
        about = {"hyperparameters": {"gamma": 3.0}} | ({"settings": chosen} if chosen else {})
        record = {"schema_version": 2, "status": "done", "run": about, "config": config | chosen}
        write_json(tmp_path / name / "run.json", record)
    write(tmp_path / "other.h5")
    evaluate_paths(tmp_path, metrics=["mig"])
    columns = list(read_table(tmp_path / "scores.csv")[0])
    first = columns.index("seed")
    assert columns[first + 1 : first + 5] == ["gamma", "learning_rate", "network", "source"]
    assert not [column for column in columns if column.startswith("attribute.")]
    rows = {row["path"].partition("/")[0]: row for row in read_table(tmp_path / "scores.csv")}
    assert {name: (row["learning_rate"], row["network"]) for name, row in rows.items()} == {
        "ordinary": ("0.002", "conv"),
        "slow": ("0.001", "conv"),
        "small": ("0.002", "conv-small"),
        "other.h5": ("", ""),
    }


NAMES = (
    "a\rb",
    "a\nb",
    'a "quoted", name',
    "=1+1",
    "-1",
    "@x",
    "+x",
    "'x",
    "\tx",
    " x ",
    "NA",
    "β",
)


def test_every_name_is_read_back_exactly(tmp_path):
    for name in NAMES:
        write(tmp_path / f"{name}.h5", attributes={"text": name})
    evaluate_paths(tmp_path, metrics=["mig"])
    found = read_scores(tmp_path)
    assert sorted(found["path"]) == sorted(f"{name}.h5" for name in NAMES)
    assert set(found["file"]) == {str(tmp_path / f"{name}.h5") for name in NAMES}
    shown = dict(zip(found["path"], found["attribute.text"], strict=True))
    assert shown["=1+1.h5"] == "=1+1"
    text = (tmp_path / "scores.csv").read_text()
    for cell in text.replace("\n", ",").split(","):
        assert not cell.lstrip('"').startswith(("=", "+", "@"))


def test_a_table_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space") as caught:
        write_table(tmp_path / "scores.csv", Table(["path"], [], {}, []))
    assert caught.value.filename == str(tmp_path / "scores.csv")
    assert os.listdir(tmp_path) == []


def test_rare_metrics_have_columns_where_there_is_something(tmp_path):
    """Metrics that are computed unasked always have them."""
    write(tmp_path / "a.h5", log_variances=np.zeros((60, 2)))

    def columns(*metrics):
        evaluate_paths(tmp_path, metrics=metrics)
        (row,) = read_table(tmp_path / "scores.csv")
        declared = json.loads((tmp_path / "scores.metrics.json").read_text())["metrics"]
        assert {f"{name}_status" for name in declared} <= set(row)
        return {key.name for name in declared for key in METRICS[name].keys} & set(row)

    usual = {key.name for metric in METRICS.values() if metric.default for key in metric.keys}
    assert columns("sap_continuous") == usual
    assert {"mig", "mig_sampled", "dci_completeness", "udr", "udr_spearman"} <= usual
    rare = {"irs", "irs_sampled", "irs_active"}
    assert not rare & usual
    assert columns("irs") == usual | rare
    assert columns("sap_continuous") == usual | rare, "their scores are stored"
    shutil.rmtree(tmp_path / "a.scores")
    assert columns("sap_continuous") == usual


def test_results_of_the_first_version_hold(tmp_path):
    shutil.copytree(OLD / "runs", tmp_path / "runs")
    report = evaluate_paths(tmp_path)
    assert (report.computed, report.problems) == (0, [])
    new = {row["path"]: row for row in read_table(tmp_path / "scores.csv")}
    old = read_table(OLD / "scores.csv")
    assert len(old) == len(new)
    for row in old:
        assert {key: new[row["path"]][key] for key in row} == row
        assert new[row["path"]]["source"] == "bench"
        assert not any(key.startswith("attribute.") for key in new[row["path"]])


def test_a_reason_is_written_once_for_all_its_keys(tmp_path):
    write_representation(tmp_path / "a.h5", np.arange(60.0)[:, None], np.arange(60)[:, None] % 3)
    (row,) = evaluate_paths(tmp_path, metrics=["mig", "sap"]).rows
    assert row["reasons"] == "mig, sap: one code: there is no second one to compare it with"
    reasons = tidy(collect(tmp_path), ["mig", "sap"])["reason"]
    assert reasons.tolist() == ["one code: there is no second one to compare it with"] * 2

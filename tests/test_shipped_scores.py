"""The scores that ship: of which runs they are, and that one of them comes out again."""

import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest

from disentanglement_bench.benchmark.protocol.plan import config_sha256
from disentanglement_bench.benchmark.protocol.standard import list_runs
from disentanglement_bench.evaluation import read_representation
from disentanglement_bench.evaluation.metrics import METRICS
from disentanglement_bench.evaluation.metrics.driver import compute
from disentanglement_bench.evaluation.reference import (
    BENCHMARKS,
    check_agreement,
    load_benchmark,
    load_provenance,
    load_scores,
)
from disentanglement_bench.evaluation.reference.shipped import list_shipped, shipped_file
from disentanglement_bench.evaluation.scoring.score_files import describe
from disentanglement_bench.evaluation.statistics.shipped_runs import collect_shipped

STORED = Path(__file__).parent / "data/db1_representation.h5"
# The run that it is of.
RUN = "sprites-small/db1/lambdabeta/beta=8,lambda=0/seed-0"


@pytest.fixture(params=[name for name in BENCHMARKS if list_shipped(name)])
def benchmark_name(request):
    return request.param


def test_db1_ships():
    assert list_shipped("db1")


def test_every_row_is_a_run_of_the_definition(benchmark_name):
    benchmark = load_benchmark(benchmark_name)
    runs = [*list_runs(benchmark), *list_runs(benchmark, confirmation=True)]
    wanted = {spec.path: config_sha256(spec.resolved()) for spec in runs}
    shipped = list_shipped(benchmark_name)
    assert shipped.items() <= wanted.items()
    assert list(shipped) == [path for path in wanted if path in shipped]
    assert len(load_scores(benchmark_name)) == len(shipped)


def test_every_score_is_in_its_variant_and_within_its_range(benchmark_name):
    scores = load_scores(benchmark_name)
    owners = {key.name: (metric, key) for metric in METRICS.values() for key in metric.keys}
    for name, variant in load_benchmark(benchmark_name).metrics.items():
        metric, key = owners[name]
        assert set(scores[f"{metric.name}_variant"]) == {variant}
        undefined = scores[f"{metric.name}_status"] != "done"
        assert scores.loc[~undefined, name].between(key.low, key.high).all()
        assert scores.loc[undefined, "reasons"].notna().all()


def test_the_provenance_is_that_of_the_table_and_names_no_place_of_a_machine(benchmark_name):
    path, about = shipped_file(benchmark_name, "scores.csv"), load_provenance(benchmark_name)
    content = path.read_bytes()
    assert about["scores"]["sha256"] == hashlib.sha256(content).hexdigest()
    batches = [data for batch in about["batches"] for data in batch["runs"].values()]
    counted = sum(model["runs"] for models in batches for model in models.values())
    assert counted == about["scores"]["runs"] == len(content.splitlines()) - 1
    text = json.dumps(about)
    assert not any(place in text for place in ("/tmp", "/home", "/work", "--results"))
    for batch in about["batches"]:
        assert all(len(commit) == 40 for commit in batch["training"]["commits"])


def test_a_report_knows_what_the_runs_were(benchmark_name):
    runs = collect_shipped(benchmark_name)
    assert set(runs["source"]) == {"bench"}
    assert set(runs["protocol"]) == {benchmark_name}
    assert set(runs["status"]) == {"scored"}
    assert not runs["method_label"].eq(runs["model"]).any()
    assert runs[["dataset_identity", "pixels", "steps", "image_size"]].notna().all(axis=None)


@pytest.mark.parametrize(
    "name", ["mig", "sap", "sap_continuous", "dci", "mi", "modularity", "explicitness"]
)
def test_a_stored_representation_scores_as_the_shipped_row_says(name):
    representation, benchmark = read_representation(STORED), load_benchmark("db1")
    assert check_agreement(describe(representation), benchmark) == []
    scores = load_scores("db1")
    (row,) = scores[scores["path"] == f"runs/{RUN}/representation.h5"].to_dict("records")
    for metric in (METRICS[name], *METRICS[name].twins):
        score = compute(metric, representation)
        assert score.variant == row[f"{metric.name}_variant"]
        for key, value in score.values.items():
            if key in benchmark.metrics:
                assert pd.notna(row[key])
                assert value == pytest.approx(row[key], abs=metric.tolerance), key

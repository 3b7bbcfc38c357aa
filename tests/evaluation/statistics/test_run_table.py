import json

import numpy as np
import pandas as pd
import pytest

from disentanglement_bench.evaluation.files import write_json
from disentanglement_bench.evaluation.statistics.run_reading import (
    ScoresError,
    identity_text,
    read_records,
    read_scores,
)
from disentanglement_bench.evaluation.statistics.run_table import metric_columns, run_table


def row(model="betavae", beta=4.0, seed=0, steps=2500, **more):
    given = {
        "dataset": "dsprites",
        "dataset_version": "1",
        "preset": "paper",
        "tag": None,
        "model": model,
        "beta": beta,
        "lambda": None,
        "init": "scratch",
        "seed": seed,
        "steps": steps,
        "nll": 50.0,
        "kl": 5.0,
        "mig": 0.2,
        "run_status": "done",
        "mig_status": "done",
        "reasons": None,
    }
    given |= more
    name = more.get("path") or (
        f"{given['dataset']}/{given['preset']}/{model}/{beta},{given['lambda']},{given['init']}"
        f"/seed-{seed}/representation.h5"
    )
    return given | {"path": name}


def table(*rows):
    frame = pd.DataFrame(rows)
    return run_table(frame.assign(folder=frame["path"].str.rsplit("/", n=1).str[0]))


def record(folder, status="done", beta=4.0, seed=0, identity=None, phases=(2500, 800), **run):
    identity = identity or {"name": "sprites-small", "version": "1", "kind": "re-rendered"}
    write_json(
        folder / "run.json",
        {
            "schema_version": 1,
            "status": status,
            "reason": "loss is not finite" if status == "failed" else "",
            "run": {
                "dataset": "sprites-small",
                "preset": "quick",
                "tag": "",
                "model": "lambdabeta",
                "hyperparameters": {"beta": beta, "lambda": 0.0},
                "init": "parent",
                "seed": seed,
                **run,
            },
            "config": {"phases": list(phases), "latent_size": 10},
            "dataset": identity,
            "notes": ["a note", "another"],
            "pixels": 1024,
            "final": {"nll": 100.0, "kl": 0.05, "l2": 3.0, "tc": 0.1, "active_units": 2},
        },
    )


def test_every_run_has_one_method_and_the_vae_is_counted_once():
    runs = table(
        row("betavae", 1.0),
        row("betavae", 4.0),
        row("lambdabeta", 1.0, steps=3300, init="parent", **{"lambda": 0.0}),
        row("lambdabeta", 4.0, steps=3300, init="parent", **{"lambda": 0.0}),
        row("lambdabeta", 4.0, steps=3300, init="parent", **{"lambda": 2.0}),
        row("lambdabeta", 4.0, steps=3300, **{"lambda": 2.0}),
        row("betatcvae", 1.0, steps=3300),
    )
    found = dict(zip(zip(runs["method"], runs["setting"], strict=True), runs["curve"], strict=True))
    assert found == {
        ("vae", "beta=1"): "betavae",
        ("betavae", "beta=4"): "betavae",
        ("lambdabeta", "beta=4,lambda=2"): "lambdabeta,lambda=2",
        ("lambdabeta_scratch", "beta=4,lambda=2"): "lambdabeta_scratch,lambda=2",
        ("betatcvae", "beta=1"): "betatcvae",
        ("betavae_first", "beta=1"): "betavae_first",
        ("betavae_first", "beta=4"): "betavae_first",
    }
    assert set(runs[runs["unequal_steps"]]["method"]) == {"betavae_first"}


def test_without_a_continuation_betavae_is_itself():
    runs = table(row("betavae", 1.0), row("betavae", 4.0))
    assert list(runs["method"]) == ["vae", "betavae"]
    assert set(runs["curve"]) == {"betavae"}
    assert not runs["unequal_steps"].any()


def test_other_hyperparameters_tell_curves_apart(tmp_path):
    for gamma in (1.0, 2.5):
        record(tmp_path / f"g{gamma}", model="mine", hyperparameters={"beta": 2, "gamma": gamma})
    runs = run_table(None, read_records(tmp_path))
    assert list(runs["curve"]) == ["mine,gamma=1", "mine,gamma=2.5"]
    assert list(runs["setting"]) == ["beta=2,gamma=1", "beta=2,gamma=2.5"]


def test_protocols_and_versions_of_data_are_told_apart():
    runs = table(
        row(seed=0),
        row(seed=1, tag="wide", path="wide/representation.h5"),
        row(seed=2, dataset_version="2", path="two/representation.h5"),
    )
    assert set(runs["protocol"]) == {"paper", "paper+wide"}
    assert set(runs["dataset"]) == {"dsprites (version 1)", "dsprites (version 2)"}
    assert set(runs["dataset_kind"]) == {"genuine"}


def test_a_representation_from_elsewhere_joins_the_data_set_it_names():
    runs = table(
        row(),
        row(
            model=None, beta=None, seed=None, dataset_version=None, run_status=None, path="m/my.h5"
        ),
    )
    mine = runs[runs["path"] == "m/my.h5"].iloc[0]
    assert (mine["dataset"], mine["dataset_version"]) == ("dsprites", "1")
    assert (mine["method"], mine["setting"]) == ("my_external", "")
    assert (mine["curve"], mine["curve_label"]) == ("my_external", "my (external)")


def test_a_seed_counts_once():
    runs = table(row(path="a/representation.h5"), row(path="b/representation.h5"))
    assert list(runs["status"]) == ["scored", "duplicate"]


def test_records_bring_failed_and_unscored_runs(tmp_path):
    record(tmp_path / "a", "done", seed=0)
    record(tmp_path / "b", "failed", seed=1)
    record(tmp_path / "c", "done", seed=2)
    broken = tmp_path / "d"
    broken.mkdir()
    (broken / "run.json").write_text("{")
    pd.DataFrame([row(path="a/representation.h5")]).to_csv(tmp_path / "scores.csv", index=False)
    runs = run_table(read_scores(tmp_path), read_records(tmp_path))
    found = dict(zip(runs["seed"].fillna(-1), runs["status"], strict=True))
    assert found == {0: "scored", 1: "failed", 2: "unscored", -1: "unreadable"}
    failed = runs[runs["status"] == "failed"].iloc[0]
    assert failed["status_reason"] == "loss is not finite"
    scored = runs[runs["status"] == "scored"].iloc[0]
    assert scored["dataset"] == "sprites-small", "the record knows better than the table"
    assert scored["dataset_kind"] == "re-rendered"
    assert scored["steps"] == 3300
    assert scored["collapsed"] == 1.0
    assert scored["mig"] == 0.2


def test_collapsed_is_unknown_without_a_kl():
    runs = table(row(seed=0, kl=0.01), row(seed=1, kl=5.0), row(seed=2, kl=None))
    np.testing.assert_array_equal(runs["collapsed"], [1.0, 0.0, np.nan])


def test_read_scores_says_what_is_wrong(tmp_path):
    with pytest.raises(ScoresError, match="no such table; run bench evaluate first"):
        read_scores(tmp_path)
    (tmp_path / "scores.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ScoresError, match="needs a column 'path'"):
        read_scores(tmp_path)
    (tmp_path / "scores.csv").write_text("")
    with pytest.raises(ScoresError, match="not a table of scores"):
        read_scores(tmp_path)


def test_names_that_look_like_missing_values_are_names(tmp_path):
    pd.DataFrame([row(model="NA")]).to_csv(tmp_path / "scores.csv", index=False)
    assert read_scores(tmp_path)["model"].tolist() == ["NA"]


def test_metric_columns_knows_users_metrics():
    frame = pd.DataFrame(
        {"path": ["a"], "kl": [1.0], "mig": [0.1], "explicitness_test": [0.5], "mine": [2.0]}
        | {"run_status": ["done"], "n_latents": [10]}
    )
    assert metric_columns(frame) == ["mig", "explicitness_test", "kl", "mine"]


def test_identity_text_shortens_hashes():
    identity = {"name": "shapes3d", "version": "1", "kind": "genuine", "sha256": "ab" * 32}
    assert identity_text(identity) == "shapes3d, version 1, genuine, sha256 abababababab"
    assert json.dumps(identity_text({}))

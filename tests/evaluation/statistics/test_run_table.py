import itertools
import json

import numpy as np
import pandas as pd
import pytest

from disentanglement_bench.evaluation import METRICS
from disentanglement_bench.evaluation.files import write_json
from disentanglement_bench.evaluation.statistics.labels import describe_key
from disentanglement_bench.evaluation.statistics.methods import add_methods
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


def records_of(tmp_path, *runs, method=None, config=None):
    """The table of runs of one seed; each is what its record says besides, `settings` included."""
    for number, run in enumerate(runs):
        folder = tmp_path / f"run-{number}"
        record(folder, **({"model": "mine", "init": "scratch"} | run))
        path = folder / "run.json"
        kept = json.loads(path.read_text())
        own = {} if method is None else {"schema_version": 2, "method": method}
        kept["config"] |= config or {}
        path.write_text(json.dumps(kept | own))
    return run_table(None, read_records(tmp_path))


def grid(**values):
    """Hyperparameters of every combination of some values."""
    return [
        {"hyperparameters": dict(zip(values, combination, strict=True))}
        for combination in itertools.product(*values.values())
    ]


def test_other_hyperparameters_tell_curves_apart(tmp_path):
    runs = records_of(tmp_path, *grid(beta=(2, 4), gamma=(1.0, 2.5)))
    assert list(runs["curve"]) == ["mine,gamma=1"] * 2 + ["mine,gamma=2.5"] * 2
    assert list(runs["setting"])[:2] == ["beta=2,gamma=1", "beta=4,gamma=1"]
    assert set(runs["axis"]) == {"beta"}
    assert list(runs["axis_value"]) == [2, 4, 2, 4]


def test_a_curve_goes_over_what_varies(tmp_path):
    runs = records_of(tmp_path, *grid(beta=(2.0,), gamma=(1.0, 2.5)))
    assert set(runs["curve"]) == {"mine,beta=2"}
    assert set(runs["curve_label"]) == {"mine, β = 2"}
    assert (set(runs["axis"]), set(runs["axis_label"])) == ({"gamma"}, {"gamma"})
    assert list(runs["axis_value"]) == [1, 2.5]
    assert list(runs["setting"]) == ["beta=2,gamma=1", "beta=2,gamma=2.5"]


def test_a_declared_axis_goes_first_and_symbols_are_written(tmp_path):
    method = {"name": "mine", "label": "Mine", "axis": "gamma"}
    method["symbols"] = {"gamma": "γ", "c_max": "C_max"}
    runs = records_of(tmp_path, *grid(beta=(1, 2), gamma=(1, 9), c_max=(5,)), method=method)
    assert set(runs["axis"]) == {"gamma"}
    assert set(runs["axis_label"]) == {"γ"}
    assert sorted(set(runs["curve"])) == ["mine,beta=1,c_max=5", "mine,beta=2,c_max=5"]
    assert runs["setting_label"].iloc[0] == "β = 1, C_max = 5, γ = 1"
    assert runs["curve_label"].iloc[0] == "Mine, β = 1, C_max = 5"


def test_a_swept_setting_is_part_of_the_setting_and_of_the_curve(tmp_path):
    rates = ({}, {"settings": {"learning_rate": 0.001}})
    runs = [one | rate for one in grid(beta=(1, 4)) for rate in rates]
    found = records_of(tmp_path, *runs, config={"learning_rate": 0.002})
    assert list(found["setting"]) == [
        "beta=1,learning_rate=0.001",
        "beta=4,learning_rate=0.001",
        "beta=1,learning_rate=0.002",
        "beta=4,learning_rate=0.002",
    ]
    assert list(dict.fromkeys(found["curve_label"])) == [
        "mine, learning rate = 0.001",
        "mine, learning rate = 0.002",
    ]
    assert set(found["axis"]) == {"beta"}


def test_a_swept_setting_alone_is_the_axis(tmp_path):
    runs = [
        {"hyperparameters": {"beta": 1.0}, "settings": {"learning_rate": rate}, "model": "betavae"}
        for rate in (0.001, 0.002)
    ]
    found = records_of(tmp_path, *runs)
    assert set(found["axis"]) == {"learning_rate"}
    assert set(found["axis_label"]) == {"learning rate"}
    assert list(found["axis_value"]) == [0.001, 0.002]
    assert set(found["method"]) == {"vae"}
    assert set(found["curve"]) == {"vae"}
    assert list(found["setting"]) == [
        "beta=1,learning_rate=0.001",
        "beta=1,learning_rate=0.002",
    ]


def test_a_setting_that_is_a_name_tells_curves_apart(tmp_path):
    named = [one | {"settings": {"network": "conv"}} for one in grid(beta=(1, 4))]
    found = records_of(tmp_path, *grid(beta=(1, 4)), *named, config={"network": "conv-small"})
    assert set(found["axis"]) == {"beta"}
    assert sorted(set(found["curve"])) == ["mine,network=conv", "mine,network=conv-small"]
    alone = [{"hyperparameters": {}, "settings": {"network": name}} for name in ("a", "b,c")]
    found = records_of(tmp_path / "alone", *alone)
    assert found["axis"].isna().all()
    assert sorted(found["setting_label"]) == ["network = a", "network = b;c"]


def test_a_seed_is_a_whole_number():
    seeds = (3, "inf", "-1e308", 1e300, 0.5, "x")
    found = table(*(row(seed=seed, path=f"{n}.h5") for n, seed in enumerate(seeds)))
    assert list(found["seed"].dropna()) == [3]
    assert len(found) == len(seeds)


def test_a_setting_that_is_a_number_in_some_runs_and_text_in_others(tmp_path):
    values = (1.0, "2.", "=..", "٣", 4.0)
    found = records_of(tmp_path, *({"settings": {"rate": value}} for value in values))
    assert set(found["axis"]) == {"rate"}
    assert sorted(found["axis_value"].dropna()) == [1, 4]
    assert len(found) == 5


def test_a_setting_that_was_swept_for_one_model_is_not_named_for_others(tmp_path):
    swept = {"settings": {"learning_rate": 0.001}, "hyperparameters": {"beta": 2.0}}
    other = {"model": "other", "hyperparameters": {"beta": 2.0}}
    found = records_of(tmp_path, swept, other, config={"learning_rate": 0.002})
    assert dict(zip(found["model"], found["setting"], strict=True)) == {
        "mine": "beta=2,learning_rate=0.001",
        "other": "beta=2",
    }


def test_a_sweep_of_lambda_at_one_beta_begins_at_zero(tmp_path):
    runs = [one | {"model": "lambdabeta"} for one in grid(beta=(16.0,), **{"lambda": (0.0, 2.0)})]
    found = records_of(tmp_path, *runs)
    assert list(found["method"]) == ["betavae", "lambdabeta_scratch"]
    assert list(found["axis_value"]) == [0, 2]
    assert set(found["axis_label"]) == {"λ"}
    assert list(found["setting"]) == ["beta=16", "beta=16,lambda=2"]


def test_settings_in_a_table_of_scores_count_without_a_record():
    known = {"model": "mine", "seed": 0, "source": None, "beta": 2.0, "lambda": None}
    rows = [
        {"path": f"{rate}/representation.h5", **known, "dataset": "d", "learning_rate": rate}
        for rate in (0.001, 0.002)
    ]
    columns = ["path", "dataset", "model", "beta", "lambda", "seed", "learning_rate", "source"]
    longer = {"path": "a/representation.h5", "dataset": "d", "model": "mine", "beta": 2.0}
    longer |= {"lambda": None, "seed": 0, "setting.mig": 2.0, "network": "conv", "source": None}
    assert table(longer)["setting"].tolist() == ["beta=2,mig=2,network=conv"]
    runs = table(*({key: row[key] for key in columns} for row in rows))
    assert list(runs["setting"]) == ["beta=2,learning_rate=0.001", "beta=2,learning_rate=0.002"]
    assert set(runs["axis"]) == {"learning_rate"}


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


def test_other_hyperparameters_of_an_external_file_count():
    given = {"model": "mine", "path": "x.h5", "seed": 0, "gamma": 3.0, "source": "external"}
    runs = table(given | {"beta": 2.0, "lambda": None, "dataset": "d", "dataset_version": "1"})
    assert runs["setting"].tolist() == ["beta=2,gamma=3"]


def test_a_file_beside_a_run_is_not_that_run(tmp_path):
    record(tmp_path / "a", "done", seed=0)
    rows = [row(path="a/representation.h5"), row(model=None, path="a/mine.h5", run_status=None)]
    pd.DataFrame(rows).to_csv(tmp_path / "scores.csv", index=False)
    runs = run_table(read_scores(tmp_path), read_records(tmp_path))
    assert sorted(runs["source"]) == ["bench", "external"]
    assert set(runs["method"]) == {"betavae", "mine_external"}


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


@pytest.mark.parametrize(
    "change",
    [
        {"run": {"hyperparameters": {"beta": [1]}}},
        {"config": {"phases": ["a", 1]}},
        {"config": [1]},
        {"pixels": "many"},
        {"notes": "text"},
        {"dataset": 3},
        {"final": {"nll": "low"}},
        {"method": {"name": "a", "label": "b", "reduces_to": [{"name": 1}]}},
    ],
    ids=str,
)
def test_a_run_record_that_does_not_fit_is_an_unreadable_run(tmp_path, change):
    record(tmp_path / "good")
    record(tmp_path / "odd", seed=1)
    path = tmp_path / "odd" / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    runs = run_table(None, read_records(tmp_path)).set_index("status")
    assert set(runs.index) == {"unscored", "unreadable"}
    reason = runs.loc["unreadable", "status_reason"]
    assert "not a valid run record" in reason
    assert "\n" not in reason


def test_plugins_that_cannot_be_imported_do_not_matter_to_a_report(monkeypatch):
    def refuse(**_):
        raise RuntimeError("a plugin was looked for")

    monkeypatch.setattr("importlib.metadata.entry_points", refuse)
    assert describe_key("plugin_score").variant == "plugin_score[undeclared]"
    assert table(row()).shape[0] == 1


def test_a_model_of_ones_own_declares_its_label_and_what_it_reduces_to(tmp_path):
    plain = {"name": "vae", "label": "VAE", "where": {"gamma": 0}}
    declared = {"name": "mine:Net", "label": "My net", "citation": "me2030"}
    declared |= {"continues": None, "reduces_to": [plain]}
    swept = [one | {"model": "mine:Net"} for one in grid(beta=(2.0, 4.0), gamma=(0.0, 2.0))]
    runs = records_of(tmp_path, *swept, method=declared)
    assert runs["method_label"].tolist() == ["VAE"] * 2 + ["My net"] * 2
    assert runs["curve_label"].tolist() == ["VAE"] * 2 + ["My net, gamma = 2"] * 2
    assert runs["curve"].tolist() == ["vae"] * 2 + ["mine:Net,gamma=2"] * 2
    assert set(runs["reduces_to"]) == {"vae"}
    assert runs["citation"].tolist() == ["kingma2014auto"] * 2 + ["me2030"] * 2


def test_methods_that_share_a_label_are_told_apart():
    runs = table(row("betavae"), row("other", path="o/representation.h5"))
    runs["method_label"] = "Net"
    again = add_methods(
        runs.assign(hyperparameters=[{}, {}], settings=[{}, {}]),
        [{"name": name, "label": "Net"} for name in ("one", "two")],
    )
    assert again["method_label"].tolist() == ["Net (one)", "Net (two)"]


def test_a_first_phase_names_what_continues_it():
    continued = row("lambdabeta", 4.0, steps=3300, init="parent", **{"lambda": 2.0})
    runs = table(row("betavae", 4.0), continued)
    first = runs[runs["role"] == "first"].iloc[0]
    assert first["method"] == "betavae_first"
    assert first["continued_by"] == "λβ-VAE"


def test_a_shorter_run_that_nothing_continues_is_no_first_phase():
    runs = table(row("betavae", 4.0), row("mine", 4.0, steps=3300))
    assert set(runs["method"]) == {"betavae", "mine"}
    assert runs["unequal_steps"].sum() == 1


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


def test_frames_share_what_metrics_declare(tmp_path):
    """pandas would copy it, to its last entry, at every step of every frame."""
    pd.DataFrame({"path": ["a.h5"], "mig": [0.5]}).to_csv(tmp_path / "scores.csv", index=False)
    about = {"schema_version": 1, "metrics": {"mig": METRICS["mig"].declaration()}}
    write_json(tmp_path / "scores.metrics.json", about)
    scores = read_scores(tmp_path)
    declared = scores.attrs["metrics"]
    assert scores.copy().attrs["metrics"] is declared
    assert scores.assign(sap=0.1).attrs["metrics"] is declared

import resource
import sys

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

from disentanglement_bench.benchmark.commands.report import command
from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.reporting.report import make_report, report
from disentanglement_bench.evaluation.files import read_json, write_json


def row(model="betavae", beta=1, seed=0, lambda_=None, dataset="dsprites", **other):
    name = f"beta={beta}" + ("" if lambda_ is None else f",lambda={lambda_}")
    return {
        "path": f"runs/{dataset}/paper/{model}/{name}/seed-{seed}/representation.h5",
        "dataset": dataset,
        "preset": "paper",
        "model": model,
        "beta": beta,
        "lambda": lambda_,
        "init": "scratch",
        "seed": seed,
        "steps": 100,
        "nll": 40.0 + beta,
        "kl": 10.0 / beta,
        "mig": 0.1 + 0.01 * seed + 0.1 * (beta == 8),
        "run_status": "done",
        **other,
    }


@pytest.fixture
def results(tmp_path):
    """A scored sweep of one model with a record for each run."""
    folder = tmp_path / "results"
    rows = [row(beta=beta, seed=seed) for beta in (1, 8, 32) for seed in range(2)]
    for one in rows:
        write_json(
            folder / one["path"].replace("representation.h5", "run.json"),
            {
                "schema_version": 1,
                "status": "done",
                "run": {
                    "dataset": "dsprites",
                    "preset": "paper",
                    "model": "betavae",
                    "hyperparameters": {"beta": one["beta"]},
                    "init": "scratch",
                    "seed": one["seed"],
                },
                "config": {"phases": [100]},
                "config_sha256": f"{one['beta']}",
                "dataset": {"name": "dsprites", "version": "1", "kind": "genuine", "md5": "7da3"},
                "command": "bench train --seeds 2",
                "git_commit": "0123456789abcdef",
                "git_dirty": True,
                "versions": {"torch": "9.9"},
                "device": "cpu",
                "final": {"nll": one["nll"], "kl": one["kl"]},
            },
        )
    pd.DataFrame(rows).to_csv(folder / "scores.csv", index=False)
    return folder


def invoke(*arguments):
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_a_report_is_a_page_with_tables_and_figures(results):
    done = invoke(results, "--figures", "main", "--formats", "pdf", "--no-pictures")
    assert done.exit_code == 0, done.output
    assert "Main figures only" in done.output
    folder = results / "report"
    page = (folder / "index.html").read_text()
    assert f"Report: {folder / 'index.html'}" in done.output
    for part in ("reading", "statistics", "tables", "figures", "page"):
        assert f"{part} " in done.output.split("Took")[1]
    assert (folder / "tables" / "beta-curves-dsprites-paper.tex").exists()
    for kind in ("png", "pdf"):
        assert (folder / "figures" / f"overview-dsprites-paper.{kind}").stat().st_size > 5000
    for words in (
        "bench train --seeds 2",
        "0123456789ab with uncommitted changes",
        "torch 9.9",
        "dsprites, version 1, genuine, md5 7da3",
        "3 distinct; sha256 of their sorted sha256",
        "scores.csv, sha256 ",
    ):
        assert words in page, words


def test_the_output_folder_and_formats_can_be_chosen(results, tmp_path):
    done = invoke(
        results / "scores.csv", "--output", tmp_path / "o", "--figures", "main",
        "--formats", "svg", "--no-pictures",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    kinds = {path.suffix for path in (tmp_path / "o" / "figures").iterdir()}
    assert kinds == {".png", ".svg"}
    assert not (results / "report").exists()


def test_the_library_call_gives_the_page(results):
    page = report(results, pictures=False, figures="none")
    assert page == results / "report" / "index.html"
    assert page.read_text().startswith("<!doctype html>")


def test_a_setting_can_be_fixed(results):
    made = make_report(results, pictures=False, figures="none", fixed={"betavae": "beta=32"})
    mine = made.summary.selected_cells.query("method == 'betavae' and metric == 'mig'")
    assert mine[["setting", "chosen"]].to_numpy().tolist() == [["beta=32", "fixed"]]


def test_all_methods_can_choose_by_one_metric(results):
    done = invoke(
        results, "--figures", "none", "--no-pictures", "--choose-by", "nll", "--select", "best"
    )
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fixed": {"betatcvae": "beta=8"}}, "unknown method 'betatcvae'"),
        ({"fixed": {"betavae": "beta=9"}}, "unknown setting of betavae 'beta=9'"),
        ({"choose_by": "migg"}, "unknown metric to choose by 'migg'; did you mean"),
    ],
)
def test_names_that_nothing_has_are_refused(results, options, message):
    with pytest.raises(BenchError, match="unknown") as error:
        make_report(results, pictures=False, figures="none", **options)
    assert str(error.value).startswith(message.split(";")[0])
    assert error.value.exit_code == 2
    assert not (results / "report").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--select", "lambdabeta"], "expected best or METHOD:SETTING"),
        (["--formats", "gif"], "expected png, pdf or svg, got 'gif'"),
        (["--formats", ""], "expected png, pdf or svg, got ''"),
        (["--figures", "some"], "'some' is not one of"),
    ],
)
def test_options_that_cannot_be_read_are_usage_errors(results, arguments, message):
    done = invoke(results, *arguments)
    assert done.exit_code == 2
    assert message in done.output


def test_nothing_to_report_is_one_clear_line(tmp_path):
    with pytest.raises(BenchError, match="holds no run; run bench train and bench evaluate") as e:
        report(tmp_path)
    assert "\n" not in str(e.value)
    with pytest.raises(BenchError, match="no such folder; name a results folder or a scores"):
        report(tmp_path / "nowhere")


def test_a_place_that_cannot_be_written_is_one_clear_line(results, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BenchError, match=r"cannot write .*; choose another folder with --output"):
        report(results, tmp_path / "file" / "report", pictures=False, figures="none")


def test_a_page_of_somebody_else_is_not_overwritten(results, tmp_path):
    mine = tmp_path / "mine" / "index.html"
    mine.parent.mkdir()
    mine.write_text("<title>My thesis</title>")
    with pytest.raises(BenchError, match="is no page of bench report, and would be overwritten"):
        make_report(results, mine.parent, pictures=False, figures="none")
    assert list(mine.parent.iterdir()) == [mine]
    made = make_report(results, tmp_path / "report", pictures=False, figures="none")
    assert (
        make_report(results, tmp_path / "report", pictures=False, figures="none").page == made.page
    )


@pytest.mark.parametrize("extent", ["main", "all"])
def test_training_without_scores_still_gives_a_report(extent, results):
    (results / "scores.csv").unlink()
    made = make_report(results, pictures=False, figures=extent)
    assert "6 runs without scores" in made.page.read_text()
    assert len(made.summary.gaps) == 6


def test_theory_and_pictures_that_lie_there_are_embedded(results):
    folder = results / "report"
    write_json(
        folder / "theory" / "theory.json",
        {"figures": [], "problems": [], "columns": [], "rows": [], "largest_deviation": None}
        | {"notes": ["noted"], "command": "bench theory"},
    )
    assert 'id="theory"' in report(results, pictures=False, figures="none").read_text()


def test_pictures_come_from_checkpoints_and_failures_are_told(results, monkeypatch, tmp_path):
    asked = []

    def pictures(runs, folder, data_dir, progress):
        asked.append((folder, data_dir))
        return {"skipped": ["dsprites, vae, beta=1: no data"]}

    monkeypatch.setattr(
        "disentanglement_bench.benchmark.reporting.pictures.make_pictures", pictures
    )
    quiet = invoke(results, "--figures", "none")
    assert "No pictures" not in quiet.output  # no checkpoint, nothing to say
    next(results.rglob("run.json")).with_name("checkpoint.pt").write_bytes(b"")
    done = invoke(results, "--figures", "none", "--data-dir", tmp_path)
    assert asked == [(results / "report" / "pictures", str(tmp_path))]
    assert "No pictures of dsprites, vae, beta=1: no data" in done.output


def test_a_second_report_is_the_same_page(results):
    first = report(results, pictures=False, figures="none").read_bytes()
    assert report(results, pictures=False, figures="none").read_bytes() == first


@pytest.mark.slow
def test_thousands_of_runs_stay_within_their_memory(tmp_path):
    rng = np.random.default_rng(0)
    rows = [
        row(model, beta, seed, lambda_, dataset, mig=rng.random(), mi_matched_sampled=rng.random())
        for dataset in ("dsprites", "shapes3d", "sprites", "rooms3d")
        for model, lambda_ in (("betatcvae", None), ("lambdabeta", 0), ("lambdabeta", 8))
        for beta in (1, 4, 8, 16, 32)
        for seed in range(50)
    ]
    pd.DataFrame(rows).to_csv(tmp_path / "scores.csv", index=False)
    made = make_report(tmp_path)
    assert len(made.summary.runs) == 3000
    assert made.size < 15_000_000
    unit = 1 if sys.platform == "darwin" else 1024
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit < 2_000_000_000


def test_a_command_that_trained_and_reported_stands_there_once(results, monkeypatch):
    monkeypatch.setattr(
        "disentanglement_bench.benchmark.runs.provenance.command_line",
        lambda: "bench train --seeds 2",
    )
    page = report(results, pictures=False, figures="none").read_text()
    assert page.count("bench train --seeds 2") == 1


@pytest.mark.parametrize(
    "change",
    [
        {"git_commit": 5},
        {"git_commit": ["a"]},
        {"versions": ["torch"]},
        {"versions": {"torch": 1}},
        {"dataset": "dsprites"},
        {"config_sha256": 3},
        {"device": {"a": 1}},
        {"processor": [1]},
        {"command": 7},
        {"config": [1]},
        {"run": {"seed": "x", "model": "$\\badcommand{$"}},
        {"run": {"dataset": "dsprites", "preset": "paper", "model": "$\\badcommand{$", "seed": 1}},
    ],
    ids=str,
)
def test_odd_run_records_never_end_a_report(change, results):
    path = next(results.rglob("run.json"))
    write_json(path, read_json(path) | change)
    made = make_report(results, pictures=False, figures="none")
    assert len(made.summary.runs) == 6

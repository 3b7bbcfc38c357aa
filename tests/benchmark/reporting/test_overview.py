import re

import pytest

from disentanglement_bench.benchmark.reporting.overview import (
    show_models,
    show_presets,
    show_status,
)
from disentanglement_bench.benchmark.reporting.standard import show_benchmarks
from disentanglement_bench.benchmark.runs.claims import acquire
from disentanglement_bench.evaluation.files import write_json


def rows(text):
    """The cells of a printed table, by the first cell; folded lines are joined."""
    table, last = {}, None
    for line in text.splitlines():
        if line.startswith("│"):
            cells = [cell.strip() for cell in line.strip("│").split("│")]
            if cells[0] or last is None:
                last = table.setdefault(cells[0], [""] * len(cells))
            last[:] = [f"{old} {new}".strip() for old, new in zip(last, cells, strict=True)]
    return table


@pytest.mark.parametrize("show", [show_models, show_presets])
def test_the_values_of_every_model_are_listed(show, capsys):
    show()
    shown = rows(capsys.readouterr().out)
    names = {name.removeprefix("values of ") for name in shown}
    assert {"betavae", "betatcvae", "lambdabeta"} <= names
    (row,) = (cells for name, cells in shown.items() if name.endswith("lambdabeta"))
    assert any("beta 1, 4, 8, 16, 32; lambda 0, 8" in cell for cell in row)


def test_a_presets_own_values_of_a_model_are_listed(capsys):
    show_presets()
    shown = rows(capsys.readouterr().out)
    assert shown["values of betatcvae"][3] == "beta 1, 2, 4, 6, 8, 10"
    assert shown["values of betavae"][3] == "beta 1, 2, 4, 6, 8, 16"


def test_the_state_of_runs_says_which_values_there_are(tmp_path, capsys):
    settings = [f"gamma={gamma}" for gamma in (*range(1, 12), "1e+20")]
    for setting in (*settings, "gamma=2,learning_rate=0.001", "gamma=2,init=scratch"):
        folder = tmp_path / "runs/toy/quick/mine" / setting / "seed-0"
        folder.mkdir(parents=True)
        write_json(folder / "run.json", {"schema_version": 2, "status": "failed"})
    (tmp_path / "runs/stray").mkdir()
    write_json(tmp_path / "runs/stray/run.json", {"schema_version": 2, "status": "failed"})
    show_status(tmp_path)
    shown = rows(re.sub(r"^failed: .*$", "", capsys.readouterr().out, flags=re.MULTILINE))
    assert shown["toy"][3] == (
        "gamma 1 … 1e+20 (12 values); init scratch; learning_rate 0.001, the preset's"
    )
    assert shown["toy"][5] == "14"
    assert shown["stray"][3] == ""


def test_runs_of_jobs_name_their_logs(tmp_path, capsys):
    jobs = {"failed": "7_0", "interrupted": "8", "running": "9_1", "done": "7_1"}
    (tmp_path / "jobs").mkdir()
    for status, job in jobs.items():
        if job != "8":
            (tmp_path / f"jobs/{job}_0_log.out").touch()
        folder = tmp_path / "runs/toy/quick/mine" / status / "seed-0"
        folder.mkdir(parents=True)
        record = {"schema_version": 2, "status": status, "reason": "why", "slurm_job": job}
        write_json(folder / "run.json", record)
    claim = acquire(tmp_path / "runs/toy/quick/mine/running/seed-0")
    with claim:
        show_status(tmp_path)
    shown = capsys.readouterr().out
    log = f"log: {tmp_path}/jobs/7_0_0_log.out"
    assert f"failed: toy/quick/mine/failed/seed-0: why; {log}\n" in shown
    # A log that is gone is not named.
    assert "interrupted: toy/quick/mine/interrupted/seed-0: why\n" in shown
    assert shown.endswith(
        f"3 logs of SLURM jobs in {tmp_path}/jobs; of running runs: {tmp_path}/jobs/9_1_0_log.out\n"
    )


def test_all_that_defines_a_benchmark_is_listed(capsys):
    show_benchmarks()
    shown = capsys.readouterr().out
    for part in ("DB-1, version 1.0", "gamma 5; c_max 5, 10, 20", "sap[linsvc-c0.01-balanced]"):
        assert part in shown
    assert "seeds 0–9, to confirm 10" in shown

"""`bench theory`: its table, figures and files, and what it refuses."""

import csv
import errno
import json
import math
import os
import re
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from disentanglement_bench.benchmark.commands.theory import command
from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.theory import figures as theory_figures
from disentanglement_bench.benchmark.theory.printing import print_theory
from disentanglement_bench.benchmark.theory.solve import write_theory

NAMES = ("gain-contraction", "information", "phase-diagram", "gain-spectrum")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return tmp_path_factory.mktemp("results")


@pytest.fixture(scope="module")
def found(results):
    return write_theory(
        results, (0.5, 1, 2, 8), (0, 1), n=6, latents=3, factors=2, starts=3, progress=None
    )


@pytest.fixture
def _without_figures(monkeypatch):
    monkeypatch.setattr(theory_figures, "draw_figures", lambda solved: [])


def read(path):
    with open(path, encoding="utf-8") as file:
        return list(csv.DictReader(file))


def row_of(rows, beta, lambda_):
    return next(
        row for row in rows if (float(row["beta"]), float(row["lambda"])) == (beta, lambda_)
    )


def test_files(found, results):
    folder = results / "report" / "theory"
    assert (found.table, found.page) == (folder / "theory.csv", folder / "theory.json")
    expected = {f"{name}-random-n6-s2-seed0.{kind}" for name in NAMES for kind in ("png", "pdf")}
    assert {path.name for path in found.figures} == expected
    assert {path.name for path in folder.iterdir()} == expected | {"theory.csv", "theory.json"}


def test_table_sets_theory_beside_the_fixed_point(found):
    rows = read(found.table)
    assert len(rows) == 8
    row = row_of(rows, 8, 1)
    assert float(row["fixed_point_information"]) == pytest.approx(float(row["information"]))
    assert float(row["level"]) == 3.5
    assert row["fixed_point_converged"] == row["fixed_point_starts"] == "3"
    assert float(row["fixed_point_deviation"]) < 1e-6
    assert row["adamw_nll"] == ""
    collapsed = row_of(rows, 8, 0)
    assert float(collapsed["information"]) == float(collapsed["active"]) == 0
    assert float(collapsed["matched_information"]) < 1e-9
    unbounded = row_of(rows, 1, 1)
    assert (unbounded["regime"], unbounded["nll"]) == ("unbounded", "-inf")
    assert unbounded["fixed_point_nll"] == ""
    assert row_of(rows, 1, 0)["information"] == ""


def test_page_data_is_plain_and_complete(found):
    data = json.loads(found.page.read_text(encoding="utf-8"))
    assert {column["key"] for column in data["columns"]} == set(data["rows"][0])
    assert data["largest_deviation"] < 1e-6
    assert data["largest_deviation_adamw"] is None
    assert data["not_converged"] == 0
    assert len(data["problems"][0]["eigenvalues"]) == 6
    assert [figure["name"] for figure in data["figures"]] == list(NAMES)
    for figure in data["figures"]:
        assert (found.page.parent / figure["png"]).is_file()
        assert (found.page.parent / figure["pdf"]).is_file()
        assert figure["caption"].endswith(".")
    assert [note.split(":")[0] for note in data["notes"]] == [
        "β < 1, or β = 1 with λ > 0",
        "β = 1, λ = 0",
    ]


def test_shown_table(found, capsys):
    print_theory(found)
    printed = capsys.readouterr().out
    assert "6 factors" not in printed
    assert "n = 6, 2 factors, 3 latents" in printed
    assert "∞" in printed
    assert "unbounded below" in printed
    assert "Largest deviation of the fixed point from the closed form:" in printed
    assert str(found.page) in printed


@pytest.mark.slow
def test_command_with_files_and_adamw(tmp_path):
    path = tmp_path / "mine.npz"
    np.savez(path, Gamma=np.eye(3)[:, :2], Sigma_V=np.eye(2), Sigma_Y=np.diag([3.0, 2.0, 0.5]))
    outcome = CliRunner().invoke(
        command,
        f"--problem {path} --problem random --n 4 --factors 2 --beta 2 --beta 4,2 --lambda 1 "
        f"--latents 5 --starts 2 --adamw --adamw-steps 5 --results {tmp_path}",
        catch_exceptions=False,
    )
    assert outcome.exit_code == 0
    rows = read(tmp_path / "report" / "theory" / "theory.csv")
    assert [(row["problem"], row["beta"]) for row in rows] == [
        (name, beta) for name in ("mine", "random-n4-s2-seed0") for beta in ("2.0", "4.0")
    ]
    # Five steps reach nothing, and the table says how far it is.
    assert all(float(row["adamw_excess"]) > 0.01 for row in rows)
    assert "5 latents for 3 observed dimensions: at most 3 can be active." in outcome.output
    assert "Of AdamW:" in outcome.output
    assert "AdamW step 5 of 5" in outcome.output


@pytest.mark.usefixtures("_without_figures")
def test_sizes_take_commas(tmp_path):
    options = f"--n 3,4 --factors 2 --beta 1 --lambda 1 --starts 1 --results {tmp_path}"
    outcome = CliRunner().invoke(command, options, catch_exceptions=False)
    assert outcome.exit_code == 0
    rows = read(tmp_path / "report" / "theory" / "theory.csv")
    assert [row["n"] for row in rows] == ["3", "4"]


def test_nothing_but_unbounded_cells(tmp_path):
    made = write_theory(tmp_path, [0.5, 1], [2], n=4, factors=2, starts=1, adamw=True)
    assert made.figures == ()
    assert made.data["largest_deviation"] is None
    assert all(row["information"] == math.inf for row in made.data["rows"])


def test_a_start_that_does_not_converge_is_counted_and_left_out(tmp_path):
    # Exactly at its critical λ = (2 − 1)/(2·2) a mode approaches 0 slower than geometrically.
    path = tmp_path / "mine.npz"
    np.savez(path, Gamma=np.eye(1), Sigma_V=np.eye(1), Sigma_Y=2 * np.eye(1))
    made = write_theory(tmp_path, [2], [0.25], problems=[str(path)], latents=1, starts=1)
    assert made.data["not_converged"] == 1
    assert made.data["largest_deviation"] is None


@pytest.mark.parametrize(
    ("arguments", "message", "code"),
    [
        ({"betas": [0]}, "β must be a finite number above 0", 2),
        ({"n": 2.5}, "n must be a whole number from 1 to 2000, got 2.5", 2),
        ({"n": 10**6}, "n must be a whole number", 2),
        ({"noise": 0}, "singular", 1),
        ({"problems": ["missing.npz"]}, "missing.npz: no such file", 1),
    ],
)
def test_refusals(arguments, message, code, tmp_path):
    with pytest.raises(BenchError, match=message) as caught:
        write_theory(tmp_path, **arguments)
    assert caught.value.exit_code == code
    assert not (tmp_path / "report").exists()


def test_problems_of_one_name_are_refused(tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        np.savez(
            tmp_path / folder / "p.npz", Gamma=np.eye(1), Sigma_V=np.eye(1), Sigma_Y=2 * np.eye(1)
        )
    with pytest.raises(BenchError, match="two problems are named 'p'"):
        write_theory(tmp_path, problems=[str(tmp_path / folder / "p.npz") for folder in ("a", "b")])


@pytest.mark.usefixtures("_without_figures")
def test_the_same_seed_gives_the_same_table(found, tmp_path):
    again = write_theory(tmp_path, (0.5, 1, 2, 8), (0, 1), n=6, latents=3, factors=2, starts=3)
    assert again.table.read_bytes() == found.table.read_bytes()


def test_commands_of_the_page_are_understood():
    page = Path(__file__).parents[3] / "docs" / "theory.md"
    block = re.search(r"```\n(bench theory.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    commands = [line.split("#")[0].split()[2:] for line in block[1].splitlines()]
    assert len(commands) == 3
    parsed = [command.make_context("theory", list(arguments)).params for arguments in commands]
    assert parsed[1]["sizes"] == ((50.0, 100.0),)
    assert parsed[2]["adamw"] is True


SIGMA = np.diag([3.0, 2.0, 0.5])
HOSTILE = {
    "far too large": (np.eye(3), 1e300 * np.eye(3), 1e300 * SIGMA, "no entry may be beyond 1e"),
    "far too small": (np.zeros((3, 1)), np.eye(1), 1e-300 * SIGMA, "none may be below 1e-60"),
    "NaN": (np.eye(3), np.nan * np.eye(3), SIGMA, "not finite"),
    "infinite": (np.eye(3), np.eye(3), SIGMA + np.diag([np.inf, 0, 0]), "not finite"),
    "not symmetric": (np.eye(3), np.eye(3), SIGMA + np.eye(3, k=1), "not symmetric"),
    "negative": (np.eye(3), np.eye(3), SIGMA - np.eye(3), "negative eigenvalue"),
    "text": (np.eye(3), np.eye(3), np.full((3, 3), "a"), "must be a real matrix"),
    "complex": (np.eye(3), np.eye(3), 1j * SIGMA, "must be a real matrix"),
}


@pytest.mark.parametrize("problem", HOSTILE.values(), ids=list(HOSTILE))
def test_a_problem_that_cannot_be_solved_is_one_clear_line(problem, tmp_path):
    path = tmp_path / "a\x1b[31m.npz"
    *arrays, message = problem
    np.savez(path, **dict(zip(("Gamma", "Sigma_V", "Sigma_Y"), arrays, strict=True)))
    with pytest.raises(BenchError, match=message) as caught:
        write_theory(tmp_path, [1, 8], [0, 1], problems=[str(path)], latents=3, starts=2)
    assert not set("\n\x1b") & set(str(caught.value))
    assert not (tmp_path / "report").exists()


def test_updates_that_leave_floating_point_are_one_clear_line(tmp_path, monkeypatch):
    def fail(*arguments):
        raise np.linalg.LinAlgError("Singular matrix")

    monkeypatch.setattr("disentanglement_bench.benchmark.theory.solve.solve_cells", fail)
    with pytest.raises(BenchError, match=r"floating-point numbers \(Singular matrix\); measure y"):
        write_theory(tmp_path, n=4, factors=2)


def test_a_file_that_would_take_the_memory_is_refused_before_it_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "disentanglement_bench.models.linear_gaussian.problem.LARGEST_FILE", 3 * 9 * 8
    )
    np.savez(tmp_path / "a.npz", Gamma=np.eye(3), Sigma_V=np.eye(3), Sigma_Y=SIGMA)
    with pytest.raises(BenchError, match="bytes of matrices, more than the 216 allowed"):
        write_theory(tmp_path, problems=[str(tmp_path / "a.npz")])


@pytest.mark.parametrize(
    "after", [0, pytest.param(3, marks=pytest.mark.slow), pytest.param(9, marks=pytest.mark.slow)]
)
def test_a_full_disk_is_one_clear_line_and_leaves_what_was_there(after, tmp_path, monkeypatch):
    options = {"betas": [2], "lambdas": [0, 1], "n": 4, "factors": 2, "latents": 2, "starts": 1}
    folder = tmp_path / "report" / "theory"
    write_theory(tmp_path, **options)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    calls = []

    def full(descriptor):
        calls.append(descriptor)
        if len(calls) > after:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(BenchError, match="No space left on device; choose another folder with --r"):
        write_theory(tmp_path, **options, seed=1)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert [path.name for path in folder.parent.iterdir()] == ["theory"]


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path):
    (tmp_path / "file").write_text("")
    outcome = CliRunner().invoke(
        command, f"--n 3 --factors 2 --beta 2 --lambda 1 --starts 1 --results {tmp_path}/file/x"
    )
    assert isinstance(outcome.exception, BenchError)
    assert "Not a directory" in str(outcome.exception)

import numpy as np
import pytest
from click.testing import CliRunner

from disentanglement_bench.benchmark.commands.evaluate import command
from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.evaluation import write_representation


def invoke(*arguments):
    arguments = [str(argument) for argument in arguments]
    jobs = [] if "--jobs" in arguments else ["--jobs", "1"]
    return CliRunner().invoke(command, arguments + jobs)


@pytest.fixture
def folder(tmp_path):
    stream = np.random.default_rng(0)
    factors = stream.integers(0, 3, (60, 2))
    for name in ("a.h5", "b/representation.h5"):
        write_representation(tmp_path / name, factors + stream.normal(size=(60, 2)), factors)
    return tmp_path


def test_scores_and_prints(folder):
    result = invoke(folder, "--metrics", "mig,sap_continuous", "--jobs", 1)
    assert result.exit_code == 0
    assert "Representations to score: 2" in result.stderr
    assert "[2/2]" in result.stderr
    assert "b/representation.h5: 2 scores" in result.stderr
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["representation", "mig", "sap"]
    assert lines[1].split() == ["continuous"]
    assert [line.split()[0] for line in lines[3:5]] == ["a.h5", "b"]
    assert lines[-1] == (
        f"Representations: 2. Scores computed: 4, kept: 0. All scores: {folder / 'scores.csv'}"
    )


def test_a_second_call_has_nothing_to_do(folder):
    invoke(folder, "--metrics", "mig")
    result = invoke(folder, "--metrics", "mig")
    assert result.exit_code == 0
    assert result.stderr == ""
    assert "Scores computed: 0, kept: 2." in result.stdout
    assert "Scores computed: 2" in invoke(folder, "--metrics", "mig", "--force").stdout


def test_what_could_not_be_scored_is_listed_at_the_end(folder):
    (folder / "broken.npz").write_text("hello")
    result = invoke(folder, folder / "none.h5", "--metrics", "mig", "--output", folder / "t.csv")
    assert result.exit_code == 1
    last = result.stderr.splitlines()[-3:]
    assert last[0] == "Error: could not be scored (2):"
    assert last[1] == f"  {folder / 'none.h5'}: no such file or folder"
    assert last[2].startswith(f"  {folder / 'broken.npz'}: is not a readable .npz file")
    assert "Traceback" not in result.output
    assert (folder / "t.csv").exists()
    assert not (folder / "scores.csv").exists()


def test_nothing_found(tmp_path):
    result = invoke(tmp_path)
    assert result.exit_code == 1
    assert result.stderr == (f"Error: no representation (.h5, .hdf5, .npz) below {tmp_path}\n")


def test_unknown_metric(folder):
    result = invoke(folder, "--metrics", "mgi")
    assert isinstance(result.exception, BenchError)
    assert result.exception.exit_code == 2
    assert str(result.exception).startswith("unknown metric 'mgi'; did you mean 'mi'?")


def test_a_table_that_cannot_be_written(folder):
    (folder / "file").touch()
    result = invoke(folder, "--metrics", "mig", "--output", folder / "file" / "t.csv")
    assert isinstance(result.exception, BenchError)
    assert "cannot write" in str(result.exception)


def test_wrong_usage():
    assert invoke().exit_code == 2
    assert invoke("x", "--jobs", 0).exit_code == 2
    assert invoke("x", "--time-limit", 0).exit_code == 2


def test_long_tables_are_cut(folder, monkeypatch):
    monkeypatch.setattr("disentanglement_bench.benchmark.commands.evaluate.SHOWN_ROWS", 1)
    assert "… and 1 more in the table" in invoke(folder, "--metrics", "mig").stdout

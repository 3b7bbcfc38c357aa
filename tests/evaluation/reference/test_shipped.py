"""Files that ship and were damaged afterwards: one line that says so, wherever they are read."""

import json
import shutil

import pytest

from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.protocol.standard import list_runs, split_shipped
from disentanglement_bench.evaluation.comparison import ComparisonError, compare
from disentanglement_bench.evaluation.files import RecordError
from disentanglement_bench.evaluation.reference import load_benchmark, load_scores, shipped
from disentanglement_bench.evaluation.statistics.run_reading import ScoresError
from disentanglement_bench.evaluation.statistics.shipped_runs import read_shipped


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of the files that ship, in their place."""
    for ending in ("scores.csv", "provenance.json"):
        shutil.copy(shipped.shipped_file("db1", ending), tmp_path)
    monkeypatch.setattr(shipped, "find_folder", lambda: tmp_path)
    return tmp_path


def cut_off(folder):
    table = folder / "db1-scores.csv"
    table.write_bytes(table.read_bytes()[:5000])


def drop_provenance(folder):
    (folder / "db1-provenance.json").unlink()


def write_provenance(text):
    return lambda folder: (folder / "db1-provenance.json").write_text(text)


def drop_datasets(folder):
    about = json.loads((folder / "db1-provenance.json").read_text())
    (folder / "db1-provenance.json").write_text(json.dumps(about | {"datasets": {"rooms3d": []}}))


def test_a_copy_is_read(folder):
    assert len(load_scores("db1")) == len(read_shipped("db1")[1])
    text = (folder / "db1-scores.csv").read_text()
    (folder / "db1-scores.csv").write_text(text, newline="\r\n")  # as Git may write it
    assert load_scores("db1") is not None


@pytest.mark.parametrize(
    "damage", [cut_off, drop_provenance, *map(write_provenance, ("[1]", "{", '{"scores": 3}'))]
)
def test_a_damaged_table_is_told_wherever_it_is_read(folder, damage, tmp_path):
    damage(folder)
    for read in (load_scores, shipped.list_shipped):
        with pytest.raises(RecordError):
            read("db1")
    with pytest.raises(ScoresError, match="install disentanglement-bench again"):
        read_shipped("db1")
    with pytest.raises(BenchError):
        split_shipped(list_runs(load_benchmark("db1"))[:1], "db1")
    with pytest.raises(ComparisonError, match=r"DB-1|db1"):
        compare(tmp_path)


def test_a_provenance_that_lacks_what_is_read_of_it_is_told(folder):
    drop_datasets(folder)
    with pytest.raises(ScoresError, match=r"that ship cannot be read .*; install"):
        read_shipped("db1")

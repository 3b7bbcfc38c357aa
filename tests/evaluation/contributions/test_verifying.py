import csv
import json
import tempfile
import zipfile

import pytest

from disentanglement_bench.evaluation.contributions import ContributionError, verifying
from disentanglement_bench.evaluation.contributions.verifying import Comparison

SEED = "representations/mine/toy/seed-0.npz"


@pytest.fixture
def verify(archive, tmp_path, monkeypatch):
    """Verify the archive; give the verification or the problems, and see that nothing is left."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))

    def call(**options):
        try:
            return verifying.verify(archive, **options)
        except ContributionError as error:
            return list(error.problems)
        finally:
            assert list((tmp_path / "temporary").iterdir()) == []

    return call


def restate(**scores):
    """A change of the manifest: other scores of the first representation."""
    return lambda manifest: manifest["members"][0]["scores"].update(scores)


def test_all_scores_hold(verify, archive):
    found = verify()
    assert found.holds
    assert len(found.comparisons) == 20
    assert {comparison.difference for comparison in found.comparisons} == {0}
    assert [row.describe() for row in found.rows] == ["mine, toy: 5 seeds (ranked)"]
    assert [method.label for method in found.methods] == ["Mine"]
    assert found.versions["disentanglement-bench"]


@pytest.mark.parametrize("off", [1e-10, -1e-10])
def test_a_score_within_its_tolerance_holds(verify, rebuild, off):
    stated = verify().comparisons[0].stated
    rebuild(restate(mig=stated + off))
    assert verify().holds


@pytest.mark.parametrize(
    "change",
    [{"mig": 0.99}, {"mig": None}, {"mig_sampled": 0.0}, {"mi_matched": 1e30}, {"mig": -1e300}],
)
def test_a_score_that_does_not_hold_is_named(verify, rebuild, change):
    rebuild(restate(**change))
    found = verify()
    assert not found.holds
    (wrong,) = [comparison for comparison in found.comparisons if not comparison.holds]
    assert (wrong.member, {wrong.key: wrong.stated}) == (SEED, change)


def test_beyond_one_the_tolerance_is_relative(verify):
    tolerances = {each.tolerance / max(1, each.found) for each in verify().comparisons}
    assert max(tolerances) == pytest.approx(1e-9)
    assert max(each.tolerance for each in verify().comparisons if each.key == "mi_matched") > 1e-9


def test_undefined_is_no_number():
    assert Comparison("a", "b", None, None, 0.0).holds
    assert not Comparison("a", "b", None, 0.0, 1e9).holds
    assert not Comparison("a", "b", 0.0, None, 1e9).holds


def test_keys_must_be_those_of_the_benchmark(verify, rebuild):
    rebuild(lambda manifest: manifest["members"][0]["scores"].pop("mig"))
    assert verify() == [f"{SEED}: states no mig"]
    rebuild(restate(mig=0.1, fame=1.0))
    assert verify() == [f"{SEED}: states fame, which are no scores of the table"]


def test_the_benchmark_must_be_known_and_the_one_asked_for(verify, rebuild):
    assert verify(benchmark="db1-paper") == ["the archive is for db1, not for db1-paper"]
    rebuild(lambda manifest: manifest["benchmark"].update(name="../db1"))
    assert verify() == ["the archive is for ../db1, and known are db1, db1-paper"]
    rebuild(lambda manifest: manifest.update(benchmark={"name": "db1", "version": "9"}))
    assert verify() == ["the archive is for version 9 of DB-1, and here is version 1.0"]


def test_what_pack_refuses_is_refused_here_too(verify, rebuild, write_seed, tmp_path):
    with zipfile.ZipFile(rebuild()) as archive:
        first = archive.read("representations/mine/toy/seed-1.npz")
    rebuild(members={SEED: first}, rehash=True)
    (problem,) = verify()
    assert problem.startswith("representations/mine/toy/seed-1.npz: is seed 1 of the same row as")
    write_seed(tmp_path / "other.npz", 0, sample=3, attributes={"seed": 0, "model": "mine"})
    rebuild(members={SEED: (tmp_path / "other.npz").read_bytes()}, rehash=True)
    (problem,) = verify()
    assert problem.startswith(f"{SEED}: its rows are not the evaluation sample of seed 0")
    write_seed(tmp_path / "other.npz", 0, attributes={"seed": 0, "model": "another"})
    rebuild(members={SEED: (tmp_path / "other.npz").read_bytes()}, rehash=True)
    assert verify() == [f"{SEED}: its attribute model is 'another', and the methods are mine"]


@pytest.mark.parametrize("name", ["command", "preset", "source"])
def test_attributes_that_pack_leaves_out(verify, rebuild, write_seed, tmp_path, name):
    attributes = {"seed": 0, "model": "mine", name: "db1"}
    write_seed(tmp_path / "other.npz", 0, attributes=attributes)
    rebuild(members={SEED: (tmp_path / "other.npz").read_bytes()}, rehash=True)
    assert verify() == [f"{SEED}: holds {name}, which bench pack leaves out"]


def test_representations_that_cannot_be_read(verify, rebuild):
    rebuild(members={SEED: b"PK\x05\x06" + bytes(18)}, rehash=True)
    assert verify() == [f"{SEED}: holds no array named codes and none named factors"]
    rebuild(members={SEED: b"\x89HDF\r\n\x1a\n" + bytes(500)}, rehash=True)
    (problem,) = verify()
    assert problem.startswith(f"{SEED}: is not a readable .npz file")


def test_methods_without_a_file(verify, rebuild, stated):
    rebuild(lambda manifest: manifest["methods"].append({**stated, "name": "ghost"}))
    assert verify() == ["no file belongs to the method ghost"]


def test_the_table_of_what_was_found(verify, tmp_path):
    verify(output=tmp_path / "rows.csv")
    with open(tmp_path / "rows.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["path"] == SEED
    assert {row["model"] for row in rows} == {"mine"}
    assert {row["source"] for row in rows} == {"external"}
    assert [row["seed"] for row in rows] == ["0", "1", "2", "3", "4"]
    assert float(rows[0]["mig"]) > 0
    about = json.loads((tmp_path / "rows.metrics.json").read_text())
    assert about["metrics"]["mig"]["tolerance"] == 1e-9


@pytest.mark.parametrize("name", ["rows.md", "rows", "rows.metrics.json"])
def test_a_table_of_another_ending(verify, tmp_path, name):
    assert verify(output=tmp_path / name) == [f"{tmp_path / name}: a table of scores ends in .csv"]


def test_nothing_is_left_when_it_is_interrupted(verify, monkeypatch):
    def interrupt(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(verifying, "evaluate_paths", interrupt)
    with pytest.raises(KeyboardInterrupt):
        verify()


def test_a_broken_archive_names_itself(verify, archive):
    archive.write_bytes(b"PK")
    assert verify() == [f"{archive}: is not a zip archive, or is cut off"]

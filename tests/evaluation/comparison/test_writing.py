"""The folder of a comparison: what is written, replaced, and never touched."""

import json

import pytest

from disentanglement_bench.evaluation.comparison import ComparisonError, writing


def test_a_comparison_is_written_and_replaced(place, tmp_path):
    folder = tmp_path / "out"
    made = place([("mine", seed, 0.4 + 0.01 * seed) for seed in range(5)], output=folder)
    assert made.output == folder
    assert all(path.exists() for path in made.files)
    record = json.loads((folder / "comparison.json").read_text())
    assert record["benchmark"] == "DB-1"
    assert record["places"][0]["rank"] == 2
    assert record["rows"]["mine_external"]["cells"][0]["n"] == 5
    assert (folder / "rows.tex").read_text() == made.latex
    assert {path.suffix for path in (folder / "tables").iterdir()} == {
        ".md",
        ".tex",
        ".csv",
        ".bib",
    }
    (folder / "tables/own-notes.txt").write_text("mine")
    place([("mine", 0, 0.4)], output=folder)
    record = json.loads((folder / "comparison.json").read_text())
    assert record["places"][0]["rank_low"] is None
    assert (folder / "tables/own-notes.txt").read_text() == "mine"


def test_files_of_the_last_comparison_that_are_not_made_again_are_removed(place, tmp_path):
    folder = tmp_path / "out"
    place([("mine", 0, 0.4)], output=folder)
    record = json.loads((folder / "comparison.json").read_text())
    (folder / "tables/old.md").write_text("old")
    (tmp_path / "outside.md").write_text("mine")
    record["files"] += ["tables/old.md", "../outside.md", "tables/gone.md"]
    (folder / "comparison.json").write_text(json.dumps(record))
    place([("mine", 0, 0.4)], output=folder)
    assert not (folder / "tables/old.md").exists()
    assert (tmp_path / "outside.md").exists()


@pytest.mark.parametrize("content", [None, "{}", "text", '{"kind": "x"}'])
def test_a_folder_with_something_else_is_never_written_to(place, tmp_path, content):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "thesis.tex").write_text("mine")
    if content is not None:
        (folder / "comparison.json").write_text(content)
    with pytest.raises(ComparisonError, match="holds something else than a comparison"):
        place([("mine", 0, 0.4)], output=folder)
    assert (folder / "thesis.tex").read_text() == "mine"
    assert not (folder / "tables").exists()


def test_an_output_that_is_a_file_is_refused(place, tmp_path):
    (tmp_path / "out").write_text("mine")
    with pytest.raises(ComparisonError, match=r"cannot be a folder of results \(Not a directory\)"):
        place([("mine", 0, 0.4)], output=tmp_path / "out")


def test_a_folder_that_cannot_be_written_is_told(place, tmp_path, monkeypatch):
    def refuse(tables, folder):
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(writing, "write_tables", refuse)
    with pytest.raises(ComparisonError, match=r"cannot write .*out/tables: Permission denied"):
        place([("mine", 0, 0.4)], output=tmp_path / "out")

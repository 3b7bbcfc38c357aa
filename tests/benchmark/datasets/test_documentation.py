"""The examples of docs/datasets.md do what the page says."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from disentanglement_bench.benchmark import datasets
from disentanglement_bench.benchmark.cli import cli

PAGE = Path(__file__).parents[3] / "docs" / "datasets.md"


@pytest.fixture
def examples():
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def test_a_data_set_is_looked_at_in_python(examples, capsys):
    names = {}
    exec(examples[0], names)
    assert names["images"].shape == (1000, 64, 64, 1)
    assert names["factors"].shape == (1000, 5)
    assert "orientation" in capsys.readouterr().out


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Run `bench` in an empty folder, with a data folder of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BENCH_DATA", str(tmp_path / "data"))

    def run(*arguments):
        done = CliRunner().invoke(cli, [*arguments])
        assert done.exit_code == 0, done.output
        return done.output

    return run


@pytest.mark.slow
def test_the_file_of_the_page_is_added_trained_on_and_scored(examples, bench, tmp_path):
    exec(examples[1], {})
    assert "added 320 images" in bench("data", "add", "faces", "faces.npz")
    loaded = datasets.load_dataset("faces")
    assert loaded.factor_names == ("size", "x", "y")
    assert len({image.tobytes() for image in loaded.images(range(320))}) == 320
    bench("train", "--dataset", "faces", "--model", "vae", "--seeds", "1", "--steps", "4")
    bench("evaluate", "results", "--metrics", "mig,sap")
    table = (tmp_path / "results" / "scores.csv").read_text().splitlines()
    assert len(table) == 3
    assert "faces" in table[1]


def test_pictures_in_folders_become_a_file(examples, bench, tmp_path):
    for name in ("cats", "dogs"):
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for number in range(3):
            picture = Image.new("RGB", (80, 60), (40 * number, 99, 200))
            picture.save(tmp_path / "pictures" / name / f"{number}.png")
    exec(examples[2], {})
    assert "added 6 images" in bench("data", "add", "pictures", "pictures.npz")


def test_the_class_of_the_page_can_be_loaded(examples, bench, tmp_path):
    (tmp_path / "boxes_of_the_page.py").write_text(examples[3])
    for reference in ("boxes_of_the_page:Boxes", "boxes_of_the_page.py:Boxes"):
        loaded = datasets.load_dataset(reference)
        assert loaded.name == "Boxes"
        assert len({image.tobytes() for image in loaded.images(range(320))}) == 320


def test_the_page_names_every_built_in_set_with_its_numbers():
    text = PAGE.read_text(encoding="utf-8")
    for name in datasets.list_names()[:6]:
        known = datasets.describe(name)
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}`"))
        assert f"{known.size:,}" in row

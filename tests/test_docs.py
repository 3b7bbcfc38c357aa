"""What the documents say can be pasted and run."""

import json
import re
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner

import disentanglement_bench
from disentanglement_bench.benchmark.checks.model import check_model
from disentanglement_bench.benchmark.cli import COMMANDS, cli
from disentanglement_bench.benchmark.protocol.presets import PRESETS
from disentanglement_bench.benchmark.protocol.registry import get_model
from disentanglement_bench.benchmark.protocol.request import TrainRequest
from disentanglement_bench.evaluation.naming import format_number
from disentanglement_bench.models.zoo import list_models

ROOT = Path(__file__).parents[1]
PAGES = [
    *(ROOT / page for page in ("README.md", "CONTRIBUTING.md", "results/reference/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]


# The data set of the examples in a test: four places and three greys of a square.
BLOCKS = """
import numpy as np

class Blocks:
    factor_names = ("x", "y", "level")
    factor_sizes = (4, 4, 3)
    def images(self, index):
        x, y, level = np.unravel_index(index, self.factor_sizes)
        made = np.zeros((len(index), 16, 16), np.uint8)
        for image, row, column, grey in zip(made, y, x, level):
            image[4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 80 * (grey + 1)
        return made
"""
TINY = ("batch_size=8", "latent_size=3", "n_train=20", "n_test=10", "log_every=2", "image_size=16")


def read_models():
    """The models of docs/models.md: name of the file, and its text."""
    page = (ROOT / "docs/models.md").read_text()
    return dict(re.findall(r"```python\n(?=# (\w+)\.py)(.*?)```", page, re.DOTALL))


MODELS = {"mymodels": "GammaVAE", "my_factorvae": "FactorVAE", "my_adagvae": "AdaGVAE"}


@pytest.fixture(params=MODELS)
def example_model(request, tmp_path, monkeypatch):
    """The file of one of the models, in the current folder."""
    (tmp_path / f"{request.param}.py").write_text(read_models()[request.param])
    monkeypatch.chdir(tmp_path)
    return f"{request.param}.py:{MODELS[request.param]}"


def test_every_model_of_the_page_is_tried_and_short():
    models = read_models()
    assert models.keys() == MODELS.keys()
    assert all(text.count("\n") < 60 for text in models.values())


def test_the_example_models_are_usable(example_model):
    lines = []
    check_model(get_model(example_model).load(), lines.append)
    assert lines[-1] == "stopped and continued, it ends with the same weights"
    assert not [line for line in lines if "of its own" in line]


@pytest.mark.slow
def test_the_example_models_train(example_model, tmp_path):
    (tmp_path / "blocks.py").write_text(BLOCKS)
    options = ["--dataset", "blocks.py:Blocks", "--seeds", "1", "--steps", "6", "--jobs", "1"]
    for setting in TINY:
        options += ["--set", setting]
    done = CliRunner().invoke(cli, ["train", "--model", example_model, *options])
    assert done.exit_code == 0, done.output
    runs = sorted((tmp_path / "results/runs").rglob("run.json"))
    records = [json.loads(run.read_text()) for run in runs]
    assert {record["status"] for record in records} == {"done"}
    hooks = get_model(example_model).declaration.hooks
    assert len(records) == (4 if hooks.anneals else 2)
    columns = (runs[0].parent / "training.csv").read_text().splitlines()[0].split(",")
    assert columns[6:] == list(hooks.columns)
    for record in records:
        assert ("pair_factors" in record["config"]) == hooks.pairs
        assert ("permuted_batch" in record["config"]) == hooks.permutes


def test_the_example_model_is_planned_as_the_page_says(tmp_path, monkeypatch):
    (tmp_path / "mymodels.py").write_text(read_models()["mymodels"])
    monkeypatch.chdir(tmp_path)
    model = "mymodels.py:GammaVAE"
    plan = TrainRequest(models=(model,), seeds=(0,)).plan()
    assert [dict(spec.hyperparameters) for spec in plan] == [
        {"gamma": gamma, "target": target} for gamma in (10, 100) for target in (3, 5)
    ]
    assert plan[0].path == "sprites-small/quick/mymodels.GammaVAE/gamma=10,target=3/seed-0"
    assert plan[0].method()["label"] == "γ-VAE"
    assert plan[0].method()["axis"] == "target"
    request = TrainRequest(
        models=(model,), seeds=(0,), settings=(("gamma", "10,100"), ("target", "3"))
    )
    assert [spec.path.split("/")[3] for spec in request.plan()] == [
        "gamma=10,target=3",
        "gamma=100,target=3",
    ]


def test_ada_gvae_averages_what_a_pair_seems_to_share():
    names = {}
    exec(read_models()["my_adagvae"], names)
    means = torch.tensor([[0.0, 0.0, 1.0, 3.0], [0.2, 2.0, 1.0, -3.0]])
    log_variances = torch.log(torch.tensor([[1.0, 1.0, 2.0, 1.0], [1.0, 1.0, 4.0, 1.0]]))
    first, second = zip(means.split(1), log_variances.split(1), strict=True)
    # Divergences 0.02, 2, 0.0966 and 18 nats: all but the last lie below 9.01.
    (mean_1, log_variance_1), (mean_2, log_variance_2) = names["AdaGVAE"].couple(
        None, first, second
    )
    torch.testing.assert_close(mean_1, torch.tensor([[0.1, 1.0, 1.0, 3.0]]))
    torch.testing.assert_close(mean_2, torch.tensor([[0.1, 1.0, 1.0, -3.0]]))
    variances = torch.tensor([[1.0, 1.0, 3.0, 1.0]])
    torch.testing.assert_close(log_variance_1.exp(), variances)
    torch.testing.assert_close(log_variance_2.exp(), variances)


def read_prose(page):
    """A page without its blocks of code."""
    return re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)


def list_anchors(page):
    """Where links into a page can point: its headings, as GitHub names them."""
    headings = re.findall(r"^#+ (.+)$", read_prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def name_page(page):
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_links_and_pictures_exist(page):
    for path, anchor in re.findall(r"\]\(([^)#:]*)#?([^):]*)\)", read_prose(page)):
        target = page.parent / path if path else page
        assert target.exists(), f"{page.name} links to {path}"
        if anchor:
            assert anchor in list_anchors(target), f"{page.name} links to {path}#{anchor}"


@pytest.mark.parametrize("page", PAGES, ids=name_page)
def test_every_bench_command_in_a_page_exists(page):
    for line in re.findall(r"^bench (.+)$", page.read_text(), re.MULTILINE):
        words = line.split("#")[0].split()
        assert words[0] in COMMANDS, line
        options = [word for word in words if word.startswith("--")]
        arguments = [words[0]]
        if words[0] in ("data", "list", "submit"):
            arguments.append(words[1])
        shown = CliRunner().invoke(cli, [*arguments, "--help"]).output
        for option in options:
            assert option.split("=")[0] in shown, line


def test_the_page_of_models_names_each_of_them_with_its_sweep():
    page = (ROOT / "docs/models.md").read_text()
    for name in list_models():
        assert f"| `{name}` | NLL" in page or f"| `{name}` | the same" in page, name
        for preset, sweep in get_model(name).declaration.sweeps.items():
            column = 2 + list(PRESETS).index(preset)
            for values in sweep.values():
                text = ", ".join(format_number(value) for value in values)
                (row,) = re.findall(rf"^\| .*(?:of|\() ?.*`{name}`.*$", page, re.MULTILINE)
                assert text in row.split("|")[column], f"{name} under {preset}: {text}"


def test_the_protocol_table_of_the_readme_is_that_of_the_code():
    page = (ROOT / "README.md").read_text()
    for preset in PRESETS.values():
        config = preset.config
        assert f"{config.steps:,} + {config.continue_steps:,}" in page
        assert f"`{config.network}`" in page


def test_the_citation_is_of_this_version_and_of_the_authors_that_tables_cite():
    lines = (ROOT / "CITATION.cff").read_text().splitlines()
    assert f"version: {disentanglement_bench.__version__}" in lines
    (author,) = re.findall(r'^  - name: "(.+)"$', "\n".join(lines), re.MULTILINE)
    assert f"author = {{{{{author}}}}}" in (ROOT / "evaluation/tables/references.bib").read_text()
    # With one, "Cite this repository" would show the paper and not this suite.
    assert not any(line.startswith("preferred-citation") for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("page", ["README.md", "docs/compare.md"])
def test_from_images_to_a_row_of_the_standard_table(page, tmp_path, monkeypatch):
    """What the pages show, as it is written there."""
    text = (ROOT / page).read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (block,) = [each for each in blocks if "evaluation_sample" in each]
    (line,) = re.findall(r"^bench compare (mine/)$", text, re.MULTILINE)
    monkeypatch.chdir(tmp_path)
    exec(block, {})
    done = CliRunner().invoke(cli, ["compare", line])
    assert done.exit_code == 0, done.output
    assert "Compared 5 of 5 representations with DB-1" in done.stdout
    assert re.search(r"MIG on sprites-small: pca \(external\) has 0\.0\d+ \(mean of 5", done.stdout)
    assert (tmp_path / "results/compare/figures/curve-mig-sprites-small-db1.png").exists()

"""What the documents say can be pasted and run."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from disentanglement_bench.benchmark.checks.model import check_model
from disentanglement_bench.benchmark.cli import COMMANDS, cli
from disentanglement_bench.benchmark.protocol.presets import PRESETS
from disentanglement_bench.benchmark.protocol.registry import get_model
from disentanglement_bench.benchmark.protocol.request import TrainRequest

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


@pytest.fixture
def example_model(tmp_path):
    """The file of docs/models.md."""
    page = (ROOT / "docs/models.md").read_text()
    code = re.search(r"```python\n(# mymodels\.py.*?)```", page, re.DOTALL)[1]
    (tmp_path / "mymodels.py").write_text(code)
    return f"{tmp_path}/mymodels.py:GammaVAE"


def test_the_example_model_is_usable(example_model):
    lines = []
    check_model(get_model(example_model).load(), lines.append)
    assert "hyperparameters: beta = 4.0, target = 5.0" in lines


def test_the_example_model_is_planned_as_the_page_says(example_model):
    plan = TrainRequest(models=(example_model,), seeds=(0,)).plan()
    assert [dict(spec.hyperparameters) for spec in plan] == [
        {"beta": beta, "target": target} for beta in (1, 8) for target in (3, 5)
    ]
    assert plan[0].path == "sprites-small/quick/mymodels.GammaVAE/beta=1,target=3/seed-0"
    assert plan[0].method()["label"] == "γ-VAE"
    request = TrainRequest(
        models=(example_model,), seeds=(0,), betas=(1.0, 8.0), settings=(("target", "3"),)
    )
    assert [spec.path.split("/")[3] for spec in request.plan()] == [
        "beta=1,target=3",
        "beta=8,target=3",
    ]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_and_pictures_exist(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.name} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_bench_command_in_a_page_exists(page):
    for line in re.findall(r"^bench (.+)$", page.read_text(), re.MULTILINE):
        words = line.split("#")[0].split()
        assert words[0] in COMMANDS, line
        options = [word for word in words if word.startswith("--")]
        arguments = [words[0]]
        if words[0] in ("data", "list"):
            arguments.append(words[1])
        shown = CliRunner().invoke(cli, [*arguments, "--help"]).output
        for option in options:
            assert option.split("=")[0] in shown, line


def test_the_protocol_table_of_the_readme_is_that_of_the_code():
    page = (ROOT / "README.md").read_text()
    for preset in PRESETS.values():
        config = preset.config
        assert f"{config.steps:,} + {config.continue_steps:,}" in page
        assert f"`{config.network}`" in page

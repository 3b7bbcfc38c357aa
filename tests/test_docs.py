"""What the documents say can be pasted and run."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from disentanglement_bench.benchmark.checks import check
from disentanglement_bench.benchmark.cli import COMMANDS, cli
from disentanglement_bench.benchmark.protocol.presets import PRESETS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def test_the_example_model_is_usable(tmp_path, monkeypatch):
    page = (ROOT / "docs/models.md").read_text()
    code = re.search(r"```python\n(# mymodels\.py.*?)```", page, re.DOTALL)[1]
    (tmp_path / "mymodels.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    kind, lines = check("mymodels:GammaVAE")
    assert kind == "model"
    assert "hyperparameters: beta = 4.0, target = 5.0" in lines


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

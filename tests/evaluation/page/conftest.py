"""Pages that can be read, and summaries that are made once and are not to be changed."""

import dataclasses
import html.parser
import re

import pytest

from disentanglement_bench.evaluation.page.figures import SavedFigure
from disentanglement_bench.evaluation.page.page import write_page
from disentanglement_bench.evaluation.tables.tables import all_tables

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360000002000001e221bc330000000049454e44ae426082"
)
NOTHING = {"commands": ["bench report x"], "facts": [("Scores", "sha256 abc")], "notes": ["a note"]}


def _level_off(beta):
    return 0.2


@pytest.fixture(scope="session")
def flat_summary(sweep_summary):
    """Ten seeds of scores that do not depend on β."""
    return sweep_summary(seeds=10, level=_level_off, noise=0.01)


@pytest.fixture(scope="session")
def winner_summary(summary_of, sweep, tmp_path_factory):
    """Ten seeds, with the β-TCVAE far ahead in MIG."""
    rows = [
        row | {"mig": row["mig"] + 0.3 * (row["model"] == "betatcvae")} for row in sweep(seeds=10)
    ]
    return summary_of(tmp_path_factory.mktemp("winner"), rows)


class Page(html.parser.HTMLParser):
    """Elements of a page with their attributes, and its visible text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.words, self.open, self.folds = [], [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.folds.append(self.open.count("details"))
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            continue

    def handle_data(self, data):
        if not {"script", "style"} & set(self.open):
            self.words.append(data)

    @property
    def text(self):
        return re.sub(r"\s+", " ", "".join(self.words))

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="session")
def pixel():
    """The bytes of a picture of one pixel."""
    return PIXEL


@pytest.fixture
def page_of(tmp_path):
    """Write the page of a summary, with a figure and a shared one that are single pixels."""

    def make(summary, theory=None, pictures=None, tables=None):
        image = tmp_path / "page" / "figures" / "a.png"
        image.parent.mkdir(parents=True, exist_ok=True)
        image.write_bytes(PIXEL)
        dataset, protocol = summary.strata[0]
        files = {"png": image, "pdf": image.with_suffix(".pdf")}
        figure = SavedFigure(dataset, protocol, 0, "a", "A figure", "What it shows", files)
        shared = dataclasses.replace(figure, dataset=None, title="A grid")
        tables = all_tables(summary) if tables is None else tables
        path = tmp_path / "page" / "index.html"
        written = write_page(path, summary, tables, [figure, shared], NOTHING, theory, pictures)
        assert (written.path, written.size) == (path, path.stat().st_size)
        make.ignored = written.ignored
        return Page(path.read_text(encoding="utf-8"))

    return make

"""What the page takes from files beside it: theory and pictures, whole and broken."""

import pytest

from disentanglement_bench.evaluation.files import read_json, write_json
from disentanglement_bench.evaluation.page import parts


@pytest.fixture
def page_with(page_of, sweep_summary):
    """A page without tables that takes in what lies in folders, and what it left out of them."""

    def make(**folders):
        return page_of(sweep_summary(seeds=1), tables=[], **folders), page_of.ignored

    return make


@pytest.fixture
def theory(tmp_path, pixel):
    """A folder as `bench theory` leaves it."""
    folder = tmp_path / "page" / "theory"
    folder.mkdir(parents=True)
    (folder / "a.png").write_bytes(pixel)
    figure = {"name": "a", "problem": "p", "title": "Gain", "caption": "It contracts."}
    write_json(
        folder / "theory.json",
        {
            "figures": [figure | {"png": "a.png", "pdf": "a.pdf"}],
            "problems": [{"name": "p"}],
            "columns": [
                {"key": "beta", "heading": "β", "unit": "", "meaning": "weight"},
                {"key": "information", "heading": "I", "unit": "nats", "meaning": "MI"},
                {"key": "other", "heading": "other", "unit": "", "meaning": ""},
            ],
            "rows": [{"beta": 4.0, "information": -1.5e-7}, {"beta": 8.0, "information": None}],
            "largest_deviation": 1e-12,
            "notes": ["a note on theory"],
            "command": "bench theory",
        },
    )
    return folder


@pytest.fixture
def pictures(tmp_path, pixel):
    """A folder of reconstructions and traversals of three settings."""
    folder = tmp_path / "page" / "pictures"
    folder.mkdir(parents=True)
    names = ("reconstructions.png", "traversals.png", "traversals.gif")
    entries = []
    for i in range(3):
        for name in names:
            (folder / f"{i}-{name}").write_bytes(pixel)
        entries.append(
            {
                "dataset": "dsprites",
                "protocol": "paper",
                "method": "betavae",
                "curve": "betavae",
                "setting": f"beta={i + 2}",
                "seed": i,
                "median_by": "mig",
                "latents": [1, 0],
                "kl": [2.0, 0.01],
                "files": {name: f"{i}-{name}" for name in names},
                "source": str(i),
            }
        )
    write_json(folder / "pictures.json", {"pictures": entries, "skipped": []})
    return folder


def test_the_theory_comes_after_what_was_measured(page_with, theory):
    page, ignored = page_with(theory=theory)
    assert not ignored
    sections = [section["id"] for section in page.all("section")]
    assert sections[0] == "part-0"
    assert sections.index("grids") + 1 == sections.index("theory")
    assert "Gain. It contracts." in page.text
    assert "within 1.0e-12 nats" in page.text
    assert "a note on theory" in page.text
    assert "-1.5e-07" in page.text


def test_without_theory_there_is_no_such_section(page_with, tmp_path):
    page, ignored = page_with(theory=tmp_path / "nowhere")
    assert "theory" not in [section["id"] for section in page.all("section")]
    assert not ignored


def test_pictures_are_embedded_with_the_kl_of_their_latents(page_with, pictures):
    page, ignored = page_with(pictures=pictures)
    assert not ignored
    assert "β-VAE, β = 3, seed 1" in page.text
    assert "z1 2.00, z0 0.01" in page.text
    assert sum(image["src"].startswith("data:image/gif") for image in page.all("img")) == 3
    assert len(page.all("img")) == 2 + 9


def test_a_full_page_links_what_it_does_not_hold(page_with, pictures, pixel, monkeypatch):
    monkeypatch.setattr(parts, "PICTURE_BYTES", 4 * len(pixel))
    monkeypatch.setattr(parts, "ANIMATION_BYTES", 0)
    page, _ = page_with(pictures=pictures)
    assert len(page.all("img")) == 2 + 4
    assert "5 images not embedded" in page.text
    assert "pictures/2-traversals.gif" in [a["href"] for a in page.all("a")]


BROKEN = {
    "not an object": [1],
    "no pictures": {},
    "pictures of another type": {"pictures": 3},
    "an entry of another type": {"pictures": [3]},
    "a missing key": {"pictures": [{"dataset": "dsprites"}]},
}
# Of the first entry.
BROKEN_ENTRY = {
    "latents without KL": {"kl": []},
    "a KL that is text": {"kl": ["a", 1.0]},
    "a data set that is a list": {"dataset": ["dsprites"]},
    "a file outside": {"files": {"traversals.png": "../../secret.png"}},
    "an absolute file": {"files": {"traversals.png": "/etc/passwd.png"}},
    "a file of another kind": {"files": {"traversals.png": "a.txt"}},
    "files of another type": {"files": ["a.png"]},
}


def check_left_out(page, line):
    assert "β-VAE, β = 2, seed 0" not in page.text
    assert "pictures.json: " in line
    assert "\n" not in line
    assert line in page.text


@pytest.mark.parametrize("broken", BROKEN.values(), ids=list(BROKEN))
def test_a_pictures_json_that_does_not_fit_is_left_out_with_one_line(broken, page_with, pictures):
    write_json(pictures / "pictures.json", broken)
    page, (line,) = page_with(pictures=pictures)
    check_left_out(page, line)
    assert "β-VAE, β = 3, seed 1" not in page.text


@pytest.mark.parametrize("broken", BROKEN_ENTRY.values(), ids=list(BROKEN_ENTRY))
def test_a_picture_that_does_not_fit_is_left_out_and_the_others_stay(broken, page_with, pictures):
    content = read_json(pictures / "pictures.json")
    content["pictures"][0] |= broken
    write_json(pictures / "pictures.json", content)
    page, (line,) = page_with(pictures=pictures)
    check_left_out(page, line)
    assert "β-VAE, β = 3, seed 1" in page.text


@pytest.mark.parametrize(
    "change",
    [
        {"figures": 3},
        {"figures": [{"title": 1}]},
        {"rows": [[1]]},
        {"columns": None},
        {"largest_deviation": "a"},
        {"notes": "a"},
        {"figures": [{"title": "", "caption": "", "png": "../x.png", "pdf": "a.pdf"}]},
    ],
    ids=str,
)
def test_a_theory_json_that_does_not_fit_is_left_out_with_one_line(change, page_with, theory):
    write_json(theory / "theory.json", read_json(theory / "theory.json") | change)
    page, (line,) = page_with(theory=theory)
    assert "theory" not in [section["id"] for section in page.all("section")]
    assert "theory.json: " in line
    assert line in page.text

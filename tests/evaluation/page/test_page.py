import re

import pytest

from disentanglement_bench.evaluation.page.page import _lines
from disentanglement_bench.evaluation.statistics.cells import collect
from disentanglement_bench.evaluation.statistics.labels import HEADLINE
from disentanglement_bench.evaluation.statistics.run_reading import ScoresError
from disentanglement_bench.evaluation.statistics.summary import summarise
from disentanglement_bench.evaluation.tables.tables import all_tables


def test_the_page_asks_for_nothing_outside_itself(page_of, sweep_summary):
    page = page_of(sweep_summary(seeds=2))
    assert page.all("img")
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    assert [link["href"] for link in page.all("link")] == ["data:,"]
    assert not any("src" in script for script in page.all("script"))
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m)
    assert policy.startswith("default-src 'none'")
    for link in page.all("a"):
        assert not re.match(r"https?:|//", link["href"])


def test_the_page_holds_findings_tables_figures_and_how_to_reproduce(
    page_of, summary_of, sweep, tmp_path
):
    summary = summary_of(tmp_path / "r", [*sweep(seeds=2), *sweep("sprites", "quick", seeds=1)])
    page = page_of(summary)
    for words in (
        "MIG of β-VAE is largest at β = 8",
        "Scores over β on dsprites, protocol paper",
        "Scores over β on sprites, protocol quick",
        "mig[hist20,plugin,mean]",
        "A figure. What it shows",
        "A grid.",
        "bench report x",
        "sha256 abc",
        "a note",
        "Agreement with the published grid",
        "information of posterior means ignores their scale and cannot see a collapse",
        "None: every run found has scores, and every setting has every seed.",
        "BibTeX",
    ):
        assert words in page.text, words
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for link in page.all("a"):
        if link["href"].startswith("#"):
            assert link["href"][1:] in ids


def test_every_table_is_shown_once_and_in_its_section(page_of, summary_of, sweep, tmp_path):
    rows = [*sweep(seeds=2), *sweep("shapes3d", seeds=2)]
    rows += sweep("sprites-small", "db1", 12, models=("betavae", "lambdabeta"))
    summary = summary_of(tmp_path / "r", rows)
    tables = all_tables(summary)
    page = page_of(summary, tables=tables)
    for table in tables:
        links = [a for a in page.all("a") if a["href"] == f"tables/{table.name}.csv"]
        assert len(links) == 1, table.name
    sections, current = {}, None
    for tag, attributes in page.elements:
        current = attributes["id"] if tag == "section" else current
        if tag == "a" and attributes["href"].endswith(".csv"):
            sections[attributes["href"][7:-4]] = current
    assert sections["collapse-mi-matched-sampled-dsprites-paper"] == "part-0-curves"
    assert sections["beta-curves-shapes3d-paper"] == "part-1-curves"
    assert sections["confirmation-sprites-small-db1"] == "part-2-curves"
    assert sections["ranking-dsprites-paper"] == "part-0-comparison"
    assert sections["comparison-shapes3d-paper"] == "part-1-comparison"
    assert sections["ranking-all-genuine-paper"] == "rankings"
    assert sections["published"] == "grids"


def test_tables_of_other_scores_are_folded(page_of, summary_of, sweep, tmp_path):
    rows = [row | {"irs": row["mig"], "modularity": row["mig"]} for row in sweep(seeds=2)]
    page = page_of(summary_of(tmp_path / "results", rows))
    folded, open_ = [], []
    for (tag, attributes), folds in zip(page.elements, page.folds, strict=True):
        if tag == "a" and attributes["href"].endswith(".csv"):
            (folded if folds else open_).append(attributes["href"].removeprefix("tables/"))
    shown = ["comparison-dsprites-paper.csv", "beta-curves-dsprites-paper.csv", "published.csv"]
    assert open_ == shown
    for name in ("scores", "beta-curves-other", "ranking-other"):
        assert f"{name}-dsprites-paper.csv" in folded
    assert "Other scores on dsprites, protocol paper" in page.text


def test_data_sets_whose_names_look_alike_keep_their_tables(page_of, summary_of, sweep, tmp_path):
    names = ("Toy", "toy", "日本", "中国")
    rows = [row for name in names for row in sweep(name, seeds=1, betas=(1, 8))]
    summary = summary_of(tmp_path / "r", rows)
    page = page_of(summary)
    sections, current = {}, None
    for tag, attributes in page.elements:
        current = attributes["id"] if tag == "section" else current
        if tag == "a" and re.match(r"tables/comparison.*csv", attributes["href"]):
            sections.setdefault(current, []).append(attributes["href"].lower())
    assert list(sections) == [f"part-{i}-comparison" for i in range(4)]
    assert len({link for links in sections.values() for link in links}) == 4


def test_tables_can_be_sorted_and_read_by_keyboard(page_of, sweep_summary):
    page = page_of(sweep_summary(seeds=2))
    heads = [
        i for i, (tag, a) in enumerate(page.elements) if (tag, a.get("scope")) == ("th", "col")
    ]
    buttons = [i for i in heads if page.elements[i + 1][0] == "button"]
    sortable = [t for t in page.all("table") if t.get("class") == "sortable"]
    assert len(sortable) >= 5
    assert len(buttons) > 20
    for attributes in (a for _, a in page.elements if (a.get("class") or "").startswith("scroll")):
        assert attributes["tabindex"] == "0"
        assert attributes["aria-label"]
    assert all(image["alt"] for image in page.all("img"))


def test_the_first_screen_says_what_was_run_found_and_ranked_before_any_figure(
    page_of, sweep_summary
):
    page = page_of(sweep_summary(seeds=10))
    text = page.text[page.text.index("Disentanglement benchmark report", 40) :]
    words = (
        "120 runs on dsprites (genuine data), protocol paper: VAE, β-VAE, λβ-VAE (λ = 8) and",
        "MIG peaks at β = 8 for β-VAE (p = 0.0",
        "Ranking of methods",
        "A figure. What it shows",
        "Comparison on dsprites, protocol paper",
        "Scores over β on dsprites, protocol paper",
        "Reconstruction against disentanglement",
        "What the scores mean",
        "Failed and missing runs",
    )
    places = [text.index(word) for word in words]
    assert places == sorted(places)


def test_several_data_sets_begin_with_a_row_for_each(page_of, summary_of, sweep, tmp_path):
    rows = [*sweep(seeds=2), *sweep("sprites", "quick", seeds=1)]
    page = page_of(summary_of(tmp_path / "r", rows))
    assert [section["id"] for section in page.all("section")][:2] == ["overview", "part-0"]
    links = [a["href"] for a in page.all("a")]
    assert links.count("#part-1") == 2  # in the contents and in the row
    assert "Who ranks first in each score" in page.text


def test_the_parts_of_many_data_sets_are_folded(page_of, summary_of, sweep, tmp_path, monkeypatch):
    monkeypatch.setattr("disentanglement_bench.evaluation.page.page.MANY", 2)
    rows = [row for i in range(2) for row in sweep(f"set-{i}", seeds=1, betas=(1, 8))]
    page = page_of(summary_of(tmp_path / "r", rows))
    folded = [each["id"] for each in page.all("details") if each.get("class") == "part"]
    assert "part-1-comparison" in folded
    assert not [each for each in page.all("section") if each.get("class") == "part"]


def test_names_from_the_data_cannot_become_markup(page_of, summary_of, sweep, tmp_path):
    evil = "<script>alert(1)</script>&"
    rows = [{**row, "model": evil} for row in sweep(seeds=1, models=("betatcvae",))]
    page = page_of(summary_of(tmp_path / "r", rows))
    assert evil in page.text
    assert len(page.all("script")) == 2  # the points and the page's own


def test_failed_and_missing_runs_are_listed(page_of, summary_of, sweep, tmp_path):
    rows = sweep(seeds=3)[1:]
    rows[3] = {**rows[3], "run_status": "failed"}
    page = page_of(summary_of(tmp_path / "r", rows))
    assert "Failed and missing runs" in page.text
    assert "other settings have this seed" in page.text
    assert "None: every run" not in page.text


def test_a_long_list_is_cut_and_says_where_the_rest_is(page_of, sweep_summary, monkeypatch):
    monkeypatch.setattr("disentanglement_bench.evaluation.page.page.MOST_ROWS", 4)
    page = page_of(sweep_summary(seeds=2))
    assert "8 more rows are in tables/beta-curves-dsprites-paper.csv" in page.text


@pytest.mark.parametrize(
    "case",
    [
        {"seeds": 1},
        {"betas": (8,)},
        {"models": ("betatcvae",)},
        {"models": ("betavae",), "betas": (1,), "seeds": 1},
        {"undefined": True},
        {"missing": True},
        {"mixed": True},
        {"plain": True},
    ],
    ids=lambda case: "-".join(case),
)
def test_degenerate_results_give_a_page(case, page_of, summary_of, sweep, tmp_path):
    kinds = {"undefined", "missing", "mixed", "plain"}
    rows = sweep(**({"seeds": 2} | {k: v for k, v in case.items() if k not in kinds}))
    if "undefined" in case:
        rows = [{**row, **dict.fromkeys(HEADLINE)} for row in rows]
    if "missing" in case:
        rows = [r for r in rows if not (r["model"] == "betatcvae" and r["beta"] == 8)]
    if "mixed" in case:
        rows = rows + sweep("sprites", "quick", seeds=1) + sweep("mine", "paper", seeds=1)
    if "plain" in case:  # representations from elsewhere: a path and scores
        rows = [{"path": f"{row['model']}-{i}.h5", "mig": 0.1} for i, row in enumerate(rows)]
    summary = summary_of(tmp_path / "r", rows)
    page = page_of(summary)
    for dataset, protocol in summary.strata:
        assert f"{dataset}, protocol {protocol}" in page.text
    assert " nan" not in page.text.lower()


def test_no_runs_at_all_is_one_clear_line(tmp_path):
    with pytest.raises(ScoresError, match=r"holds no run; run bench train and bench evaluate") as e:
        summarise(collect(tmp_path))
    assert "\n" not in str(e.value)


def test_numbers_of_a_cell_stay_in_one_piece():
    text = _lines("0.1 ± 0.2\n[-0.1, 0.3], 5/5\nC_max = 5, γ = 5 (best of 3)").replace("\xa0", "_")
    assert _lines("MIG ↑") == "MIG\xa0↑"
    assert text == "0.1_±_0.2<br>[-0.1,_0.3], 5/5<br>C_max_=_5, γ_=_5 (best_of_3)"

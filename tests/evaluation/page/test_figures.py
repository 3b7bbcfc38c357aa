import pytest

from disentanglement_bench.evaluation.page import drawings
from disentanglement_bench.evaluation.page.figures import draw_figures, draw_headlines

EVERY = {
    "overview", "curve-mig", "curve-mi-matched-sampled", "curve-sap", "curve-dci-disentanglement",
    "curve-dci-completeness", "curve-mi-matched", "latents", "front-mig", "matrix-mi-sampled",
    "matrix-mi", "methods", "boxes", "agreement", "grid-mean", "grid-change", "grid-published",
}  # fmt: skip


@pytest.fixture
def drawn(monkeypatch):
    """Names that are saved; nothing is rendered, which the tests of the plots do."""

    def save(figure, folder, name, formats):
        return {kind: folder / f"{name}.{kind}" for kind in formats}

    monkeypatch.setattr("disentanglement_bench.evaluation.page.figures.save_figure", save)
    return draw_figures


def test_every_figure_has_a_title_and_a_caption(
    drawn, summary_of, sweep, write_run_files, tmp_path
):
    rows = sweep(seeds=2)
    write_run_files(tmp_path, rows)
    made = drawn(summary_of(tmp_path, rows), tmp_path)
    assert {entry.name.removesuffix("-dsprites-paper") for entry in made} == EVERY
    for entry in made:
        assert entry.title
        assert entry.caption.endswith(".")
        assert set(entry.files) == {"png", "pdf"}
    assert made[0].name == "overview-dsprites-paper"
    assert made[0].weight == 0
    assert made[0].narrow["png"].name == "overview-narrow-dsprites-paper.png"
    assert not any(entry.narrow for entry in made[1:])
    captions = {entry.name: entry.caption for entry in made}
    assert "not swept over" not in captions["overview-dsprites-paper"]
    assert "bands are 95 % intervals" in captions["curve-mig-dsprites-paper"]
    assert "mig[hist20,plugin,mean]" in captions["curve-mig-dsprites-paper"]
    assert "does not see a collapse" in captions["curve-mi-matched-dsprites-paper"]
    latents = captions["latents-dsprites-paper"]
    # codes of standard deviation 2/β, 1/β and 0 have KL 2/β², 1/(2 β²) and 0 nats
    assert "latents with at least 0.1 nats: 2 at β = 1, 0 at β = 8, 0 at β = 32" in latents
    assert "the strongest lasts to β = 1" in latents
    assert "an analogy to it, not a proof" in latents


def test_what_was_swept_beside_beta_shares_figures_of_its_own(
    drawn, summary_of, sweep, sweep_over, tmp_path, monkeypatch
):
    # One score is enough to see which figures there are.
    monkeypatch.setattr(drawings, "HEADLINE", ("mig",))
    others = {name: (name, (2, 4, 8)) for name in ("a", "b", "c", "d_e")}
    found = summary_of(tmp_path, sweep_over(sweep(seeds=2), **others))
    made = drawn(found, tmp_path, extent="main")
    titles = {entry.name.partition("-dsprites")[0]: entry.title for entry in made}
    where = "on dsprites, protocol paper"
    assert titles["overview"] == f"Scores against β {where}"
    assert "curves" not in titles
    assert titles["curves-a-b-c"] == f"Scores against a, b and c {where}"
    assert titles["curves-d-e"] == f"Scores against d e {where}"
    alone = drawn(summary_of(tmp_path / "alone", sweep_over([], a=others["a"])), tmp_path)
    titles = {entry.name.removesuffix("-dsprites-paper"): entry.title for entry in alone}
    assert titles["overview"] == f"Scores against a {where}"
    assert titles["curve-mig"] == f"MIG against a {where}"
    assert titles["boxes"] == f"Single runs of a over a {where}"


@pytest.mark.slow
def test_without_files_there_are_no_matrices_and_no_latents(drawn, summary_of, sweep, tmp_path):
    made = drawn(summary_of(tmp_path, sweep(seeds=2)), tmp_path)
    assert not [e for e in made if e.name.startswith(("matrix", "latents"))]


@pytest.mark.slow
def test_many_data_sets_get_the_main_figures_unless_all_are_asked_for(
    drawn, summary_of, sweep, tmp_path, monkeypatch
):
    monkeypatch.setattr("disentanglement_bench.evaluation.page.figures.MANY", 2)
    rows = [r for name in ("p", "q") for r in sweep(preset=name, seeds=1, betas=(1, 8))]
    summary = summary_of(tmp_path, rows)
    made = drawn(summary, tmp_path)
    stems = {entry.name.split("-dsprites")[0] for entry in made}
    assert stems == {"overview", "grid-change", "grid-published"}
    assert sum(entry.name.startswith("overview") for entry in made) == 2
    assert all(set(entry.files) == {"png"} for entry in made)
    assert len(drawn(summary, tmp_path, extent="all")) > 2 * len(made)


@pytest.mark.slow
def test_published_grids_stand_beside_genuine_data_only(drawn, summary_of, sweep, tmp_path):
    rows = [*sweep(seeds=1), *sweep("sprites", seeds=1), *sweep(preset="quick", seeds=1)]
    made = drawn(summary_of(tmp_path, rows), tmp_path)
    published = [entry for entry in made if entry.name.startswith("grid-published")]
    assert [entry.protocol for entry in published] == ["paper"]
    assert "sprites" not in published[0].title.replace("dsprites", "")
    kinds = [entry.title for entry in made if entry.name.startswith("grid-mean")]
    assert not [title for title in kinds if "genuine" in title and "re-rendered" in title]


def test_the_picture_of_the_result_is_drawn_where_there_is_one(drawn, summary_of, sweep, tmp_path):
    rows = [*sweep(seeds=1), *sweep("sprites", seeds=1, models=("betatcvae",))]
    paths = draw_headlines(summary_of(tmp_path, rows), tmp_path)
    assert [path.name for path in paths] == ["headline-dsprites-paper.png"]

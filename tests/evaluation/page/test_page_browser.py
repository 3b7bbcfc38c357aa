"""The page in a real browser; skipped without Chromium unless BENCH_REQUIRE_CHROMIUM=1.

Accessibility is checked by axe-core: its script is taken from the file that BENCH_AXE names, or
from the package axe-playwright-python, and without either that test is skipped or fails alike.
"""

import contextlib
import functools
import html
import http.server
import importlib.util
import json
import os
import re
import shutil
import subprocess
import threading
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from disentanglement_bench.evaluation.page.choice import RHO, list_choices
from disentanglement_bench.evaluation.page.figures import draw_figures
from disentanglement_bench.evaluation.page.page import write_page
from disentanglement_bench.evaluation.statistics.cells import collect
from disentanglement_bench.evaluation.statistics.summary import summarise
from disentanglement_bench.evaluation.tables.tables import all_tables

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-default-apps",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--virtual-time-budget=5000",
)
# Listens before the page's own code runs, and keeps what it puts off to the next frame.
LISTENER = """<script>
var problems = [];
var later = [];
requestAnimationFrame = (callback) => later.push(callback);
addEventListener("error", (e) => problems.push("error: " + e.message), true);
addEventListener("unhandledrejection", (e) => problems.push("rejection: " + e.reason));
addEventListener("securitypolicyviolation", (e) => problems.push("blocked: " + e.blockedURI));
for (const level of ["error", "warn"]) console[level] = (...a) => problems.push(level + ": " + a);
</script>"""
PROBE = """<script>
addEventListener("load", () => {
  const found = { slider: [], sorted: {} };
  const part = document.querySelector(".choice");
  const slider = part.querySelector("input");
  for (const weight of ["0", "0.25", "0.5", "0.75", "1"]) {
    slider.value = weight;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    found.slider.push({
      weight: Number(weight),
      cells: [...part.querySelectorAll("td.chosen")].map((c) => Number(c.dataset.point)),
      dots: [...part.querySelectorAll("circle.chosen")].map((c) => Number(c.dataset.point)),
      text: part.querySelector(".best").textContent,
      shown: part.querySelector(".weight").textContent,
    });
  }
  const table = document.querySelector("table.sortable");
  const column = 2;
  const texts = () => [...table.tBodies[0].rows].map((r) => r.cells[column].innerText);
  const button = table.tHead.rows[0].cells[column].querySelector("button");
  found.sorted.before = texts();
  button.focus();
  found.focused = document.activeElement === button;
  button.click();
  found.sorted.up = texts();
  found.sorted.state = table.tHead.rows[0].cells[column].getAttribute("aria-sort");
  button.click();
  found.sorted.down = texts();
  dispatchEvent(new Event("beforeprint"));
  found.closed = document.querySelectorAll("main details:not([open])").length;
  dispatchEvent(new Event("afterprint"));
  found.reopened = document.querySelectorAll("main details[open]").length;
  found.contents = document.querySelector(".contents details").open;
  found.current = [];
  for (const id of ["part-0", "part-0-curves"]) {
    document.getElementById(id).scrollIntoView();
    dispatchEvent(new Event("scroll"));
    for (const callback of later.splice(0)) callback();
    const marked = [...document.querySelectorAll(".contents a[aria-current]")];
    found.current.push(marked.map((a) => a.hash));
  }
  found.width = [document.documentElement.scrollWidth, innerWidth];
  found.images = [...document.images].map((i) => i.src.slice(0, 5));
  found.requests = performance.getEntriesByType("resource").map((e) => e.name)
    .filter((name) => !name.startsWith("data:"));
  found.problems = problems;
  const out = document.createElement("pre");
  out.id = "found";
  out.textContent = JSON.stringify(found);
  document.body.append(out);
});
</script>"""


# Both runs of a checker: as the page opens, and with everything folded open.
CHECKER = """<script>
addEventListener("load", async () => {
  const found = {};
  for (const state of ["closed", "open"]) {
    for (const part of document.querySelectorAll("details")) part.open = state === "open";
    const { violations } = await axe.run(document, { resultTypes: ["violations"], preload: false });
    found[state] = violations.flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary}`));
  }
  found.dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const out = document.createElement("pre");
  out.id = "found";
  out.textContent = JSON.stringify(found);
  document.body.append(out);
});
</script>"""
DARK = "--blink-settings=preferredColorScheme=0"


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Run Chromium; returns what it printed."""
    if CHROMIUM is None:
        miss("chromium")
    profile = tmp_path_factory.mktemp("profile")

    def run(*arguments):
        done = subprocess.run(
            [CHROMIUM, *OPTIONS, f"--user-data-dir={profile}", *arguments],
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def miss(tool):
    """Skip, or fail where everything is required."""
    if os.environ.get("BENCH_REQUIRE_CHROMIUM") == "1":
        pytest.fail(f"BENCH_REQUIRE_CHROMIUM=1, but there is no {tool}")
    pytest.skip(f"needs {tool}")


@pytest.fixture(scope="module")
def axe():
    """The script of axe-core."""
    if "BENCH_AXE" in os.environ:
        return Path(os.environ["BENCH_AXE"]).read_text(encoding="utf-8")
    package = importlib.util.find_spec("axe_playwright_python")
    if package is None:
        miss("axe-core: pip install --no-deps axe-playwright-python")
    return Path(package.origin).with_name("axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(summary_of, sweep, tmp_path_factory):
    """A page with figures, one method of which has no SAP, and the summary that it shows."""
    folder = tmp_path_factory.mktemp("page")
    rows = [row | ({"sap": None} if row["model"] == "betatcvae" else {}) for row in sweep(seeds=5)]
    summary = summary_of(folder, rows)
    figures = draw_figures(summary, folder / "figures", ("png",), "main")
    reproduction = {"commands": ["bench report"], "facts": [], "notes": []}
    write_page(folder / "index.html", summary, all_tables(summary), figures, reproduction)
    text = (folder / "index.html").read_text(encoding="utf-8")
    probed = text.replace("<head>", "<head>" + LISTENER).replace("</body>", PROBE + "</body>")
    (folder / "probed.html").write_text(probed, encoding="utf-8")
    return folder, summary


@pytest.fixture(scope="module")
def address(page):
    """Serve the page; every path that is asked for is remembered."""
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            asked.append(self.path)

    handler = functools.partial(Handler, directory=str(page[0]))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def found(browser, address):
    """What the probe saw at desktop width."""
    return probe(browser, address[0], "1280,900")


def probe(browser, url, size):
    return read_found(browser(f"--window-size={size}", "--dump-dom", f"{url}/probed.html"))


def read_found(text):
    match = re.search(r'<pre id="found">(.*?)</pre>', text, re.DOTALL)
    assert match, text[-2000:]
    return json.loads(html.unescape(match[1]))


def test_the_page_loads_without_errors_and_without_requests(found, address):
    assert found["problems"] == []
    assert found["requests"] == []
    assert set(found["images"]) == {"data:"}
    assert set(address[1]) == {"/probed.html"}


def test_the_slider_moves_the_highlight_to_the_best_setting(found, page):
    choice = list_choices(page[1].cells)
    score = np.array([point["score_scaled"] for point in choice["points"]])
    nll = np.array([point["nll_scaled"] for point in choice["points"]])
    for step in found["slider"]:
        missing = step["weight"] * (1 - score), (1 - step["weight"]) * (1 - nll)
        best = int((np.maximum(*missing) + RHO * (2 - score - nll)).argmin())
        assert step["cells"] == step["dots"] == [best]
        point = choice["points"][best]
        assert (
            f"{point['label']}, β = {point['axis_value']:g} – MIG {point['score']:.3f}"
            in step["text"]
        )
        assert step["shown"] == f"{step['weight']:.2f}"
    assert len({step["cells"][0] for step in found["slider"]}) > 1


def test_a_table_sorts_both_ways_with_what_is_missing_last(found):
    def read(texts):
        return [float(text.split()[0]) for text in texts if not text.startswith("–")]

    before, up, down = (found["sorted"][name] for name in ("before", "up", "down"))
    assert found["focused"]
    assert found["sorted"]["state"] == "ascending"
    assert sorted(before) == sorted(up) == sorted(down)
    assert up != before
    assert up[-1].startswith("–")
    assert down[-1].startswith("–")
    assert len(read(before)) == len(before) - 1
    assert read(up) == sorted(read(before))
    assert read(down) == sorted(read(before), reverse=True)


def test_paper_shows_what_the_screen_folds_away(found):
    assert found["closed"] == 0
    assert found["reopened"] == 0


def test_the_contents_mark_the_part_that_is_read(found):
    assert found["contents"]
    assert found["current"] == [["#part-0"], ["#part-0-curves"]]


@pytest.mark.parametrize("size", ["1280,900", "500,900"])
def test_nothing_sticks_out_at_the_side(size, browser, address, found):
    result = found if size == "1280,900" else probe(browser, address[0], size)
    width, room = result["width"]
    assert width <= room
    assert result["contents"] == (size == "1280,900"), "folded where the screen is small"


@pytest.mark.parametrize(
    ("size", "dark"),
    [
        pytest.param("1400,1000", False, id="desktop-light"),
        pytest.param("1400,1000", True, id="desktop-dark", marks=pytest.mark.slow),
        pytest.param("500,900", False, id="phone-light", marks=pytest.mark.slow),
        pytest.param("500,900", True, id="phone-dark", marks=pytest.mark.slow),
    ],
)
def test_axe_finds_nothing_that_keeps_readers_out(size, dark, browser, axe, page):
    text = (page[0] / "index.html").read_text(encoding="utf-8")
    checked = text.replace("</body>", f"<script>{axe}</script>{CHECKER}</body>")
    path = page[0] / f"checked-{size}-{dark}.html"
    path.write_text(checked, encoding="utf-8")
    options = [f"--window-size={size}", "--dump-dom", *([DARK] if dark else [])]
    result = read_found(browser(*options, path.as_uri()))
    assert result["dark"] == dark
    assert result["closed"] == []
    assert result["open"] == []


@pytest.mark.slow
def test_the_page_of_the_demo_is_not_eight_screens_high(browser, tmp_path):
    scores = Path(__file__).parents[2] / "data" / "demo_scores.csv"
    summary = summarise(collect(scores))
    figures = draw_figures(summary, tmp_path / "figures", ("png",))
    reproduction = {"commands": ["bench demo"], "facts": [("Scores", "a hash")], "notes": []}
    path = tmp_path / "index.html"
    write_page(path, summary, all_tables(summary), figures, reproduction)
    measure = """<script>addEventListener("load", () => {
      const out = document.createElement("pre");
      out.id = "found";
      const figure = document.querySelector("figure").getBoundingClientRect().top;
      out.textContent = JSON.stringify([document.documentElement.scrollHeight, figure]);
      document.body.append(out);
    });</script></body>"""
    path.write_text(path.read_text(encoding="utf-8").replace("</body>", measure), encoding="utf-8")
    height, figure = read_found(browser("--window-size=1400,1000", "--dump-dom", path.as_uri()))
    assert 2_000 < height < 8_000
    assert figure < 800, "the first figure begins on the first screen"


@pytest.mark.parametrize("size", [(1280, 3000), (390, 3000)])
def test_a_screenshot_is_not_blank(size, browser, page, tmp_path):
    path = tmp_path / "shot.png"
    url = (page[0] / "index.html").as_uri()
    browser(f"--window-size={size[0]},{size[1]}", f"--screenshot={path}", url)
    with Image.open(path) as image:
        grey = np.array(image.convert("L"))
        colours = image.convert("RGB").getcolors(1 << 24)
    assert grey.shape == size[::-1]
    bands = np.array_split(grey, 6)
    assert all(band.std() > 3 for band in bands)
    assert len(colours) > 100


def print_page(browser, path):
    target = path.with_suffix(".pdf")
    browser("--no-pdf-header-footer", f"--print-to-pdf={target}", path.as_uri())
    data = target.read_bytes()
    assert data.startswith(b"%PDF")
    return data


def count_pages(browser, path):
    return len(re.findall(rb"/Type\s*/Page\b", print_page(browser, path)))


def count_letters(browser, path):
    """How many letters stand on all sheets together: four hexadecimal digits are one."""
    letters = 0
    for stream in re.findall(rb"stream\r?\n(.*?)endstream", print_page(browser, path), re.DOTALL):
        with contextlib.suppress(zlib.error):
            for text in re.findall(rb"<([0-9A-Fa-f]+)>\s*Tj", zlib.decompress(stream)):
                letters += len(text) // 4
    return letters


@pytest.mark.slow
def test_the_page_prints_with_everything_that_is_folded(browser, page):
    text = (page[0] / "index.html").read_text(encoding="utf-8")
    versions = {
        "whole": text,
        "without script": text.replace("<script>", '<script type="text/plain">'),
        "without folds": re.sub("<(/?)details", r"<\1div", text).replace("querySelector(", "x("),
        "without notes": re.sub(r"<details class=.notes.>.*?</details>", "", text, flags=re.DOTALL),
    }
    pages = {}
    for name, version in versions.items():
        path = page[0] / f"print-{name.replace(' ', '-')}.html"
        path.write_text(version, encoding="utf-8")
        pages[name] = count_pages(browser, path)
    assert pages["whole"] > 2
    assert abs(pages["whole"] - pages["without folds"]) <= 1
    assert abs(pages["without script"] - pages["without folds"]) <= 1
    assert pages["without notes"] < pages["whole"]


@pytest.mark.slow
def test_heads_of_tables_are_repeated_on_every_sheet(browser, page):
    text = (page[0] / "index.html").read_text(encoding="utf-8")
    with_heads, rule = page[0] / "heads.html", "thead button { display: contents; }"
    with_heads.write_text(text, encoding="utf-8")
    assert rule in text
    without = page[0] / "no-heads.html"
    without.write_text(text.replace(rule, ""), encoding="utf-8")
    letters = [count_letters(browser, path) for path in (with_heads, without)]
    assert letters[0] > letters[1] + 50 > 1000

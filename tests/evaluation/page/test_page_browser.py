"""The page in a real browser; skipped without Chromium unless BENCH_REQUIRE_CHROMIUM=1."""

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import threading

import numpy as np
import pytest
from PIL import Image

from disentanglement_bench.evaluation.page.choice import RHO, list_choices
from disentanglement_bench.evaluation.page.figures import draw_figures
from disentanglement_bench.evaluation.page.page import write_page
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
# Listens before the page's own code runs.
LISTENER = """<script>
var problems = [];
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
  found.closed = document.querySelectorAll("details:not([open])").length;
  dispatchEvent(new Event("afterprint"));
  found.reopened = document.querySelectorAll("details[open]").length;
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


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Run Chromium; returns what it printed."""
    if CHROMIUM is None:
        if os.environ.get("BENCH_REQUIRE_CHROMIUM") == "1":
            pytest.fail("BENCH_REQUIRE_CHROMIUM=1, but there is no chromium")
        pytest.skip("needs chromium")
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


@pytest.fixture(scope="module")
def page(summary_of, sweep, tmp_path_factory):
    """A page with figures, and the summary that it shows."""
    folder = tmp_path_factory.mktemp("page")
    summary = summary_of(folder, sweep(seeds=5))
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
    text = browser(f"--window-size={size}", "--dump-dom", f"{url}/probed.html")
    match = re.search(r'<pre id="found">(.*?)</pre>', text, re.DOTALL)
    assert match, text[-2000:]
    return json.loads(match[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


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
    def key(text):
        return float(text.split()[0])

    before, up, down = (found["sorted"][name] for name in ("before", "up", "down"))
    assert found["focused"]
    assert found["sorted"]["state"] == "ascending"
    assert sorted(before) == sorted(up) == sorted(down)
    assert up != before
    assert [key(text) for text in up] == sorted(key(text) for text in before)
    assert [key(text) for text in down] == sorted((key(text) for text in before), reverse=True)


def test_paper_shows_what_the_screen_folds_away(found):
    assert found["closed"] == 0
    assert found["reopened"] == 0


@pytest.mark.parametrize("size", ["1280,900", "500,900"])
def test_nothing_sticks_out_at_the_side(size, browser, address, found):
    result = found if size == "1280,900" else probe(browser, address[0], size)
    width, room = result["width"]
    assert width <= room


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


def test_the_page_prints(browser, page, tmp_path):
    path = tmp_path / "page.pdf"
    browser("--no-pdf-header-footer", f"--print-to-pdf={path}", (page[0] / "index.html").as_uri())
    data = path.read_bytes()
    assert data.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", data)) > 2

"use strict";
(() => {
  const number = (text) => {
    const found = text.replaceAll("−", "-").replaceAll(",", "").match(/[+-]?\d+(\.\d+)?(e[+-]?\d+)?/i);
    return found ? Number(found[0]) : null;
  };

  // Sorting: a column of numbers by its first number, others as text; what is missing stays last.
  const sort = (table, column, direction) => {
    const body = table.tBodies[0];
    const texts = new Map([...body.rows].map((row) => [row, row.cells[column].innerText.trim()]));
    const missing = (text) => text === "" || text.startsWith("–") || text.startsWith("not ranked");
    const known = [...texts.values()].filter((text) => !missing(text));
    const numeric = known.every((text) => /^[≥+−-]*\s*\d/.test(text));
    const compare = (a, b) => {
      const [first, second] = [texts.get(a), texts.get(b)];
      if (missing(first) || missing(second)) return missing(first) - missing(second);
      const order = numeric ? number(first) - number(second) : first.localeCompare(second, "en", { numeric: true });
      return direction * order;
    };
    body.append(...[...body.rows].sort(compare));
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells];
    heads.forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => {
        const down = head.getAttribute("aria-sort") === "ascending";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", down ? "descending" : "ascending");
        sort(table, column, down ? -1 : 1);
      });
    });
  }

  // The slider: the setting with the smallest augmented Tchebycheff distance.
  for (const part of document.querySelectorAll(".choice")) {
    const { points, rho } = JSON.parse(part.querySelector(".points").textContent);
    const slider = part.querySelector("input");
    const update = () => {
      const weight = Number(slider.value);
      let best = 0;
      let least = Infinity;
      points.forEach((point, i) => {
        const score = 1 - point.score_scaled;
        const nll = 1 - point.nll_scaled;
        const distance = Math.max(weight * score, (1 - weight) * nll) + rho * (score + nll);
        if (distance < least - 1e-12) [best, least] = [i, distance];
      });
      const point = points[best];
      for (const mark of part.querySelectorAll("[data-point]")) {
        mark.classList.toggle("chosen", Number(mark.dataset.point) === best);
      }
      part.querySelector(".weight").textContent = weight.toFixed(2);
      slider.setAttribute("aria-valuetext", `${weight.toFixed(2)} for MIG, ${(1 - weight).toFixed(2)} for NLL`);
      const seeds = `${point.n} seed${point.n === 1 ? "" : "s"}${point.n < 5 ? ", illustrative" : ""}`;
      part.querySelector(".best").textContent =
        `Best: ${point.label}, ${point.place} – MIG ${point.score.toFixed(3)}, NLL ${point.nll.toFixed(1)} nats (${seeds})`;
    };
    slider.addEventListener("input", update);
    update();
  }

  // Contents: folded where they would cover a small screen; the part that is read is marked.
  const contents = document.querySelector(".contents details");
  const wide = matchMedia("(min-width: 1100px)");
  const fold = () => { contents.open = wide.matches; };
  wide.addEventListener("change", fold);
  fold();
  const links = [...contents.querySelectorAll("a")];
  const parts = links.map((link) => document.getElementById(link.hash.slice(1)));
  let waiting = false;
  const mark = () => {
    waiting = false;
    let current = 0;
    parts.forEach((part, i) => { if (part.getBoundingClientRect().top < 130) current = i; });
    links.forEach((link, i) => {
      if (i === current) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
    if (wide.matches) {
      // Scrolls the list alone, which scrollIntoView would not.
      const [box, list] = [links[current].getBoundingClientRect(), contents.parentElement];
      if (box.top < 0) list.scrollTop += box.top;
      else if (box.bottom > innerHeight) list.scrollTop += box.bottom - innerHeight;
    }
  };
  addEventListener("scroll", () => {
    if (!waiting) requestAnimationFrame(mark);
    waiting = true;
  }, { passive: true });
  mark();
  for (const link of links) {
    link.addEventListener("click", () => { if (!wide.matches) contents.open = false; });
  }

  // A link into a folded part opens it.
  const show = () => {
    for (let part = document.getElementById(location.hash.slice(1)); part; part = part.parentElement) {
      if (part.tagName === "DETAILS") part.open = true;
    }
  };
  addEventListener("hashchange", show);
  show();

  // Paper has no buttons: everything but animations is opened for printing.
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("main details:not([open])")];
    for (const part of opened) part.open = true;
  });
  addEventListener("afterprint", () => {
    for (const part of opened) part.open = false;
  });
})();

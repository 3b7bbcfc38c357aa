"""The LaTeX of a report compiles in a plain article, and its bibliography without a warning."""

import os
import re
import shutil
import subprocess

import pandas as pd
import pytest

from disentanglement_bench.evaluation.tables.latex import rows_to_latex
from disentanglement_bench.evaluation.tables.rendering import write_tables
from disentanglement_bench.evaluation.tables.table import Table
from disentanglement_bench.evaluation.tables.tables import all_tables

PROGRAMS = ("pdflatex", "bibtex")


@pytest.fixture(scope="module")
def compiled(summary_of, sweep, tmp_path_factory):
    """The log of LaTeX and that of BibTeX for every table of a report, hostile names included."""
    lacking = [name for name in PROGRAMS if shutil.which(name) is None]
    if lacking:
        text = f"not installed: {', '.join(lacking)}"
        if os.environ.get("BENCH_REQUIRE_LATEX") == "1":
            pytest.fail(text)
        pytest.skip(text)
    folder = tmp_path_factory.mktemp("latex")
    odd = {"model": "it_costs$5 & 50%\\x {~}^# \x1b[31m", "run_status": None, "seed": None}
    rows = sweep(seeds=10)
    rows += [rows[0] | odd | {"path": "mine.h5"}]
    rows += [row | {"dataset": "a_b & 模", "path": f"x/{row['path']}"} for row in sweep(seeds=2)]
    rows += [
        row
        | {"model": "factors", "lambda": row["beta"], "beta": 1}
        | {"dataset": "a_b & 模", "path": f"y/{row['path']}"}
        for row in sweep(seeds=2, models=("betatcvae",))
    ]
    more = ("factorvae_score", "irs", "irs_active", "mcc", "modularity", "infom", "udr")
    rows = [
        row if row["seed"] is None else row | dict.fromkeys(more, row["mig"] + row["seed"] / 100)
        for row in rows
    ]
    tables = all_tables(summary_of(folder / "results", rows))
    assert {"udr", "scores", "details"} <= {table.name.split("-")[0] for table in tables}
    write_tables(tables, folder)
    inputs = "\n".join(f"\\input{{{table.name}}}\n\\clearpage" for table in tables)
    (folder / "all.tex").write_text(
        "\\documentclass{article}\n\\usepackage{booktabs}\n\\begin{document}\n"
        f"{inputs}\n\\bibliographystyle{{plain}}\n\\bibliography{{references}}\n\\end{{document}}\n"
    )
    latex = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    logs = []
    for command in (latex, ["bibtex", "all"], latex, latex):
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace")
        assert done.returncode == 0, done.stdout[-2000:]
        logs.append(done.stdout)
    return logs[-1], logs[1]


def test_no_reference_is_missing(compiled):
    assert "undefined" not in compiled[0]


def test_no_table_is_wider_than_the_text(compiled):
    wide = [
        float(points)
        for points in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide", compiled[0])
    ]
    assert max(wide, default=0) < 5


def test_the_bibliography_has_no_warning(compiled):
    assert "warning" not in compiled[1].lower()


def test_rows_to_paste_begin_with_no_argument_of_a_line_break():
    mark = "\N{NO-BREAK SPACE}§"
    rows = (("VAE", "0.1"), ("[mine]" + mark, "0.2\n[0.1, 0.3]"), ("*", "0.3"))
    table = Table("t", "Title", ("Method", "MIG"), rows, pd.DataFrame())
    assert rows_to_latex(table, {"[mine]", "*"}).splitlines()[1:] == [
        r"{}[mine]~\S{} & 0.2 [0.1, 0.3] \\",
        r"{}* & 0.3 \\",
    ]

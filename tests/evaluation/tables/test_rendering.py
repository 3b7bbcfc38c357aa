import csv
import io
import re
import shutil
import subprocess

import pandas as pd
import pytest

from disentanglement_bench.evaluation.tables.citations import (
    _ENTRIES,
    SOFTWARE,
    bibtex,
    citation_keys,
)
from disentanglement_bench.evaluation.tables.rendering import (
    Table,
    latex_escape,
    to_csv,
    to_latex,
    to_markdown,
    to_text,
    write_tables,
)

TABLE = Table(
    "a-table",
    "A & B at 50 % of λ_1",
    ("Method", "MIG ↑", "n|m"),
    (("β-VAE §", "0.2 ± 0.1\n[0.1, 0.3], 5/5*", "[x] <y>"), ("a_b", "–", "{#}~^\\")),
    pd.DataFrame({"method": ["betavae", "a_b"], "mean": [0.123456789012, None]}),
    ("Data: x_y, ≥ 2 nats.", "* few"),
    ("higgins2017beta", SOFTWARE),
)


def check_latex(text):
    """A small structural parser: environments nest, braces balance, rows have equal cells."""
    body = "\n".join(re.sub(r"(?<!\\)%.*", "", line) for line in text.split("\n"))
    assert body.isascii() or all("\u00c0" <= c <= "\u017e" for c in body if not c.isascii())
    stack = []
    for kind, name in re.findall(r"\\(begin|end)\{([a-z*]+)\}", body):
        if kind == "begin":
            stack.append(name)
        else:
            assert stack.pop() == name
    assert not stack
    depth = 0
    for token in re.findall(r"\\.|[{}]", body, flags=re.DOTALL):
        depth += {"{": 1, "}": -1}.get(token, 0)
        assert depth >= 0
    assert depth == 0
    assert len(re.findall(r"(?<!\\)\$", body)) % 2 == 0
    assert not re.search(r"(?<!\\)[_^#](?!\d\$)", re.sub(r"\\label\{[^}]*\}", "", body))
    inside = re.search(r"\\toprule(.*)\\bottomrule", body, flags=re.DOTALL).group(1)
    inner = re.compile(r"\\begin\{tabular\}\[t\]\{@\{\}c@\{\}\}.*?\\end\{tabular\}", re.DOTALL)
    rows = [
        r for r in inner.sub("cell", inside).split("\\\\") if r.replace("\\midrule", "").strip()
    ]
    columns = re.search(r"\\begin\{tabular\}\{([lc]+)\}", body).group(1)
    for row in rows:
        assert len(re.findall(r"(?<!\\)&", row)) == len(columns) - 1
    return rows


def test_latex_is_well_formed():
    text = to_latex(TABLE)
    assert len(check_latex(text)) == 3
    assert "\\toprule" in text
    assert not re.search(r"\\\\\s*[*\[]", text), "a line break takes * and [ as its own"
    assert "\\caption{A \\& B at 50 \\% of $\\lambda$\\_1}" in text
    assert "% @inproceedings{higgins2017beta," in text


def test_the_parser_sees_what_is_wrong():
    for wrong in ("a_b & c", "{", "\\begin{x}", "a & b & c & d \\\\"):
        with pytest.raises(AssertionError):
            check_latex(to_latex(TABLE).replace("a\\_b", wrong))


@pytest.mark.parametrize("name", ["pdflatex", "tectonic"])
def test_latex_compiles(name, tmp_path):
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    document = (
        "\\documentclass{article}\n\\usepackage[utf8]{inputenc}\n"
        "\\usepackage{booktabs,graphicx}\n\\begin{document}\n"
        f"{to_latex(TABLE)}\\end{{document}}\n"
    )
    (tmp_path / "t.tex").write_text(document, encoding="utf-8")
    options = ["-interaction=nonstopmode", "-halt-on-error"] if name == "pdflatex" else []
    done = subprocess.run([name, *options, "t.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "t.pdf").stat().st_size > 1000


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b%c&d#e$f", r"a\_b\%c\&d\#e\$f"),
        ("{x}~^\\", r"\{x\}\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        ("é ± ≥ 2", "é $\\pm$ $\\geq$ 2"),
        ("模", "[U+6A21]"),
        ("a\nb\tc\x07", "a b c "),
    ],
)
def test_latex_escape(text, expected):
    assert latex_escape(text) == expected


def test_markdown_is_one_table_whatever_the_cells_hold():
    text = to_markdown(TABLE)
    lines = [line for line in text.split("\n") if line.startswith("|")]
    assert len(lines) == 4
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {4}
    assert "0.2 ± 0.1<br>\\[0.1, 0.3\\], 5/5\\*" in text
    assert "&lt;y>" in text
    assert "- Data: x\\_y, ≥ 2 nats." in text
    assert "```bibtex\n@inproceedings{higgins2017beta," in text


def test_csv_reads_back_in_full_precision():
    rows = list(csv.DictReader(io.StringIO(to_csv(TABLE))))
    assert float(rows[0]["mean"]) == 0.123456789012
    assert rows[1]["mean"] == ""
    assert rows[0]["notes"] == "Data: x_y, ≥ 2 nats. | * few"
    assert rows[0]["cite"] == f"higgins2017beta {SOFTWARE}"


def test_text_has_title_cells_and_notes():
    text = to_text(TABLE)
    assert text.startswith(TABLE.title)
    assert "[0.1, 0.3], 5/5*" in text
    assert text.endswith("* few")


def test_write_tables_writes_three_forms_and_the_references(tmp_path):
    written = write_tables([TABLE], tmp_path / "new")
    assert [path.name for path in written] == [
        "a-table.md",
        "a-table.tex",
        "a-table.csv",
        "references.bib",
    ]
    assert (tmp_path / "new" / "a-table.tex").read_text(encoding="utf-8") == to_latex(TABLE)
    assert write_tables([], tmp_path / "none") == []


def test_every_citation_has_an_entry():
    methods = ["vae", "betavae", "betavae_first", "lambdabeta", "lambdabeta_scratch", "betatcvae"]
    metrics = ["mig_sampled", "sap", "dci_completeness", "mi_matched", "modularity", "active_units"]
    metrics += ["explicitness_test", "unknown"]
    data = ["dsprites (version 1)", "shapes3d", "mpi3d_real", "rooms3d", "mine"]
    keys = citation_keys(methods, metrics, data)
    assert set(_ENTRIES) | {SOFTWARE} == set(keys)
    text = bibtex(keys)
    assert re.findall(r"^@\w+\{([^,]+),", text, flags=re.MULTILINE) == list(keys)
    for entry in text.split("\n\n"):
        assert entry.count("{") == entry.count("}")
    with pytest.raises(KeyError):
        bibtex(["nobody2000"])

import csv
import io
import re

import pandas as pd
import pytest

from disentanglement_bench.evaluation.metrics import METRICS
from disentanglement_bench.evaluation.scoring.run_records import describe_method
from disentanglement_bench.evaluation.tables.citations import (
    SOFTWARE,
    STUDY,
    bibtex,
    dataset_source,
    is_key,
)
from disentanglement_bench.evaluation.tables.latex import latex_escape, to_latex
from disentanglement_bench.evaluation.tables.rendering import (
    to_csv,
    to_markdown,
    to_text,
    write_tables,
)
from disentanglement_bench.evaluation.tables.table import Table

TABLE = Table(
    "a-table",
    "A & B at 50 % of λ_1",
    ("Method", "MIG ↑", "n|m"),
    (("β-VAE §", "0.2 ± 0.1\n[0.1, 0.3], 5/5*", "[x] <y>"), ("a_b", "–", "{#}~^\\")),
    pd.DataFrame({"method": ["betavae", "a_b"], "mean": [0.123456789012, None]}),
    ("Data: x_y, ≥ 2 nats.", "* few"),
    (("β-VAE", "higgins2017beta"), ("mine_1", "A. Author, 50 % off")),
)


# Where an underscore needs no escape: in names of files and sources, and in formulas.
_FREE = re.compile(r"\\(?:label|cite)\{[^}]*\}|(?<!\\)\$[^$]*\$")


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
    assert not re.search(r"(?<!\\)[_^#]", _FREE.sub("", body))
    inside = re.search(r"\\toprule(.*)\\bottomrule", body, flags=re.DOTALL).group(1)
    inner = re.compile(
        r"\\begin\{tabular\}\[[tb]\]\{@\{\}[lc]@\{\}\}.*?\\end\{tabular\}", re.DOTALL
    )
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
    assert "\\caption{A \\& B at 50 \\% of $\\lambda_{1}$}" in text
    assert (
        "β-VAE".replace("β", "$\\beta$") + " \\cite{higgins2017beta}; mine\\_1 (A. Author" in text
    )
    assert f"\\cite{{{SOFTWARE}}}" in text
    assert "graphicx" not in text


def test_the_parser_sees_what_is_wrong():
    for wrong in ("a_b & c", "{", "\\begin{x}", "a & b & c & d \\\\"):
        with pytest.raises(AssertionError):
            check_latex(to_latex(TABLE).replace("a\\_b", wrong))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b%c&d#e$f", r"a\_b\%c\&d\#e\$f"),
        ("λ_od/γ, C_max, I_m", r"$\lambda_{od}$/$\gamma$, $C_{\max}$, $I_{m}$"),
        ("A_b_c _C_d", r"A\_b\_c \_C\_d"),
        ("{x}~^\\", r"\{x\}\textasciitilde{}\textasciicircum{}\textbackslash{}"),
        ("é ± ≥ 2", "é $\\pm$ $\\geq$ 2"),
        ("模", "[U+6A21]"),
        ("a\nb\tc\x07", "a b c "),
        ("naïve Ąž", "naïve [U+0104]ž"),
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
    fold = "<details>\n<summary>References (BibTeX)</summary>\n\n```bibtex\n"
    assert f"{fold}@misc{{disentanglement_bench," in text
    assert text.endswith("```\n\n</details>\n")
    assert "@inproceedings{higgins2017beta," in text


def test_csv_reads_back_in_full_precision():
    rows = list(csv.DictReader(io.StringIO(to_csv(TABLE))))
    assert float(rows[0]["mean"]) == 0.123456789012
    assert rows[1]["mean"] == ""
    assert rows[0]["notes"] == "Data: x_y, ≥ 2 nats. | * few"
    assert rows[0]["cite"] == f"{SOFTWARE} {STUDY} higgins2017beta"


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@x", "\tx", "\rx"])
def test_csv_holds_no_formulas(text):
    data = pd.DataFrame({"name": [text, "plain"], "mean": [-0.5, 1e-9]})
    (first, second) = csv.DictReader(io.StringIO(to_csv(Table("t", "", ("a",), (), data))))
    assert first["name"] == "'" + text.replace("\r", " ")
    assert second["name"] == "plain"
    assert float(first["mean"]) == -0.5
    assert float(second["mean"]) == 1e-9


@pytest.mark.parametrize("name", ["\x1b[31mred", "\x00*star", "[x", "a\n*b"])
def test_control_characters_do_not_open_an_argument(name):
    text = to_latex(Table("t", name, (name, name), ((name, name),), pd.DataFrame(), (name,)))
    check_latex(text)
    assert not re.search(r"\\\\\s*[*\[]", text)
    assert text.replace("\n", "").isprintable()


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


def test_every_declared_citation_has_an_entry():
    declared = {metric.citation for metric in METRICS.values()}
    declared |= {describe_method(m)["citation"] for m in ("vae", "betavae", "lambdabeta")}
    declared |= {dataset_source(name) for name in ("dsprites (version 1)", "shapes3d", "rooms3d")}
    assert "" not in declared
    assert all(is_key(key) for key in declared)
    assert dataset_source("mine") == ""
    assert not is_key("nobody2000")
    with pytest.raises(KeyError):
        bibtex(["nobody2000"])


def test_bibtex_gives_whole_entries():
    keys = [SOFTWARE, STUDY, "dsprites17"]
    text = bibtex(keys)
    assert re.findall(r"^@\w+\{([^,]+),", text, flags=re.MULTILINE) == keys
    assert "keywords" not in text
    assert "VERSION" not in text
    for entry in text.split("\n\n"):
        assert entry.count("{") == entry.count("}")

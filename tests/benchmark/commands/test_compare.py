import pytest
from click.testing import CliRunner

from disentanglement_bench.benchmark.commands import compare as compare_command
from disentanglement_bench.benchmark.commands.compare import command
from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.evaluation import comparison
from disentanglement_bench.evaluation.comparison import Comparison, ComparisonError
from disentanglement_bench.evaluation.comparison.entries import Entry
from disentanglement_bench.evaluation.reference import load_benchmark
from disentanglement_bench.evaluation.tables.table import Compact, Table


@pytest.fixture
def made(tmp_path):
    """A comparison of one row, made by hand."""
    rows = (("VAE", "0.100 ± 0.010"), ("mine (external)", "0.400*"))
    compact = Compact(("Method", "MIG ↑"), rows, ())
    table = Table("comparison", "Comparison on x", ("Method", "MIG ↑"), rows, None, compact=compact)
    entries = [Entry(tmp_path / "a.h5", model="mine")]
    entries += [Entry(tmp_path / f"{i}.h5", refusal=f"reason {i}") for i in range(12)]
    return Comparison(
        load_benchmark("db1"),
        entries,
        None,
        {"mine_external": "mine (external)"},
        None,
        None,
        ["MIG on x: mine (external) has 0.400."],
        ["How external rows were trained is unknown."],
        [f"{i}.h5: reason {i}." for i in range(12)],
        [table],
        "% Method & MIG\nmine & 0.400 \\\\\n",
        3,
        [],
        tmp_path / "out",
    )


@pytest.fixture
def invoke(monkeypatch, made):
    """Call the command; what it passes on is kept, and `made` comes back."""
    asked = {}

    def compare(paths, benchmark, output, **options):
        asked.update(options, paths=paths, benchmark=benchmark, output=output)
        return made

    monkeypatch.setattr(comparison, "compare", compare, raising=False)

    def call(*arguments):
        return CliRunner().invoke(command, [str(argument) for argument in arguments]), asked

    return call


def test_everything_that_is_said_is_printed(invoke):
    result, asked = invoke("mine", "more.h5", "--name", "Mine", "--no-figures", "--jobs", 2)
    assert result.exit_code == 0
    assert asked["paths"] == ("mine", "more.h5")
    assert (asked["benchmark"], asked["output"]) == ("db1", "results/compare")
    assert (asked["name"], asked["jobs"], asked["figures"]) == ("Mine", 2, False)
    assert "Compared 1 of 13 representations with DB-1 1.0; scores computed: 3." in result.stdout
    assert "mine (external) │ 0.400*" in result.stdout
    assert "* fewer than 5 seeds" in result.stdout
    assert "  MIG on x: mine (external) has 0.400." in result.stdout
    assert "  Note: How external rows were trained is unknown." in result.stdout
    assert "mine & 0.400 \\\\" in result.stdout
    assert "  9.h5: reason 9." in result.stderr
    assert "… and 2 more; see comparison.json" in result.stderr


def test_what_could_not_be_read_is_told_at_the_end(invoke, made):
    made.problems.append("text.h5: not a\nrepresentation")
    result, _ = invoke("mine")
    assert result.exit_code == 1
    assert result.stderr.endswith("Error: text.h5: not a representation\n")


def test_nothing_to_compare_is_an_error_with_one_line(invoke, monkeypatch):
    def refuse(*arguments, **options):
        raise ComparisonError("nothing can be compared: a.h5: reason.")

    monkeypatch.setattr(comparison, "compare", refuse)
    with pytest.raises(BenchError, match=r"nothing can be compared: a.h5: reason\.") as caught:
        compare_command.compare(["a.h5"])
    assert caught.value.exit_code == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"benchmark": "db3"}, "unknown benchmark 'db3'; did you mean 'db1'?"),
        ({"name": "two\nlines"}, "--name must be a name without line breaks"),
        ({"name": " "}, "--name must be a text that is not empty"),
    ],
)
def test_names_that_cannot_be_are_usage_errors(invoke, options, message):
    with pytest.raises(BenchError) as caught:
        compare_command.compare(["mine"], **options)
    assert caught.value.exit_code == 2
    assert message in str(caught.value)


def test_a_path_is_needed(invoke):
    result, _ = invoke()
    assert result.exit_code == 2

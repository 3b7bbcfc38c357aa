import io
import re

from disentanglement_bench.benchmark.console import (
    MOST_DRAWN,
    Meter,
    TolerantStream,
    print_table,
    table,
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_elsewhere_than_on_a_terminal_every_tenth_is_a_line():
    stream = io.StringIO()
    with Meter("copying", file=stream) as report:
        for done in range(0, 101):
            report(done, 100)
        report(1, None)
    assert stream.getvalue().splitlines() == [f"copying {tenth} %" for tenth in range(10, 101, 10)]


def test_on_a_terminal_there_is_a_bar(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    with Meter("copying", binary=True, file=stream) as report:
        report(1_000_000, 3_000_000)
        report(3_000_000, 3_000_000)
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", stream.getvalue())
    assert "copying" in shown
    assert "3.0/3.0 MB" in shown


def test_a_stream_that_is_gone_takes_everything():
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

        def flush(self):
            raise BrokenPipeError

    stream = TolerantStream(Gone())
    assert stream.write("abc") == 3
    stream.flush()
    assert stream.isatty() is False


def test_nothing_is_shown_while_there_is_patience():
    stream = io.StringIO()
    with Meter("reading", file=stream, patience=1e9) as report:
        report(100, 100)
    assert stream.getvalue() == ""


def test_thousands_of_rows_are_printed_as_bare_columns(capsys):
    shown = table("Runs", "run", "state")
    for number in range(MOST_DRAWN):
        shown.add_row(f"beta={number}", "done")
    print_table(shown)
    assert "│ beta=7" in capsys.readouterr().out
    shown.add_row("a/" + 200 * "b", "failed: [red] is no colour here")
    print_table(shown)
    title, heading, first, *_, last = capsys.readouterr().out.splitlines()
    assert title == "Runs"
    assert heading.split() == ["run", "state"]
    assert first == f"{'beta=0':<100}  done"
    assert heading.index("state") == 102
    assert last == f"a/{200 * 'b'}  failed: [red] is no colour here"

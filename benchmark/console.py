"""Tables and progress on the terminal."""

import contextlib
import sys
import time

# More rows than these are printed without a frame.
MOST_DRAWN = 1_000
# Longer cells of such rows push what follows to the right.
WIDEST_COLUMN = 100


def console():
    """A console for tables: the terminal's width, or a fixed one when there is no terminal."""
    from rich.console import Console

    # Variant strings have brackets of their own.
    plain = Console(markup=False, highlight=False)
    return plain if plain.is_terminal else Console(width=160, markup=False, highlight=False)


def table(title, *headings):
    """An empty table; long cells fold."""
    from rich.table import Table

    empty = Table(title=title, title_justify="left")
    for heading in headings:
        empty.add_column(heading, overflow="fold")
    return empty


def print_table(shown):
    """Print a table; one of thousands of rows as bare columns, which takes a tenth of the time.

    Parameters
    ----------
    shown : rich.table.Table
        From `table`, filled with text.
    """
    if shown.row_count <= MOST_DRAWN:
        console().print(shown)
        return
    import click

    columns = [[column.header, *column.cells] for column in shown.columns]
    widths = [min(max(map(len, cells)), WIDEST_COLUMN) for cells in columns]
    click.echo(shown.title)
    for row in zip(*columns, strict=True):
        cells = (f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True))
        click.echo("  ".join(cells).rstrip())


def echo_first(lines, most, rest):
    """Print the first lines on standard error, and `rest`, with ``{}`` for how many, for others."""
    import click

    for line in lines[:most]:
        click.echo(line, err=True)
    if len(lines) > most:
        click.echo(rest.format(len(lines) - most), err=True)


class TolerantStream:
    """A stream that may go away, as a terminal that is closed: what is written then is dropped.

    Parameters
    ----------
    stream : file object
    """

    def __init__(self, stream):
        self._stream = stream

    def __getattr__(self, name):
        return getattr(self._stream, name)

    def write(self, text):
        """Write, or do nothing."""
        with contextlib.suppress(OSError):
            return self._stream.write(text)
        return len(text)

    def flush(self):
        """Flush, or do nothing."""
        with contextlib.suppress(OSError):
            self._stream.flush()


def make_bars(console, binary=False, **options):
    """Bars with their counts and the time left; names are cut short before any number is.

    Parameters
    ----------
    console : rich.console.Console
    binary : bool, default False
        Counts are bytes.
    **options
        Of `rich.progress.Progress`.

    Returns
    -------
    rich.progress.Progress
        Its tasks have a field ``note``, the text at the end of the line.
    """
    from rich import progress
    from rich.table import Column

    class Name(progress.TextColumn):
        """A text that becomes shorter instead of longer lines."""

        def render(self, task):
            text = super().render(task)
            text.no_wrap, text.overflow = True, "ellipsis"
            return text

    counts = [progress.MofNCompleteColumn]
    if binary:
        counts = [progress.DownloadColumn, progress.TransferSpeedColumn]
    return progress.Progress(
        Name("{task.description}", markup=False, table_column=Column()),
        progress.BarColumn(bar_width=10, table_column=Column(no_wrap=True)),
        *(column(table_column=Column(no_wrap=True)) for column in counts),
        progress.TimeRemainingColumn(table_column=Column(no_wrap=True)),
        progress.TextColumn("{task.fields[note]}", markup=False),
        console=console,
        **options,
    )


class Meter:
    """Shows how far one thing is: a bar on a terminal, a line at every tenth elsewhere.

    Nothing is shown for what is done at once.

    Parameters
    ----------
    text : str
        What is done.
    binary : bool, default False
        Counts are bytes.
    patience : float, default 0
        Seconds before anything is shown.
    file : file object, optional
        Default: standard error.

    Examples
    --------
    >>> with Meter("copying", file=sys.stdout) as report:
    ...     for done in range(0, 31, 10):
    ...         report(done, 30)
    copying 33 %
    copying 66 %
    copying 100 %
    """

    def __init__(self, text, binary=False, file=None, patience=0.0):
        self._text = text
        self._silent_until = time.monotonic() + patience
        self._binary = binary
        self._file = TolerantStream(file or sys.stderr)
        self._bars = self._task = None
        self._tenths = 0

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, done, total):
        """Show that `done` of `total` is done; the total may be unknown (None)."""
        if time.monotonic() < self._silent_until:
            return
        if self._file.isatty():
            self._draw(done, total)
        elif total and 10 * done // total > self._tenths:
            self._tenths = 10 * done // total
            print(f"{self._text} {100 * done // total} %", file=self._file)

    def _draw(self, done, total):
        if self._bars is None:
            from rich.console import Console

            self._bars = make_bars(Console(file=self._file), self._binary)
            self._bars.start()
            self._task = self._bars.add_task(self._text, total=total, note="")
        self._bars.update(self._task, completed=done, total=total)

"""Option types that several commands share."""

import re

import click

MOST_SEEDS = 10_000


class NumberList(click.ParamType):
    """Comma-separated numbers of at least a minimum, e.g. ``1,4,8``."""

    name = "numbers"

    def __init__(self, minimum=0):
        self.minimum = minimum

    def convert(self, value, param, ctx):
        """Return a tuple of floats."""
        if isinstance(value, tuple):
            return value
        numbers = []
        for part in value.split(","):
            try:
                number = float(part)
            except ValueError:
                self.fail(f"expected numbers separated by commas, got {value!r}", param, ctx)
            if not self.minimum <= number < float("inf"):
                self.fail(f"expected numbers of at least {self.minimum:g}, got {part}", param, ctx)
            numbers.append(number)
        return tuple(numbers)


class SeedList(click.ParamType):
    """Seeds: ``10`` is 0 to 9, ``0-4`` a range, ``1,3`` a list, ``3-3`` or ``3,`` one seed."""

    name = "seeds"

    def convert(self, value, param, ctx):
        """Return a tuple of int."""
        if isinstance(value, tuple):
            return value
        if re.fullmatch(r"\d{1,9}", value):
            if not 1 <= int(value) <= MOST_SEEDS:
                self.fail(
                    f"expected a count of 1 to {MOST_SEEDS:,} seeds, got {value}; "
                    f"the one seed of this number is written {value}-{value}",
                    param,
                    ctx,
                )
            return tuple(range(int(value)))
        seeds = []
        for part in value.removesuffix(",").split(","):
            match = re.fullmatch(r"(\d{1,9})(?:-(\d{1,9}))?", part.strip())
            if not match:
                self.fail(
                    f"expected a count (10), a range (0-4) or a list (1,3) of seeds, got {value!r}",
                    param,
                    ctx,
                )
            first, last = int(match[1]), int(match[2] or match[1])
            if last < first or last - first >= MOST_SEEDS:
                self.fail(
                    f"expected a rising range of at most {MOST_SEEDS:,} seeds, got {part!r}",
                    param,
                    ctx,
                )
            seeds += range(first, last + 1)
        return tuple(dict.fromkeys(seeds))


class Shard(click.ParamType):
    """One machine's part of a plan: ``i/n`` with i from 0 to n − 1."""

    name = "i/n"

    def convert(self, value, param, ctx):
        """Return (index, count)."""
        if isinstance(value, tuple):
            return value
        match = re.fullmatch(r"(\d+)/(\d+)", value)
        if not match or int(match[1]) >= int(match[2]):
            self.fail(f"expected i/n with i from 0 to n - 1, e.g. 0/4, got {value!r}", param, ctx)
        return int(match[1]), int(match[2])


class Stack(click.ParamType):
    """A number of runs that are trained together, or ``auto``."""

    name = "auto|n"

    def convert(self, value, param, ctx):
        """Return "auto" or the number."""
        if isinstance(value, int) or value == "auto":
            return value
        if not re.fullmatch(r"[0-9]{1,4}", value) or int(value) < 1:
            self.fail(
                f"expected auto or a whole number of runs from 1 to 9999, got {value!r}", param, ctx
            )
        return int(value)


class Setting(click.ParamType):
    """``key=value``, or ``key=value,value`` for a sweep."""

    name = "key=value[,value…]"

    def convert(self, value, param, ctx):
        """Return (key, value as text)."""
        if isinstance(value, tuple):
            return value
        key, equals, text = value.partition("=")
        if not equals or not key.strip():
            self.fail(f"expected key=value, got {value!r}", param, ctx)
        return key.strip(), text.strip()


class Tag(click.ParamType):
    """A name that is safe in a path."""

    name = "name"

    def convert(self, value, param, ctx):
        """Return the name."""
        if value and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", value):
            self.fail(
                f"expected letters, digits, '.', '_' and '-', at most 64, got {value!r}", param, ctx
            )
        return value


def merge_values(values):
    """Join the values of an option that takes commas and repeats, without repetitions."""
    return tuple(dict.fromkeys(part for value in values for part in value)) if values else None


def negate(ctx, param, given):
    """Return whether a flag was not given, as a callback of an option called ``--no-…``.

    A `flag_value` of False would do as well, but with click 8.3 its default is then False too.
    """
    return not given


def split_names(ctx, param, values):
    """Callback: names given with commas or repeats."""
    parts = [part.strip() for value in values for part in value.split(",")]
    names = tuple(dict.fromkeys(part for part in parts if part))
    if values and not names:
        raise click.BadParameter(f"expected a name, got {values[0]!r}", ctx, param)
    return names


def complete_names(list_names):
    """Shell completion of one name, or of the last of several between commas.

    Parameters
    ----------
    list_names : callable
        Gives all names; called when they are asked for.
    """

    def complete(ctx, param, incomplete):
        before, comma, start = incomplete.rpartition(",")
        return [before + comma + name for name in list_names() if name.startswith(start)]

    return complete


def list_model_names():
    """Names that --model takes."""
    from ..protocol.registry import model_names

    return model_names()


def list_dataset_names():
    """Names that --dataset takes."""
    from ..datasets import list_names

    return list_names()


def list_benchmark_names():
    """Names that --benchmark takes."""
    from ...evaluation.reference.benchmarks import BENCHMARKS

    return BENCHMARKS


def benchmark_option(what):
    """The option --benchmark of a command.

    Parameters
    ----------
    what : str
        What the command takes from the benchmark.
    """
    return click.option(
        "--benchmark",
        metavar="NAME",
        shell_complete=complete_names(list_benchmark_names),
        help=f"A standard benchmark, see `bench list benchmarks`: {what}.",
    )


results_option = click.option(
    "--results",
    type=click.Path(file_okay=False),
    default="results",
    show_default=True,
    help="Folder of all results.",
)
data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False),
    help="Folder of the data sets (default: $BENCH_DATA, else the user's cache folder).",
)
device_option = click.option(
    "--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps."
)

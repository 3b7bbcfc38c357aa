"""The `bench` command: a thin group whose commands load when they are called."""

import importlib
import os
import sys

import click

from ..evaluation.naming import one_line, unknown_name
from .errors import BenchError

COMMANDS = (
    "demo",
    "train",
    "status",
    "evaluate",
    "report",
    "compare",
    "pack",
    "verify",
    "submit",
    "theory",
    "data",
    "list",
    "check",
)

LONGEST_MESSAGE = 3000


class LazyGroup(click.Group):
    """A group that imports the module of a command only when it is needed."""

    def list_commands(self, ctx):
        return list(COMMANDS)

    def get_command(self, ctx, name):
        if name not in COMMANDS:
            return None
        return importlib.import_module(f"disentanglement_bench.benchmark.commands.{name}").command

    def resolve_command(self, ctx, args):
        name = args[0] if args else ""
        if name not in COMMANDS and not name.startswith("-"):
            ctx.fail(unknown_name("command", name, COMMANDS))
        return super().resolve_command(ctx, args)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="disentanglement-bench", prog_name="bench")
def cli():
    """Train, score and compare disentangled representations.

    \b
    Example:
      bench train --model lambdabeta --seeds 10
      bench evaluate results/
    """


def main():
    """Run `bench`: errors become one line and an exit code, Ctrl-C exits with 130."""
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except BenchError as error:
        click.echo(f"Error: {one_line(error, LONGEST_MESSAGE)}", err=True)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        code = 130
    except OSError as error:
        # The reader of our output may be gone, as in `bench list datasets | head`.
        if not isinstance(error, BrokenPipeError):
            place = one_line(error.filename or "an operation failed")
            reason = error.strerror or one_line(error)
            click.echo(
                f"Error: {place}: {reason}; see that there is space, and that you may read and "
                "write there",
                err=True,
            )
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 1
    sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    main()

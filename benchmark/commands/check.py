"""`bench check`."""

import click

USES = {
    "model": "bench train --model",
    "data set": "bench train --dataset",
    "metric": "bench evaluate results/ --metrics",
}


@click.command(short_help="Try your own model, data set or metric.")
@click.argument("target", metavar="OBJECT")
@click.option(
    "--patience",
    type=click.FloatRange(min=1),
    default=120,
    show_default=True,
    help="Seconds that one step of the check may take.",
)
def command(target, patience):
    """Check a model, data set or metric of your own before it is used.

    OBJECT is package.module:Name or path/to/file.py:Name. Modules are looked for on Python's path
    and, last, in the current folder. Your code runs in a process of its own, so that it may crash
    or hang. The exit code is 1 if something is wrong.

    \b
    Examples:
      bench check mymodels:MyVAE
      bench check work/mymodels.py:MyVAE
    """
    from ..checks import check

    kind = check(target, lambda line: click.echo(f"ok: {line}"), patience)
    click.echo(f"{target} is a usable {kind}: {USES[kind]} {target}")

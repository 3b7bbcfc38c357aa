"""`bench check`."""

import click


@click.command(short_help="Try your own model, data set or metric.")
@click.argument("target", metavar="package.module:Name")
def command(target):
    """Check a model, data set or metric of your own before it is used.

    Modules are looked for on Python's path and, last, in the current folder.

    \b
    Example:
      bench check mymodels:MyVAE
    """
    from ..checks import check

    kind, lines = check(target)
    for line in lines:
        click.echo(f"ok: {line}")
    option = {"model": "bench train --model", "data set": "bench train --dataset"}
    use = option.get(kind, "bench evaluate results/ --metrics")
    click.echo(f"{target} is a usable {kind}: {use} {target}")

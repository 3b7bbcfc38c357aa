"""`bench report`."""

import click

from .options import benchmark_option, data_dir_option


class Selection(click.ParamType):
    """``best``, or ``METHOD:SETTING`` such as ``lambdabeta:beta=8,lambda=8``."""

    name = "best|method:setting"

    def convert(self, value, param, ctx):
        """Return None for ``best``, else (method, setting)."""
        if value is None or isinstance(value, tuple):
            return value
        if value == "best":
            return ()
        method, colon, setting = value.partition(":")
        if not colon or not method or not setting:
            self.fail(
                f"expected best or METHOD:SETTING (lambdabeta:beta=8,lambda=8), got {value!r}",
                param,
                ctx,
            )
        return method.strip(), setting.replace(" ", "")


@click.command(short_help="Tables, figures and a page from scored runs.")
@click.argument("path", type=click.Path(), default="results")
@click.option("--output", type=click.Path(file_okay=False), help="Folder.  [default: PATH/report]")
@click.option(
    "--select",
    "selections",
    type=Selection(),
    multiple=True,
    default=("best",),
    help="best: β and λ are chosen on half the seeds and reported on the other half; "
    "METHOD:SETTING fixes one method's; may repeat.  [default: best]",
)
@click.option("--choose-by", metavar="KEY", help="Metric that chooses.  [default: each its own]")
@click.option(
    "--figures",
    type=click.Choice(("auto", "all", "main", "none")),
    default="auto",
    show_default=True,
    help="auto: all, but only the main ones of many data sets and protocols.",
)
@click.option(
    "--formats",
    help="Of the figures: png, pdf, svg.  [default: png,pdf; png for main figures]",
)
@click.option(
    "--pictures/--no-pictures",
    default=True,
    show_default=True,
    help="Reconstructions and traversals from checkpoints.",
)
@benchmark_option("a report of the scores that ship with it, in place of PATH; give --output")
@click.option(
    "--confirmation",
    is_flag=True,
    help="Of the benchmark, the confirmation seeds in place of those that make its table.",
)
@data_dir_option
@click.pass_context
def command(ctx, path, output, selections, formats, benchmark, **options):
    """Write tables, figures and one self-contained page about everything below PATH.

    PATH is a results folder or a scores.csv. What is missing or failed is listed, not filled in.

    \b
    Examples:
      bench report
      bench report results --select lambdabeta:beta=8,lambda=8
      bench report mine/scores.csv --output mine/report --no-pictures
      bench report --benchmark db1 --output db1-report
    """
    from ...evaluation.naming import one_line
    from ..reporting.report import make_report, print_report

    kinds = tuple(dict.fromkeys(part.strip() for part in (formats or "").split(",")))
    if formats is not None and not set(kinds) <= {"png", "pdf", "svg"}:
        raise click.BadParameter(f"expected png, pdf or svg, got {formats!r}", param_hint="formats")
    if benchmark is not None:
        if ctx.get_parameter_source("path") is not click.core.ParameterSource.DEFAULT:
            raise click.UsageError("give PATH or --benchmark, not both")
        if output is None:
            raise click.UsageError("--benchmark needs --output: the folder of the report")
    elif options["confirmation"]:
        raise click.UsageError("--confirmation is for --benchmark")
    made = make_report(
        None if benchmark else path,
        output,
        benchmark=benchmark,
        fixed=dict(pair for pair in selections if pair),
        formats=kinds if formats else None,
        progress=lambda text: click.echo(one_line(text), err=True),
        **options,
    )
    print_report(made)

"""`bench pack`."""

import click

from .contributing import jobs_option, run_contribution
from .options import benchmark_option


def _print_template(context, parameter, wanted):
    """Print the file that --about takes, and end."""
    if wanted and not context.resilient_parsing:
        from ...evaluation.contributions.about import TEMPLATE

        click.echo(TEMPLATE, nl=False)
        context.exit()


@click.command(short_help="Pack representations as a row of the standard table.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--template",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_template,
    help="Print the file that --about takes, to be filled in, and end.",
)
@click.option(
    "--about",
    required=True,
    type=click.Path(dir_okay=False),
    help="What the authors say about the method, in TOML or JSON; see --template.",
)
@click.option(
    "--output", required=True, type=click.Path(dir_okay=False), help="The archive to write."
)
@benchmark_option("what the rows are for (default: db1)")
@jobs_option
def command(paths, about, output, benchmark, jobs):
    """Pack the representations below PATH, with scores and metadata, into one archive.

    A representation is packed if it agrees with the standard benchmark: its data set, and its rows,
    which are the evaluation sample of its seed. What is not scored is scored first. A row needs
    five seeds to be ranked; with fewer it is packed as illustrative.

    Nothing is sent anywhere. Attributes that name a command or a machine are left out.

    \b
    Example:
      bench pack --template > row.toml
      bench pack mine/ --about row.toml --output mine.zip
      bench verify mine.zip
    """
    packed = run_contribution(
        "packed", "pack", jobs, paths, output, about=about, benchmark=benchmark or "db1"
    )
    from ...evaluation.naming import one_line

    for row in packed.rows:
        click.echo(row.describe())
    if packed.left_out:
        names = one_line(", ".join(packed.left_out), 1000)
        click.echo(f"Left out of the files, because no score needs it: {names}.")
    click.echo(
        f"Packed: {packed.path}, {packed.members} representations, {packed.size / 2**20:.1f} MiB, "
        f"SHA-256 {packed.sha256}. Scores computed: {packed.computed}."
    )
    click.echo(
        "Next: check it with `bench verify`; look into manifest.json, all of which will be public; "
        "then open a pull request that proposes the row and says where the archive can be "
        "downloaded. CONTRIBUTING.md says what is checked."
    )

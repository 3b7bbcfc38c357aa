"""`bench theory`."""

import click

from .options import NumberList, merge_values, results_option


@click.command(short_help="The collapse of mutual information in closed form.")
@click.option(
    "--beta", "betas", type=NumberList(), multiple=True, help="β values.  [default: 1,4,8,16,32]"
)
@click.option(
    "--lambda", "lambdas", type=NumberList(), multiple=True, help="λ values.  [default: 0,2,4,6,8]"
)
@click.option(
    "--n",
    "sizes",
    type=NumberList(minimum=1),
    multiple=True,
    help="Observed dimensions of random problems.  [default: 50]",
)
@click.option(
    "--problem",
    "problems",
    multiple=True,
    default=("random",),
    show_default=True,
    help="random, or a .npz with Gamma, Sigma_V and Sigma_Y; may repeat.",
)
@click.option(
    "--latents", type=click.IntRange(1, 500), default=10, show_default=True, help="Latents."
)
@click.option(
    "--factors",
    type=click.IntRange(1, 500),
    default=5,
    show_default=True,
    help="Factors of random problems.",
)
@click.option(
    "--noise",
    type=click.FloatRange(0),
    default=0.05,
    show_default=True,
    help="Noise variance of random problems.",
)
@click.option(
    "--starts",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="Random starts of the fixed point.",
)
@click.option(
    "--adamw/--no-adamw",
    default=False,
    show_default=True,
    help="Train by AdamW as well: minutes to hours.",
)
@click.option(
    "--adamw-starts",
    type=click.IntRange(1, 1000),
    default=1,
    show_default=True,
    help="Random starts of AdamW.",
)
@click.option(
    "--adamw-steps",
    type=click.IntRange(1),
    help="Steps of AdamW.  [default: 30000 up to n = 50, else 50000]",
)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of problem and starts."
)
@results_option
def command(betas, lambdas, sizes, problems, results, **options):
    """Solve the linear-Gaussian VAE: closed form beside fixed point, and AdamW on request.

    Writes a table, figures and theory.json to RESULTS/report/theory/.

    \b
    Examples:
      bench theory
      bench theory --beta 2,4,8 --lambda 0,1 --n 50,100
      bench theory --problem mine.npz --adamw
    """
    from ...evaluation.naming import one_line
    from ..theory.printing import print_theory
    from ..theory.solve import write_theory

    theory = write_theory(
        results,
        betas=merge_values(betas),
        lambdas=merge_values(lambdas),
        n=merge_values(sizes) or 50,
        problems=problems,
        progress=lambda text: click.echo(one_line(text), err=True),
        **options,
    )
    print_theory(theory)

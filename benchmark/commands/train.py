"""`bench train`."""

import click

from ..protocol.presets import DEFAULT_PRESET, PRESETS
from .options import (
    NumberList,
    SeedList,
    Setting,
    Shard,
    Stack,
    Tag,
    benchmark_option,
    complete_names,
    data_dir_option,
    device_option,
    list_dataset_names,
    list_model_names,
    merge_values,
    negate,
    results_option,
    split_names,
)


@click.command(short_help="Train models over seeds and save their representations.")
@click.option(
    "--model",
    "models",
    metavar="NAME",
    multiple=True,
    callback=split_names,
    shell_complete=complete_names(list_model_names),
    help="A name of `bench list models`, package.module:Class or path/to/file.py:Class (default: "
    "all, the zoo).",
)
@click.option(
    "--dataset",
    "datasets",
    metavar="NAME",
    multiple=True,
    callback=split_names,
    shell_complete=complete_names(list_dataset_names),
    help="A name of `bench list datasets`, package.module:Name or path/to/file.py:Name (default: "
    "the preset's).",
)
@click.option(
    "--preset",
    metavar="NAME",
    shell_complete=complete_names(lambda: PRESETS),
    help=f"Protocol, see `bench list presets`.  [default: {DEFAULT_PRESET}]",
)
@benchmark_option("its protocol, data sets and seeds, in place of --preset")
@click.option("--seeds", type=SeedList(), help="A count (10), a range (0-4) or a list (1,3).")
@click.option(
    "--beta", "betas", type=NumberList(), multiple=True, help="β values, e.g. 1,4: --set beta=1,4."
)
@click.option(
    "--lambda",
    "lambdas",
    type=NumberList(),
    multiple=True,
    help="λ values, e.g. 0,8: --set lambda=0,8.",
)
@click.option("--steps", type=click.IntRange(min=1), help="Steps of the first phase.")
@click.option(
    "--continue-steps",
    type=click.IntRange(min=0),
    help="Steps of the second phase (default: in the preset's ratio to --steps).",
)
@click.option(
    "--init",
    type=click.Choice(["parent", "scratch"]),
    default="parent",
    show_default=True,
    help="Whether λβ continues from its β-VAE or trains with λ from the start.",
)
@click.option(
    "--set",
    "settings",
    type=Setting(),
    multiple=True,
    help="A setting of the protocol or a hyperparameter of a model, e.g. batch_size=32; several "
    "values are a sweep, e.g. gamma=10,40 or learning_rate=1e-3,2e-3.",
)
@click.option(
    "--tag", type=Tag(), default="", help="Name of a variant, kept in folders of its own."
)
@device_option
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    help="Worker processes (default: one a CPU core, or one a GPU).",
)
@click.option(
    "--stack",
    type=Stack(),
    help="Runs that a worker trains together, which is faster where one alone leaves a device "
    "idle (default: 1 on a CPU, else auto, which measures how many are best).",
)
@click.option("--shard", type=Shard(), help="Train part i of n of the plan, i from 0; e.g. 0/4.")
@click.option(
    "--amp", type=click.Choice(["none", "bf16"]), help="Mixed precision.  [default: none]"
)
@click.option("--compile", "compiled", is_flag=True, help="Use torch.compile.")
@click.option(
    "--deterministic",
    is_flag=True,
    help="Use no algorithm on a GPU whose result varies from call to call; slower.",
)
@click.option(
    "--no-graph",
    "graphs",
    is_flag=True,
    callback=negate,
    help="Do not capture training steps as CUDA graphs.",
)
@results_option
@data_dir_option
@click.option("--dry-run", is_flag=True, help="Show what would run, and why not, and stop.")
@click.option(
    "--estimate",
    is_flag=True,
    help="Measure for about a minute what the runs would take here, in hours and memory, and stop; "
    "the data need not be there.",
)
@click.option(
    "--retrain-shipped",
    is_flag=True,
    help="Train also runs of a standard benchmark whose scores ship with the package.",
)
@click.option("--retry-failed", is_flag=True, help="Continue failed runs from their checkpoints.")
@click.option(
    "--no-wait",
    "wait",
    is_flag=True,
    callback=negate,
    help="Leave when other calls have all that is left, instead of waiting for them.",
)
def command(betas, lambdas, dry_run, estimate, **options):
    """Train models over a sweep of their hyperparameters and over seeds.

    Finished runs are skipped, interrupted ones continue from their checkpoint, and several calls
    at once share the work. Lists take commas or repeats.

    \b
    Examples:
      bench train --model lambdabeta --seeds 10
      bench train --model betavae,betatcvae --beta 1,8,32 --seeds 0-4 --dry-run
      bench train --model factorvae --set gamma=2,10,40 --set latent_size=5,10
      bench train --preset paper --dataset dsprites --device cuda --shard 0/4
      bench train --benchmark db1 --model mine.py:Mine
    """
    from ..protocol.request import TrainRequest
    from ..workers.train import show_plan, train

    request = TrainRequest(betas=merge_values(betas), lambdas=merge_values(lambdas), **options)
    if estimate:
        from ..workers.estimate import show_estimate

        show_estimate(request)
        return
    if dry_run:
        show_plan(request)
        return
    code = train(request)
    if code:
        raise SystemExit(code)

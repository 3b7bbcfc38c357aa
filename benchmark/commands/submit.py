"""`bench submit`: `bench train` and `bench evaluate` as jobs of a SLURM cluster."""

import re

import click

from . import evaluate as evaluate_module
from . import train as train_module
from .options import merge_values

# What only concerns a call at hand: the tasks of an array never wait, and get their own shards.
NOT_SUBMITTED = {"train": ("dry_run", "estimate", "wait"), "evaluate": ("shard",)}


class TimeLimit(click.ParamType):
    """A time limit in one of sbatch's forms."""

    name = "time"

    def convert(self, value, param, ctx):
        """Return whole minutes."""
        from ..cluster.jobs import parse_time

        if isinstance(value, int):
            return value
        try:
            return parse_time(value)
        except ValueError:
            self.fail(
                "expected minutes, hours:minutes:seconds or days-hours[:minutes], e.g. 04:00:00, "
                f"got {value!r}",
                param,
                ctx,
            )


class SlurmOption(click.ParamType):
    """``key=value`` of sbatch, or a key that has no value."""

    name = "key[=value]"

    def convert(self, value, param, ctx):
        """Return (key without dashes in front, value or True)."""
        if isinstance(value, tuple):
            return value
        key, equals, text = value.partition("=")
        key = key.strip().lstrip("-").replace("_", "-")
        # Its short options are written with a single dash.
        if not re.fullmatch("[a-z][a-z0-9]+(-[a-z0-9]+)*", key) or (equals and not text):
            self.fail(
                f"expected key=value or key, by the long name of sbatch's option, got {value!r}",
                param,
                ctx,
            )
        return key, text if equals else True


class SubmittedCommand(click.Command):
    """A command with the options of another one, which it passes on as they were written.

    Parameters
    ----------
    other : click.Command
        What the jobs call.
    """

    def __init__(self, *arguments, other, **attributes):
        super().__init__(*arguments, **attributes)
        own = {param.name for param in self.params}
        kept_back = {*own, *NOT_SUBMITTED[self.name]}
        self.passed_on = [param for param in other.params if param.name not in kept_back]
        self.params = [*self.passed_on, *self.params]

    def parse_args(self, ctx, args):
        """Keep the words of the other command's options, by name, beside their values."""
        given = self.make_parser(ctx).parse_args(list(args))[0]
        ctx.obj = {
            param.name: _write_words(param, given[param.name])
            for param in self.passed_on
            if param.name in given
        }
        return super().parse_args(ctx, args)

    def format_options(self, ctx, formatter):
        """What SLURM is asked for first, then what is passed on."""
        passed_on = {param.name for param in self.passed_on}
        for title, here in (
            ("Jobs", [param for param in self.params if param.name not in passed_on]),
            (f"Passed on to bench {self.name}", self.passed_on),
        ):
            records = [record for param in here if (record := param.get_help_record(ctx))]
            with formatter.section(title):
                formatter.write_dl(records)


def _write_words(param, values):
    """The words of an option or of arguments, from what click's parser found."""
    if isinstance(param, click.Argument):
        # Without any, click refuses the call itself.
        return list(values) if isinstance(values, list | tuple) else []
    name = max(param.opts, key=len)
    if param.is_flag:
        return [name]
    values = values if param.multiple else [values]
    return [word for value in values for word in (name, str(value))]


def job_options(function):
    """The options that say what each task asks the cluster for."""
    options = (
        click.option(
            "--array",
            type=click.IntRange(min=1, max=100_000),
            default=1,
            show_default=True,
            help="Number of tasks that share the work, at most.",
        ),
        click.option(
            "--time",
            type=TimeLimit(),
            required=True,
            help="Time limit of a task, as sbatch takes it; a task that needs longer is requeued.",
        ),
        click.option("--partition", metavar="NAME,...", help="One partition, or several."),
        click.option("--gpus-per-node", type=click.IntRange(min=1), help="GPUs of a task."),
        click.option("--cpus-per-task", type=click.IntRange(min=1), help="CPUs of a task."),
        click.option("--mem", metavar="SIZE", help="Memory of a task, e.g. 16G."),
        click.option("--account", metavar="NAME", help="Account to charge."),
        click.option("--qos", metavar="NAME", help="Quality of service."),
        click.option("--constraint", metavar="FEATURES", help="Features that nodes must have."),
        click.option("--exclude", metavar="NODES", help="Nodes not to use."),
        click.option(
            "--dependency",
            metavar="TEXT",
            help="What to wait for, e.g. afterany:JOB or afterok:JOB.",
        ),
        click.option(
            "--slurm",
            type=SlurmOption(),
            multiple=True,
            help="Any other option of sbatch, e.g. gres=gpu:a100:1 or exclusive.",
        ),
        click.option(
            "--requeues",
            type=click.IntRange(min=0),
            default=20,
            show_default=True,
            help="How often a task goes on after its time limit.",
        ),
        click.option("--dry-run", is_flag=True, help="Print the scripts and submit nothing."),
    )
    for option in reversed(options):
        function = option(function)
    return function


@click.group(short_help="Train or score as jobs of a SLURM cluster.")
def command():
    """Submit `bench train` or `bench evaluate` to SLURM, as job arrays that share the work.

    Call it where jobs are submitted, in an environment and a folder that the nodes see too. It
    needs submitit: pip install 'disentanglement-bench[slurm]'. More in docs/cluster.md.

    \b
    Example:
      bench submit train --preset paper --partition gpu --gpus-per-node 1 --time 04:00:00 --array 20
      bench submit evaluate results/ --cpus-per-task 8 --time 02:00:00 --array 10
    """


@command.command(
    "train",
    cls=SubmittedCommand,
    other=train_module.command,
    short_help="Submit what is left to train of a plan.",
)
@job_options
@click.pass_context
def train(ctx, array, dry_run, betas, lambdas, **options):
    """Submit what is left to train of a plan, as tasks that share it.

    The plan is made and checked here, as `bench train` does; runs that are finished or being
    trained are not submitted. Each task is a `bench train --no-wait` of the whole plan, and claims
    keep the tasks apart, so that any number of arrays may share a results folder.

    \b
    Example:
      bench submit train --preset paper --model lambdabeta --partition gpu --gpus-per-node 1 \\
        --time 04:00:00 --array 20
    """
    from ..cluster.submit import submit_train
    from ..protocol.request import TrainRequest

    resources = _take_resources(options)
    request = TrainRequest(betas=merge_values(betas), lambdas=merge_values(lambdas), **options)
    submit_train(request, ctx.obj, resources, array, dry_run)


@command.command(
    "evaluate",
    cls=SubmittedCommand,
    other=evaluate_module.command,
    short_help="Submit the scoring of representations.",
)
@job_options
@click.pass_context
def evaluate(ctx, array, dry_run, paths, **options):
    """Submit the scoring of every representation below PATH..., in parts.

    When all parts have ended, one more job compares the seeds and writes the table.

    \b
    Example:
      bench submit evaluate results/ --cpus-per-task 8 --time 02:00:00 --array 10
    """
    from ..cluster.submit import submit_evaluate
    from ..reporting.standard import choose_metrics

    resources = _take_resources(options)
    if options["benchmark"] is not None:
        choose_metrics(options.pop("benchmark"), **options)
    submit_evaluate(paths, ctx.obj, resources, array, dry_run, options["metrics"])


def _take_resources(options):
    """Take the options of the jobs out of all options."""
    from ..cluster.jobs import Resources

    names = [name for name in Resources.__dataclass_fields__ if name in options]
    return Resources(**{name: options.pop(name) for name in names})

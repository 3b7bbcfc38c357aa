"""Which runs one worker can train together, and which of them cost the same."""

from collections import defaultdict
from functools import cache

# Settings that decide what a step costs, beside the images and the model.
_COSTLY = (
    "network",
    "latent_size",
    "batch_size",
    "amp",
    "tf32",
    "permuted_batch",
    "pair_factors",
)


def stacking_key(spec):
    """Everything that must agree among the members of a stack.

    Parameters
    ----------
    spec : RunSpec

    Returns
    -------
    hashable or None
        Runs of equal keys can be trained together; None for a run that can only be alone.
    """
    family = _find_family(spec.model)
    if family is None:
        return None
    return spec.dataset, spec.config, spec.phases, spec.start, family


def measuring_key(spec, image_shape, compiled=False, deterministic=False, graphs=True):
    """Everything that decides what a step costs, on a given device.

    Coefficients, seeds and phases do not, so runs of one key are measured once.

    Parameters
    ----------
    spec : RunSpec
    image_shape : tuple of int
        (H, W, C) of the data set's images as they are stored.
    compiled, deterministic : bool, default False
    graphs : bool, default True
        As of `benchmark.workers.runner.Runner`.

    Returns
    -------
    tuple
        Of texts and numbers: its `repr` is the same in every process.
    """
    config = spec.config
    family = _find_family(spec.model)
    height, width, channels = image_shape
    if config.image_size:
        height = width = config.image_size
    return (
        name_family(family) if family is not None else spec.model.reference,
        (height, width, channels),
        *(getattr(config, name) for name in _COSTLY),
        "compiled" if compiled else "",
        "deterministic" if deterministic else "",
        "" if graphs else "without graphs",
    )


def find_stack(runs, steps):
    """Those of some runs that can be trained together, and have most steps to do.

    Parameters
    ----------
    runs : list of RunSpec
    steps : dict of RunSpec to int

    Returns
    -------
    list of RunSpec
        One run where none can be trained together with others.
    """
    together = defaultdict(list)
    for spec in runs:
        key = stacking_key(spec)
        together[spec if key is None else key].append(spec)
    return max(together.values(), key=lambda specs: sum(steps[spec] for spec in specs))


def name_family(family):
    """A family of models as text, the same in every process."""
    if isinstance(family, type):
        return f"{family.__module__}.{family.__qualname__}"
    return str(family)


@cache
def _find_family(model):
    # PyTorch is slow to import, and a call that trains run by run does without it.
    from ...models.training.stacking import find_family

    return find_family(model.load())

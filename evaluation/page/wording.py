"""Words that sentences on the page share."""

import re

from ..naming import one_line
from ..tables.notes import number_text

# Letters of a label within a sentence.
LABEL = 60
# Names that a sentence lists before it counts the rest.
NAMES = 3


def count(number, noun):
    """A number and its noun, in the plural where it must be.

    Examples
    --------
    >>> count(1, "run"), count(1200, "run")
    ('1 run', '1,200 runs')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def join(names, most=None, noun="more"):
    """Names as a list in a sentence; those beyond `most` are only counted.

    Examples
    --------
    >>> join(["a"]), join(["a", "b", "c"]), join("abcde", most=2)
    ('a', 'a, b and c', 'a, b and 3 more')
    """
    names = list(names)
    if most is not None and len(names) > most + 1:
        names = [*names[:most], f"{len(names) - most} {noun}"]
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""


def signed(value, facts):
    """A difference with its sign, in the precision of the score.

    Examples
    --------
    >>> from disentanglement_bench.evaluation.statistics.labels import describe_key
    >>> signed(-0.25, describe_key("mig"))
    '−0.250'
    """
    return f"{'−' if value < 0 else '+'}{number_text(abs(value), facts)}"


def with_unit(value, facts):
    """A mean with its unit.

    Examples
    --------
    >>> from disentanglement_bench.evaluation.statistics.labels import describe_key
    >>> with_unit(1.5, describe_key("mi_matched_sampled"))
    '1.500 nats'
    """
    return f"{number_text(value, facts)} {facts.unit}".rstrip()


def write_minus(text):
    """Numbers in a text with a minus in place of a hyphen.

    Examples
    --------
    >>> write_minus("-0.25 at half-way")
    '−0.25 at half-way'
    """
    return re.sub(r"-(?=\d)", "−", text)


def inline(label):
    """The label of a curve as it stands within a list of others.

    Examples
    --------
    >>> inline("λβ-VAE, λ = 8, learning rate = 0.001")
    'λβ-VAE with λ = 8 and learning rate = 0.001'
    """
    name, *settings = label.split(", ")
    return one_line(f"{name} with {join(settings)}" if settings else name, LABEL)

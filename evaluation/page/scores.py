"""What each score on the page means, in a sentence, with its exact form and its range."""

import math

from ..naming import format_number
from ..statistics.labels import HEADLINE

# In words for somebody who has not met the score; others say what their metric declares.
EXPLAINED = {
    "mig": "How far one code stands out as the carrier of each factor: the gap in mutual "
    "information between the best and the second best code, as a share of the factor's entropy.",
    "sap": "The gap in accuracy between the two best linear classifiers that predict a factor from "
    "a single code.",
    "dci_disentanglement": "Whether each code matters for one factor only, by the importances of "
    "boosted trees that predict the factors.",
    "dci_completeness": "Whether one code suffices for each factor, by the same importances.",
    "mi_matched": "How many nats the codes say about the factors, each factor matched with a code "
    "of its own. Of posterior means, whose scale it ignores: it cannot see a collapse.",
    "mi_matched_sampled": "The same of codes drawn from the posterior: it falls to nothing when "
    "the codes carry no information, so claims about collapse rest on it.",
    "nll": "How badly images are reconstructed: the decoder's negative log-likelihood.",
    "kl": "How far the posterior is from the prior. Below 0.1 nats a run counts as collapsed.",
    "udr": "How well runs of different seeds agree, which needs no labels.",
}


def explain_scores(summary, dataset, protocol):
    """A row for each score that the page shows open: headline ones, the user's own, NLL and KL.

    Parameters
    ----------
    summary : evaluation.statistics.summary.Summary
    dataset, protocol : str

    Returns
    -------
    list of dict
        `label`, `text`, `range`, `better` ("higher", "lower" or "–") and `variant`.
    """
    cells = summary.part("cells", dataset, protocol)
    known = set(cells.loc[cells["n"] > 0, "metric"])
    names = [name for name in (*HEADLINE, *summary.own_keys) if name in known]
    names = names or [name for name in summary.other_keys if name in known]
    rows = []
    for name in (*names, *(name for name in ("nll", "kl", "udr") if name in known - set(names))):
        facts = summary.describe_scored(name, dataset, protocol)
        text = EXPLAINED.get(name) or facts.description or "Nothing is declared about it."
        rows.append(
            {
                "label": facts.label,
                "text": text[0].upper() + text[1:].rstrip(".") + ".",
                "range": _range_text(facts),
                "better": {True: "higher", False: "lower", None: "–"}[facts.higher_is_better],
                "variant": facts.variant,
            }
        )
    return rows


def _range_text(facts):
    low, high = math.isfinite(facts.low), math.isfinite(facts.high)
    unit = f" {facts.unit}" if facts.unit else ""
    if low and high:
        return f"{format_number(facts.low)} to {format_number(facts.high)}{unit}"
    if low:
        return f"{format_number(facts.low)} or more{unit}"
    return f"{format_number(facts.high)} or less{unit}" if high else f"any number{unit}"

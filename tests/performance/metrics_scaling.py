"""Plot how the time of each metric grows with points, codes and classes.

Run as `python tests/performance/metrics_scaling.py docs/images`; processor time of one thread,
median of a few calls, about two minutes.
"""

import functools
import sys
import time
from pathlib import Path

import matplotlib
import numpy as np

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from test_metrics import representation, seconds
from threadpoolctl import threadpool_limits

from disentanglement_bench.evaluation import (
    dci,
    explicitness,
    mig,
    mutual_information,
    sap,
    sap_continuous,
)

METRICS = {
    "DCI": (dci, "o", "-"),
    "explicitness": (explicitness, "v", "--"),
    "SAP": (sap, "s", "-"),
    "MI": (mutual_information, "^", "-."),
    "MIG": (mig, "D", ":"),
    "SAP, r²": (sap_continuous, "x", "--"),
}
POINTS = (1_000, 3_000, 10_000, 30_000, 100_000)
CODES = (2, 5, 10, 20, 50)
CLASSES = (2, 5, 10, 20, 40)


def measure(cases, make):
    """Seconds of each metric at each case."""
    found = {name: [] for name in METRICS}
    for case in cases:
        codes, factors = make(case)
        for name, (function, _, _) in METRICS.items():
            call = functools.partial(function, codes, factors)
            function(codes[:300], factors[:300])
            repeats = 1 if name == "DCI" and len(codes) > 10_000 else 3
            found[name].append(seconds(call, repeats))
        print(case, {name: round(times[-1], 4) for name, times in found.items()}, flush=True)
    return found


def main(folder):
    """Measure and draw."""
    panels = (
        (
            "points (10 codes, 5 factors of 10 classes)",
            POINTS,
            lambda n: representation(n, 10, (10,) * 5),
        ),
        (
            "codes (5,000 points, 5 factors of 10 classes)",
            CODES,
            lambda d: representation(5_000, d, (10,) * 5),
        ),
        (
            "classes of each of 5 factors (5,000 points, 10 codes)",
            CLASSES,
            lambda k: representation(5_000, 10, (k,) * 5),
        ),
    )
    figure, axes = plt.subplots(1, 3, figsize=(12, 4.2), sharey=True, layout="constrained")
    with threadpool_limits(1):
        for axis, (label, cases, make) in zip(axes, panels, strict=True):
            for name, times in measure(cases, make).items():
                _, marker, line = METRICS[name]
                axis.loglog(cases, times, marker=marker, linestyle=line, label=name)
            axis.set_xlabel(label)
            axis.set_xticks(cases, [f"{case:,}" for case in cases])
            axis.minorticks_off()
            axis.grid(alpha=0.3)
    axes[0].set_ylabel("processor seconds of one thread")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=6)
    figure.savefig(Path(folder) / "metrics-scaling.png", dpi=120)


if __name__ == "__main__":
    began = time.perf_counter()
    np.seterr(all="raise", under="ignore")
    main(sys.argv[1])
    print(f"{time.perf_counter() - began:.0f} s")

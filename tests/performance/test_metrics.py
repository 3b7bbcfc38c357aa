"""Speed of the metrics against NumPy and scikit-learn as disentanglement_lib uses them.

Run with `pytest tests/performance/test_metrics.py --benchmark-only -s`; the boosted trees of
scikit-learn take about six minutes. Times of metrics are processor times of one thread.
"""

import runpy
import statistics
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from disentanglement_bench.evaluation import (
    betavae_score,
    dci,
    downstream_logreg,
    factorvae_score,
    infomec,
    irs,
    mig,
    mutual_information,
    sap,
    unsupervised,
    write_representation,
)
from disentanglement_bench.evaluation.metrics.neighbours import neighbour_information
from disentanglement_bench.evaluation.metrics.udr import measure_udr

FORMS = Path(__file__).parents[1] / "evaluation" / "metrics" / "scikit_learn_forms.py"
slow = SimpleNamespace(**runpy.run_path(FORMS))
plain = SimpleNamespace(**runpy.run_path(Path(__file__).with_name("plain_forms.py")))

SIZES = (3, 6, 40, 32, 32)
N_TRAIN, N_TEST, CODES = 10_000, 5_000, 10
PARTS = slice(N_TRAIN), slice(N_TRAIN, None)


def representation(rows, codes=CODES, sizes=SIZES, seed=0):
    """Codes that mix factors and noise, as partly disentangled codes do."""
    stream = np.random.default_rng(seed)
    factors = np.stack([stream.integers(0, size, rows) for size in sizes], axis=1)
    standard = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    mixing = stream.normal(size=(len(sizes), codes)) * 0.3
    mixing[np.arange(len(sizes)), np.arange(len(sizes)) % codes] += 1.0
    mixed = standard @ mixing + 0.3 * stream.normal(size=(rows, codes))
    return mixed.astype(np.float32), factors.astype(np.int32)


def seconds(function, repeats):
    """Median processor time of a call."""
    times = []
    for _ in range(repeats):
        began = time.process_time()
        function()
        times.append(time.process_time() - began)
    return statistics.median(times)


def information(*arrays, **options):
    """Both metrics on the joint histogram."""
    mig(*arrays, **options)
    mutual_information(*arrays, **options)


def slow_information(train, factors, test, test_factors):
    """The same two matrices by scikit-learn."""
    slow.information(train, factors)
    slow.information(train, factors)


def matrix(codes, factors, *, n_train, continuous=False):
    """Nearest-neighbour information of every pair, with classes or with numbers."""
    factors = factors[:n_train] + 0.25 * continuous * np.sin(np.arange(n_train))[:, None]
    return neighbour_information(codes[:n_train], factors, 3, [continuous] * factors.shape[1])


def matrix_of_numbers(codes, factors, *, n_train):
    return matrix(codes, factors, n_train=n_train, continuous=True)


def slow_matrix_of_numbers(train, factors, test, test_factors):
    moved = factors + 0.25 * np.sin(np.arange(len(train)))[:, None]
    slow.neighbour_information(train, moved, 3, continuous=True)


CASES = {
    "mi+mig": (information, slow_information, 10, 9, 3),
    "sap": (sap, slow.accuracies, 20, 9, 1),
    "kNN information, classes": (
        matrix,
        lambda *parts: slow.neighbour_information(*parts[:2], 3),
        15,
        9,
        1,
    ),
    "kNN information, numbers": (matrix_of_numbers, slow_matrix_of_numbers, 4, 3, 1),
    "infomec": (infomec, lambda *parts: slow.infomec(*parts[:2]), 1.3, 3, 1),
    "dci": (dci, lambda *parts: slow.importances(*parts[:3]), 20, 3, 1),
    "factorvae_score": (factorvae_score, plain.factorvae, 3, 9, 1),
    "betavae_score": (betavae_score, plain.betavae, 10, 9, 1),
    "irs": (irs, plain.irs, 0.4, 9, 3),
    "unsupervised": (unsupervised, plain.unsupervised, 5, 9, 3),
    "downstream_logreg": (downstream_logreg, plain.logistic, 0.5, 3, 1),
}


@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize("name", CASES)
def test_faster_than_scikit_learn(benchmark, name):
    function, slow_function, least, repeats, slow_repeats = CASES[name]
    arrays = representation(N_TRAIN + N_TEST)
    with threadpool_limits(1):
        function(*arrays, n_train=N_TRAIN)  # compiles or loads the kernels
        benchmark.pedantic(function, arrays, {"n_train": N_TRAIN}, rounds=repeats, warmup_rounds=0)
        train, test = ([array[rows] for array in arrays] for rows in PARTS)
        scikit_learn = seconds(lambda: slow_function(*train, *test), slow_repeats)
    fast = benchmark.stats.stats.median
    ratio = scikit_learn / fast
    benchmark.extra_info["scikit_learn_seconds"] = scikit_learn
    benchmark.extra_info["ratio"] = ratio
    print(f"\n{name}: {fast:.4f} s, scikit-learn {scikit_learn:.3f} s, {ratio:.1f} times as fast")
    assert ratio >= least


@pytest.mark.benchmark(timer=time.process_time)
def test_udr_of_ten_runs(benchmark):
    """Codes that mix the same five sources and noise in another way in every run."""
    stream = np.random.default_rng(0)
    sources = stream.normal(size=(1000, 5))
    mixing = 0.4 * stream.normal(size=(10, 5, CODES)) + np.eye(5, CODES)
    codes = sources @ mixing + 0.5 * stream.normal(size=(10, 1000, CODES))

    def both():
        for form in ("lasso", "spearman"):
            measure_udr(codes, np.ones((10, CODES)), form=form)

    with threadpool_limits(1):
        benchmark.pedantic(both, rounds=9, warmup_rounds=1)
        scikit_learn = seconds(lambda: plain.udr(codes), 1)
    ratio = scikit_learn / benchmark.stats.stats.median
    print(
        f"\nudr: {scikit_learn / ratio:.4f} s, pair by pair {scikit_learn:.2f} s, {ratio:.0f} times"
    )
    assert ratio >= 10


FOUR_SCORES = """
import resource, sys
from disentanglement_bench.evaluation import read_representation, score
r = read_representation(sys.argv[1])
score(r.codes, r.factors, n_train=r.n_train, log_variances=r.log_variances)
assert "torch" not in sys.modules
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_four_scores_with_process_start(benchmark, tmp_path):
    codes, factors = representation(N_TRAIN + N_TEST)
    path = tmp_path / "codes.h5"
    write_representation(
        path, codes, factors, n_train=N_TRAIN, log_variances=np.full(codes.shape, -3.0)
    )

    def whole():
        return subprocess.run(
            [sys.executable, "-c", FOUR_SCORES, path], check=True, capture_output=True, text=True
        )

    whole()
    done = benchmark.pedantic(whole, rounds=1)
    unit = 1 if sys.platform == "darwin" else 1024
    resident = int(done.stdout) * unit
    benchmark.extra_info["resident_bytes"] = resident
    print(f"\nfour scores: {benchmark.stats.stats.median:.1f} s, {resident / 2**20:.0f} MiB")
    assert resident < 1e9

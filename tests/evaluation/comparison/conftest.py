"""A benchmark of small samples, shipped scores that are known by hand, and files to compare."""

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest

from disentanglement_bench.evaluation import write_representation
from disentanglement_bench.evaluation.comparison import compare, comparing
from disentanglement_bench.evaluation.comparison.entries import Entry
from disentanglement_bench.evaluation.comparison.scoring import ScoredEntries
from disentanglement_bench.evaluation.evaluation_sample import draw_evaluation_index
from disentanglement_bench.evaluation.metrics import METRICS
from disentanglement_bench.evaluation.reference import load_benchmark
from disentanglement_bench.evaluation.reference.grids import GRIDS
from disentanglement_bench.evaluation.scoring.run_records import describe_method
from disentanglement_bench.evaluation.scoring.scores_table import Table
from disentanglement_bench.evaluation.statistics.run_reading import RECORD_COLUMNS, row_of

DATASET = "sprites-small"
SIZES = tuple(GRIDS[DATASET].values())
N_TRAIN, N_TEST = 200, 100
# Mean MIG of each setting that ships; deviations of ten seeds that add up to nothing.
MEANS = {("betavae", 1): 0.1, ("betavae", 8): 0.3, ("betatcvae", 1): 0.2, ("betatcvae", 8): 0.5}
DEVIATIONS = 0.01 * np.array([-2, -1, 0, 1, 2, -2, -1, 0, 1, 2])
COLUMNS = ["path", "dataset", "model", "beta", "lambda", "seed", "source", "mig", "sap",
           "mi_matched", "mig_status", "mig_variant", "reasons"]  # fmt: skip


@pytest.fixture(scope="session")
def benchmark_db1():
    """DB-1 with samples of 300 images."""
    definition = load_benchmark("db1")
    config = {**definition.config, "n_train": N_TRAIN, "n_test": N_TEST}
    return dataclasses.replace(definition, config=config)


@pytest.fixture
def small(benchmark_db1, monkeypatch):
    """Let `compare` use that benchmark."""
    monkeypatch.setattr(comparing, "load_benchmark", lambda name: benchmark_db1)
    return benchmark_db1


def variants():
    named = ("mig", "mi", "mi_sampled", "sap")
    return {f"{name}_variant": METRICS[name].variant for name in named}


@pytest.fixture(scope="session")
def shipped():
    """Scores and records as `read_shipped` gives them: two models, two β, ten seeds."""
    rows, records = [], []
    for (model, beta), seed in itertools.product(MEANS, range(10)):
        folder = f"/nowhere/runs/{DATASET}/db1/{model}/beta={beta}/seed-{seed}"
        value = MEANS[model, beta] + DEVIATIONS[seed]
        row = {
            "path": f"runs/{folder}/representation.h5",
            "dataset": DATASET,
            "dataset_version": "1",
            "preset": "db1",
            "tag": None,
            "model": model,
            "beta": float(beta),
            "lambda": None,
            "init": "scratch",
            "seed": seed,
            "source": "bench",
            "steps": 4000,
            "nll": 40.0 + beta,
            "kl": 5.0,
            "bce_floor": 9.8,
            "mig": value,
            "sap": value / 2,
            "mi_matched": 5 * value,
            "mi_matched_sampled": 4 * value,
            "run_status": "done",
            **variants(),
            "reasons": None,
            "file": f"{folder}/representation.h5",
            "folder": folder,
        }
        record = {
            "run": {k: row[k] for k in ("dataset", "preset", "model", "init", "seed")}
            | {"hyperparameters": {"beta": float(beta)}},
            "config": {"steps": 4000, "latent_size": 10, "image_size": 32},
            "dataset": {"name": DATASET, "version": "1", "kind": "re-rendered"},
            "method": describe_method(model),
            "notes": ["re-rendered"],
            "pixels": 1024,
            "status": "done",
            "reason": "",
            "final": {},
        }
        rows.append(row)
        records.append({"folder": folder} | row_of(record))
    return pd.DataFrame(rows), pd.DataFrame(records, columns=list(RECORD_COLUMNS))


@pytest.fixture
def write(tmp_path):
    """Write a file that compares; what is given takes the place of what compares."""

    def write_one(name="mine/pca-seed-0.h5", seed=0, noise=0.0, **changed):
        index = draw_evaluation_index(int(np.prod(SIZES)), N_TRAIN + N_TEST, seed)
        factors = np.stack(np.unravel_index(index, SIZES), axis=1)
        drawn = np.random.default_rng(seed).normal(size=factors.shape)
        given = {
            "codes": factors / np.array(SIZES) + noise * drawn,
            "factors": factors,
            "n_train": N_TRAIN,
            "index": index,
            "dataset": DATASET,
            "factor_names": tuple(GRIDS[DATASET]),
            "factor_sizes": SIZES,
        }
        given = {key: value for key, value in (given | changed).items() if value is not None}
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_representation(path, **given)
        return path

    return write_one


def score_row(path, mig, **given):
    """A row of scores.csv with a MIG alone."""
    row = dict.fromkeys(COLUMNS) | {"path": str(path), "dataset": DATASET, "source": "external"}
    row |= {"mig": mig, "mig_status": "done", "mig_variant": METRICS["mig"].variant}
    return row | given


@pytest.fixture(name="score_row")
def give_score_row():
    return score_row


@pytest.fixture
def use_scores(monkeypatch):
    """Let `compare` find these entries and rows of scores, whatever it is asked for."""

    def use(entries, rows, other=None):
        scored = ScoredEntries(entries, Table(COLUMNS, rows, {}, []), 0, [], other or {})
        monkeypatch.setattr(comparing, "score_entries", lambda *given: scored)

    return use


@pytest.fixture
def place(tmp_path, small, shipped, use_scores):
    """Compare files with made-up MIGs, which are not scored."""

    def compare_values(values, entries=(), output=None, other=None, reference=shipped):
        """`values`: (model, seed, MIG), and a setting where there is one."""
        made, rows = list(entries), []
        for number, (model, seed, value, *setting) in enumerate(values):
            path = tmp_path / f"{number}.h5"
            made.append(Entry(path, model=model, seed=seed, dataset=DATASET))
            rows.append(score_row(path, value, beta=setting[0] if setting else None))
        use_scores(made, rows, other)
        return compare("mine", output=output, reference=reference, figures=False)

    return compare_values

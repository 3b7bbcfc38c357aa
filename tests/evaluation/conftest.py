"""Oracle scores, small codes, and a sweep of scores for reports."""

import itertools
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from disentanglement_bench.evaluation.representation.file_format import write_representation
from disentanglement_bench.evaluation.statistics.cells import collect
from disentanglement_bench.evaluation.statistics.summary import summarise

DATA = Path(__file__).parents[1] / "data"


class Oracle:
    """Codes with the scores that disentanglement_lib gives them."""

    n_train = 3000

    def __init__(self):
        self.scores = json.loads((DATA / "dlib_scores.json").read_text())
        with np.load(DATA / "dlib_codes.npz") as file:
            self.arrays = {
                name: (file[f"{name}/codes"], file[f"{name}/factors"]) for name in self.scores
            }


@pytest.fixture(scope="session")
def oracle():
    return Oracle()


@pytest.fixture
def stream():
    return np.random.default_rng(0)


@pytest.fixture
def partly_disentangled(stream):
    """Codes (600, 4) and factors (600, 3) of 2, 5 and 4 classes."""
    factors = np.stack([stream.integers(0, size, 600) for size in (2, 5, 4)], axis=1)
    standard = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    mixing = stream.normal(size=(3, 4)) * 0.3 + np.eye(3, 4)
    return standard @ mixing + 0.4 * stream.normal(size=(600, 4)), factors


HUMP = {1: 0.08, 2: 0.1, 4: 0.15, 8: 0.20, 16: 0.20, 32: 0.05}
SCORES = ("mig", "sap", "dci_disentanglement", "dci_completeness", "mi_matched")
MODELS = ("betavae", "lambdabeta", "betatcvae")


def sweep_rows(
    dataset="dsprites",
    preset="paper",
    seeds=6,
    betas=(1, 8, 32),
    lambdas=(0, 8),
    models=MODELS,
    level=HUMP.get,
    noise=0.02,
):
    """Rows of a scores.csv; at β = 32 and λ = 0 the runs have collapsed."""
    rng = np.random.default_rng(0)
    settings = [("betavae", None, "scratch", 2500), ("betatcvae", None, "scratch", 3300)]
    settings += [("lambdabeta", lambda_, "parent", 3300) for lambda_ in lambdas]
    settings = [setting for setting in settings if setting[0] in models]
    rows = []
    for (model, lambda_, init, steps), beta, seed in itertools.product(
        settings, betas, range(seeds)
    ):
        mean = 0.2 if lambda_ and beta == 32 else level(beta)
        name = f"beta={beta}" if lambda_ is None else f"beta={beta},lambda={lambda_}"
        rows.append(
            {
                "path": f"runs/{dataset}/{preset}/{model}/{name}/seed-{seed}/representation.h5",
                "dataset": dataset,
                "dataset_version": "1",
                "preset": preset,
                "model": model,
                "beta": beta,
                "lambda": lambda_,
                "init": init,
                "seed": seed,
                "steps": steps,
                "nll": 40.0 + beta - (lambda_ or 0) / 4 + 0.1 * rng.normal(),
                "kl": 0.05 if beta == 32 and not lambda_ else 20 / beta,
                "bce_floor": 9.8,
                "mi_matched_sampled": 5 * mean + noise * rng.normal(),
                "run_status": "done",
                **{key: mean + noise * rng.normal() for key in SCORES},
            }
        )
    return rows


@pytest.fixture(scope="session")
def sweep():
    return sweep_rows


@pytest.fixture(scope="session")
def sweep_over():
    """Rows, and those of further models over hyperparameters of their own: name=(model, values)."""

    def extend(rows, **others):
        first = sweep_rows(models=("betatcvae",))
        rows = [*rows]
        for name, (model, values) in others.items():
            place = dict(zip(sorted({row["beta"] for row in first}), values, strict=True))
            for row in first:
                value = place[row["beta"]]
                path = f"runs/{model}/{name}={value}/seed-{row['seed']}/representation.h5"
                rows.append({**row, "path": path, "model": model, "beta": None, name: value})
        columns = [*rows[-1]]
        seed = columns.index("seed") + 1
        # A table of scores has what was swept between the seed and the source.
        columns = dict.fromkeys([*columns[:seed], *others, "source", *columns[seed:]])
        return [{name: {"source": "bench", **row}.get(name) for name in columns} for row in rows]

    return extend


@pytest.fixture(scope="session")
def write_scores():
    """Write rows as scores.csv into a folder."""

    def write(folder, rows):
        folder.mkdir(exist_ok=True)
        pd.DataFrame(rows).to_csv(folder / "scores.csv", index=False)
        return folder

    return write


@pytest.fixture(scope="session")
def summary_of(write_scores):
    return lambda folder, rows: summarise(collect(write_scores(folder, rows)))


@pytest.fixture(scope="session")
def sweep_summary(summary_of, tmp_path_factory):
    """`summary_of` a sweep with these options, made once; not to be changed."""
    made = {}

    def make(**options):
        key = tuple(sorted(options.items()))
        if key not in made:
            made[key] = summary_of(tmp_path_factory.mktemp("sweep"), sweep_rows(**options))
        return made[key]

    return make


@pytest.fixture(scope="session")
def add_metric():
    """Rows with a score of the user's own, given by a function of the row."""

    def add(rows, name, value):
        # The user's columns come before the status of the run.
        ours = ({**row, name: value(row)} for row in rows)
        return [row | {"run_status": row.pop("run_status")} for row in ours]

    return add


@pytest.fixture(scope="session")
def write_run_files():
    """Write the representation and the MI files that rows of a scores.csv speak of."""

    def write(folder, rows):
        rng = np.random.default_rng(1)
        for row in rows:
            path = folder / row["path"]
            path.parent.mkdir(parents=True, exist_ok=True)
            strength = np.array([2.0, 1.0, 0.0]) / row["beta"]
            codes = rng.normal(size=(40, 3)) * strength
            factors = rng.integers(0, 2, (40, 2))
            write_representation(
                path, codes, factors, n_train=30, log_variances=np.zeros_like(codes)
            )
            record = {
                "schema_version": 1,
                "metric": "mi",
                "variant": "mi[hist20,plugin,nats,mean]",
                "status": "done",
                "values": {},
                "reasons": {},
                "request": {},
                "source": {},
                "representation": {"factor_names": ["shape", "scale"]},
                "matrix": [[0.0, 0.4], [0.6, 0.0], [0.0, 0.0]],
                "per_factor": {"entropy_nats": [0.6, 0.8]},
            }
            (path.parent / "scores").mkdir(exist_ok=True)
            for name in ("mi", "mi_sampled"):
                (path.parent / "scores" / f"{name}.json").write_text(json.dumps(record))

    return write

"""A benchmark of 60 rows, files that agree with it, and scoring in this process."""

import copy
import dataclasses
import hashlib
import json
import types
import zipfile

import numpy as np
import pytest

from disentanglement_bench.evaluation import write_representation
from disentanglement_bench.evaluation.contributions import members, packing, verifying
from disentanglement_bench.evaluation.evaluation_sample import draw_evaluation_index
from disentanglement_bench.evaluation.metrics import choose_metrics
from disentanglement_bench.evaluation.reference.benchmarks import BenchmarkDataset, load_benchmark
from disentanglement_bench.evaluation.reference.grids import GRIDS
from disentanglement_bench.evaluation.scoring.file_scores import Options, score_file
from disentanglement_bench.evaluation.scoring.score_files import Choices
from disentanglement_bench.evaluation.scoring.scores_table import make_table, write_table
from disentanglement_bench.evaluation.scoring.stored import read_stored

SIZES = {"x": 4, "y": 4, "z": 4}
KEYS = ("mig", "mig_sampled", "sap_continuous", "mi_matched")
ABOUT = {
    "name": "mine",
    "label": "Mine",
    "description": "A projection.",
    "citation": "Nobody (2026).",
    "code": "https://example.org/code",
    "training": {
        "summary": "Not trained.",
        "data": "none",
        "steps": 0,
        "tuning": "none",
        "settings_tried": 1,
    },
}


def shrink(monkeypatch):
    """Let the benchmark be small, and everything be called in this process.

    Returns
    -------
    Benchmark
    """
    db1 = load_benchmark("db1")
    benchmark = dataclasses.replace(
        db1,
        datasets={"toy": BenchmarkDataset("1", (0, 1, 2, 3, 4), ())},
        config={**db1.config, "n_train": 40, "n_test": 20},
        metrics={key: db1.metrics[key] for key in KEYS},
    )

    def call(function, *arguments, report=None, memory=None):
        return function(*arguments, report=report)

    for module in (packing, verifying, members):
        monkeypatch.setattr(module, "load_benchmark", lambda name: benchmark)
    for module in (members, verifying):
        monkeypatch.setattr(module, "call_guarded", call)
    for module in (packing, verifying):
        monkeypatch.setattr(module, "evaluate_paths", score_here)
    monkeypatch.setitem(GRIDS, "toy", SIZES)
    return benchmark


@pytest.fixture
def small(monkeypatch):
    return shrink(monkeypatch)


def score_here(files, metrics, table, **scoring):
    """What `evaluate_paths` does, without worker processes."""
    chosen = choose_metrics(metrics)
    outcomes = [score_file(path, chosen, Options(tuple(metrics))) for path in files]
    scores = make_table(
        [
            (each.path, read_stored(each.path, chosen, Choices()), each.problems)
            for each in outcomes
        ],
        table.parent,
        chosen,
    )
    write_table(table, scores)
    problems = [(each.path, line) for each in outcomes for line in each.problems]
    computed = sum(each.computed for each in outcomes)
    return types.SimpleNamespace(rows=scores.rows, problems=problems, computed=computed)


@pytest.fixture(name="write_seed")
def give_write_seed():
    return write_seed


@pytest.fixture
def stated():
    """What authors say about a method, complete."""
    return copy.deepcopy(ABOUT)


def write_seed(path, seed, sample=None, **described):
    """Write a representation of the evaluation sample of a seed."""
    index = draw_evaluation_index(64, 60, seed if sample is None else sample)
    factors = np.stack(np.unravel_index(index, tuple(SIZES.values())), axis=1)
    codes = factors + 0.2 * np.random.default_rng(seed).normal(size=factors.shape)
    given = {
        "n_train": 40,
        "index": index,
        "dataset": "toy",
        "log_variances": np.full(codes.shape, -3.0),
        "attributes": {"seed": seed},
    }
    write_representation(path, codes, factors, **{**given, **described})


@pytest.fixture
def about(tmp_path):
    path = tmp_path / "row.json"
    path.write_text(json.dumps(ABOUT))
    return path


@pytest.fixture
def files(tmp_path):
    """A folder of five seeds."""
    for seed in range(5):
        write_seed(tmp_path / f"mine/seed-{seed}.h5", seed, attributes={})
    return tmp_path / "mine"


@pytest.fixture(scope="session")
def packed(tmp_path_factory):
    """The bytes of an archive of five seeds."""
    folder = tmp_path_factory.mktemp("packed")
    (folder / "row.json").write_text(json.dumps(ABOUT))
    with pytest.MonkeyPatch.context() as monkeypatch:
        shrink(monkeypatch)
        for seed in range(5):
            write_seed(folder / f"mine/seed-{seed}.h5", seed)
        packing.pack([folder / "mine"], folder / "a.zip", about=folder / "row.json")
    return (folder / "a.zip").read_bytes()


@pytest.fixture
def archive(small, packed, tmp_path):
    """A packed archive."""
    path = tmp_path / "mine.zip"
    path.write_bytes(packed)
    return path


@pytest.fixture
def rebuild(archive):
    """Write the archive anew, with its manifest or its members changed."""

    def write(change=None, members=None, compression=zipfile.ZIP_STORED, rehash=False):
        with zipfile.ZipFile(archive) as old:
            contents = {name: old.read(name) for name in old.namelist()}
        manifest = json.loads(contents["manifest.json"])
        for member in manifest["members"] if rehash else ():
            content = (members or {}).get(member["name"], contents[member["name"]])
            member |= {"size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            contents["manifest.json"] = json.dumps(manifest).encode()
        if change is not None:
            change(manifest)
            contents["manifest.json"] = json.dumps(manifest).encode()
        contents = list((contents | (members or {})).items())
        with zipfile.ZipFile(archive, "w", compression) as new:
            for name, content in contents:
                if content is not None:
                    new.writestr(name, content)
        return archive

    return write

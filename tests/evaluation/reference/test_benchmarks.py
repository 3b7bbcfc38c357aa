"""A definition never changes: a change makes DB-2, more seeds DB-1.1, each in its own file."""

import hashlib
from importlib.resources import files

import pytest

from disentanglement_bench.evaluation.reference import benchmarks
from disentanglement_bench.evaluation.reference.benchmarks import BENCHMARKS, load_benchmark

DEFINITIONS = {
    "db1": "aa89812070820167564904e15438818c8dc8a774b5a005c1a65e06506bf934bf",
    "db1-paper": "54c26a305a1b3c77f6338bdee70f75f3d1555465155312cb55283b8e74760a1c",
}


def test_the_definitions_are_those_that_were_published():
    for name in BENCHMARKS:
        content = files(benchmarks.__package__).joinpath(f"{name}.json").read_bytes()
        assert hashlib.sha256(content).hexdigest() == DEFINITIONS[name], name


def test_db1_is_what_quick_was_in_version_0_4_0():
    db1 = load_benchmark("db1")
    assert db1.config == {
        "network": "conv-small",
        "image_size": 32,
        "latent_size": 10,
        "batch_size": 32,
        "learning_rate": 0.002,
        "adam_beta1": 0.9,
        "adam_beta2": 0.999,
        "adam_epsilon": 1e-8,
        "steps": 3000,
        "continue_steps": 1000,
        "final_steps": 5000,
        "log_every": 50,
        "n_train": 3000,
        "n_test": 1500,
        "amp": "none",
        "tf32": "convolutions",
        "permuted_batch": "second",
        "pair_factors": 0,
    }
    betas = (1, 4, 8, 16, 32)
    assert db1.models == {
        "vae": {},
        "betavae": {"beta": betas},
        "lambdabeta": {"beta": betas, "lambda": (0, 8)},
        "betatcvae": {"beta": betas},
        "factorvae": {"gamma": (2, 10, 40)},
        "annealedvae": {"gamma": (5,), "c_max": (5, 10, 20)},
        "dipvae1": {"lambda_od": (1, 10, 50), "lambda_d_factor": (10,)},
        "dipvae2": {"lambda_od": (1, 10, 50), "lambda_d_factor": (1,)},
    }
    assert list(db1.datasets) == ["sprites-small", "rooms3d"]
    assert all(each.version == "1" for each in db1.datasets.values())
    assert all(each.seeds == tuple(range(10)) for each in db1.datasets.values())
    assert db1.datasets["sprites-small"].confirmation_seeds == tuple(range(10, 20))
    assert (db1.n_train, db1.n_test, db1.image_size) == (3000, 1500, 32)


def test_an_unknown_name_is_answered_with_what_there_is():
    with pytest.raises(ValueError, match=r"unknown benchmark 'db2'.* Available: db1, db1-paper"):
        load_benchmark("db2")

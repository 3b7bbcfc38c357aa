"""`bench train` and `bench check` in the folder of a user, as separate processes."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
MODEL = """
from disentanglement_bench.models.zoo.betavae import BetaVAE


class Mine(BetaVAE):
    '''A loss of my own.'''

    label = "my VAE"
"""
# Names of everyday, which are also those of our packages.
PLACES = {
    "models.py": "models:Mine",
    "benchmark.py": "benchmark:Mine",
    "evaluation/__init__.py": "evaluation:Mine",
    "evaluation/zoo.py": "evaluation.zoo:Mine",
    "work/mine.py": "work/mine.py:Mine",
}


def bench(folder, *arguments):
    return subprocess.run(
        [Path(sys.executable).with_name("bench"), *arguments],
        cwd=folder,
        env=os.environ | {"OMP_NUM_THREADS": "1", "BENCH_DATA": str(folder / "data")},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.slow
@pytest.mark.parametrize(("place", "reference"), PLACES.items())
def test_a_users_own_file_of_any_name_is_found_and_shadows_nothing(place, reference, tmp_path):
    path = tmp_path / place
    path.parent.mkdir(exist_ok=True)
    path.write_text(MODEL)
    if place.startswith("evaluation/"):
        (tmp_path / "evaluation/__init__.py").touch()
    checked = bench(tmp_path, "check", reference)
    assert checked.returncode == 0, checked.stderr
    assert f"bench train --model {reference}" in checked.stdout
    options = ("train", "--model", reference, "--beta", "1", "--seeds", "1", "--steps", "4")
    options += ("--set", "image_size=16", "--set", "n_train=20", "--set", "n_test=10")
    planned = bench(tmp_path, *options, "--dry-run")
    assert planned.returncode == 0, planned.stderr
    name = reference.replace("work/mine.py", "mine")
    folder = f"runs/sprites-small/quick/{name.replace(':', '.')}/beta=1/seed-0"
    assert folder.removeprefix("runs/") in planned.stdout
    trained = bench(tmp_path, *options, "--jobs", "1", "--device", "cpu")
    assert trained.returncode == 0, trained.stderr
    record = json.loads((tmp_path / "results" / folder / "run.json").read_text())
    assert record["status"] == "done"
    assert record["config"]["model"] == record["run"]["model"] == name
    assert record["method"]["label"] == "my VAE"


def test_a_data_set_that_no_network_can_take_is_refused_before_anything_runs(tmp_path):
    """Its shape is only known once it is loaded."""
    (tmp_path / "odd.py").write_text(
        "import numpy as np\n"
        "class Odd:\n"
        "    factor_names, factor_sizes = ('x', 'y'), (8, 8)\n"
        "    def images(self, index):\n"
        "        return np.arange(len(index) * 256, dtype=np.uint8).reshape(-1, 16, 16)\n"
    )
    refused = bench(tmp_path, "train", "--dataset", "odd.py:Odd", "--model", "vae", "--jobs", "1")
    assert refused.returncode == 2
    assert "image_size = 32 does not suit Odd, whose images are 16×16" in refused.stderr
    assert not list(tmp_path.rglob("run.json"))


@pytest.mark.slow
def test_models_that_leave_or_change_their_size_fail_in_one_line_each(tmp_path):
    """Also one that leaves with `sys.exit(0)`, which must not look like success."""
    (tmp_path / "mine.py").write_text(
        "import sys\n"
        "from torch import nn\n"
        "from disentanglement_bench.models.zoo.vae import VAE\n"
        "class Leaves(VAE):\n"
        "    def loss(self, outputs, coefficients):\n        sys.exit(0)\n"
        "class Shrinks(VAE):\n"
        "    def encode(self, images):\n"
        "        means, log_variances = super().encode(images)\n"
        "        keep = slice(None if self.training else 3)\n"
        "        return means[:, keep], log_variances[:, keep]\n"
        "class Weightless(nn.Module):\n"
        "    def __init__(self, image_shape, latent_size):\n        super().__init__()\n"
        "    encode = decode = loss = print\n"
    )
    models = ",".join(f"mine.py:{name}" for name in ("Leaves", "Shrinks", "Weightless"))
    options = ("--seeds", "1", "--steps", "3", "--set", "image_size=16", "--set", "n_train=20")
    trained = bench(tmp_path, "train", "--model", models, *options, "--jobs", "1")
    assert trained.returncode == 1
    assert "3 failed; 0 trained by this call." in trained.stdout
    reasons = {
        path.parts[-4]: json.loads(path.read_text())["reason"]
        for path in tmp_path.rglob("run.json")
    }
    assert "exited with code 0" in reasons["mine.Leaves"] or "sys.exit" in reasons["mine.Leaves"]
    assert "3 codes an image in evaluation mode; latent_size is 10" in reasons["mine.Shrinks"]
    assert reasons["mine.Weightless"] == "Weightless has no parameters to train"


def test_the_own_data_of_the_documents_trains(tmp_path):
    page = (ROOT / "docs/datasets.md").read_text()
    code = re.search(r"```python\n(import numpy.*?np\.savez\(.*?)```", page, re.DOTALL)[1]
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    added = bench(tmp_path, "data", "add", "faces", "faces.npz")
    assert added.returncode == 0, added.stderr
    options = ("train", "--dataset", "faces", "--model", "betavae", "--beta", "1", "--seeds", "1")
    options += ("--deterministic", "--set", "tf32=none")
    trained = bench(tmp_path, *options, "--steps", "4", "--jobs", "1", "--device", "cpu")
    assert trained.returncode == 0, trained.stderr
    assert "are scored, where the protocol says 3,000 + 1,500" in trained.stdout
    record = json.loads(next(tmp_path.rglob("run.json")).read_text())
    assert record["status"] == "done"
    assert "are scored, where the protocol says" in record["notes"][0]
    assert record["config"]["n_train"] < 3_000
    assert record["config"]["tf32"] == "none"
    assert record["sessions"][0]["deterministic"] is True


def test_runs_of_version_0_1_0_are_skipped_as_done(tmp_path):
    options = [
        "--model",
        "lambdabeta",
        "--model",
        "betatcvae",
        "--seeds",
        "2",
        "--steps",
        "40",
        "--beta",
        "1,8",
    ]
    options += [
        "--set",
        "n_train=240",
        "--set",
        "n_test=120",
        "--set",
        "image_size=16",
        "--dry-run",
    ]
    old = ROOT / "tests/data/results-0.1.0"
    planned = bench(tmp_path, "train", "--results", str(old), *options)
    assert planned.returncode == 0, planned.stderr
    assert planned.stdout.count("│ done  │ skip  │") == 16
    assert "0 runs would be trained" in planned.stdout


@pytest.mark.slow
def test_a_sweep_shares_the_ordinary_runs_and_is_told_apart_in_the_scores(tmp_path):
    ordinary = ["train", "--model", "lambdabeta", "--beta", "4", "--lambda", "8", "--seeds", "1"]
    ordinary += ["--steps", "4", "--set", "image_size=16", "--jobs", "1", "--device", "cpu"]
    ordinary += ["--set", "n_train=40", "--set", "n_test=20"]
    sweep = [*ordinary, "--set", "learning_rate=1e-3,2e-3"]
    assert "2 trained by this call" in bench(tmp_path, *ordinary).stdout
    trained = bench(tmp_path, *sweep)
    assert "2 trained by this call" in trained.stdout, trained.stderr
    assert "4 done; 0 trained by this call" in bench(tmp_path, *sweep).stdout
    runs = tmp_path / "results/runs/sprites-small/quick"
    slow = json.loads(
        (runs / "lambdabeta/beta=4,lambda=8,learning_rate=0.001/seed-0/run.json").read_text()
    )
    assert slow["run"]["settings"] == {"learning_rate": 0.001}
    assert slow["parent"]["path"].endswith("betavae/beta=4,learning_rate=0.001/seed-0")
    refused = bench(tmp_path, *ordinary, "--set", "learning_rate=5e-3")
    assert refused.returncode == 2
    assert "learning_rate: 0.002 there, 0.005 wanted" in refused.stderr
    assert "--set name=value," in refused.stderr
    evaluated = bench(tmp_path, "evaluate", "results", "--metrics", "mig", "--jobs", "1")
    assert evaluated.returncode == 0, evaluated.stderr
    with open(tmp_path / "results/scores.csv", newline="") as file:
        rates = {row["path"]: row["learning_rate"] for row in csv.DictReader(file)}
    assert sorted(rates.values()) == ["0.001", "0.001", "0.002", "0.002"]

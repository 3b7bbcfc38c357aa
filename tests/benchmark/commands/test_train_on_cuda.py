"""`bench train` on a CUDA device, from the command line to the files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device"),
]


@pytest.mark.parametrize("options", [(), ("--no-graph",), ("--stack", "2"), ("--stack", "auto")])
def test_runs_are_trained_and_say_how(options, tmp_path):
    """In two phases, by two workers on one device, which keep its images."""
    trained = subprocess.run(
        [
            *(Path(sys.executable).with_name("bench"), "train", "--device", "cuda", "--jobs", "2"),
            *("--model", "lambdabeta,factorvae", "--beta", "4", "--seeds", "2", "--steps", "40"),
            *("--set", "n_train=40", "--set", "n_test=20", "--set", "gamma=10"),
            *options,
        ],
        cwd=tmp_path,
        env=os.environ | {"BENCH_DATA": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert trained.returncode == 0, trained.stderr
    records = [json.loads(path.read_text()) for path in tmp_path.rglob("run.json")]
    assert {record["status"] for record in records} == {"done"}
    for record in records:
        for session in record["sessions"]:
            assert session["device"].startswith("cuda:0 (")
            assert session["cudnn_benchmark"]
            # The second phase of a child is too short for a graph.
            if session["first_step"] == 0:
                assert session["graph"] == ("--no-graph" not in options), trained.stderr
            assert 1 <= session["stack"] <= 2

import json
import os
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from disentanglement_bench.benchmark import cli as cli_module
from disentanglement_bench.benchmark.cli import COMMANDS, cli
from disentanglement_bench.benchmark.errors import BenchError


def invoke(*arguments):
    return CliRunner().invoke(cli, list(arguments))


def error(*arguments):
    """The message and exit code of a command that must fail."""
    result = invoke(*arguments)
    assert result.exception is not None
    if isinstance(result.exception, BenchError):
        return str(result.exception), result.exception.exit_code
    return result.output, result.exit_code


def every_command(group=cli, path=()):
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        yield (*path, name)
        if hasattr(command, "list_commands"):
            yield from every_command(command, (*path, name))


@pytest.mark.parametrize("path", list(every_command()), ids=" ".join)
def test_every_help_has_an_example_to_paste(path):
    result = invoke(*path, "--help")
    assert result.exit_code == 0
    assert f"bench {' '.join(path)}" in result.output.split("Example", 1)[1]


@pytest.mark.parametrize(
    ("raised", "code", "printed"),
    [
        (BenchError("what, and what to do", exit_code=3), 3, "Error: what, and what to do\n"),
        (click.UsageError("no such option"), 2, "Error: no such option\n"),
        (KeyboardInterrupt(), 130, "Interrupted.\n"),
    ],
)
def test_errors_become_one_line_and_an_exit_code(raised, code, printed, monkeypatch, capsys):
    def fail(**_):
        raise raised

    monkeypatch.setattr(cli, "main", fail)
    with pytest.raises(SystemExit) as caught:
        cli_module.main()
    assert caught.value.code == code
    assert capsys.readouterr().err == printed


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux")
def test_output_that_has_no_space_is_told_in_one_line():
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", cli_module.__name__, "--help"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 1
    assert done.stderr == (
        "Error: an operation failed: No space left on device; see that there is space, and "
        "that you may read and write there\n"
    )


def test_an_unknown_command_is_answered_with_the_closest():
    message, code = error("trian")
    assert code == 2
    assert "unknown command 'trian'; did you mean 'train'?" in message
    assert all(name in message for name in COMMANDS)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--model", "betavea"], "unknown model 'betavea'; did you mean 'betavae'?"),
        (["--dataset", "sprite"], "unknown data set 'sprite'; did you mean 'sprites'?"),
        (["--preset", "papers"], "unknown preset 'papers'; did you mean 'paper'?"),
        (["--set", "batchsize=3"], "'batchsize'; did you mean 'batch_size'?"),
        (["--set", "batch_size"], "expected key=value"),
        (["--seeds", "x"], "expected a count (10), a range (0-4) or a list (1,3) of seeds"),
        (["--beta", "-1"], "expected numbers of at least 0, got -1"),
        (["--lambda", "a"], "expected numbers separated by commas"),
        (["--steps", "0"], "0 is not in the range"),
        (["--device", "gpu"], "--device must be auto, cpu, cuda, cuda:N or mps, got 'gpu'"),
        (["--device", "cuda:77"], "PyTorch finds no such device here; it finds: cpu"),
        (["--shard", "2/2"], "expected i/n with i from 0 to n - 1"),
        (["--tag", "a/b"], "expected letters"),
        (["--model", "nowhere:Model"], "cannot import the model 'nowhere:Model'"),
        (["--model", "disentanglement_bench.models.zoo.vae:VEA"], "did you mean 'VAE'?"),
        (["--model", "lambdabeta", "--continue-steps", "0"], "--init scratch"),
    ],
)
def test_careless_options_say_what_was_expected(arguments, expected, tmp_path):
    message, code = error("train", "--results", str(tmp_path), *arguments)
    assert expected in message
    assert code == 2
    assert not list(tmp_path.iterdir()), "nothing is written for a refused plan"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("bench tr", ["train"]),
        ("bench train --model betavae,bet", ["betavae,betatcvae", "betavae,betavae"]),
        ("bench train --dataset sprites", ["sprites-small", "sprites"]),
        ("bench train --preset q", ["quick"]),
        ("bench train --benchmark db1-", ["db1-paper"]),
    ],
)
def test_shell_completion_knows_the_names_and_loads_nothing_heavy(words, expected, tmp_path):
    code = (
        "import atexit, sys\n"
        "from disentanglement_bench.benchmark.cli import cli\n"
        "heavy = ('torch', 'scipy', 'pandas', 'matplotlib')\n"
        "atexit.register(lambda: print([name for name in heavy if name in sys.modules]))\n"
        "cli(prog_name='bench')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ
        | {
            "_BENCH_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
            "BENCH_DATA": str(tmp_path),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    *offered, heavy = done.stdout.splitlines()
    assert [line.removeprefix("plain,") for line in offered] == expected
    assert heavy == "[]"


def test_a_message_is_one_line_of_bounded_length(monkeypatch, capsys):
    def fail(**_):
        raise BenchError("a\x1b[31m\nb" + "x" * 20_000)

    monkeypatch.setattr(cli, "main", fail)
    with pytest.raises(SystemExit):
        cli_module.main()
    printed = capsys.readouterr().err
    assert printed.startswith("Error: a [31m b")
    assert printed.count("\n") == 1
    assert len(printed) < 5_000


def test_dry_run_shows_every_run_and_writes_nothing(tmp_path):
    result = invoke(
        "train", "--model", "vae,betatcvae", "--seeds", "2", "--dry-run", "--results", str(tmp_path)
    )
    assert result.exit_code == 0
    assert "14 runs" in result.output
    assert "14 runs would be trained" in result.output
    assert "train after its parent" in result.output
    assert "vae is lambdabeta at beta = 1, lambda = 0: one run under both names." in result.output
    assert not list(tmp_path.iterdir())


def test_lists_take_commas_and_repeats(tmp_path):
    options = ["--dry-run", "--results", str(tmp_path), "--seeds", "1"]
    commas = invoke("train", "--model", "betavae,betatcvae", "--beta", "1,4", *options)
    repeats = invoke(
        "train",
        "--model",
        "betavae",
        "--model",
        "betatcvae",
        "--beta",
        "1",
        "--beta",
        "4",
        *options,
    )
    assert commas.output == repeats.output
    assert "4 runs would be trained" in commas.output


def test_a_missing_genuine_file_stops_the_call_before_anything_is_trained(tmp_path):
    message, code = error(
        "train",
        "--dataset",
        "dsprites",
        "--device",
        "cpu",
        "--results",
        str(tmp_path / "results"),
        "--data-dir",
        str(tmp_path),
    )
    assert "bench data get dsprites" in message
    assert code == 3
    assert not list((tmp_path / "results").rglob("run.json"))


def test_status_counts_and_explains(tmp_path):
    assert "no runs below" in error("status", "--results", str(tmp_path))[0]
    for seed, status, reason in [(0, "done", ""), (1, "failed", "because"), (2, "running", "")]:
        folder = tmp_path / f"runs/tiny/quick/betavae/beta=1/seed-{seed}"
        folder.mkdir(parents=True)
        record = {"schema_version": 1, "status": status, "reason": reason}
        (folder / "run.json").write_text(json.dumps(record))
    broken = tmp_path / "runs/tiny/quick/betavae/beta=1/seed-3"
    broken.mkdir()
    (broken / "run.json").write_text("{")
    result = invoke("status", "--results", str(tmp_path))
    assert result.exit_code == 0
    assert "failed: tiny/quick/betavae/beta=1/seed-1: because" in result.output
    assert "interrupted: tiny/quick/betavae/beta=1/seed-2: its process ended" in result.output
    assert "unreadable: tiny/quick/betavae/beta=1/seed-3" in result.output
    each = invoke("status", "--runs", str(tmp_path))
    assert "seed-0" in each.output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["models"], ["vae", "betavae", "lambdabeta", "betatcvae", "vu2026mutual"]),
        (["datasets"], ["sprites-small", "46,080", "mpi3d_real", "bench data get shapes3d"]),
        (["presets"], ["quick", "paper", "dlib", "150,000", "conv-dlib", "values of lambda"]),
        (["published"], ["dsprites", "NLL, SAP, MIG", "arXiv:2602.09277", "bench list published"]),
        (["published", "dsprites"], ["% change against β = 1, λ = 0", "+127.2", "variant"]),
        (["metrics"], ["mig[hist20,plugin,mean]", "mi_matched_sampled", "nats"]),
    ],
)
def test_lists(words, expected, tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    result = invoke("list", *words)
    assert result.exit_code == 0
    for text in expected:
        assert text in result.output
    if words == ["published"]:
        assert result.output.count("\n") < 40

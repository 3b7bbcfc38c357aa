import pickle

import pytest
import torch

from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.runs.checkpoints import read_checkpoint, write_checkpoint

STATE = {
    "step": 3,
    "seconds": 1.5,
    "model": {"weight": torch.arange(2000.0)},
    "optimiser": {},
    "recorder": {},
    "random": {"cpu": torch.arange(3)},
    "threads": 1,
    "config_sha256": "abc",
}


def test_a_checkpoint_reads_back(tmp_path):
    write_checkpoint(tmp_path / "checkpoint.pt", STATE)
    state = read_checkpoint(tmp_path / "checkpoint.pt", "")
    assert torch.equal(state.pop("model")["weight"], STATE["model"]["weight"])
    assert torch.equal(state.pop("random")["cpu"], torch.arange(3))
    assert state == {key: STATE[key] for key in state}


def test_every_flipped_bit_of_the_content_is_noticed(tmp_path):
    path = tmp_path / "checkpoint.pt"
    write_checkpoint(path, STATE)
    content = path.read_bytes()
    start = content.index(STATE["model"]["weight"].numpy().tobytes())
    for place in (start, start + 4321, start + 7999):
        damaged = bytearray(content)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        with pytest.raises(BenchError, match="is damaged: its checksums do not hold; throw it"):
            read_checkpoint(path, "throw it away")


@pytest.mark.parametrize("length", [0, 10, 4000])
def test_a_cut_file_is_damaged(length, tmp_path):
    path = tmp_path / "checkpoint.pt"
    write_checkpoint(path, STATE)
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(BenchError, match="is damaged"):
        read_checkpoint(path, "")


class Sneaky:
    def __reduce__(self):
        return print, ("code from a checkpoint ran",)


@pytest.mark.parametrize("content", [{"step": Sneaky()}, {"step": 3}, [1]])
def test_what_is_no_checkpoint_is_refused_on_one_line(content, tmp_path, capsys):
    torch.save(content, tmp_path / "checkpoint.pt", pickle_module=pickle)
    with pytest.raises(BenchError) as caught:
        read_checkpoint(tmp_path / "checkpoint.pt", "remove it")
    message = str(caught.value)
    assert message == f"{tmp_path}/checkpoint.pt is not a checkpoint of bench train; remove it"
    assert capsys.readouterr().out == ""

"""Batches as epochs without replacement, and reading ahead."""

import threading
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from disentanglement_bench.models.training.batches import Batches


class Numbers:
    """Images that are their own index."""

    resident = False
    device = torch.device("cpu")

    def __init__(self, count):
        self.count = count

    def __len__(self):
        return self.count

    def __call__(self, index):
        return index.clone()


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 60), st.data())
def test_an_epoch_draws_without_replacement_and_drops_the_rest(count, data):
    size = data.draw(st.integers(1, count))
    seed, epoch = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 3))
    batches = Batches(Numbers(count), size, seed)
    steps = range(epoch * batches.per_epoch, (epoch + 1) * batches.per_epoch)
    drawn = [batches(step) for step in steps]
    assert all(len(batch) == size for batch in drawn)
    seen = torch.cat(drawn).tolist()
    assert len(seen) == count // size * size
    assert len(set(seen)) == len(seen)
    assert set(seen) <= set(range(count))


def test_epochs_and_seeds_differ_and_every_image_comes_in_turn():
    def epoch(seed, number):
        batches = Batches(Numbers(40), 10, seed)
        return torch.cat([batches(4 * number + i) for i in range(4)]).tolist()

    orders = [epoch(seed, number) for seed in (0, 1) for number in (0, 1, 2)]
    assert len({tuple(order) for order in orders}) == 6
    assert all(sorted(order) == list(range(40)) for order in orders)


def test_a_batch_depends_on_seed_and_step_alone():
    """Runs that differ in model, β or λ, and resumed runs, see the same batches."""
    batches = Batches(Numbers(30), 7, 3)
    first = [batches(step).tolist() for step in range(12)]
    again = Batches(Numbers(30), 7, 3)
    assert [again(step).tolist() for step in reversed(range(12))][::-1] == first


def test_a_data_set_smaller_than_a_batch_is_refused():
    message = "^the data set has 3 images, fewer than a batch of 4; lower batch_size$"
    with pytest.raises(ValueError, match=message):
        Batches(Numbers(3), 4, 0)


class Watched(Numbers):
    """Also notes which thread read which batch."""

    def __init__(self, count):
        super().__init__(count)
        self.reads = []

    def __call__(self, index):
        self.reads.append((threading.current_thread() is threading.main_thread(), index.tolist()))
        return super().__call__(index)


def test_reading_ahead_gives_the_same_batches_from_another_thread():
    plain = Batches(Numbers(23), 5, 1)
    watched = Watched(23)
    ahead = Batches(watched, 5, 1, read_ahead=True)
    steps = [0, 1, 2, 3, 4, 5, 17, 18, 2]
    try:
        for step in steps:
            assert torch.equal(ahead(step), plain(step))
    finally:
        ahead.close()
    jumps = 1 + sum(after != before + 1 for before, after in pairwise(steps))
    assert [index for _, index in watched.reads][:3] == [plain(i).tolist() for i in range(3)]
    assert sum(main for main, _ in watched.reads) == jumps
    assert not Batches(Numbers(23), 5, 1)._reader


def test_an_error_while_reading_ahead_reaches_the_training_loop():
    class Broken(Numbers):
        def __call__(self, index):
            if threading.current_thread() is not threading.main_thread():
                raise OSError("the disk is gone")
            return super().__call__(index)

    batches = Batches(Broken(20), 5, 0, read_ahead=True)
    try:
        batches(0)
        with pytest.raises(OSError, match="the disk is gone"):
            batches(1)
    finally:
        batches.close()


def test_closing_ends_the_reader():
    batches = Batches(Numbers(20), 5, 0, read_ahead=True)
    batches(0)
    reader = batches._next[1]
    batches.close()
    assert reader.done()
    assert not [t for t in threading.enumerate() if t.name.startswith("reader")]
    Batches(Numbers(20), 5, 0).close()


def test_reading_ahead_on_a_gpu_has_a_stream_of_its_own(monkeypatch):
    events = []

    class Stream:
        def __init__(self, *_):
            pass

        def __enter__(self):
            events.append("on its own stream")

        def __exit__(self, *_):
            events.append("back")

        def record_event(self):
            return "event"

        def wait_event(self, event):
            events.append(f"wait for {event}")

    class OnGpu:
        device = torch.device("cuda")

        def record_stream(self, stream):
            events.append("keep for the step's stream")

    class Gpu(Numbers):
        device = torch.device("cuda")
        resident = False

        def __call__(self, index):
            events.append("read")
            return OnGpu()

    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: stream)
    monkeypatch.setattr(torch.cuda, "current_stream", Stream)
    batches = Batches(Gpu(20), 5, 0)
    batches(0)
    batches._next[1].result()
    assert events == ["read", "on its own stream", "read", "back"]
    batches(1)
    batches.close()
    assert events[4:6] == ["wait for event", "keep for the step's stream"]

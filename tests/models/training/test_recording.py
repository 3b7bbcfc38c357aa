"""The log of a run: rows, final means, active units, divergence and text."""

import math

import pytest
import torch

from disentanglement_bench.models.training.recording import (
    ACTIVE_VARIANCE,
    COLUMNS,
    Diverged,
    Interval,
    Recorder,
)


def logged(step):
    """Five terms of a step, counted from 1: loss, NLL, KL, L2, TC."""
    return torch.tensor([100.0, 10.0, 20.0, 30.0, 40.0]) + step


def record(steps, interval=4, final_from=0, means=None, recorder=None, first=1):
    recorder = recorder or Recorder(interval, 2, "cpu", final_from)
    for step in range(first, steps + 1):
        recorder.add(logged(step), torch.zeros(3, 2) if means is None else means[step - 1])
        if recorder.full or step == steps:
            recorder.flush(step)
    return recorder


def test_a_row_holds_the_means_over_its_interval():
    recorder = record(10)
    assert [row[0] for row in recorder.rows] == [4, 8, 10]
    middles = [2.5, 6.5, 9.5]
    for row, middle in zip(recorder.rows, middles, strict=True):
        assert row[1:5] == pytest.approx([10 + middle, 20 + middle, 30 + middle, 40 + middle])


@pytest.mark.parametrize("final_from", [0, 3, 4, 9])
def test_final_means_are_over_exactly_the_last_steps(final_from):
    final = record(10, final_from=final_from).final()
    steps = range(final_from + 1, 11)
    mean = sum(steps) / len(steps)
    assert final == pytest.approx(
        {"nll": 10 + mean, "kl": 20 + mean, "l2": 30 + mean, "tc": 40 + mean}
    )


def test_active_units_count_latents_whose_mean_varies_over_the_interval():
    draw = torch.Generator().manual_seed(0)
    scales = torch.tensor([1.0, 0.2, 0.05, 0.0])
    means = 3 + scales * torch.randn((8, 16, 4), generator=draw)
    recorder = Recorder(4, 4, "cpu", 0)
    for step in range(8):
        recorder.add(logged(step), means[step])
        if recorder.full:
            recorder.flush(step + 1)
    for row, part in zip(recorder.rows, (means[:4], means[4:]), strict=True):
        variances = part.reshape(-1, 4).double().var(dim=0, unbiased=False)
        assert row[5] == int((variances > ACTIVE_VARIANCE).sum()) == 2
    assert ACTIVE_VARIANCE == 0.01


def test_active_units_are_of_one_interval_alone():
    """A latent that moved between intervals, but not within one, is not active."""
    means = [torch.full((3, 2), float(step > 4)) for step in range(1, 9)]
    assert [row[5] for row in record(8, means=means).rows] == [0, 0]
    assert [row[5] for row in record(8, interval=8, means=means).rows] == [2]


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("step", [1, 3, 4, 5, 7])
def test_a_loss_that_is_not_finite_is_reported_with_its_step_and_value(value, step):
    recorder = Recorder(4, 2, "cpu", 0)
    for number in range(1, 8):
        terms = logged(number)
        if number >= step:
            terms[0] = value
        recorder.add(terms, torch.zeros(3, 2))
        if number == 4 and step > 4:
            recorder.flush(4)
        elif recorder.full or number == 7:
            with pytest.raises(Diverged) as caught:
                recorder.flush(number)
            break
    assert caught.value.step == step
    assert repr(caught.value.value) == repr(value)
    assert f"the loss became {value} at step {step}; lower learning_rate" in str(caught.value)


@pytest.mark.parametrize("pause", range(1, 11))
def test_going_on_from_a_state_changes_nothing(pause):
    draw = torch.Generator().manual_seed(0)
    means = torch.randn((11, 3, 2), generator=draw)
    whole = record(11, final_from=5, means=means)

    part = Recorder(4, 2, "cpu", 5)
    for step in range(1, pause + 1):
        part.add(logged(step), means[step - 1])
        if part.full:
            part.flush(step)
    state = part.state()
    part.add(logged(99), means[0])

    again = Recorder(4, 2, "cpu", 5)
    again.load(state)
    record(11, means=means, recorder=again, first=pause + 1)
    assert again.rows == whole.rows
    assert again.final() == whole.final()
    assert again.csv() == whole.csv()


def test_the_csv_has_one_row_an_interval():
    recorder = record(6)
    assert recorder.csv().splitlines() == [
        "step,nll,kl,l2,tc,active_units",
        "4,12.5,22.5,32.5,42.5,0",
        "6,15.5,25.5,35.5,45.5,0",
    ]
    assert recorder.csv().endswith("\n")
    assert Recorder(4, 2, "cpu", 0).csv() == ",".join(COLUMNS) + "\n"


@pytest.mark.parametrize("cuts", [(4, 8, 11), (2, 4, 5, 8, 9, 11), range(1, 12)])
def test_rows_of_steps_that_were_recorded_elsewhere_are_those_of_ones_own(cuts):
    """As a stack of runs hands them to its members: at every row, and at saves in between."""
    draw = torch.Generator().manual_seed(0)
    means = torch.randn((11, 2, 3, 2), generator=draw)
    alone = [record(11, means=means[:, member], final_from=3) for member in range(2)]
    members = [Recorder(4, 2, "cpu", 3) for _ in range(2)]
    together = Interval(4, 5, 2, "cpu", members=(2,))
    first = 1
    for cut in cuts:
        for step in range(first, cut + 1):
            together.write(logged(step).expand(2, 5), means[step - 1])
        steps = cut + 1 - first
        for number, recorder in enumerate(members):
            values = together.values[:steps, number]
            recorder.take(values, together.moments[:, number], 3 * steps)
            if recorder.full or cut == 11:
                recorder.flush(cut)
        together.clear()
        first = cut + 1
    for recorder, expected in zip(members, alone, strict=True):
        assert recorder.csv() == expected.csv()
        assert recorder.final() == expected.final()


def test_recording_keeps_its_tensors_and_reads_none_of_them():
    """A CUDA graph writes to fixed addresses; on "meta" nothing can be read at all."""
    recorder = Recorder(4, 2, "cpu", 0)
    tensors = [*vars(recorder.here).values()]
    addresses = [tensor.data_ptr() for tensor in tensors]
    record(11, recorder=recorder)
    recorder.load(record(5).state())
    recorder.take(torch.zeros(1, 5), torch.zeros(2, 2), 3)
    assert all(
        one is other for one, other in zip(vars(recorder.here).values(), tensors, strict=True)
    )
    assert [tensor.data_ptr() for tensor in tensors] == addresses
    assert len(addresses) == 3

    unreadable = Recorder(4, 2, "meta", 0)
    for _ in range(4):
        unreadable.add(torch.zeros(5, device="meta"), torch.zeros(3, 2, device="meta"))
    assert unreadable.full

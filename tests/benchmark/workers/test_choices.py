import json
import threading

import pytest

from disentanglement_bench.benchmark.workers.choices import Choice, Choices, choose
from disentanglement_bench.benchmark.workers.measuring import Measurement

EIGHT = Choice(8, 379.0, 222.0, 1 << 20, False)


def measurements(**speeds):
    """Run-steps/s by size, as ``_8=379.0``."""
    return tuple(
        Measurement(int(size.strip("_")), 1 / speed, 1000 * int(size.strip("_")))
        for size, speed in speeds.items()
    )


def test_the_fastest_size_is_taken():
    choice = choose([measurements(_1=222.0, _2=229.0, _4=295.0, _8=379.0)])
    assert choice == Choice(8, pytest.approx(379), pytest.approx(222), 8000, False)


def test_speeds_are_summed_over_the_workers():
    slow = measurements(_1=100.0, _2=90.0, _4=80.0)
    fast = measurements(_1=100.0, _2=125.0, _4=110.0)
    choice = choose([slow, fast])
    assert (choice.members, choice.run_steps_per_second) == (2, pytest.approx(215))
    assert choose([slow, slow, fast]).members == 1


@pytest.mark.parametrize(("speed", "members"), [(102.9, 1), (103.1, 2)])
def test_a_stack_must_be_worth_it(speed, members):
    assert choose([measurements(_1=100.0, _2=speed)]).members == members


def test_each_larger_stack_must_be_worth_it_too():
    assert choose([measurements(_1=100.0, _2=150.0, _4=152.0)]).members == 2
    assert choose([measurements(_1=100.0, _2=150.0, _4=152.0, _8=156.0)]).members == 8


def test_a_size_that_one_worker_could_not_carry_out_is_not_taken():
    failed = Measurement(4, float("inf"), 0, error="out of memory")
    full = [measurements(_1=100.0, _2=150.0, _4=300.0)] * 2
    assert choose(full).members == 4
    assert choose([full[0], (*full[1][:2], failed)]).members == 2
    assert choose([full[0], full[1][:2]]).members == 2


@pytest.mark.parametrize(("stack", "members"), [(1, 1), (4, 4), (8, 4), (2, 2)])
def test_a_number_that_was_asked_for_is_taken_as_far_as_it_could_be_carried_out(stack, members):
    assert choose([measurements(_1=100.0, _2=50.0, _4=40.0)], stack).members == members


def test_nothing_measured_means_one_by_one():
    failed = Measurement(1, float("inf"), 0, error="out of memory")
    for workers in ([], [()], [(failed,)], [(failed,), measurements(_1=1.0, _2=3.0)]):
        assert choose(workers).members == 1


def test_of_two_ways_to_train_one_run_the_faster_counts():
    eager, graphed = Measurement(1, 0.01, 5), Measurement(1, 0.005, 5, graph=True)
    stack = Measurement(2, 0.006, 9, graph=True)
    assert choose([(eager, graphed, stack)]) == Choice(1, 200.0, 200.0, 5, True)


def test_a_choice_is_found_again_by_an_equal_call_only(tmp_path):
    Choices(tmp_path, "chip", 1, 2).store(("bits", 64), EIGHT)
    assert Choices(tmp_path, "chip", 1, 2).find(("bits", 64)) == EIGHT
    assert Choices(tmp_path, "chip", 1, 2).find(("bits", 32)) is None
    for other in (("other", 1, 2), ("chip", 2, 2), ("chip", 1, 1)):
        assert Choices(tmp_path, *other).find(("bits", 64)) is None


def test_a_choice_of_another_version_of_pytorch_is_not_found(tmp_path):
    choices = Choices(tmp_path, "chip", 1, 2)
    choices.store("key", EIGHT)
    content = json.loads(choices.path.read_text())
    content["choices"][0]["torch"] = "1.0"
    choices.path.write_text(json.dumps(content))
    assert choices.find("key") is None
    choices.store("key", EIGHT)
    assert len(json.loads(choices.path.read_text())["choices"]) == 2


def test_a_later_choice_replaces_the_earlier_one_of_its_key(tmp_path):
    choices = Choices(tmp_path, "chip", 1, 2)
    choices.store("other", EIGHT)
    for members in (2, 4):
        choices.store("key", Choice(members, 1.0, 1.0, 0, False))
    assert choices.find("key").members == 4
    assert choices.find("other") == EIGHT
    assert len(json.loads(choices.path.read_text())["choices"]) == 2


def break_number(content):
    content["choices"][0]["members"] = 0
    return json.dumps(content)


def remove_device(content):
    del content["choices"][0]["device"]
    return json.dumps(content)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda content: json.dumps(content)[:-20], "not valid JSON"),
        (break_number, "members must be in 1"),
        (remove_device, "has no device"),
        (lambda content: "[]", "must be an object"),
        (lambda content: json.dumps({**content, "schema_version": 99}), "schema_version"),
    ],
)
def test_a_damaged_file_is_measured_again_with_one_line(tmp_path, damage, reason):
    Choices(tmp_path, "chip", 1, 2).store("key", EIGHT)
    notes = []
    choices = Choices(tmp_path, "chip", 1, 2, notes.append)
    choices.path.write_text(damage(json.loads(choices.path.read_text())))
    assert choices.find("key") is None
    assert choices.find("other") is None
    (note,) = notes
    assert reason in note
    assert note.startswith(f"{choices.path}: ")
    assert note.count(str(choices.path)) == 1
    assert note.endswith("stacks are measured again")
    assert "\n" not in note
    choices.store("key", EIGHT)
    assert choices.find("key") == EIGHT


def store_many(folder, first):
    choices = Choices(folder, "chip", 1, 2)
    for number in range(first, first + 20):
        choices.store(number, EIGHT)


def test_calls_that_store_at_once_leave_a_file_that_can_be_read(tmp_path):
    threads = [threading.Thread(target=store_many, args=(tmp_path, first)) for first in (0, 100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    notes = []
    choices = Choices(tmp_path, "chip", 1, 2, notes.append)
    assert EIGHT in (choices.find(19), choices.find(119))
    assert notes == []

import os
import signal

import pytest

from disentanglement_bench.evaluation.guarding import GuardedFailure, call_guarded


def double(value, report):
    report(value, 3)
    return 2 * value


def fail(error, report):
    raise error


def die(report):
    os.kill(os.getpid(), signal.SIGSEGV)


def leave(report):
    os._exit(7)


def hang(report):
    while True:
        pass


def fill(report):
    return len(bytearray(1 << 30))


def test_it_returns_and_reports(own_module):
    steps = []
    assert call_guarded(own_module.double, 4, report=lambda *step: steps.append(step)) == 8
    assert steps == [(4, 3)]


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        ("fail", (ValueError("two\nlines"),), "^ValueError: two lines$"),
        ("die", (), "ended by SIGSEGV"),
        ("leave", (), "ended with code 7"),
        ("fill", (), "needs more than 512 MiB"),
    ],
)
def test_whatever_happens_there_is_one_line_here(function, arguments, message, own_module):
    with pytest.raises(GuardedFailure, match=message):
        call_guarded(getattr(own_module, function), *arguments, memory=1 << 29)


def test_an_endless_loop_is_ended(own_module):
    with pytest.raises(GuardedFailure, match=r"nothing happened for 0\.5 seconds"):
        call_guarded(own_module.hang, patience=0.5)

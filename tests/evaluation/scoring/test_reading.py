import threading

import pytest

from disentanglement_bench.evaluation.scoring import reading
from disentanglement_bench.evaluation.scoring.reading import TRIED, choose_threads, read_each

COUNT = TRIED + 20


@pytest.mark.parametrize("threads", [1, 4])
def test_results_come_in_order_and_are_reported(monkeypatch, threads):
    monkeypatch.setattr(reading, "choose_threads", lambda passed, work: threads)
    said, readers = [], set()

    def read(number):
        readers.add(threading.current_thread())
        return 2 * number

    found = read_each(read, range(COUNT), lambda *done: said.append(done))
    assert list(found) == [2 * number for number in range(COUNT)]
    assert said == [(number + 1, COUNT) for number in range(COUNT)]
    assert (len(readers) > 1) == (threads > 1)
    assert list(read_each(read, [])) == []
    assert list(read_each(read, [4])) == [8]


@pytest.mark.parametrize("threads", [1, 4])
@pytest.mark.parametrize("bad", [3, TRIED + 3])
def test_what_reading_raises_ends_the_whole(monkeypatch, threads, bad):
    monkeypatch.setattr(reading, "choose_threads", lambda passed, work: threads)
    found = read_each(lambda number: 1 / (number - bad), range(COUNT))
    with pytest.raises(ZeroDivisionError):
        list(found)


def test_threads_are_for_waiting():
    assert choose_threads(1.0, 0.9) == choose_threads(1.0, 0.3) == 1
    assert choose_threads(1.0, 0.1) == reading.THREADS

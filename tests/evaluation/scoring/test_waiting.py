from disentanglement_bench.evaluation.scoring import waiting
from disentanglement_bench.evaluation.scoring.waiting import Waiting


def take_all(work):
    return [work.take() for _ in range(len(work))]


def test_a_call_alone_keeps_the_order():
    asked = []
    work = Waiting("abcd", asked.append)
    assert take_all(work) == list("abcd")
    assert asked == list("abcd")
    assert not work.shared
    assert take_all(Waiting("ab")) == ["a", "b"]


def test_the_order_is_random_once_another_call_is_met():
    orders = set()
    for _ in range(50):
        work = Waiting(range(6))
        assert work.take() == 0
        work.share()
        work.share()
        rest = take_all(work)
        assert sorted(rest) == [1, 2, 3, 4, 5]
        orders.add(tuple(rest))
    assert len(orders) > 10


def test_what_others_have_begun_comes_last_and_is_taken_then(monkeypatch):
    monkeypatch.setattr(waiting.random.Random, "shuffle", lambda self, work: work.reverse())
    work = Waiting("abcdef", lambda piece: piece in "be")
    assert take_all(work) == list("afdcbe")
    assert work.shared
    work = Waiting("ab", lambda piece: True)
    assert sorted(take_all(work)) == ["a", "b"]

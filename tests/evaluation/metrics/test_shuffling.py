import numpy as np

from disentanglement_bench.evaluation.metrics.shuffling import shuffle_rows


def test_rows_stay_whole_and_each_stream_and_seed_has_an_order_of_its_own():
    factors = np.arange(60).reshape(30, 2)
    found = [shuffle_rows(factors, word, seed) for word, seed in ((1, 0), (2, 0), (1, 1))]
    for shuffled in found:
        assert sorted(map(tuple, shuffled.tolist())) == list(map(tuple, factors.tolist()))
    assert len({shuffled.tobytes() for shuffled in found}) == 3
    assert (shuffle_rows(factors, 1, 0) == found[0]).all()

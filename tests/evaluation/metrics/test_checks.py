import pytest

from disentanglement_bench.evaluation import METRICS, Key, Metric, MetricError, check_metric

STATE = [0]


def fine(codes, factors, n_train):
    return 0.5


def restless(codes, factors, n_train):
    STATE[0] += 1
    return STATE[0] % 2


def high(codes, factors, n_train):
    return 7.0


def picky(codes, factors, n_train):
    if codes.shape[1] < 2:
        raise IndexError("two codes are needed")
    return 0.5


def undefined(codes, factors, n_train):
    return float("nan")


@pytest.mark.parametrize("name", ["mig", "mig_sampled", "mi", "sap_continuous", "modularity"])
def test_built_in_metrics_pass(name):
    lines = check_metric(METRICS[name])
    assert [line.split(":")[0] for line in lines] == [
        "perfect codes",
        "noise",
        "a constant code",
        "a single code",
        *(["continuous factors"] if METRICS[name].continuous else []),
    ]


def test_a_plain_function_passes():
    assert check_metric(fine)[0] == "perfect codes: fine = 0.5"


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (restless, "must give the same score for the same seed"),
        (
            Metric("high", high, (Key("high"),)),
            r"high is 7.0 on perfect codes, outside its range 0.0 … 1.0",
        ),
        (picky, "a single code raised IndexError: two codes are needed"),
        (undefined, "undefined even on perfect codes"),
    ],
)
def test_broken_promises(function, message):
    with pytest.raises(MetricError, match=message):
        check_metric(function)


def test_wrong_keys():
    metric = Metric("m", lambda c, f, n_train: {"a": 1.0}, (Key("b", ""),))
    with pytest.raises(MetricError, match=r"declares \['b'\]"):
        check_metric(metric)


def stumble(codes, factors, all_log_variances):
    """Raises on fewer codes than three, unless there is one."""
    if codes.shape[1] == 2:
        raise IndexError("not these")
    return 0.5


def test_twins_are_tried_too():
    masked = Metric("masked", stumble, (Key("masked"),), masked=True)
    with pytest.raises(MetricError, match="masked_active: an inactive code raised IndexError"):
        check_metric(masked)
    assert len(check_metric(Metric("plain", stumble, (Key("plain"),)))) == 4

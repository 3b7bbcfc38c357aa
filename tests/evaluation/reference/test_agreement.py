import pytest

from disentanglement_bench.evaluation.reference.agreement import (
    check_agreement,
    trains_as_published,
)
from disentanglement_bench.evaluation.reference.benchmarks import load_benchmark
from disentanglement_bench.evaluation.representation import Representation
from disentanglement_bench.evaluation.scoring.score_files import describe

AGREES = {
    "dataset": "sprites-small",
    "rows": 4500,
    "n_train": 3000,
    "factor_sizes": (3, 6, 10, 16, 16),
    "attributes": {"dataset_version": "1"},
}


def check(**changes):
    return check_agreement({**AGREES, **changes}, load_benchmark("db1"))


def test_what_agrees_has_no_reason_against_it():
    assert check() == []
    assert check(attributes={}) == check(attributes=None) == []
    assert check(factor_sizes=[3, 6, 10, 16, 16]) == []


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"dataset": ""}, "it names no data set, and DB-1 has sprites-small, rooms3d"),
        ({"dataset": "dsprites\n"}, "its data set is 'dsprites', and DB-1 has sprites-small, "),
        ({"attributes": {"dataset_version": "2"}}, "its sprites-small is version 2, and that of"),
        ({"rows": 4499}, "its sample has 3000 + 1499 rows, and that of DB-1 3000 + 1500"),
        ({"n_train": 4500}, "its sample has 4500 + 0 rows"),
    ],
)
def test_each_disagreement_is_told_in_one_line(changes, reason):
    (told,) = check(**changes)
    assert told.startswith(reason)
    assert "\n" not in told


def test_factors_of_other_sizes_are_told_also_where_no_scores_ship():
    reasons = check(factor_sizes=[3, 6])
    assert reasons == ["its factors have 3, 6 classes, and those of sprites-small 3, 6, 10, 16, 16"]
    about = {**AGREES, "dataset": "dsprites"}
    assert check_agreement(about, load_benchmark("db1-paper"))[-1].endswith(
        "and those of dsprites 3, 6, 40, 32, 32"
    )


def test_several_disagreements_are_all_told():
    assert len(check(rows=10, n_train=5, attributes={"dataset_version": "0"})) == 2


def test_it_reads_what_is_remembered_of_a_representation():
    small = Representation([[0.5], [1.5], [0.1]], [[0], [1], [0]], dataset="rooms3d")
    reasons = check_agreement(describe(small), load_benchmark("db1"))
    assert reasons[0] == "its sample has 2 + 1 rows, and that of DB-1 3000 + 1500"


@pytest.mark.parametrize(
    ("protocol", "published"),
    [
        ("quick", False),
        ("quick+steps-9", False),
        ("db1", False),
        ("db1-paper", True),
        ("paper", True),
        ("unstated", True),
    ],
)
def test_a_protocol_on_smaller_images_is_not_that_of_published_work(protocol, published):
    assert trains_as_published(protocol) is published

import pytest

from disentanglement_bench.evaluation.naming import (
    file_name,
    format_number,
    unknown_name,
    write_spans,
)


@pytest.mark.parametrize(
    ("number", "text"),
    [(4.0, "4"), (16, "16"), (0.5, "0.5"), (1e-4, "0.0001"), (-2.5, "-2.5"), (1e-5, "0.00001")],
)
def test_numbers_read_back_the_same(number, text):
    assert format_number(number) == text
    assert float(format_number(number)) == number


def test_unknown_names():
    assert unknown_name("metric", "MGI", ["mig", "sap"]) == (
        "unknown metric 'MGI'; did you mean 'mig'? Available: mig, sap"
    )
    assert unknown_name("metric", "xyz", []) == "unknown metric 'xyz'. Available: none"


@pytest.mark.parametrize(
    ("one", "other"),
    [("Toy", "toy"), ("日本", "中国"), ("a b", "a-b"), ("a" * 300, "a" * 301), ("", "..")],
)
def test_names_that_look_alike_never_share_a_file(one, other):
    names = {file_name("comparison", name, "quick") for name in (one, other)}
    assert len({name.lower() for name in names}) == 2
    assert all(len(name) <= 120 and name.isascii() and "/" not in name for name in names)


def test_a_file_name_that_is_taken_is_not_given_again():
    assert file_name("curve", "toy", taken=["curve-toy", "curve-toy-2"]) == "curve-toy-3"


def test_numbers_are_told_in_stretches():
    assert write_spans([4, 3, 3, 9]) == "3–4, 9"

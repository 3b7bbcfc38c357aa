import pytest

from disentanglement_bench.evaluation.naming import format_number, unknown_name


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
    assert unknown_name("metric", "xyz", []) == "unknown metric 'xyz'; Available: none"

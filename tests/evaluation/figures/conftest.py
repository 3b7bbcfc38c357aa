"""A sweep to draw, and what is looked for in panels."""

import pytest


@pytest.fixture
def summary(sweep_summary):
    return sweep_summary()


@pytest.fixture(scope="session")
def texts():
    """The texts within a panel."""
    return lambda axis: [text.get_text() for text in axis.texts]


@pytest.fixture(scope="session")
def line():
    """The line of a panel with this label."""
    return lambda axis, label: next(one for one in axis.lines if one.get_label() == label)

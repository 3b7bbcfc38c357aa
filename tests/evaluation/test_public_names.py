"""What the package offers can be imported from it."""

import pytest

from disentanglement_bench import evaluation


@pytest.mark.parametrize("name", evaluation.__all__)
def test_public_names_resolve(name):
    assert getattr(evaluation, name) is not None
    assert name in dir(evaluation)


def test_other_names_do_not():
    with pytest.raises(AttributeError, match="no attribute 'mgi'"):
        _ = evaluation.mgi

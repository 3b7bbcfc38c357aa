"""Summaries of sweeps, each made once."""

import pytest


@pytest.fixture(scope="session")
def sweep_summary(summary_of, sweep, tmp_path_factory):
    """`summary_of` a sweep with these options; not to be changed."""
    made = {}

    def make(**options):
        key = tuple(sorted(options.items()))
        if key not in made:
            made[key] = summary_of(tmp_path_factory.mktemp("sweep"), sweep(**options))
        return made[key]

    return make

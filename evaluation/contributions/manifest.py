"""The manifest of an archive: what it holds, who made it, and the scores that are stated."""

import re
from typing import Any

from .. import schema
from ..naming import one_line
from .about import Method, check_methods
from .problems import ContributionError

FORMAT_VERSION = 1
NAME = "manifest.json"
LARGEST_MANIFEST = 2**23
MOST_MEMBERS = 1000
LARGEST_MEMBER = 2**26
LARGEST_ARCHIVE = 2**29
LEAST_SEEDS = 5
# Folders and names that are the same on every file system and lead nowhere else.
MEMBER = re.compile(r"representations(/[A-Za-z0-9][A-Za-z0-9._+=,-]{0,119}){1,4}\.npz")
_SHA256 = re.compile("[0-9a-f]{64}")
_COMMIT = re.compile("[0-9a-f]{7,64}")


def _refuse(value, place):
    raise schema.SchemaError(f"{one_line(place[-1], 60)} is not a key that an archive has here")


_MANIFEST = schema.record(
    {
        "format_version": schema.whole(FORMAT_VERSION, FORMAT_VERSION),
        "benchmark": schema.record({"name": schema.name, "version": schema.name}, others=_refuse),
        "methods": schema.list_of(schema.plain, MOST_MEMBERS),
        "members": schema.list_of(
            schema.record(
                {
                    "name": schema.matching(MEMBER, "the name of a representation in the archive"),
                    "sha256": schema.matching(_SHA256, "a SHA-256"),
                    "size": schema.whole(1, LARGEST_MEMBER),
                    "scores": schema.mapping(schema.optional(schema.number()), 1000),
                },
                others=_refuse,
                git_commit=schema.matching(_COMMIT, "a commit"),
            ),
            MOST_MEMBERS,
        ),
        "versions": schema.mapping(schema.optional(schema.name), 100),
    },
    others=_refuse,
)


def check_manifest(record: object) -> tuple[dict[str, Any], list[Method]]:
    """Check what a manifest says, before anything that it names is looked at.

    Parameters
    ----------
    record : object
        Plain data from a file.

    Returns
    -------
    dict
        The record.
    list of Method

    Raises
    ------
    ContributionError
    """
    try:
        _MANIFEST(record, "")
    except schema.SchemaError as error:
        raise ContributionError([f"{NAME}: {error}"]) from None
    assert isinstance(record, dict)
    names = [member["name"].lower() for member in record["members"]]
    if not names:
        raise ContributionError([f"{NAME} names no representation"])
    twice = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if twice:
        raise ContributionError([f"{NAME} names {twice[0]} twice"])
    try:
        return record, check_methods(record["methods"])
    except ContributionError as error:
        raise ContributionError([f"{NAME}: {problem}" for problem in error.problems]) from None

import click
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from disentanglement_bench.benchmark.cli import cli
from disentanglement_bench.benchmark.commands.options import (
    NumberList,
    SeedList,
    Setting,
    Shard,
    Stack,
    Tag,
    merge_values,
    split_names,
)
from disentanglement_bench.benchmark.workers import train


def convert(kind, value):
    return kind.convert(value, None, None)


@pytest.mark.parametrize(
    ("text", "seeds"),
    [
        ("1", (0,)),
        ("3", (0, 1, 2)),
        ("0-4", (0, 1, 2, 3, 4)),
        ("3-3", (3,)),
        ("1,3", (1, 3)),
        ("7,", (7,)),
        ("5,1-2,1", (5, 1, 2)),
    ],
)
def test_seeds(text, seeds):
    assert convert(SeedList(), text) == seeds


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "a", "4-1", "1,,x", "1.5", "0-999999999", "1000000", "123456"]
)
def test_bad_seeds_are_refused(text):
    with pytest.raises(click.BadParameter, match="expected"):
        convert(SeedList(), text)


def test_an_absurd_count_is_told_how_to_name_one_seed():
    with pytest.raises(click.BadParameter, match="of this number is written 1000000-1000000"):
        convert(SeedList(), "1000000")
    assert convert(SeedList(), "1000000-1000000") == (1000000,)


def test_a_list_of_no_names_is_refused():
    with pytest.raises(click.BadParameter, match="expected a name, got ','"):
        split_names(None, None, (",",))
    assert split_names(None, None, ("a,b", "b")) == ("a", "b")


@given(st.lists(st.integers(0, 10**6), min_size=2, unique=True))
def test_a_list_of_seeds_is_taken_as_written(seeds):
    assert convert(SeedList(), ",".join(map(str, seeds))) == tuple(seeds)


def test_numbers():
    assert convert(NumberList(), "1,0.5,1e2") == (1.0, 0.5, 100.0)
    assert merge_values(((1.0, 2.0), (2.0, 4.0))) == (1.0, 2.0, 4.0)
    assert merge_values(()) is None


@pytest.mark.parametrize("text", ["", "1,", "x", "-1", "nan", "inf"])
def test_bad_numbers_are_refused(text):
    with pytest.raises(click.BadParameter, match="expected numbers"):
        convert(NumberList(), text)


def test_shards():
    assert convert(Shard(), "0/4") == (0, 4)


@pytest.mark.parametrize("text", ["4/4", "1", "a/b", "1/0", "-1/2"])
def test_bad_shards_are_refused(text):
    with pytest.raises(click.BadParameter, match="i from 0 to n - 1"):
        convert(Shard(), text)


def test_settings():
    assert convert(Setting(), "a=b=c") == ("a", "b=c")
    with pytest.raises(click.BadParameter, match="expected key=value"):
        convert(Setting(), "a")


@pytest.mark.parametrize("text", ["../up", "a/b", "-x", "a b", "x" * 65])
def test_a_tag_cannot_leave_its_folder(text):
    with pytest.raises(click.BadParameter, match="expected letters"):
        convert(Tag(), text)


@pytest.mark.parametrize(("text", "stack"), [("auto", "auto"), ("1", 1), ("64", 64)])
def test_stacks(text, stack):
    assert convert(Stack(), text) == stack


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "all", "", "12345", "１"])
def test_bad_stacks_are_refused(text):
    with pytest.raises(click.BadParameter, match="expected auto or a whole number of runs"):
        convert(Stack(), text)


def list_flags(command, path=()):
    """All options without a value of a command and of those below it, with their names."""
    context = click.Context(command)
    for name in command.list_commands(context) if isinstance(command, click.Group) else ():
        yield from list_flags(command.get_command(context, name), (*path, name))
    for param in command.params:
        if isinstance(param, click.Option) and param.is_flag and not param.secondary_opts:
            yield " ".join((*path, param.opts[0])), param


def test_flags_mean_the_same_with_every_version_of_click():
    """click 8.3 takes the value of a flag that stands for False as the default, too."""
    flags = dict(list_flags(cli))
    assert {"train --no-wait", "train --no-graph", "submit train --no-graph"} <= flags.keys()
    assert [name for name, option in flags.items() if option.flag_value is False] == []


@pytest.mark.parametrize("words", [(), ("--no-wait",), ("--no-graph",)])
def test_flags_that_say_no(words, monkeypatch):
    asked = []
    monkeypatch.setattr(train, "train", lambda request: asked.append(request) or 0)
    CliRunner().invoke(cli, ["train", *words])
    assert asked[0].wait == ("--no-wait" not in words)
    assert asked[0].graphs == ("--no-graph" not in words)

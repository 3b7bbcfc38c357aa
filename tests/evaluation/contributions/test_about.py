import json
import tomllib

import pytest

from disentanglement_bench.evaluation.contributions import TEMPLATE, ContributionError, read_about


@pytest.fixture
def read(tmp_path):
    """Read what is said, as a JSON file; give the problems where there are any."""

    def read_it(content):
        path = tmp_path / "row.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        try:
            return read_about(path)
        except ContributionError as error:
            return [problem.removeprefix(f"{path}: ") for problem in error.problems]

    return read_it


def test_the_template_names_every_required_field_at_once(tmp_path):
    path = tmp_path / "row.toml"
    path.write_text(TEMPLATE)
    with pytest.raises(ContributionError) as caught:
        read_about(path)
    missing = [problem.split(": ")[1].split(" is required")[0] for problem in caught.value.problems]
    assert missing == [
        "name",
        "label",
        "description",
        "citation",
        "code",
        "training.summary",
        "training.data",
        "training.steps",
        "training.tuning",
        "training.settings_tried",
    ]


def test_the_template_filled_in(tmp_path, stated):
    text = TEMPLATE.replace("# steps", "steps").replace("# settings_tried", "settings_tried")
    text = text.replace("# learning_rate", "learning_rate")
    for name in ("name", "label", "description", "citation", "code"):
        text = text.replace(f'\n{name} = ""', f"\n{name} = {json.dumps(stated[name])}")
    for name in ("summary", "data", "tuning"):
        text = text.replace(f'\n{name} = ""', f'\n{name} = "said"')
    assert tomllib.loads(text)["training"]["steps"] == 4000
    path = tmp_path / "row.toml"
    path.write_text(text)
    (method,) = read_about(path)
    assert method.name == "mine"
    assert method.training["settings_tried"] == 1
    assert method.hyperparameters == {"learning_rate": 1e-4}
    assert (method.contact, method.licence) == ("", "")


def test_several_methods_and_their_names(read, stated):
    other = {**stated, "name": "other", "hyperparameters": {"depth": 3, "tied": True, "kind": "a"}}
    assert [each.name for each in read({"method": [stated, other]})] == ["mine", "other"]
    assert read({"method": [stated, {**other, "name": "Mine"}]}) == [
        "two methods are called mine: give each its own name"
    ]
    assert read({"method": [stated, {}]})[0].startswith("method 2: name is required")
    assert read({"name": "stray", "method": [stated]}) == [
        "name stands outside of every [[method]]"
    ]
    assert read({"method": []}) == ["expected a list of 1 to 100 methods"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"name": "../up"}, "name must be 1 to 64 letters"),
        ({"name": 3}, "name must be 1 to 64 letters"),
        ({"label": "two\nlines"}, "label must be a name without line breaks"),
        ({"code": "javascript:alert(1)"}, "code must be an address that begins with https://"),
        ({"code": "https://a b"}, "code must be an address that begins with https://"),
        ({"description": "x" * 501}, "description has 501 characters"),
        ({"colour": "red"}, "colour is not a field; known are name, label"),
        ({"training": "yes"}, "training must be a table"),
        ({"hyperparameters": {"a": [1]}}, "hyperparameters.a must be a finite number"),
        ({"hyperparameters": {"a": float("nan")}}, "hyperparameters.a must be a finite number"),
        ({"description": "  "}, "description is required"),
    ],
)
def test_what_is_wrong_is_named(read, stated, change, problem):
    problems = read({**stated, **change})
    assert any(line.startswith(problem) for line in problems), problems


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"steps": -1}, "training.steps must be in 0"),
        ({"steps": 1.5}, "training.steps must be a whole number"),
        ({"settings_tried": 0}, "training.settings_tried must be in 1"),
        ({"summary": ["a"]}, "training.summary must be text"),
        ({"speed": 1}, "training.speed is not a field"),
    ],
)
def test_what_is_wrong_with_the_training_is_named(read, stated, change, problem):
    (found,) = read({**stated, "training": {**stated["training"], **change}})
    assert found.startswith(problem)


def test_toml_may_hold_what_json_has_no_name_for(tmp_path):
    path = tmp_path / "row.toml"
    path.write_text("name = 1979-05-27\nlabel = inf\n[hyperparameters]\na = 07:32:00\nb = nan\n")
    with pytest.raises(ContributionError) as caught:
        read_about(path)
    for place in ("name", "label", "hyperparameters.a", "training"):
        assert any(f": {place}" in problem for problem in caught.value.problems), place
    assert not any("\n" in problem for problem in caught.value.problems)


def test_files_that_cannot_be_read(read, tmp_path):
    assert "not valid JSON" in read("{")[0]
    assert read("[]") == ["expected names and values"]
    path = tmp_path / "row.toml"
    with pytest.raises(ContributionError, match="bench pack --template prints one"):
        read_about(path)
    for content in (b"name =", b"\xff", b"a = " + b"[" * 5000, b"a = " + b"1" * 5000):
        path.write_bytes(content)
        with pytest.raises(ContributionError, match="not TOML in UTF-8"):
            read_about(path)
    path.write_bytes(b"#" * 300_000)
    with pytest.raises(ContributionError, match="more than 262144 bytes"):
        read_about(path)

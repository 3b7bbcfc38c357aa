import dataclasses
import hashlib
import os

import pytest

from disentanglement_bench.evaluation import (
    METRICS,
    Representation,
    Score,
    read_representation,
    write_representation,
)
from disentanglement_bench.evaluation.files import RecordError, read_json, write_json
from disentanglement_bench.evaluation.scoring.file_scores import Options, score_file
from disentanglement_bench.evaluation.scoring.score_files import (
    Choices,
    Source,
    describe,
    is_current,
    load_score,
    read_score,
    request,
    scores_folder,
    write_score,
)
from disentanglement_bench.evaluation.scoring.stored import read_stored

SCORE = Score("mig", {"mig": 0.5}, "mig[hist20,plugin,mean]")


@pytest.fixture
def written(tmp_path):
    """A representation and the score file of one metric."""
    path = tmp_path / "a.h5"
    write_representation(path, [[0.0, 1.0]] * 3, [[0], [1], [0]], attributes={"beta": 4})
    source = Source.of(path)
    metric = METRICS["mig"]
    target = scores_folder(path) / "mig.json"
    write_score(
        target,
        SCORE,
        metric,
        request(metric, Choices(), {}),
        source,
        source.sha256(),
        read_representation(path),
        0.25,
    )
    return path, target


def current(path, target, metric=METRICS["mig"], seed=0):
    return is_current(read_score(target), request(metric, Choices(seed), {}), Source.of(path))


def test_where_scores_lie(tmp_path):
    assert scores_folder(tmp_path / "representation.h5") == tmp_path / "scores"
    assert scores_folder(tmp_path / "representation.npz") == tmp_path / "scores"
    assert scores_folder(tmp_path / "a.npz") == tmp_path / "a.scores"
    (tmp_path / "a.h5").touch()
    assert scores_folder(tmp_path / "a.h5") == tmp_path / "a.scores"
    assert scores_folder(tmp_path / "a.npz") == tmp_path / "a.npz.scores"
    (tmp_path / "representation.h5").touch()
    assert scores_folder(tmp_path / "representation.npz").name == "representation.npz.scores"


def test_what_a_score_file_says(written):
    record = read_json(written[1])
    assert record["metric"] == "mig"
    assert record["status"] == "done"
    assert record["values"] == {"mig": 0.5}
    assert record["variant"] == "mig[hist20,plugin,mean]"
    assert record["request"] == {"version": 1, "variant": "mig[hist20,plugin,mean]"}
    assert record["declaration"]["keys"][0] == {
        "name": "mig",
        "label": METRICS["mig"].keys[0].label,
        "description": METRICS["mig"].keys[0].description,
        "higher_is_better": True,
        "low": 0.0,
        "high": 1.0,
        "unit": "",
    }
    assert set(record["source"]) == {"file", "size", "mtime_ns", "sha256"}
    assert record["representation"]["attributes"] == {"beta": 4}
    assert record["representation"]["posterior"] is False
    assert record["seconds"] == 0.25
    assert record["versions"]["numpy"]


def test_what_is_said_of_a_representation_twice_is_checked_once(written):
    """The files of its scores say the same of it; whatever else they say is checked in each."""
    _, target = written
    first = load_score(target, only_head=True)
    about = first["representation"]
    assert load_score(target, only_head=True, about=about)["representation"] is about
    record = read_json(target)
    for changes in (
        {"representation": {**about, "attributes": 3}},
        {"representation": None},
        {"values": {"mig": 7.0}},
        {"status": "fine"},
    ):
        write_json(target, {**record, **changes})
        with pytest.raises(RecordError, match="not a valid score file"):
            load_score(target, only_head=True, about=about)
    write_json(target, [record])
    with pytest.raises(RecordError, match="not a valid score file"):
        load_score(target, only_head=True, about=about)


def test_a_score_holds_until_its_file_changes(written):
    path, target = written
    assert current(path, target)
    os.utime(path, ns=(1, 1))
    assert current(path, target), "the content is the same"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(2, 2))
    assert not current(path, target)


def test_a_copied_file_is_hashed_once_for_all_its_scores(tmp_path, monkeypatch):
    """Its time is another one, as after copying a folder without times."""
    path = tmp_path / "a.h5"
    write_representation(path, [[0.0, 1.0]] * 3, [[0], [1], [0]])
    metrics = [METRICS["mig"], METRICS["mi"], METRICS["sap_continuous"]]
    score_file(path, metrics, Options(()))
    os.utime(path, ns=(0, 0))
    taken = []
    really = hashlib.sha256
    monkeypatch.setattr(hashlib, "sha256", lambda: taken.append(really()) or taken[-1])
    assert read_stored(path, metrics, Choices()).kept == 3
    assert len(taken) == 1


def test_a_score_of_another_size_or_name_does_not_hold(written):
    path, target = written
    path.write_bytes(path.read_bytes() + b"\0")
    assert not current(path, target)
    other = path.with_name("b.h5")
    other.write_bytes(path.read_bytes())
    assert not current(other, target)


def test_a_score_holds_for_the_same_request_only(written):
    path, target = written
    assert current(path, target, seed=1), "mig draws nothing"
    record = read_json(target)
    write_json(target, {**record, "request": {**record["request"], "backend": "numba"}})
    assert current(path, target), "older score files name a backend"
    assert not current(path, target, dataclasses.replace(METRICS["mig"], version=2))
    assert not current(path, target, dataclasses.replace(METRICS["mig"], variant="mig[hist30]"))
    assert request(METRICS["mi"], Choices(0), {}) != request(METRICS["mi"], Choices(1), {})


def test_a_request_names_only_what_concerns_the_file():
    about = {"factor_names": ["shape", "azimuth"], "continuous_factors": ["azimuth"]}
    plain = {"version": 1, "variant": "mig[hist20,plugin,mean]"}
    mig, correlation = METRICS["mig"], METRICS["sap_continuous"]
    bins = Choices(bin_factors=10)
    assert request(mig, bins, about) == {**plain, "bin_factors": 10}
    assert request(mig, bins, {"factor_names": ["shape"], "continuous_factors": []}) == plain
    assert request(mig, bins, {}) == plain, "older score files know no continuous factors"
    assert "bin_factors" not in request(correlation, bins, about)
    left = Choices(bin_factors=10, without_factors=("height", "azimuth"))
    assert request(mig, left, about) == {**plain, "without_factors": ["azimuth"]}
    assert request(mig, left, {}) == plain
    assert request(correlation, left, about)["without_factors"] == ["azimuth"]


def test_a_description_names_continuous_factors():
    values = [[0.0, 0.5], [1.0, 0.25], [0.0, 0.75]]
    made = Representation(values, values, factor_names=["shape", "azimuth"])
    about = describe(made)
    assert about["factor_names"] == ("shape", "azimuth")
    assert about["continuous_factors"] == ["azimuth"]


def test_a_failure_is_stored_but_never_holds(written):
    path, target = written
    metric = METRICS["mig"]
    source = Source.of(path)
    record = write_score(
        target,
        "ValueError: no",
        metric,
        request(metric, Choices(), {}),
        source,
        source.sha256(),
        read_representation(path),
        0.0,
    )
    assert record["status"] == "failed"
    assert record["values"] == {"mig": None}
    assert record["reasons"] == {"mig": "ValueError: no"}
    assert read_score(target) is not None
    assert not current(path, target)


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"schema_version": 1, "status": "done"}', '{"schema_version": 9}']
)
def test_unreadable_score_files_are_computed_anew(tmp_path, content):
    (tmp_path / "mig.json").write_text(content)
    assert read_score(tmp_path / "mig.json") is None


def test_statuses_are_a_closed_vocabulary(written):
    record = read_json(written[1])
    write_json(written[1], {**record, "status": "good"})
    assert read_score(written[1]) is None


def test_another_tolerance_makes_no_score_outdated(written):
    path, target = written
    record = read_json(target)
    assert record["declaration"].pop("tolerance") == METRICS["mig"].tolerance
    write_json(target, record)
    assert current(path, target)
    assert current(path, target, dataclasses.replace(METRICS["mig"], tolerance=0.5))


@pytest.mark.parametrize("wrong", [-1.0, "much", True])
def test_a_tolerance_that_is_none_is_refused(written, wrong):
    _, target = written
    record = read_json(target)
    record["declaration"]["tolerance"] = wrong
    write_json(target, record)
    with pytest.raises(RecordError, match=r"declaration\.tolerance must be"):
        load_score(target)

"""Archives with bytes changed, cut and repeated: one clear end, and nothing outside the folder."""

import io
import json
import zipfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from disentanglement_bench.evaluation.contributions import ContributionError, read_about
from disentanglement_bench.evaluation.contributions.about import check_methods
from disentanglement_bench.evaluation.contributions.opening import extract

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=12,
)
QUICK = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
LONG = settings(QUICK, max_examples=3000)


def check(content, folder):
    """Extract an archive and see that it ends well and writes nothing beside the folder."""
    for old in sorted(folder.rglob("*"), reverse=True):
        old.rmdir() if old.is_dir() else old.unlink()
    inside = folder / "inside"
    inside.mkdir()
    (folder / "a.zip").write_bytes(content)
    came = extract(str(folder / "a.zip"), str(inside))
    assert set(came) in ({"manifest"}, {"problems"})
    assert came.get("problems") != []
    assert all("\n" not in line for line in came.get("problems", []))
    assert {path.name for path in folder.iterdir()} == {"inside", "a.zip"}
    assert not any(path.is_symlink() for path in inside.rglob("*"))


def change_bytes(data, content):
    content = bytearray(content)
    for _ in range(data.draw(st.integers(1, 6))):
        # Headers and the list of members are what is parsed.
        near = data.draw(st.sampled_from([0, len(content) // 2, max(0, len(content) - 800)]))
        at = min(len(content) - 1, near + data.draw(st.integers(0, 800)))
        kind = data.draw(st.sampled_from(["set", "cut", "repeat", "insert"]))
        if kind == "set":
            content[at] = data.draw(st.integers(0, 255))
        elif kind == "cut":
            del content[at : at + data.draw(st.integers(1, 60))]
        elif kind == "repeat":
            content[at:at] = content[at : at + data.draw(st.integers(1, 200))]
        else:
            content[at:at] = data.draw(st.binary(max_size=40))
        if not content:
            break
    return bytes(content)


@QUICK
@given(data=st.data())
def test_changed_bytes(packed, tmp_path, data):
    check(change_bytes(data, packed), tmp_path)


@pytest.mark.slow
@LONG
@given(data=st.data())
def test_many_changed_bytes(packed, tmp_path, data):
    check(change_bytes(data, packed), tmp_path)


def rewrite(packed, name, value):
    """The archive with one entry of its manifest replaced."""
    with zipfile.ZipFile(io.BytesIO(packed)) as old:
        contents = {each: old.read(each) for each in old.namelist()}
    manifest = json.loads(contents["manifest.json"])
    place = manifest
    for part in name[:-1]:
        place = place[part]
    place[name[-1]] = value
    contents["manifest.json"] = json.dumps(manifest).encode()
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as new:
        for each, content in contents.items():
            new.writestr(each, content)
    return written.getvalue()


PLACES = [
    ("format_version",),
    ("benchmark",),
    ("methods",),
    ("methods", 0),
    ("methods", 0, "training"),
    ("members",),
    ("members", 0),
    ("members", 0, "name"),
    ("members", 0, "sha256"),
    ("members", 0, "size"),
    ("members", 0, "scores"),
    ("versions",),
]


@QUICK
@given(place=st.sampled_from(PLACES), value=PLAIN)
def test_manifests_that_hold_anything(packed, tmp_path, place, value):
    check(rewrite(packed, place, value), tmp_path)


@QUICK
@given(
    names=st.lists(
        st.text(st.sampled_from("./\\ab:\x00é-_ representations.npz"), max_size=30), max_size=4
    )
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_members_of_any_name(packed, tmp_path, names):
    written = io.BytesIO(packed)
    with zipfile.ZipFile(written, "a") as archive:
        for name in dict.fromkeys(names):
            archive.writestr(zipfile.ZipInfo(name), b"x")
    check(written.getvalue(), tmp_path)


@QUICK
@given(content=PLAIN)
def test_whatever_is_said_of_a_method(content):
    with pytest.raises(ContributionError) as caught:
        check_methods(content)
    assert all("\n" not in line for line in caught.value.problems)


@QUICK
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_whatever_stands_in_the_file_of_authors(tmp_path, content):
    for name in ("row.toml", "row.json"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ContributionError) as caught:
            read_about(tmp_path / name)
        assert all("\n" not in line for line in caught.value.problems)

import errno
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from disentanglement_bench.evaluation import read_representation, write_representation
from disentanglement_bench.evaluation.contributions import ContributionError, members, packing
from disentanglement_bench.evaluation.contributions.storing import write_npz


@pytest.fixture
def pack(small, about, tmp_path):
    """Pack files; give what was packed, or the problems."""

    def call(*paths, **options):
        try:
            given = {"about": about, **options}
            return packing.pack(paths, tmp_path / "mine.zip", **given)
        except ContributionError as error:
            assert not (tmp_path / "mine.zip").exists()
            return list(error.problems)

    return call


def read_manifest(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("manifest.json"))


def test_packs_scores_and_what_authors_say(pack, files, stated, tmp_path):
    packed = pack(files)
    assert [row.describe() for row in packed.rows] == ["mine, toy: 5 seeds (ranked)"]
    assert packed.computed == 25  # three metrics and the twins of two
    manifest = read_manifest(packed.path)
    assert manifest["benchmark"] == {"name": "db1", "version": "1.0"}
    (method,) = manifest["methods"]
    assert {name: method[name] for name in stated} == stated
    names = [member["name"] for member in manifest["members"]]
    assert names == [f"representations/mine/toy/seed-{seed}.npz" for seed in range(5)]
    row = json.loads((files / "seed-3.scores/mig.json").read_text())
    assert manifest["members"][3]["scores"]["mig"] == row["values"]["mig"]
    assert list(manifest["members"][3]["scores"]) == [
        "mig",
        "mig_sampled",
        "sap_continuous",
        "mi_matched",
    ]
    assert manifest["versions"]["numpy"] == np.__version__
    with zipfile.ZipFile(packed.path) as archive:
        archive.extractall(tmp_path / "out")
    mine = read_representation(tmp_path / "out" / names[3])
    original = read_representation(files / "seed-3.h5")
    assert mine.codes.tobytes() == original.codes.tobytes()
    assert mine.attributes == {"model": "mine", "seed": 3}


def test_the_same_content_gives_the_same_bytes(pack, files):
    first = pack(files)
    content = first.path.read_bytes()
    second = pack(files)
    assert second.path.read_bytes() == content
    assert second.computed == 0
    assert len(content) == second.size


def test_what_names_a_machine_is_left_out(pack, write_seed, tmp_path):
    for seed in range(2):
        attributes = {
            "seed": seed,
            "command": "/home/somebody/train.py",
            "host": "big-box",
            "beta": 4.0,
            "hyperparameters": '{"width": 16}',
            "dataset_version": "1",
            "unidentifiable_factors": ["factor_1", "/home/somebody"],
        }
        write_seed(tmp_path / f"runs/{seed}.h5", seed, attributes=attributes)
    packed = pack(tmp_path / "runs")
    assert packed.left_out == ("command", "host")
    content = packed.path.read_bytes()
    for secret in (b"somebody", b"big-box", bytes(tmp_path)):
        assert secret not in content
    (row,) = packed.rows
    assert row.setting == "beta=4,width=16"
    assert row.describe() == (
        "mine, beta=4,width=16, toy: 2 seeds (fewer than 5, so illustrative and not ranked)"
    )
    with zipfile.ZipFile(packed.path) as archive:
        archive.extractall(tmp_path / "out")
    name = read_manifest(packed.path)["members"][1]["name"]
    assert name == "representations/mine/toy/beta=4,width=16/seed-1.npz"
    assert read_representation(tmp_path / "out" / name).attributes == {
        "model": "mine",
        "seed": 1,
        "beta": 4.0,
        "hyperparameters": '{"width": 16.0}',
        "dataset_version": "1",
        "unidentifiable_factors": '["factor_1"]',
    }


def test_codes_in_double_precision_stay_so(pack, write_seed, tmp_path):
    write_seed(tmp_path / "seed-0.h5", 0)
    found = read_representation(tmp_path / "seed-0.h5")
    (tmp_path / "seed-0.h5").unlink()
    codes = found.codes.astype(np.float64) + 1e-12
    arrays = {"codes": codes, "factors": found.factors, "dataset": "toy", "n_train": 40}
    write_npz(tmp_path / "runs/seed-0.npz", arrays)
    packed = pack(tmp_path / "runs")
    with zipfile.ZipFile(packed.path) as archive:
        archive.extractall(tmp_path / "out")
    (member,) = read_manifest(packed.path)["members"]
    read = read_representation(tmp_path / "out" / member["name"])
    assert read.codes.tobytes() == codes.tobytes()
    assert member["scores"]["mig_sampled"] is None


def test_two_methods_go_by_the_attribute_model(pack, about, stated, write_seed, tmp_path):
    about.write_text(json.dumps({"method": [stated, {**stated, "name": "other"}]}))
    for seed, model in enumerate(("mine", "other")):
        attributes = {"model": model, "seed": seed}
        write_seed(tmp_path / f"runs/{model}.h5", seed, attributes=attributes)
    packed = pack(tmp_path / "runs")
    assert [row.method for row in packed.rows] == ["mine", "other"]
    (tmp_path / "runs/other.h5").unlink()
    packed.path.unlink()
    assert pack(tmp_path / "runs") == ["no file belongs to the method other"]
    write_seed(tmp_path / "runs/third.h5", 3, attributes={"model": "third", "seed": 3})
    (problem,) = pack(tmp_path / "runs")
    assert problem.endswith("its attribute model is 'third', and the methods are mine, other")


def test_one_method_takes_files_of_one_model_alone(pack, write_seed, tmp_path):
    for seed, model in enumerate(("vae", "betavae")):
        attributes = {"model": model, "seed": seed}
        write_seed(tmp_path / f"runs/{model}.h5", seed, attributes=attributes)
    (problem,) = pack(tmp_path / "runs")
    assert problem.startswith("the files name different models ('betavae', 'vae')")


def test_every_file_that_does_not_agree_is_named(pack, write_seed, files, tmp_path):
    write_seed(files / "seed-0.h5", 0, dataset="another")
    write_seed(files / "seed-1.h5", 1, n_train=30)
    write_seed(files / "seed-2.h5", 2, sample=7)
    write_seed(files / "seed-3.h5", 3, attributes={"dataset_version": "9"})
    write_seed(files / "nameless.h5", 5, attributes={})
    write_seed(files / "wrong.h5", 5, attributes={"seed": "one"})
    write_seed(files / "settings.h5", 6, attributes={"seed": 6, "hyperparameters": "[1]"})
    (files / "broken.npz").write_bytes(b"PK\x03\x04")
    problems = {line.split(": ")[0]: line.split(": ", 1)[1] for line in pack(files)}
    said = {path.removeprefix(f"{files}/"): line for path, line in problems.items()}
    assert said["seed-0.h5"] == "its data set is 'another', and DB-1 has toy"
    assert said["seed-1.h5"] == "its sample has 30 + 30 rows, and that of DB-1 40 + 20"
    assert said["seed-2.h5"].startswith("its rows are not the evaluation sample of seed 2")
    assert said["seed-3.h5"] == "its toy is version 9, and that of DB-1 version 1"
    assert said["nameless.h5"].startswith("it states no seed: write it with attributes")
    assert said["wrong.h5"] == "its attribute seed must be a whole number from 0, not 'one'"
    assert said["settings.h5"].startswith("its attribute hyperparameters must be JSON")
    assert said["broken.npz"].startswith("is not a readable .npz file")
    assert set(said) == {
        "seed-0.h5", "seed-1.h5", "seed-2.h5", "seed-3.h5",
        "nameless.h5", "wrong.h5", "settings.h5", "broken.npz",
    }  # fmt: skip


def test_a_full_disk_is_no_fault_of_a_file(small, files, tmp_path, monkeypatch):
    def fail(path, *_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(members, "write_member", fail)
    (member,) = members.inspect_files([files / "seed-0.h5"], ["mine"], "db1", [tmp_path / "0.npz"])
    assert member.problems == (
        f"{tmp_path / '0.npz'} cannot be written (No space left on device); "
        "set TMPDIR to a folder with more room",
    )


def test_the_same_codes_under_two_seeds(pack, write_seed, files):
    found = read_representation(files / "seed-0.h5")
    other = read_representation(files / "seed-1.h5")
    described = {"n_train": 40, "dataset": "toy", "index": other.index}
    write_representation(files / "seed-1.h5", found.codes, other.factors, **described)
    (problem,) = pack(files)
    assert problem == (
        f"{files / 'seed-1.h5'}: holds the same codes as {files / 'seed-0.h5'}; "
        "each seed needs a run of its own"
    )
    write_seed(files / "seed-1.h5", 1)
    write_seed(files / "again.h5", 1)
    (problem,) = pack(files)
    assert problem == f"{files / 'seed-1.h5'}: is seed 1 of the same row as {files / 'again.h5'}"


def test_nothing_to_pack(pack, tmp_path):
    (tmp_path / "empty").mkdir()
    assert pack(tmp_path / "empty")[0].startswith("no representation (.h5, .hdf5, .npz) below")
    assert pack(tmp_path / "none") == [f"{tmp_path / 'none'}: no such file or folder"]


def test_settings_that_look_alike_keep_names_of_their_own(pack, write_seed, tmp_path):
    for number, name in enumerate(("a/b", "a:b")):
        attributes = {"seed": number, "hyperparameters": json.dumps({name: 1})}
        write_seed(tmp_path / f"runs/{number}.h5", number, attributes=attributes)
    attributes = {"seed": 0, "hyperparameters": json.dumps({"a:b": 1})}
    write_seed(tmp_path / "runs/third.h5", 8, sample=0, attributes=attributes)
    packed = pack(tmp_path / "runs")
    names = [member["name"] for member in read_manifest(packed.path)["members"]]
    assert names == [
        "representations/mine/toy/a-b=1-2/seed-0.npz",
        "representations/mine/toy/a-b=1/seed-0.npz",
        "representations/mine/toy/a-b=1/seed-1.npz",
    ]


def test_constant_codes_of_two_seeds_are_no_copies(pack, write_seed, files):
    for seed in (0, 1):
        found = read_representation(files / f"seed-{seed}.h5")
        described = {"n_train": 40, "dataset": "toy", "index": found.index}
        codes = np.zeros_like(found.codes)
        write_representation(files / f"seed-{seed}.h5", codes, found.factors, **described)
    assert pack(files).members == 5


def test_more_codes_than_an_archive_takes(pack, files, monkeypatch):
    monkeypatch.setattr(members, "LARGEST_MEMBER", 1000)
    problems = pack(files)
    assert len(problems) == 5
    assert problems[0].endswith("seed-0.h5: its arrays take 2640 bytes, more than 1000")


@pytest.mark.parametrize(
    ("path", "attributes", "seed"),
    [
        ("mine/seed-3.h5", {}, 3),
        ("mine/PCA Seed 3.npz", {}, 3),
        ("seed_2/codes.h5", {}, 2),
        ("seed-3/seed-03.h5", {}, 3),
        ("seed-3.h5", {"seed": 4}, 4),
        ("seed-3/seed-4.h5", {}, -1),
        ("seed-3.h5", {"seed": "3"}, -1),
        ("codes.h5", {}, -1),
    ],
)
def test_the_seed_is_what_a_file_states_else_its_name(path, attributes, seed):
    found, problems = members.find_seed(Path(path), attributes)
    assert found == seed
    assert bool(problems) == (seed < 0)

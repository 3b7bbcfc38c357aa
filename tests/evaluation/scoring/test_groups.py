"""Scores that compare the runs of one setting: which runs, when they hold, and hostile files."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from disentanglement_bench.evaluation import (
    MetricError,
    Shared,
    evaluate_paths,
    kl_per_latent,
    write_representation,
)
from disentanglement_bench.evaluation.files import RecordError
from disentanglement_bench.evaluation.metrics import METRICS, get_metric
from disentanglement_bench.evaluation.metrics.udr import measure_udr
from disentanglement_bench.evaluation.scoring import group_scores
from disentanglement_bench.evaluation.scoring.file_scores import Options, score_file
from disentanglement_bench.evaluation.scoring.group_files import Group, load_group, read_group
from disentanglement_bench.evaluation.scoring.group_scores import score_group
from disentanglement_bench.evaluation.scoring.groups import Groups, find_groups
from disentanglement_bench.evaluation.scoring.score_files import Choices
from disentanglement_bench.evaluation.scoring.stored import read_stored

INDEX = np.arange(50)


def shared(seed, index=INDEX, **changes):
    stream = np.random.default_rng(seed)
    codes = np.random.default_rng(0).normal(size=(len(index), 2)) + stream.normal(
        size=(len(index), 2)
    )
    arrays = {"codes": codes, "index": index, "log_variances": np.full(codes.shape, -1.0)}
    return Shared(**{**arrays, **changes})


def write(path, seed=0, block=True, **options):
    factors = np.random.default_rng(seed).integers(0, 3, (60, 2))
    block = shared(seed) if block is True else block
    write_representation(path, factors * 1.0, factors, shared=block, **options)
    return path


def write_seeds(folder, count=3, name="representation.h5", **options):
    return [write(folder / f"seed-{seed}" / name, seed, **options) for seed in range(count)]


def score(paths):
    """Write score files, so that it is known what the representations hold."""
    for path in paths:
        assert score_file(path, [METRICS["sap_continuous"]], Options(())).computed == 1


def states(paths, asked=("udr",), force=False):
    """What `evaluate_paths` does about groups, in this process: the rows' scores, and the work."""
    chosen = [METRICS[name] for name in asked]
    stored = {path: read_stored(path, chosen, Choices()) for path in paths}
    groups = Groups(stored, chosen, force)
    work = groups.find_work()
    outcomes = [score_group(group) for group in work]
    groups.finish()
    found = {path: known.scores.get("udr") for path, known in stored.items()}
    return found, work, [line for outcome in outcomes for line in outcome.problems], groups


def test_seeds_are_compared_on_the_images_they_share(tmp_path):
    paths = write_seeds(tmp_path)
    found, (group,), problems, _ = states(paths)
    assert problems == []
    assert group.path == tmp_path / "udr.json"
    blocks = [shared(seed) for seed in range(3)]
    codes = np.stack([block.codes for block in blocks]).astype(np.float32)
    kl = np.stack(
        [kl_per_latent(each, b.log_variances) for each, b in zip(codes, blocks, strict=True)]
    )
    for key, form in (("udr", "lasso"), ("udr_spearman", "spearman")):
        wanted = measure_udr(codes, kl, form=form)
        values = [found[path].values[key] for path in paths]
        np.testing.assert_allclose(values, wanted.scores, atol=1e-9)
        record = json.loads(group.path.read_text())
        pairs = np.array(record["pairs"][key], dtype=float)
        np.testing.assert_allclose(pairs, wanted.pairs, atol=1e-9)
    assert {score.status for score in found.values()} == {"done"}
    assert {score.variant for score in found.values()} == {"udr[lasso0.1,kl>0.01]"}
    assert record["declaration"] == METRICS["udr"].declaration()
    assert states(paths)[1] == []


def test_a_change_outdates_the_whole_group(tmp_path):
    paths = write_seeds(tmp_path)
    states(paths)

    def changed(now, work=1):
        before, planned, *_ = states(now, asked=())
        assert planned == []
        after, planned, *_ = states(now)
        assert len(planned) == work
        assert {score.status for score in after.values()} == {"done"}
        return [score.status if score else None for score in before.values()]

    os.utime(paths[0], ns=(0, 0))
    assert changed(paths, work=0) == ["done"] * 3, "the content is the same"
    write(paths[1], seed=7)
    assert changed(paths) == ["outdated"] * 3
    added = write(tmp_path / "seed-10/representation.h5", seed=10)
    assert changed([*paths, added]) == ["outdated"] * 3 + [None]
    shutil.rmtree(added.parent)
    assert changed(paths) == ["outdated"] * 3
    assert states(paths, force=True)[1] != []


def test_seeds_that_were_not_asked_for_are_peers_too(tmp_path):
    paths = write_seeds(tmp_path)
    everything, *_ = states(paths)
    one, work, *_ = states(paths[:1])
    assert work == []
    assert one[paths[0]].values == everything[paths[0]].values


@pytest.mark.parametrize("given", ["representation.h5", "../representation.h5"])
def test_a_path_without_the_name_of_its_folder(tmp_path, monkeypatch, given):
    write_seeds(tmp_path)
    (tmp_path / "seed-0/deeper").mkdir()
    monkeypatch.chdir(tmp_path / "seed-0" / ("deeper" if ".." in given else ""))
    found, (group,), _, _ = states([Path(given)])
    assert len(group.members) == 3
    assert found[Path(given)].status == "done"


@pytest.mark.parametrize(
    ("blocks", "reasons"),
    [
        ([True], [group_scores.ALONE]),
        ([True, shared(1, INDEX + 1)], [group_scores.ALONE, group_scores.OTHERS]),
        ([True, True, shared(2, INDEX[:40])], ["", "", group_scores.OTHERS]),
        ([True, True, shared(2, log_variances=None)], ["", "", group_scores.OTHERS]),
        ([shared(seed, log_variances=None) for seed in range(2)], [group_scores.NO_POSTERIOR] * 2),
        (
            [True, True, shared(2, codes=np.zeros((50, 2)), log_variances=np.zeros((50, 2)))],
            ["", "", group_scores.INACTIVE],
        ),
        (
            [True, shared(2, codes=np.zeros((50, 2)), log_variances=np.zeros((50, 2)))],
            [group_scores.UNMATCHED, group_scores.INACTIVE],
        ),
        ([True, True, None], ["", "", None]),
    ],
)
def test_undefined_with_the_reason(tmp_path, blocks, reasons):
    paths = [
        write(tmp_path / f"seed-{seed}/representation.h5", seed, block)
        for seed, block in enumerate(blocks)
    ]
    found, *_ = states(paths)
    for score, reason in zip(found.values(), reasons, strict=True):
        if reason is None:
            assert score is None
        else:
            assert score.status == ("undefined" if reason else "done")
            assert score.reasons == (
                dict.fromkeys(("udr", "udr_spearman"), reason) if reason else {}
            )
            assert (score.values["udr"] is None) == bool(reason)
    assert states(paths)[1] == []


def test_runs_without_shared_images_are_asked_nothing(tmp_path):
    paths = write_seeds(tmp_path, block=None)
    score(paths)
    found, work, *_ = states(paths)
    assert work == []
    assert set(found.values()) == {None}
    assert not (tmp_path / "udr.json").exists()


def test_runs_that_were_written_anew_are_looked_into(tmp_path):
    """What scores of their earlier state remember says nothing of the images they hold now."""
    paths = write_seeds(tmp_path, block=None)
    score(paths)
    found, *_ = states(write_seeds(tmp_path))
    assert {score.status for score in found.values()} == {"done"}


def test_scores_go_with_the_images(tmp_path):
    """What was compared is gone: so is the file that says so."""
    paths = write_seeds(tmp_path)
    states(paths)
    write_seeds(tmp_path, block=None)
    found, *_ = states(paths)
    assert set(found.values()) == {None}
    assert not (tmp_path / "udr.json").exists()


def test_other_names_are_other_groups(tmp_path):
    runs, mine = write_seeds(tmp_path), write_seeds(tmp_path, name="mine.npz")
    _, work, *_ = states([*runs, *mine])
    assert {group.path.name for group in work} == {"udr.json", "mine.npz.udr.json"}


def stated(seed, **more):
    return {"model": "mine", "beta": 4.0, "seed": seed, **more}


def test_files_in_one_folder_state_their_setting(tmp_path):
    names = ("a.h5", "b.npz", "c.h5", "d.h5", "e.h5", "f.h5", "g.h5")
    attributes = [
        stated(0),
        stated(1),
        stated(0, beta=8.0),
        stated(1, hyperparameters='{"gamma": 2}'),
        {"model": "mine", "beta": 4.0},
        stated("2"),
        stated(1),
    ]
    paths = [
        write(tmp_path / name, k, dataset="toy", attributes=about)
        for k, (name, about) in enumerate(zip(names, attributes, strict=True))
    ]
    score(paths)
    found, work, *_ = states(paths)
    members = sorted("".join(sorted(name[0] for name in group.members)) for group in work)
    assert members == ["ab", "c", "d"], "g has the seed of b; e and f state none"
    assert found[paths[0]].status == found[paths[1]].status == "done"
    assert found[paths[2]].reasons["udr"] == group_scores.ALONE
    assert found[paths[4]] is found[paths[5]] is found[paths[6]] is None
    # A call for one of them keeps the other as its peer, until that is gone.
    one, work, *_ = states(paths[:1])
    assert work == []
    assert one[paths[0]].values == found[paths[0]].values
    paths[1].unlink()
    one, work, *_ = states(paths[:1])
    assert [len(group.members) for group in work] == [1]
    assert one[paths[0]].reasons["udr"] == group_scores.ALONE


def test_a_forged_list_of_peers_opens_nothing_elsewhere(tmp_path):
    outside = write(tmp_path / "outside.h5")
    path = write(tmp_path / "in/a.h5", attributes=stated(0))
    score([path])
    (group,), _ = find_groups({path: read_stored(path, [], Choices())})
    score_group(group)
    record = json.loads(group.path.read_text())
    (peer,) = record["peers"].values()
    for name in ("../outside.h5", str(outside), "b\x1b.h5", "", "."):
        group.path.write_text(json.dumps({**record, "peers": {"a.h5": peer, name: peer}}))
        try:
            members = read_group(group, {}).group.members
        except RecordError:
            continue
        assert members == {"a.h5": str(path)}


def test_a_member_that_cannot_be_read_does_not_stop_the_others(tmp_path):
    paths = write_seeds(tmp_path, 4)
    paths[1].write_bytes(paths[1].read_bytes()[:2000])
    paths[2].unlink()
    os.mkfifo(paths[2])
    found, _, problems, _ = states([paths[0], paths[1], paths[3]])
    assert len(problems) == 1
    assert problems[0].startswith(f"{paths[1]}: ")
    assert [score.status for score in found.values()] == ["done", "failed", "done"]
    assert states([paths[0], paths[1], paths[3]])[1] == []


def test_a_member_that_ends_its_worker_is_left_out(tmp_path, monkeypatch):
    from disentanglement_bench.evaluation.scoring.workers import Task

    paths = write_seeds(tmp_path)
    members = {f"seed-{seed}/representation.h5": str(path) for seed, path in enumerate(paths)}
    group = Group(tmp_path / "udr.json", members)
    steps = []
    outcome = score_group(group, skip=(str(paths[1]),), step=steps.append)
    assert steps == [*map(str, paths), "udr"]
    assert (outcome.computed, outcome.problems) == (2, ())
    peers = json.loads(group.path.read_text())["peers"]
    assert peers["seed-1/representation.h5"]["status"] == "failed"
    assert peers["seed-0/representation.h5"]["status"] == "done"
    task = Task(group)
    assert task.describe(str(paths[1]), "it died") == f"{paths[1]}: cannot be read: it died"
    assert task.describe("udr", "it died") == f"{group.path}: metric udr failed: it died"
    assert task.folder == tmp_path


def test_what_another_call_has_compared_is_kept(tmp_path):
    paths = write_seeds(tmp_path)
    _, (group,), *_ = states(paths)
    path, content = group.path, group.path.stat().st_mtime_ns
    outcome = score_group(group, force=False)
    assert (outcome.computed, outcome.kept) == (0, 3)
    assert path.stat().st_mtime_ns == content
    assert score_group(group).computed == 3
    write(paths[1], seed=7)
    assert score_group(group, force=False).computed == 3


def test_posteriors_far_beyond_the_prior(tmp_path):
    paths = [
        write(
            tmp_path / f"seed-{seed}/representation.h5",
            seed,
            shared(seed, log_variances=np.full((50, 2), 3e38)),
        )
        for seed in range(2)
    ]
    found, _, problems, _ = states(paths)
    assert problems == []
    assert {score.status for score in found.values()} == {"done"}


def test_broken_files_of_scores_are_told_and_repaired(tmp_path):
    paths = write_seeds(tmp_path)
    states(paths)
    path = tmp_path / "udr.json"
    good = path.read_text()
    record = json.loads(good)
    name = "seed-0/representation.h5"
    for change in (
        lambda r: r.update(schema_version=2),
        lambda r: r.update(peers=[]),
        lambda r: r["peers"][name].update(status="fine"),
        lambda r: r["peers"][name]["values"].update(udr="high"),
        lambda r: r["peers"][name]["values"].update(udr=-1.0),
        lambda r: r["peers"][name]["values"].update(udr_spearman=1.5),
        lambda r: r["peers"][name]["values"].update(mig=0.5),
        lambda r: r["peers"][name].pop("source"),
    ):
        broken = json.loads(good)
        change(broken)
        path.write_text(json.dumps(broken))
        found, _, _, groups = states(paths, asked=())
        assert set(found.values()) == {None}
        (line,) = [line for _, line in groups.broken]
        assert line.startswith(f"{path}: not a valid file of scores: ")
        _, work, _, groups = states(paths)
        assert len(work) == len(groups.repaired) == 1
        assert groups.broken == []
        assert json.loads(path.read_text())["peers"] == record["peers"]


@pytest.mark.parametrize(
    "count", [200, pytest.param(5000, marks=pytest.mark.slow)], ids=["hundreds", "thousands"]
)
def test_odd_files_of_scores(tmp_path, own_module, count):
    from test_fuzzing import odd_records

    paths = write_seeds(tmp_path, 2)
    states(paths)
    members = {f"seed-{seed}/representation.h5": str(each) for seed, each in enumerate(paths)}
    path = tmp_path / "udr.json"
    refused = 0
    for text in odd_records(json.loads(path.read_text()), count, seed=5):
        path.write_bytes(text)
        try:
            record = load_group(path)
        except RecordError as error:
            refused += 1
            message = str(error).removeprefix(str(path))
            assert message.isprintable()
            assert len(message) < 400
        else:
            for peer in record["peers"].values():
                assert set(peer["values"]) <= {"udr", "udr_spearman"}
        state = read_group(Group(path, members), {})
        assert not (state.broken and state.scores)
    assert refused > count // 4


def test_the_whole_call(tmp_path):
    """One seed's file loops for ever inside the library, others are broken or have no images."""
    good = write_seeds(tmp_path, 2)
    looping = write(tmp_path / "seed-2/representation.h5", 2, attributes={"n": "x" * 50})
    content = bytearray(looping.read_bytes())
    content[content.index(b"GCOL") + 24] = 0xFF
    looping.write_bytes(content)
    write(tmp_path / "seed-3/representation.h5", 3, block=None)
    report = evaluate_paths(tmp_path, metrics=["udr"], time_limit=2)
    assert [line for _, line in report.problems] == [
        f"{looping}: cannot be read: it takes longer than the time that its size allows"
    ]
    rows = {row["path"]: row for row in report.rows}
    for path in good:
        assert rows[path.relative_to(tmp_path).as_posix()]["udr"] is not None
    assert rows["seed-2/representation.h5"]["udr_status"] == "failed"
    assert rows["seed-3/representation.h5"].get("udr_status") is None
    assert (report.computed, report.kept) == (2, 0)
    again = evaluate_paths(tmp_path, metrics=["udr"], time_limit=2)
    assert (again.computed, again.kept) == (0, 2)
    declared = json.loads((tmp_path / "scores.metrics.json").read_text())["metrics"]["udr"]
    assert [key["name"] for key in declared["keys"]] == ["udr", "udr_spearman"]


def test_a_metric_of_a_users_own_scores_one_representation(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from disentanglement_bench.evaluation import Key, Metric\n"
        "many = Metric('many', len, (Key('many'),), grouped=True)\n"
    )
    with pytest.raises(MetricError, match="'many' cannot be grouped: a metric of your own scores"):
        get_metric(f"{tmp_path}/mine.py:many")

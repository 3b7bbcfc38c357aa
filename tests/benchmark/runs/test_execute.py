import json
import re
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from disentanglement_bench.benchmark.errors import BenchError
from disentanglement_bench.benchmark.runs import building, checkpoints
from disentanglement_bench.benchmark.runs.checkpoints import read_checkpoint
from disentanglement_bench.benchmark.runs.execute import Execution
from disentanglement_bench.benchmark.runs.record import describe_run
from disentanglement_bench.evaluation.representation.file_format import read_representation
from disentanglement_bench.models.training import loop
from disentanglement_bench.models.zoo.betavae import BetaVAE

# One point of the models that have no β.
SWEEPS = {
    "annealedvae": {"c_max": (3.0,)},
    "dipvae1": {"lambda_od": (2.0,)},
    "dipvae2": {"lambda_od": (2.0,)},
    "factorvae": {"gamma": (5.0,)},
    "ada.py:AdaVAE": {},
}
PAIRS = """
from disentanglement_bench.models.autoencoder import Autoencoder
from disentanglement_bench.models.terms import kl_divergence, negative_log_likelihood

class AdaVAE(Autoencoder):
    pairs = True
    def couple(self, first, second):
        means = (first[0] + second[0]) / 2
        return (means, first[1]), (means, second[1])
    def loss(self, outputs, coefficients):
        nll, kl = negative_log_likelihood(outputs), kl_divergence(outputs)
        return nll + kl, {"nll": nll, "kl": kl}
"""


def carry_out(spec, store, dataset, stop_after=None):
    """Execute a run in this process; stop after a number of its own steps."""
    steps = 0

    def should_stop():
        nonlocal steps
        steps += 1
        return steps == stop_after

    folder = store.folder(spec)
    with folder.claim() as claim:
        execution = Execution(spec, store, dataset, "cpu", claim, {"command": "bench train"})
        return execution.run(should_stop=should_stop)


def run_json(store, spec):
    return json.loads((store.folder(spec).path / "run.json").read_text())


def codes(store, spec):
    return read_representation(store.folder(spec).representation).codes


def test_a_run_publishes_its_files(store, plan, dataset):
    spec = plan(models=("betavae",))[0]
    outcome = carry_out(spec, store, dataset)
    assert outcome.status == "done"
    folder = store.folder(spec).path
    assert {f.name for f in folder.iterdir()} == {
        "run.json",
        "training.csv",
        "checkpoint.pt",
        "representation.h5",
    }
    record = run_json(store, spec)
    assert record["status"] == "done"
    assert record["dataset"] == {"name": "tiny", "version": "1", "grid": [4, 4, 4]}
    assert record["notes"] == ["made for tests"]
    assert set(record["final"]) == {"nll", "kl", "l2", "tc", "active_units", "bce_floor"}
    assert record["pixels"] == 256
    assert record["seconds"] > 0
    assert record["steps_per_second"] > 0
    assert record["peak_memory_bytes"] > 1 << 20
    lines = (folder / "training.csv").read_text().splitlines()
    assert lines[0] == "step,nll,kl,l2,tc,active_units"
    assert [int(line.split(",")[0]) for line in lines[1:]] == [2, 4, 6]


def test_the_representation_is_that_of_the_images_it_names(store, plan, dataset):
    spec = plan(models=("betavae",))[0]
    carry_out(spec, store, dataset)
    found = read_representation(store.folder(spec).representation)
    assert (found.codes.shape, found.n_train) == ((30, 3), 20)
    assert found.index.tolist() == dataset.evaluation_index(spec.seed, 30).tolist()
    np.testing.assert_array_equal(found.factors, dataset.factors(found.index))
    assert found.factor_names == ("x", "y", "level")
    assert tuple(found.factor_sizes) == (4, 4, 4)

    model = BetaVAE((1, 16, 16), 3, "conv-small")
    model.load_state_dict(read_checkpoint(store.folder(spec).checkpoint, "")["model"])
    images = torch.from_numpy(dataset.source.images(found.index)).permute(0, 3, 1, 2) / 255
    with torch.no_grad():
        means, log_variances = model.encode(images)
    np.testing.assert_allclose(found.codes, means.numpy(), atol=1e-5)
    np.testing.assert_allclose(found.log_variances, log_variances.numpy(), atol=1e-5)


def test_runs_of_any_seed_hold_codes_of_the_same_images(store, plan, dataset):
    dataset = replace(dataset, factor_kinds=("ordinal", "ordinal", ""))
    specs = plan(models=("betavae",), seeds=(0, 1))
    found = []
    for spec in specs:
        carry_out(spec, store, dataset)
        found.append(read_representation(store.folder(spec).representation))
        assert found[-1].factor_kinds == ("ordinal", "ordinal", "")
    np.testing.assert_array_equal(found[0].shared.index, dataset.shared_index())
    np.testing.assert_array_equal(found[1].shared.index, dataset.shared_index())
    assert not np.array_equal(found[0].index, found[1].index)
    for each in found:  # an image that is in both blocks has the same code in both
        rows = np.searchsorted(each.shared.index, each.index)
        np.testing.assert_allclose(each.shared.codes[rows], each.codes, atol=1e-5)
        np.testing.assert_allclose(each.shared.log_variances[rows], each.log_variances, atol=1e-5)


def test_factors_that_images_do_not_determine_are_named_in_both_files(store, plan, dataset):
    spec = plan(models=("betavae",))[0]
    carry_out(spec, store, replace(dataset, unidentifiable_factors=("level",)))
    folder = store.folder(spec)
    assert folder.read()["unidentifiable_factors"] == ["level"]
    attributes = read_representation(folder.representation).attributes
    assert json.loads(attributes["unidentifiable_factors"]) == ["level"]


def test_the_floor_is_the_entropy_of_the_evaluation_images(store, plan, dataset):
    spec = plan(models=("betavae",))[0]
    outcome = carry_out(spec, store, dataset)
    index = read_representation(store.folder(spec).representation).index
    p = dataset.source.images(index).reshape(30, -1).astype(float) / 255
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = -np.nan_to_num(p * np.log(p)) - np.nan_to_num((1 - p) * np.log(1 - p))
    assert outcome.figures["final"]["bce_floor"] == pytest.approx(
        entropy.sum(axis=1).mean(), rel=1e-5
    )


def test_a_child_continues_from_its_parent_and_names_it(store, plan, dataset):
    parent, control, child = plan()
    for spec in (parent, control, child):
        assert carry_out(spec, store, dataset).status == "done"
    record = run_json(store, child)
    assert record["parent"]["path"] == parent.path
    assert record["parent"]["config_sha256"] == run_json(store, parent)["config_sha256"]
    assert record["config"]["start"] == 6
    checkpoint = read_checkpoint(store.folder(child).checkpoint, "")
    assert checkpoint["step"] == 10
    steps = {float(s["step"]) for s in checkpoint["optimiser"]["state"].values()}
    assert steps == {4.0}, "the second phase begins with a fresh Adam"
    assert not np.array_equal(codes(store, control), codes(store, child))


def test_lambda_0_continued_is_the_same_as_trained_from_scratch(store, plan, dataset):
    parent, control = plan(lambdas=(0.0,))
    scratch = replace(control, parent=None, init="scratch", tag="scratch")
    for spec in (parent, control, scratch):
        carry_out(spec, store, dataset)
    np.testing.assert_array_equal(codes(store, control), codes(store, scratch))


@pytest.mark.parametrize(
    ("model", "stop_after"),
    [
        *(("betatcvae", step) for step in (1, 3, 5, 6, 7, 9)),
        *(("lambdabeta", step) for step in (1, 2, 3)),
        ("annealedvae", 2),
        ("dipvae1", 5),
        ("dipvae2", 7),
        *(("factorvae", step) for step in (1, 6, 8)),
        ("ada.py:AdaVAE", 8),
    ],
)
def test_a_stopped_run_ends_as_if_it_had_not_been(
    model, stop_after, store, plan, dataset, tmp_path, monkeypatch
):
    (tmp_path / "ada.py").write_text(PAIRS)
    monkeypatch.chdir(tmp_path)
    options = {"sweeps": SWEEPS[model]} if model in SWEEPS else {}
    *parents, spec = plan(models=(model,), lambdas=(8.0,), **options)
    for parent in parents:
        carry_out(parent, store, dataset)
    assert carry_out(spec, store, dataset, stop_after).status == "interrupted"
    assert run_json(store, spec)["status"] == "interrupted"
    assert carry_out(spec, store, dataset).status == "done"
    folder = store.folder(spec).path
    resumed = codes(store, spec), (folder / "training.csv").read_text(), run_json(store, spec)
    shutil.rmtree(folder)
    carry_out(spec, store, dataset)
    np.testing.assert_array_equal(codes(store, spec), resumed[0])
    assert (folder / "training.csv").read_text() == resumed[1]
    assert run_json(store, spec)["final"] == resumed[2]["final"]


def test_an_adversary_is_saved_recorded_and_logged(store, plan, dataset):
    records = []
    for batch in ("second", "same"):
        (spec,) = plan(
            models=("factorvae",),
            sweeps=SWEEPS["factorvae"],
            settings=[("permuted_batch", batch)],
            tag=batch,
        )
        assert carry_out(spec, store, dataset).status == "done"
        folder = store.folder(spec)
        records.append(run_json(store, spec))
        assert records[-1]["config"]["permuted_batch"] == batch
        assert "pair_factors" not in records[-1]["config"]
        state = read_checkpoint(folder.checkpoint, "")
        assert {float(s["step"]) for s in state["adversary"]["state"].values()} == {4.0}
        assert "discriminator.0.weight" in state["model"]
        head = (folder.path / "training.csv").read_text().splitlines()[0]
        assert head.endswith(",active_units,tc_discriminator,adversary_loss")
        assert 0.6 < records[-1]["final"]["adversary_loss"] < 0.8
    assert records[0]["final"]["adversary_loss"] != records[1]["final"]["adversary_loss"]
    assert records[0]["config_sha256"] != records[1]["config_sha256"]


def test_a_run_without_permutations_does_not_depend_on_their_settings(store, plan, dataset):
    spec, other = (
        plan(models=("betavae",), settings=settings)[0]
        for settings in ([], [("permuted_batch", "same"), ("pair_factors", "1")])
    )
    assert spec.resolved() == other.resolved()
    assert not {"permuted_batch", "pair_factors"} & spec.resolved().keys()


def test_an_adversary_that_is_missing_in_the_checkpoint_is_named(store, plan, dataset):
    (spec,) = plan(models=("factorvae",), sweeps=SWEEPS["factorvae"])
    carry_out(spec, store, dataset, stop_after=4)
    path = store.folder(spec).checkpoint
    state = read_checkpoint(path, "")
    del state["adversary"]
    checkpoints.write_checkpoint(path, state)
    outcome = carry_out(spec, store, dataset)
    assert outcome.status == "failed"
    assert outcome.reason.startswith(f"{path}: the checkpoint has none where the model has one")
    assert not outcome.unexpected


def test_pairs_are_drawn_from_the_grid_and_refused_elsewhere(
    store, plan, dataset, tmp_path, monkeypatch
):
    (tmp_path / "ada.py").write_text(PAIRS)
    monkeypatch.chdir(tmp_path)
    (spec,) = plan(models=("ada.py:AdaVAE",), sweeps={}, settings=[("pair_factors", "2")])
    assert carry_out(spec, store, dataset).status == "done"
    assert run_json(store, spec)["config"]["pair_factors"] == 2
    listed = replace(dataset, labels=dataset.factors(np.arange(64)))
    (spec,) = plan(models=("ada.py:AdaVAE",), sweeps={}, tag="listed")
    outcome = carry_out(spec, store, listed)
    assert outcome.status == "failed"
    assert "one image for every combination of factors" in outcome.reason
    assert not outcome.unexpected


def test_runs_of_one_seed_see_the_same_evaluation_sample(store, plan, dataset):
    specs = plan(models=("betavae",), betas=(1.0, 4.0), seeds=(0, 1))
    samples = []
    for spec in specs:
        carry_out(spec, store, dataset)
        samples.append(read_representation(store.folder(spec).representation).index)
    np.testing.assert_array_equal(samples[0], samples[1])
    assert not np.array_equal(samples[0], samples[2])


def test_a_diverging_loss_fails_with_step_and_value(store, plan, dataset, monkeypatch):
    spec = plan(models=("betavae",))[0]
    steps = iter([1.0, 1.0, float("inf"), 1.0])

    def loss(self, outputs, coefficients):
        return outputs.means.square().sum() * next(steps), {}

    monkeypatch.setattr(BetaVAE, "loss", loss)
    outcome = carry_out(spec, store, dataset)
    assert outcome.status == "failed"
    assert "the loss became inf at step 3" in outcome.reason
    assert run_json(store, spec)["status"] == "failed"
    assert "Diverged" in store.folder(spec).traceback.read_text()
    assert not store.folder(spec).representation.exists()


def test_a_model_that_exits_fails_its_run(store, plan, dataset, monkeypatch):
    spec = plan(models=("betavae",))[0]
    monkeypatch.setattr(BetaVAE, "loss", lambda *_: sys.exit(0))
    outcome = carry_out(spec, store, dataset)
    assert (outcome.status, outcome.reason) == ("failed", "the model called sys.exit(0)")
    assert "sys.exit(0)" in store.folder(spec).traceback.read_text()


def test_out_of_memory_says_what_to_lower(store, plan, dataset, monkeypatch):
    spec = plan(models=("betavae",))[0]

    def exhausted(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    monkeypatch.setattr(building, "Batches", exhausted)
    outcome = carry_out(spec, store, dataset)
    assert outcome.status == "failed"
    assert "--set batch_size" in outcome.reason
    assert "--jobs" in outcome.reason


def test_a_full_disk_fails_the_run_and_leaves_no_half_files(store, plan, dataset, monkeypatch):
    spec = plan(models=("betavae",))[0]

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(checkpoints, "write_atomically", full)
    outcome = carry_out(spec, store, dataset)
    assert outcome.status == "failed"
    assert outcome.reason == (
        f"cannot write {store.folder(spec).checkpoint}: No space left on device"
    )
    names = {f.name for f in store.folder(spec).path.iterdir()}
    assert names == {"run.json", "traceback.txt"}


def test_too_small_a_data_set_says_what_to_lower(store, plan, dataset):
    spec = plan(models=("betavae",), settings=[("n_train", "60")])[0]
    outcome = carry_out(spec, store, dataset)
    assert "n_train + n_test = 70 images, but the data set has 64" in outcome.reason
    spec = plan(models=("betavae",), settings=[("batch_size", "65")], tag="b")[0]
    outcome = carry_out(spec, store, dataset)
    assert "lower batch_size" in outcome.reason
    assert not outcome.unexpected


def test_a_run_begun_on_other_data_is_not_continued(store, plan, dataset):
    parent, _, child = plan()
    carry_out(parent, store, dataset)
    other = replace(dataset, identity={**dataset.identity, "version": "2"})
    outcome = carry_out(child, store, other)
    assert outcome.status == "failed"
    assert "its parent was trained on other data (version: 1 then, 2 now)" in outcome.reason


def test_a_damaged_checkpoint_fails_its_run_and_its_children(store, plan, dataset):
    parent, _, child = plan()
    carry_out(parent, store, dataset)
    path = store.folder(parent).checkpoint
    weights = read_checkpoint(path, "")["model"]["encoder.0.weight"].numpy().tobytes()
    content = bytearray(path.read_bytes())
    content[content.index(weights)] ^= 1
    path.write_bytes(content)
    outcome = carry_out(child, store, dataset)
    assert outcome.status == "failed"
    assert outcome.reason == (
        f"{path} is damaged: its checksums do not hold; "
        f"remove {path.parent} to train this run's parent again"
    )
    assert not outcome.unexpected
    outcome = carry_out(parent, store, dataset)
    assert "remove it to train the run from its start" in outcome.reason


def test_a_missing_checkpoint_of_the_parent_says_what_to_do(store, plan, dataset):
    parent, _, child = plan()
    carry_out(parent, store, dataset)
    store.folder(parent).checkpoint.unlink()
    reason = carry_out(child, store, dataset).reason
    assert re.search(r"checkpoint\.pt is missing; remove \S+seed-0 to train", reason)


@pytest.mark.parametrize("damage", ["missing", "cut", "overwritten"])
@pytest.mark.parametrize("keep_checkpoint", [True, False])
def test_a_done_run_without_its_representation_is_repaired(
    damage, keep_checkpoint, store, plan, dataset
):
    spec = plan(models=("betavae",))[0]
    carry_out(spec, store, dataset)
    folder = store.folder(spec)
    before, final = codes(store, spec), run_json(store, spec)["final"]
    content = folder.representation.read_bytes()
    if damage == "missing":
        folder.representation.unlink()
    elif damage == "cut":
        folder.representation.write_bytes(content[:-1])
    else:
        folder.representation.write_bytes(bytes(len(content)))
    if not keep_checkpoint:
        folder.checkpoint.unlink()
    status, reason = folder.status()
    assert status == "interrupted"
    assert reason.startswith("its representation.h5 ")
    assert carry_out(spec, store, dataset).status == "done"
    assert folder.status() == ("done", "")
    np.testing.assert_array_equal(codes(store, spec), before)
    assert run_json(store, spec)["final"] == final


def test_a_run_that_took_no_step_leaves_its_folder_to_another_configuration(store, plan, dataset):
    spec = plan(models=("betavae",), settings=[("batch_size", "65")])[0]
    assert carry_out(spec, store, dataset).status == "failed"
    corrected = plan(models=("betavae",))[0]
    assert store.survey([corrected]) == {corrected: ("missing", "")}
    assert carry_out(corrected, store, replace(dataset, identity={"name": "tiny"})).status == "done"
    assert run_json(store, corrected)["config"]["batch_size"] == 8
    with pytest.raises(BenchError, match="batch_size: 8 there, 65 wanted"):
        store.survey([spec])


def test_a_record_says_how_each_session_trained(store, plan, dataset):
    spec = plan(models=("betavae",))[0]
    carry_out(spec, store, dataset, stop_after=2)
    carry_out(spec, store, dataset)
    record = run_json(store, spec)
    assert [session["first_step"] for session in record["sessions"]] == [0, 2]
    for session in record["sessions"]:
        assert session["device"] == "cpu"
        assert session["compile"] is False
        assert {"tf32_matmul", "tf32_cudnn", "cudnn_version", "threads"} <= set(session)
    carry_out(spec, store, dataset)
    assert run_json(store, spec)["sessions"] == record["sessions"], "nothing was trained"


class Rerun:
    """Stands for a CUDA graph, and takes so many seconds a step."""

    def __init__(self, seconds):
        self._seconds = seconds
        self._replaying = False
        self._now = 0.0

    def run(self, function, inputs):
        self._replaying = False
        function(*inputs)

    rehearse = run

    def capture(self, function, watched):
        def replay():
            self._replaying = True
            function()

        return replay

    def now(self):
        self._now += self._seconds if self._replaying else 1.0
        return self._now


@pytest.mark.parametrize(("seconds", "used"), [(0.5, True), (2.0, False)])
def test_a_session_says_whether_steps_were_replayed(
    seconds, used, store, plan, dataset, monkeypatch
):
    monkeypatch.setattr(loop, "choose_capture", lambda graph, device: Rerun(seconds))
    spec, notes = plan(models=("betavae",), steps=30)[0], []
    with store.folder(spec).claim() as claim:
        execution = Execution(spec, store, dataset, "cpu", claim, {}, note=notes.append)
        assert execution.run().status == "done"
    (session,) = run_json(store, spec)["sessions"]
    assert session["graph"] is used
    assert read_checkpoint(store.folder(spec).checkpoint, "")["sessions"] == [session]
    assert [note.partition(" (")[0] for note in notes] == [
        "training without a CUDA graph: it is not faster"
    ] * (not used)


def test_the_method_is_described(store, plan, dataset):
    *_, child = plan()
    store.folder(child).write_record({"status": "failed", **describe_run(child, dataset)})
    method = store.folder(child).read()["method"]
    assert (method["label"], method["continues"]) == ("λβ-VAE", "betavae")
    assert [reduced["name"] for reduced in method["reduces_to"]] == ["vae", "betavae"]


def test_a_checkpoint_of_another_configuration_is_refused(store, plan, dataset):
    spec, other = plan(models=("betavae",), betas=(1.0, 2.0))
    carry_out(other, store, dataset)
    store.folder(spec).path.mkdir(parents=True)
    shutil.copy(store.folder(other).checkpoint, store.folder(spec).checkpoint)
    assert "belongs to another configuration" in carry_out(spec, store, dataset).reason


def test_a_run_that_was_taken_over_publishes_nothing(store, plan, dataset):
    spec = plan(models=("betavae",))[0]
    folder = store.folder(spec)
    claim = folder.claim()

    def taken_over():
        (folder.path / f"claim-after-{claim.token}").write_text("{}")
        return False

    outcome = Execution(spec, store, dataset, "cpu", claim, {}).run(should_stop=taken_over)
    claim.release()
    assert outcome.status == "lost"
    assert not folder.checkpoint.exists()
    assert not folder.representation.exists()
    assert run_json(store, spec)["status"] == "running"

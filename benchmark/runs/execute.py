"""Carry out one run: train it, or continue it, and publish its files."""

import resource
import sys
import time
import traceback

import torch

from ...evaluation.files import plain, replacing
from ...evaluation.representation.file_format import write_representation
from ...models.encoding import encode
from ...models.training.batches import Batches, Images
from ...models.training.loop import Schedule, Stopped, Trainer, build_model
from ...models.training.recording import ACTIVE_VARIANCE, Diverged
from ...models.training.streams import Noise, sample_without_replacement
from ..errors import BenchError
from ..protocol.fit import takes_network
from ..protocol.plan import config_sha256
from .claims import ClaimLost
from .outcome import Outcome


class Execution:
    """One run on one device, from claim to published files.

    Parameters
    ----------
    spec : RunSpec
    store : Store
    dataset : Dataset
    device : str
    claim : benchmark.runs.claims.Claim
        Owned by this process; checked before every file that is published.
    provenance : dict
        Stored with the run: command, git state, versions.
    compiled : bool, default False
    """

    def __init__(self, spec, store, dataset, device, claim, provenance, compiled=False):
        self.spec = spec
        self.store = store
        self.folder = store.folder(spec)
        self.dataset = dataset
        self.device = torch.device(device)
        self.claim = claim
        self.provenance = provenance
        self.compiled = compiled
        self.resolved = spec.resolved()
        self.sha256 = config_sha256(self.resolved)

    def run(self, on_progress=None, should_stop=None):
        """Train and publish; every ending is recorded in run.json.

        Parameters
        ----------
        on_progress : callable, optional
            ``on_progress(steps done by this run, row of the log)``.
        should_stop : callable, optional

        Returns
        -------
        Outcome
        """
        try:
            outcome = self._attempt(on_progress, should_stop)
        except ClaimLost as error:
            return Outcome("lost", str(error))
        except Stopped as error:
            outcome = Outcome(
                "interrupted", f"stopped at step {error.step}; its checkpoint is saved"
            )
        except Exception as error:
            outcome = Outcome("failed", _reason(error))
            return self._record_failure(outcome, traceback.format_exc())
        return self._record(outcome)

    def _attempt(self, on_progress, should_stop):
        self._check_same_data()
        self.claim.check()
        self.folder.traceback.unlink(missing_ok=True)
        self._write_record(Outcome("running"))
        if self.device.type == "cuda":
            torch.cuda.set_device(self.device)
            torch.cuda.reset_peak_memory_stats(self.device)
        config = self.spec.config
        images = Images(self.dataset.source, self.device, config.image_size or None)
        self._check_enough_images(len(images))
        trainer, batches = self._trainer(images)
        start = self.spec.start

        def report(step, row):
            if on_progress is not None:
                on_progress(step - start, row)

        try:
            trainer.run(self._save, report, should_stop)
        finally:
            batches.close()
        final = self._publish_representation(trainer, images)
        self._speed = {
            "seconds": round(trainer.seconds, 3),
            # None when an earlier session did all the steps.
            "steps_per_second": trainer.steps_here / trainer.seconds_here
            if trainer.steps_here
            else None,
        }
        return Outcome("done", "", final)

    def _trainer(self, images):
        """The trainer at the step where it goes on: its own checkpoint's, its parent's, or 0."""
        spec, config = self.spec, self.spec.config
        model_class = spec.model.load()
        model = construct(model_class, spec.seed, self.device, images.shape, config)
        batches = Batches(images, config.batch_size, spec.seed)
        schedule = Schedule(
            phases=spec.phases,
            start=spec.start,
            learning_rate=config.learning_rate,
            adam_beta1=config.adam_beta1,
            adam_beta2=config.adam_beta2,
            adam_epsilon=config.adam_epsilon,
            log_every=config.log_every,
            checkpoint_every=config.checkpoint_every,
            final_steps=self.resolved["final_steps"],
        )
        trainer = Trainer(
            model,
            dict(spec.hyperparameters),
            batches,
            Noise((config.batch_size, config.latent_size), spec.seed, self.device),
            schedule,
            spec.seed,
            amp=config.amp == "bf16",
            compiled=self.compiled,
        )
        if self.folder.checkpoint.exists():
            state = load_checkpoint(self.folder.checkpoint)
            if state["config_sha256"] != self.sha256:
                raise BenchError(
                    f"{self.folder.checkpoint} belongs to another configuration; remove it"
                )
            # The number of threads decides the order of sums, and so the last bits.
            torch.set_num_threads(state["threads"])
            trainer.load(state)
        elif spec.parent is not None:
            trainer.inherit(load_checkpoint(self.store.folder(spec.parent).checkpoint))
        return trainer, batches

    def _save(self, trainer):
        """Write the checkpoint and the log so far."""
        self.claim.check()
        with replacing(self.folder.checkpoint) as temporary:
            torch.save({**trainer.state(), "config_sha256": self.sha256}, temporary)
        self.folder.write_text("training.csv", trainer.recorder.csv())

    def _publish_representation(self, trainer, images):
        """Encode the evaluation sample, write it, and return the run's final figures."""
        config, dataset = self.spec.config, self.dataset
        count = config.n_train + config.n_test
        index = sample_without_replacement(len(images), count, self.spec.seed, "evaluation")
        codes, log_variances, floor = encode(trainer.model, images, index)
        if codes.shape[1] != config.latent_size:
            raise BenchError(
                f"the model gave {codes.shape[1]} codes an image in evaluation mode; "
                f"latent_size is {config.latent_size}"
            )
        final = {**trainer.recorder.final()}
        final["active_units"] = int((codes.astype("float64").var(axis=0) > ACTIVE_VARIANCE).sum())
        final["bce_floor"] = floor
        self.claim.check()
        write_representation(
            self.folder.representation,
            codes,
            dataset.factors(index),
            n_train=config.n_train,
            log_variances=log_variances,
            index=index,
            factor_names=dataset.factor_names,
            factor_sizes=dataset.factor_sizes,
            dataset=dataset.name,
            attributes={
                "dataset_version": dataset.version,
                "unidentifiable_factors": list(dataset.unidentifiable_factors),
                "model": self.spec.model.name,
                "preset": self.spec.preset,
                "seed": self.spec.seed,
                **dict(self.spec.hyperparameters),
            },
        )
        return final

    def _check_same_data(self):
        """Refuse to go on with a run that was begun on other data."""
        now = plain(dict(self.dataset.identity))
        for spec, what in ((self.spec, "this run"), (self.spec.parent, "its parent")):
            record = self.store.folder(spec).read() if spec else None
            before = record.get("dataset") if record else None
            if before and before != now:
                keys = [key for key in {**before, **now} if before.get(key) != now.get(key)]
                changes = "; ".join(f"{k}: {before.get(k)} then, {now.get(k)} now" for k in keys)
                raise BenchError(
                    f"{what} was trained on other data ({changes}); use --tag NAME for these"
                )

    def _check_enough_images(self, available):
        config = self.spec.config
        wanted = config.n_train + config.n_test
        if wanted > available:
            raise BenchError(
                f"the representation needs n_train + n_test = {wanted} images, but the data set "
                f"has {available}; lower them with --set n_train=… --set n_test=…"
            )

    def _record(self, outcome):
        try:
            self.claim.check()
            self._write_record(outcome)
        except ClaimLost as error:
            return Outcome("lost", str(error))
        return outcome

    def _record_failure(self, outcome, text):
        """Record a failure; when even that cannot be written, the outcome says so as well."""
        try:
            self.claim.check()
            self.folder.write_text("traceback.txt", text)
            self._write_record(outcome)
        except ClaimLost as error:
            return Outcome("lost", str(error))
        except OSError as error:
            return Outcome("failed", f"{outcome.reason} (and recording it failed: {error})")
        return outcome

    def _write_record(self, outcome):
        spec, config = self.spec, self.spec.config
        parent = None
        if spec.parent is not None:
            parent = {
                "path": spec.parent.path,
                "config_sha256": config_sha256(spec.parent.resolved()),
            }
        channels = self.dataset.source.image_shape[2]
        side = config.image_size or self.dataset.source.image_shape[0]
        record = {
            "status": outcome.status,
            "reason": outcome.reason,
            "run": spec.identity(),
            "method": spec.method(),
            "config": self.resolved,
            "config_sha256": self.sha256,
            "parent": parent,
            "dataset": dict(self.dataset.identity),
            "notes": [*self.dataset.notes, *spec.notes],
            "unidentifiable_factors": list(self.dataset.unidentifiable_factors),
            "pixels": channels * side * side,
            **self.provenance,
            "device": _device_name(self.device),
            "threads": torch.get_num_threads(),
            "written": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        if outcome.status == "done":
            record |= {
                **self._speed,
                "peak_memory_bytes": _peak_memory(self.device),
                "final": outcome.final,
            }
        self.folder.write_record(record)


def construct(model_class, seed, device, image_shape, config):
    """Build a zoo model or a user's own, which need not take a `network`."""
    arguments = {"latent_size": config.latent_size}
    if takes_network(model_class):
        arguments["network"] = config.network
    model = build_model(model_class, seed, device, image_shape, **arguments)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise BenchError(f"{model_class.__name__} has no parameters to train")
    return model


def load_checkpoint(path):
    """Read a checkpoint to the host; it can hold nothing but tensors and plain values."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise BenchError(f"{path} is missing; remove its run folder to train it again") from None
    except Exception as error:
        raise BenchError(
            f"{path} cannot be read ({error}); remove it to train the run from its start"
        ) from error


def _reason(error):
    """One line on why a run failed, with what to do where that is known."""
    out_of_memory = isinstance(error, (MemoryError, torch.OutOfMemoryError)) or (
        isinstance(error, RuntimeError) and "allocate memory" in str(error)
    )
    if out_of_memory:
        return (
            "out of memory: lower the batch with --set batch_size=…, or run fewer workers "
            "with --jobs"
        )
    if isinstance(error, (BenchError, Diverged)):
        return str(error)
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"


def _device_name(device):
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def _peak_memory(device):
    """Bytes: on a CUDA device what the run allocated there, else the process's resident peak."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit

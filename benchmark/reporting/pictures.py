"""Pictures of a results folder: reconstructions and traversals of each setting's median run."""

import hashlib
from pathlib import Path
from types import SimpleNamespace

from ..errors import BenchError

IMAGES = 10
SAMPLE = 500
VALUES = tuple(-2 + 0.5 * i for i in range(9))
FORMAT = 1


def make_pictures(runs, folder, data_dir=None, progress=None):
    """Draw the pictures that are not there yet, and say what there is.

    Parameters
    ----------
    runs : DataFrame
        From `evaluation.statistics.cells.collect`; runs without a checkpoint are passed over.
    folder : path
        Pictures go to a folder of their own a setting below it, ``pictures.json`` into it.
    data_dir : path, optional
        Of the data sets.
    progress : callable, optional
        ``progress(text)``.

    Returns
    -------
    dict
        The content of ``pictures.json``: `pictures`, a list with dataset, protocol, method,
        curve, setting, seed, `median_by`, `latents` (their order), `kl` (nats, in that order),
        `files` (name to path below `folder`), `source` (hash of what they were drawn from); and
        `skipped`, a list of texts.
    """
    from ...evaluation.files import write_json
    from ...evaluation.page.manifests import read_pictures
    from ...evaluation.statistics.median_runs import median_runs

    folder = Path(folder)
    before, _ = read_pictures(folder)
    known = {entry["source"]: entry for entry in before}
    made, skipped, loaded = [], [], {}
    # A file from elsewhere has no folder of a run, so nothing of it can be drawn.
    for row in median_runs(runs[runs["folder"].notna()]).to_dict("records"):
        run = Path(row["folder"])
        checkpoint = run / "checkpoint.pt"
        if not checkpoint.exists():
            continue
        entry = _entry(row, checkpoint)
        old = known.get(entry["source"])
        if old is not None and all((folder / path).exists() for path in old["files"].values()):
            made.append({**old, **entry})
            continue
        if progress is not None:
            progress(f"pictures of {row['dataset']}, {row['method']}, {row['setting']}")
        try:
            made.append(entry | _draw(run, folder, _place(row), loaded, data_dir))
        except BenchError as error:
            skipped.append(f"{row['dataset']}, {row['method']}, {row['setting']}: {error}")
    data = {"format_version": FORMAT, "pictures": made, "skipped": list(dict.fromkeys(skipped))}
    if made or skipped or before:
        write_json(folder / "pictures.json", data)
    return data


def _entry(row, checkpoint):
    """What is known before anything is drawn."""
    status = checkpoint.stat()
    names = ("dataset", "protocol", "method", "curve", "setting", "median_by")
    entry = {name: row[name] for name in names}
    entry["seed"] = None if row["seed"] != row["seed"] else int(row["seed"])
    text = f"{FORMAT} {checkpoint.resolve()} {status.st_size} {status.st_mtime_ns}"
    entry["source"] = hashlib.sha256(text.encode()).hexdigest()[:16]
    return entry


def _place(row):
    """Folder of a setting's pictures: readable, and unique whatever the names hold."""
    names = [row["dataset"], row["protocol"], row["method"], row["setting"] or "default"]
    kept = ["".join(c if c.isalnum() or c in "=,.+-_" else "-" for c in name) for name in names]
    if kept != names:
        kept[-1] += "-" + hashlib.sha256("/".join(names).encode()).hexdigest()[:6]
    return Path(*kept)


def _draw(run, folder, place, loaded, data_dir):
    """Draw one run's pictures; what the manifest adds about them."""
    import numpy as np
    import torch

    from ...evaluation.files import RecordError, write_atomically
    from ...evaluation.representation.posterior import kl_per_latent
    from ...evaluation.scoring.run_records import read_run
    from ...models import pictures
    from ..protocol.registry import get_model
    from ..runs.building import construct
    from ..runs.checkpoints import read_checkpoint

    try:
        record = read_run(run)
        config = SimpleNamespace(**record["config"])
        target = record.get("method", {}).get("reference", config.model)
        side = config.image_size or None
    except (FileNotFoundError, RecordError, KeyError, TypeError, AttributeError) as error:
        raise BenchError(f"its run.json does not say what was trained ({error})") from None
    images, sample = _sample(record, side, loaded, data_dir)
    device = torch.device("cpu")
    model = construct(get_model(target).load(), 0, device, images.shape, config)
    state = read_checkpoint(run / "checkpoint.pt", "train the run again")
    try:
        model.load_state_dict(state["model"])
    except (KeyError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise BenchError(f"its checkpoint does not fit the model ({reason})") from None
    means, log_variances = pictures.find_posterior(model, sample)
    kl = kl_per_latent(means, log_variances)
    order = [int(i) for i in np.argsort(-kl, kind="stable")]
    first = sample[:IMAGES]
    pairs = torch.stack([first, pictures.reconstruct(model, first)])
    moved = pictures.traverse(model, means[0], order, VALUES)
    labels = [f"z{i}  {kl[i]:.2f} nats" for i in order]
    contents = {
        "reconstructions.png": pictures.write_strip(pairs, ("image", "reconstruction")),
        "traversals.png": pictures.write_strip(moved, labels, [_value_text(v) for v in VALUES]),
        "traversals.gif": pictures.write_animation(moved, [f"z{i}" for i in order]),
    }
    for name, data in contents.items():
        write_atomically(folder / place / name, data)
    return {
        "latents": order,
        "kl": [round(float(kl[i]), 6) for i in order],
        "files": {name: (place / name).as_posix() for name in contents},
    }


def _sample(record, side, loaded, data_dir):
    """Images of a run's data set and the same random sample of them for all its runs."""
    import torch

    from ...evaluation.files import plain
    from ...models.training.images import Images
    from ...models.training.streams import sample_without_replacement
    from .. import datasets

    # As --dataset names it, which for a class by path is not the name in its identity.
    name = (record.get("run") or {}).get("dataset")
    if name not in loaded:
        try:
            loaded[name] = datasets.load_dataset(name, data_dir) if name else None
        except BenchError as error:
            loaded[name] = error
    dataset = loaded[name]
    if dataset is None:
        raise BenchError("its run.json does not name a data set")
    if isinstance(dataset, BenchError):
        raise dataset
    if plain(dict(dataset.identity)) != record.get("dataset"):
        raise BenchError("the data set here is not the one that it was trained on")
    if (name, side) not in loaded:
        images = Images(dataset.source, torch.device("cpu"), side)
        index = sample_without_replacement(len(images), min(SAMPLE, len(images)), 0, "pictures")
        loaded[name, side] = images, images(torch.from_numpy(index))
    return loaded[name, side]


def _value_text(value):
    return f"{value:+g}".replace("-", "−") if value else "0"

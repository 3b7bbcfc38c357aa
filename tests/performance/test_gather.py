"""Images per second that reach a model from every storage form, batch 64."""

import numpy as np
import pytest
import torch

from disentanglement_bench.benchmark.datasets.base import ImageSource
from disentanglement_bench.models.training.batches import Batches
from disentanglement_bench.models.training.images import Images

COUNT, BATCH, STEPS = 16_384, 64, 100


def make_source(kind, tmp_path):
    """Random images, 64×64×1, or ×3 from templates as many as rooms3d has."""
    draw = np.random.default_rng(0)
    if kind == "templates":
        weights = draw.integers(0, 256, (480, 5, 64, 64), dtype=np.uint8)
        palette = draw.uniform(0, 60, (1000, 5, 3)).astype(np.float32)
        return ImageSource(kind, weights, (64, 64, 3), palette)
    if kind == "bits":
        return ImageSource(kind, draw.integers(0, 256, (COUNT, 512), dtype=np.uint8), (64, 64, 1))
    array = draw.integers(0, 256, (COUNT, 64, 64, 1), dtype=np.uint8)
    if kind == "mapped":
        np.save(tmp_path / "images.npy", array)
        array = np.load(tmp_path / "images.npy", mmap_mode="r")
    return ImageSource("uint8", array, (64, 64, 1))


@pytest.mark.parametrize("kind", ["bits", "uint8", "mapped", "templates"])
@pytest.mark.parametrize("side", [64, 32])
def test_images_per_second(benchmark, kind, side, tmp_path):
    batches = Batches(Images(make_source(kind, tmp_path), "cpu", side), BATCH, 0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)

    def gather():
        for step in range(STEPS):
            batches(step)

    try:
        benchmark.pedantic(gather, rounds=7, warmup_rounds=1)
    finally:
        torch.set_num_threads(threads)
    speed = STEPS * BATCH / benchmark.stats.stats.median
    benchmark.extra_info["images/s"] = round(speed)
    if kind == "bits":
        assert speed >= 50_000

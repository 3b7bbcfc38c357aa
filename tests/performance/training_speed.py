"""Steps per second of the zoo's training loop beside a plain PyTorch loop, in the same run.

``python tests/performance/training_speed.py`` prints the table. Every loop runs in a process of
its own, as the runner starts them, and waits for its turn; the loops that are compared take turns
in short bursts, so that whatever else the machine does falls on both. Everything trains a β-VAE
of network ``conv`` on ``sprites-small``, 64×64×1, batch 64.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from itertools import pairwise

from disentanglement_bench.benchmark.workers.worker import MALLOC_ENVIRONMENT

BATCH, BETA, LATENTS, LEARNING_RATE = 64, 4.0, 10, 1e-4
SHAPE = (1, 64, 64)


def zoo_steps():
    """The zoo's own trainer as a function of a number of steps."""
    from disentanglement_bench.benchmark import datasets
    from disentanglement_bench.models.training.batches import Batches
    from disentanglement_bench.models.training.images import Images
    from disentanglement_bench.models.training.loop import Stopped, Trainer, build_model
    from disentanglement_bench.models.training.schedule import Schedule
    from disentanglement_bench.models.training.streams import Noise
    from disentanglement_bench.models.zoo.betavae import BetaVAE

    trainer = Trainer(
        build_model(BetaVAE, 0, "cpu", SHAPE, latent_size=LATENTS, network="conv"),
        {"beta": BETA},
        Batches(Images(datasets.load_dataset("sprites-small").source, "cpu"), BATCH, 0),
        Noise((BATCH, LATENTS), 0, "cpu"),
        Schedule(phases=(10**9,), learning_rate=LEARNING_RATE, checkpoint_every=10**9),
        0,
    )

    def run(steps):
        end = trainer.step + steps
        try:
            trainer.run(lambda trainer: None, should_stop=lambda: trainer.step == end)
        except Stopped:
            return

    return run


def plain_network():
    """The network ``conv`` as one would write it from PyTorch's own layers."""
    from torch import nn

    widths = (1, 32, 32, 64, 64)
    encoder, decoder = nn.Sequential(), nn.Sequential()
    for source, target in pairwise(widths):
        encoder += nn.Sequential(nn.Conv2d(source, target, 4, 2, 1), nn.ReLU())
    encoder += nn.Sequential(nn.Flatten(), nn.Linear(1024, 256), nn.ReLU())
    encoder.append(nn.Linear(256, 2 * LATENTS))
    decoder += nn.Sequential(nn.Linear(LATENTS, 256), nn.ReLU(), nn.Linear(256, 1024), nn.ReLU())
    decoder.append(nn.Unflatten(1, (64, 4, 4)))
    for source, target in pairwise(widths[::-1]):
        decoder += nn.Sequential(nn.ConvTranspose2d(source, target, 4, 2, 1), nn.ReLU())
    return encoder, decoder[:-1]


def plain_steps():
    """The loop of a textbook: a DataLoader of bytes, PyTorch's defaults, the same losses."""
    import numpy as np
    import torch
    from torch.nn import functional as F
    from torch.utils.data import DataLoader, TensorDataset

    from disentanglement_bench.benchmark import datasets

    source = datasets.load_dataset("sprites-small").source
    images = source.images(np.arange(len(source))).transpose(0, 3, 1, 2)
    loader = DataLoader(
        TensorDataset(torch.from_numpy(np.ascontiguousarray(images))), BATCH, shuffle=True
    )
    encoder, decoder = plain_network()
    optimiser = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=LEARNING_RATE)

    def forever():
        while True:
            yield from loader

    batches = forever()

    def run(steps):
        for _ in range(steps):
            images = next(batches)[0].float() / 255
            means, log_variances = encoder(images).chunk(2, dim=1)
            codes = means + torch.exp(0.5 * log_variances) * torch.randn_like(means)
            logits = decoder(codes)
            nll = F.binary_cross_entropy_with_logits(logits, images, reduction="sum") / BATCH
            kl = 0.5 * (means**2 + log_variances.exp() - log_variances - 1).sum() / BATCH
            loss = nll + BETA * kl
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            loss.item()

    return run


def matrix_products():
    """Products of two 1024×1024 float32 matrices as a function of their number."""
    import torch

    left, right = torch.rand(1024, 1024), torch.rand(1024, 1024)

    def run(count):
        for _ in range(count):
            torch.mm(left, right)

    return run


LOOPS = {"zoo": zoo_steps, "plain": plain_steps, "mm": matrix_products}
FLOPS_PER_PRODUCT = 2 * 1024**3


def flops_per_step():
    """Floating-point operations of one step, forwards and backwards, in FLOP."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from disentanglement_bench.models.autoencoder import Objective, coefficient_tensors
    from disentanglement_bench.models.zoo.betavae import BetaVAE

    objective = Objective(BetaVAE(SHAPE, LATENTS, "conv"))
    images, noise = torch.rand(BATCH, *SHAPE), torch.randn(BATCH, LATENTS)
    with FlopCounterMode(display=False) as counter:
        objective(images, noise, coefficient_tensors({"beta": BETA}, "cpu"))[0].backward()
    return counter.get_total_flops()


class Loop:
    """A process that runs one of `LOOPS` in bursts.

    Parameters
    ----------
    kind : str
        A key of `LOOPS`; ``zoo`` starts with the memory settings of the runner's workers.
    threads : int
    """

    def __init__(self, kind, threads):
        environment = {k: v for k, v in os.environ.items() if k not in MALLOC_ENVIRONMENT}
        environment["OMP_NUM_THREADS"] = str(threads)
        if kind == "zoo":
            environment |= MALLOC_ENVIRONMENT
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--serve", kind, str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def start(self, steps):
        """Begin a burst."""
        print(steps, file=self.process.stdin, flush=True)

    def seconds(self):
        """Wait for the end of the burst and return its length."""
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the loop ended early, with code {self.process.wait()}")
        return float(answer)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def serve(kind, threads):
    """Be the process of a `Loop`: read numbers of steps, answer with seconds."""
    import torch

    torch.set_num_threads(threads)
    run = LOOPS[kind]()
    for line in sys.stdin:
        began = time.perf_counter()
        run(int(line))
        print(time.perf_counter() - began, flush=True)


def rate(loops, steps):
    """Steps per second of loops that run side by side, together."""
    for loop in loops:
        loop.start(steps)
    return len(loops) * steps / max(loop.seconds() for loop in loops)


def compare(contestants, steps=20, rounds=5):
    """Let groups of loops take turns.

    Parameters
    ----------
    contestants : dict of str to list of (str, int)
        Name to the (kind, threads) of the loops that run side by side.
    steps, rounds : int
        Steps of a burst, and bursts of each group after one to warm up.

    Returns
    -------
    dict of str to float
        Median steps per second of each group.
    """
    groups = {name: [Loop(*loop) for loop in loops] for name, loops in contestants.items()}
    try:
        for loops in groups.values():
            rate(loops, 3)
        found = {name: [] for name in groups}
        for _ in range(rounds):
            for name, loops in groups.items():
                found[name].append(rate(loops, steps))
    finally:
        for loops in groups.values():
            for loop in loops:
                loop.__exit__()
    return {name: statistics.median(rates) for name, rates in found.items()}


def products_per_second(threads):
    """Matrix products per second of one process."""
    return compare({"mm": [("mm", threads)]}, steps=20, rounds=3)["mm"]


def table(threads=(1, 2), rounds=5):
    """Measure everything; returns lines of text."""
    work = flops_per_step() / 1e9
    lines = [f"conv, batch {BATCH}, 64×64×1: {work:.2f} GFLOP a step"]
    for count in threads:
        speed = products_per_second(count) * FLOPS_PER_PRODUCT / 1e9
        found = compare({"plain": [("plain", count)], "zoo": [("zoo", count)]}, rounds=rounds)
        lines.append(f"{count} thread(s), matrix products: {speed:.1f} GFLOP/s")
        for name, value in found.items():
            share = value * work / speed
            lines.append(
                f"  {name:5}: {value:6.2f} steps/s, {1e3 / value:6.1f} ms a step, "
                f"{share:.0%} of matrix-product speed"
            )
        lines.append(f"  zoo / plain: {found['zoo'] / found['plain']:.2f}")
    if max(threads) > 1:
        found = compare({"one": [("zoo", 1)], "two": [("zoo", 1)] * 2}, rounds=rounds)
        lines.append(f"two one-thread workers: {found['two']:.2f} steps/s together")
        lines.append(f"  two workers / one: {found['two'] / found['one']:.2f}")
    return lines


def main():
    """Print the table, or serve bursts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--serve", nargs=2, metavar=("KIND", "THREADS"), help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    if arguments.serve:
        serve(arguments.serve[0], int(arguments.serve[1]))
        return
    print("\n".join(table(arguments.threads, arguments.rounds)))


if __name__ == "__main__":
    main()

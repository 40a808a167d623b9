"""`make bench`: how fast grading is. Ratios within one run; seconds of this machine beside them.

Writes build/bench.json and prints a table. Not a test: this says how fast, tests say whether right.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch
from PIL import Image
from rich.console import Console
from rich.table import Table
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from autograder.checks.base import Check, Checks
from autograder.instructor.observe import practise
from autograder.instructor.settings import load_course
from autograder.key import digest
from autograder.replay import replay
from course.data import Batches, Digits, load_digits

LAB1 = "lab1_sine_gan"
ROUNDS = 5
# Seconds that the graded cells of a lab may take: of any lab, of lab 1.
GRADED_S = (30.0, 15.0)


def seconds(function: Callable[[], Any]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def sine_gan(steps: int) -> None:
    """Train lab 1's networks."""
    discriminator = nn.Sequential(
        nn.Linear(2, 256), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(256, 128), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(128, 64), nn.ReLU(), nn.Dropout(0.3),
        nn.Linear(64, 1), nn.Sigmoid(),
    )  # fmt: skip
    generator = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Linear(16, 32), nn.ReLU(), nn.Linear(32, 2))
    train(discriminator, generator, lambda: torch.randn(32, 2), (2,), steps)


def dcgan(steps: int) -> None:
    """Train a DCGAN on 28x28 images, 32 channels."""
    discriminator = nn.Sequential(
        nn.Conv2d(1, 32, 4, 2, 1), nn.LeakyReLU(0.2),
        nn.Conv2d(32, 64, 4, 2, 1), nn.BatchNorm2d(64), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(64 * 7 * 7, 1), nn.Sigmoid(),
    )  # fmt: skip
    generator = nn.Sequential(
        nn.ConvTranspose2d(64, 64, 7), nn.BatchNorm2d(64), nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, 2, 1), nn.BatchNorm2d(32), nn.ReLU(),
        nn.ConvTranspose2d(32, 1, 4, 2, 1), nn.Tanh(),
    )  # fmt: skip
    train(discriminator, generator, lambda: torch.randn(32, 1, 28, 28), (64, 1, 1), steps)


def train(
    discriminator: nn.Module,
    generator: nn.Module,
    real: Callable[[], torch.Tensor],
    latent: tuple[int, ...],
    steps: int,
) -> None:
    """Train a GAN with Adam and binary cross-entropy."""
    loss = nn.BCELoss()
    optimizers = [torch.optim.Adam(network.parameters(), 1e-3) for network in (discriminator, generator)]
    for _ in range(steps):
        samples = real()
        fake = generator(torch.randn(len(samples), *latent))
        optimizers[0].zero_grad()
        labels = torch.cat([torch.ones(len(samples), 1), torch.zeros(len(samples), 1)])
        loss(discriminator(torch.cat([samples, fake.detach()])), labels).backward()
        optimizers[0].step()
        optimizers[1].zero_grad()
        loss(discriminator(generator(torch.randn(len(samples), *latent))), labels[: len(samples)]).backward()
        optimizers[1].step()


def replay_overhead(code: Callable[[int], None], steps: int) -> tuple[float, float]:
    """Return the ratio of a replay to the same float64 training without it, and the replay's seconds."""

    def replayed() -> None:
        with replay(1):
            code(steps)

    ratios, times = [], []
    threads, dtype = torch.get_num_threads(), torch.get_default_dtype()
    for turn in range(ROUNDS + 1):
        with_replay = seconds(replayed)
        torch.set_num_threads(1)
        torch.set_default_dtype(torch.float64)
        without = seconds(lambda: code(steps))
        torch.set_num_threads(threads)
        torch.set_default_dtype(dtype)
        if turn:  # the first turn warms up
            ratios.append(with_replay / without)
            times.append(with_replay)
    return median(ratios), median(times)


def check_times(lab: str) -> dict[str, float]:
    """Return the seconds of every check of a lab, as a student waits for them."""
    times: dict[str, float] = {}
    plain = Checks.run

    def timed(self: Checks, check: Check) -> bool:
        start = time.perf_counter()
        try:
            return plain(self, check)
        finally:
            times[check.name] = time.perf_counter() - start

    Checks.run = timed  # type: ignore[method-assign]
    try:
        practise(load_course(), lab, {})
    finally:
        Checks.run = plain  # type: ignore[method-assign]
    return times


class SampleBySample(Dataset):  # type: ignore[type-arg]
    """Digits as torchvision's MNIST gives them: an image made and transformed for each sample."""

    def __init__(self, digits: Digits) -> None:
        self._digits = digits
        self._transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.5,), (0.5,))])

    def __len__(self) -> int:
        return len(self._digits)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        image = Image.fromarray(self._digits.pixels[index].numpy())
        return self._transform(image), int(self._digits.labels[index])


def epoch_speed() -> tuple[float, float]:
    """Return how many times faster batches from memory are than samples one by one, and their seconds."""
    digits = load_digits("embedded", report=lambda line: None)
    loader = DataLoader(SampleBySample(digits), batch_size=32, shuffle=True)
    ratios, times = [], []
    for _ in range(ROUNDS):
        slow = seconds(lambda: list(loader))
        # Normalising all pictures belongs to the price, though it is paid once.
        fast = seconds(lambda: list(Batches(digits.images, digits.labels, batch_size=32)))
        ratios.append(slow / fast)
        times.append(fast)
    return median(ratios), median(times)


def import_time() -> float:
    """Return what `import autograder` adds to `import torch`, in seconds."""
    code = "import time, torch; t = time.perf_counter(); import autograder; print(time.perf_counter() - t)"
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(3)
    ]
    return median(float(run.stdout) for run in runs)


def main() -> None:
    """Measure, print and write."""
    course = load_course()
    checks = {lab: check_times(lab) for lab in course.labs}
    training = {name: value for name, value in checks[LAB1].items() if name.startswith("train.")}
    others = {
        name: value for times in checks.values() for name, value in times.items() if name not in training
    }
    slowest = max(others, key=lambda name: others[name])
    sine, sine_seconds = replay_overhead(sine_gan, 300)
    images, images_seconds = replay_overhead(dcgan, 8)
    epoch, epoch_seconds = epoch_speed()
    rows = [
        *(
            (f"graded cells of {lab}, in all", sum(times.values()), GRADED_S[lab == LAB1], "s")
            for lab, times in checks.items()
        ),
        (f"slowest check but training: {slowest}", others[slowest], 3.0, "s"),
        ("training run", sum(training.values()), None, "s"),
        (f"replay overhead, sine GAN, 300 steps ({sine_seconds:.2f} s)", sine, 2.5, "x"),
        (f"replay overhead, DCGAN 28x28, 8 steps ({images_seconds:.2f} s)", images, 1.3, "x"),
        (f"epoch of digits, sample by sample against from memory ({epoch_seconds:.3f} s)", epoch, None, "x"),
        ("import autograder, on top of torch", import_time(), 0.3, "s"),
        (
            "one digest of an answer key",
            seconds(lambda: digest("check", [1] * 8, None, b"0" * 16)),
            None,
            "s",
        ),
    ]
    table = Table("figure", "measured", "goal")
    for name, value, goal, unit in rows:
        reached = goal is None or value <= goal
        table.add_row(
            name,
            f"[{'green' if reached else 'red'}]{value:.3g} {unit}[/]",
            f"{goal:g} {unit}" if goal else "",
        )
    Console().print(table)
    path = Path("build/bench.json")
    path.parent.mkdir(exist_ok=True)
    data = {
        "figures": [{"name": n, "value": v, "goal": g, "unit": u} for n, v, g, u in rows],
        "checks": checks,
    }
    path.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

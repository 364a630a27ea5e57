"""How fast leave-one-subject-out trains here, against two other ways to write it.

The same network, clips, folds, epochs and batches, on the published synthetic data, in turn::

    .venv/bin/python benchmarks/training.py [--profile paper] [--epochs 50] [--repeats 3]

*typical* is what some public code does: every frame a PNG on disk, read and turned by PIL for every
epoch, a `DataLoader`, float32, one fold after another, the test subject scored after every epoch.
*careful* has the clips in memory, a `DataLoader` of two workers, augmentation of whole batches on
the device, channels-last and, on a GPU, bfloat16. *threads* is this library with one fold at a time
on all cores, instead of one fold on each core. Writes ``benchmarks/training_<cpu or cuda>.csv``.
"""

import argparse
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from common import ROOT, in_turn, matrix_rate, write
from PIL import Image, ImageOps
from sklearn.base import clone
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset, TensorDataset

from merlib import loso, store
from merlib.model import explain
from merlib.model.augment import augment
from merlib.model.classifier import cosine, make_optimiser
from merlib.model.network import Network
from merlib.model.training import pick_device
from merlib.study.study import Study


class Pictures(Dataset):
    """Clips as PNG files, a folder a clip, with the transforms of section 3.1.2 by PIL."""

    def __init__(self, folders, labels, config=None):
        self.folders, self.labels, self.config = folders, labels, config

    def __len__(self):
        return len(self.folders)

    def __getitem__(self, row):
        frames = [Image.open(path).convert("RGB") for path in sorted(self.folders[row].iterdir())]
        if self.config is not None:
            flips, turn, size = torch.rand(3).tolist()
            degrees = (2 * turn - 1) * self.config.rotation
            scale = 1 + (2 * size - 1) * self.config.scaling
            frames = [self.turned(frame, flips < 0.5, degrees, scale) for frame in frames]
        pixels = np.stack([np.asarray(frame) for frame in frames])
        clip = torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1
        return clip, self.labels[row]

    @staticmethod
    def turned(frame, mirrored, degrees, scale):
        """Return a frame mirrored or not, rotated and scaled about its centre."""
        frame = ImageOps.mirror(frame) if mirrored else frame
        frame = frame.rotate(degrees, Image.Resampling.BILINEAR)
        side = frame.width / scale
        box = [(frame.width - side) / 2] * 2 + [(frame.width + side) / 2] * 2
        box = [min(max(edge, 0), frame.width) for edge in box]
        return frame.resize(frame.size, Image.Resampling.BILINEAR, box=box)


def draw(x: np.ndarray, folder: Path) -> list[Path]:
    """Write clips (N, T, 3, H, W) as pictures; return the folder of each."""
    folders = []
    for number, clip in enumerate(x):
        folders.append(folder / f"{number:04d}")
        folders[-1].mkdir()
        pixels = np.clip(127.5 + 42.5 * clip, 0, 255).astype(np.uint8)
        for t, frame in enumerate(pixels):
            Image.fromarray(frame.transpose(1, 2, 0)).save(folders[-1] / f"{t:02d}.png")
    return folders


def train(network, loader, left, config, turned, half=False):
    """Train by the schedule of section 3.1.4 and score the batches left out after every epoch."""
    device = next(network.parameters()).device
    optimiser = make_optimiser(network, config)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, cosine(config.epochs * len(loader)))
    for _ in range(config.epochs):
        network.train()
        for x, y in loader:
            x, y = turned(x.to(device, non_blocking=True)), y.to(device, non_blocking=True)
            with torch.autocast(device.type, torch.bfloat16, enabled=half):
                loss = functional.cross_entropy(network(x), y)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
        network.eval()
        with torch.no_grad():
            sum(int((network(x.to(device)).argmax(1).cpu() == y).sum()) for x, y in left)


def typical(folders, labels, folds, config, device):
    """Train all folds as some public code does."""
    for rows, test in folds:
        network = Network(int(labels.max()) + 1, config).to(device)
        some = Pictures([folders[k] for k in rows], labels[rows], config)
        left = DataLoader(Pictures([folders[k] for k in test], labels[test]), config.batch_size)
        loader = DataLoader(some, config.batch_size, shuffle=True, num_workers=2, drop_last=True)
        train(network, loader, left, config, lambda x: x)


def careful(x, labels, folds, config, device):
    """Train all folds as the best public code does."""
    generator, x = torch.Generator().manual_seed(0), torch.from_numpy(x)
    for rows, test in folds:
        network = Network(int(labels.max()) + 1, config)
        network = network.to(device, memory_format=torch.channels_last)
        loader = DataLoader(
            TensorDataset(x[rows], labels[rows]), config.batch_size, shuffle=True, num_workers=2,
            persistent_workers=True, drop_last=True, pin_memory=device.type == "cuda",
        )  # fmt: skip
        left = DataLoader(TensorDataset(x[test], labels[test]), len(test))

        def turned(batch):
            chances = torch.rand(3, len(batch), generator=generator)
            return augment(batch, config, chances.to(device))

        train(network, loader, left, config, turned, half=device.type == "cuda")


def in_threads(estimator, x, labels, folds):
    """Train all folds with this library, one after another."""
    for rows, test in folds:
        clone(estimator).fit(
            x[rows],
            labels.numpy()[rows],
            lambda _, fitted, test=test: fitted.predict_proba(x[test]),
        )


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", default="laptop")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    study = Study(profile=options.profile, home=ROOT, progress=True)
    config, device = replace(study.config, epochs=options.epochs), pick_device("auto")
    x, clips, classes = loso.ordered(study.prepared.x, study.clips)
    x = np.array(x)
    labels = torch.tensor([classes.index(name) for name in clips["emotion"]])
    subjects = clips["subject"].to_numpy(str)
    folds = [(np.flatnonzero(subjects != s), np.flatnonzero(subjects == s)) for s in set(subjects)]
    estimator = study.estimator("full").set_params(config=config)

    def ours():
        with tempfile.TemporaryDirectory() as folder:
            store.run(estimator, x, clips, folder, n_jobs=study.n_jobs, progress=False)

    with tempfile.TemporaryDirectory() as folder:
        folders = draw(x, Path(folder))
        table = in_turn(
            {
                "here": ours,
                "typical": lambda: typical(folders, labels, folds, config, device),
                "careful": lambda: careful(x, labels, folds, config, device),
                "threads": lambda: in_threads(estimator, x, labels, folds),
            },
            options.repeats,
            warm=False,  # what starting costs is part of a run
        )
    trained = options.epochs * sum(len(rows) for rows, _ in folds)
    operations = 6 * explain.summary(config, len(classes)).loc["total", "macs"] * trained
    table["clips a second"] = trained / table["seconds"]
    table["share of matrix rate"] = operations / table["seconds"] / matrix_rate()
    table["what"] = f"{options.profile}, {len(folds)} folds, {options.epochs} epochs"
    write(table, "training")


if __name__ == "__main__":
    main()

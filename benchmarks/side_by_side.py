"""This library beside the public library of the field, meb (github.com/tvaranka/meb).

Both leave one subject out on the same clips: apex flow as pictures of 3 x 28 x 28, of the published
synthetic data. Network, epochs, batches, optimiser and learning rate are the same. Each run has a
process and one thread to itself, and the libraries take turns; seconds are those of computing::

    python -m venv meb; meb/bin/pip install git+https://github.com/tvaranka/meb
    .venv/bin/python benchmarks/side_by_side.py meb/bin/python [--pairs 5]

A user of either library writes the lines of `SCRIPTS`, and they are what is run. *one module* is a
small network that both get; *STSTNet* is each library's own. After each epoch this library predicts
the subject left out; after the last one meb predicts that subject and the training clips. *start,
s* is what the process does before it trains, above all imports; *with start* are the ratios with
it. Writes benchmarks/side_by_side_cpu.csv.

The table of November 2026 has meb beside PyTorch 2.13. It asks for torchvision 0.16, whose PyTorch
is 2.1, because of `pytorchvideo`, which mixes clips: in its place was a module with empty classes.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

import numpy as np
import pandas as pd
from common import ROOT, write

from merlib.study.study import Study

EPOCHS, BATCH, RATE = 20, 32, 3e-3
OURS, MEB = "merlib", "meb"

MODULE = """
from torch import nn

class Network(nn.Sequential):
    def __init__(self, n_classes):
        super().__init__(
            nn.BatchNorm2d(3), nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(),
            nn.Linear(512, n_classes),
        )
"""
"""The small network that both libraries get; its lines are not counted."""

OWN_NETWORK = """
from merlib.methods.deep import DeepClassifier
class Small(DeepClassifier, epochs=EPOCHS, batch_size=BATCH, learning_rate=RATE):
    takes, standardise = (3, "S", "S"), False
    def build(self, n_classes):
        return Network(n_classes)
estimator = Small()
"""
STSTNET = """
from merlib.methods.ststnet import STSTNet
estimator = STSTNet(epochs=EPOCHS, batch_size=BATCH, learning_rate=RATE)
"""
EVERY_EPOCH = """
from merlib import leave_one_subject_out
table = leave_one_subject_out(estimator, x, clips, seed=seed, n_jobs=1)
last = table[table["epoch"] == EPOCHS].set_index("clip").loc[clips["clip"]]
predicted = last.filter(like="p_").idxmax(axis=1).str[2:]
"""
VALIDATOR = """
from functools import partial
import torch
from meb import core, models, utils
class Settings(core.Config):
    action_units = None
    criterion = torch.nn.CrossEntropyLoss
    evaluation_fn = partial(utils.MultiClassF1Score, average="macro")
    optimizer = partial(torch.optim.Adam, lr=RATE)
    epochs, batch_size, num_workers = EPOCHS, BATCH, 0
    model = partial(NETWORK)
names = clips["emotion"].unique()
logits = core.IndividualDatasetAUValidator(Settings).validate(clips, x, seed_n=seed)
predicted = names[torch.cat(logits).argmax(1).numpy()]
"""
SCRIPTS = {
    ("one module", OURS): OWN_NETWORK + EVERY_EPOCH,
    ("one module", MEB): VALIDATOR.replace("NETWORK", "Network, len(set(clips['emotion']))"),
    ("STSTNet", OURS): STSTNET + EVERY_EPOCH,
    ("STSTNet", MEB): VALIDATOR.replace("NETWORK", "models.STSTNet, 3, len(set(clips['emotion']))"),
}
"""Network and library -> what a user writes, given ``x``, ``clips``, ``seed`` and the settings."""

RUN = """
import json, sys, time
import numpy as np, pandas as pd, torch
torch.set_num_threads(1)
folder, seed, EPOCHS, BATCH, RATE = sys.argv[1], *map(int, sys.argv[2:5]), float(sys.argv[5])
x, clips = np.load(folder + "/x.npy"), pd.read_csv(folder + "/clips.csv")
{module}
lines = {script!r}.strip().splitlines()
exec("\\n".join(line for line in lines if line.startswith(("from ", "import "))))
begun = time.process_time()
exec("\\n".join(lines))
about = {{"start": begun, "seconds": time.process_time() - begun}}
about["peak"] = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) / 1024
about["accuracy"] = float((np.asarray(predicted) == clips["emotion"]).mean())
print("\\n" + json.dumps(about))
"""
"""What a process does: imports first, so that training is timed without them."""


def require_meb(python: str) -> None:
    """Exit with one sentence if an interpreter is not there or has no meb."""
    try:
        done = subprocess.run(
            [python, "-c", "from meb import core"], capture_output=True, encoding="utf-8"
        )
    except OSError as error:
        sys.exit(
            f"{python}: {error.strerror}; expected a Python interpreter that has meb installed"
        )
    if done.returncode:
        why = done.stderr.strip().splitlines()[-1]
        sys.exit(f"{python} cannot import meb ({why}): install github.com/tvaranka/meb there")


def revision(python: str) -> str:
    """Return the commit of the installed meb, as pip noted it, or its version."""
    code = (
        "import importlib.metadata as m, json; d = m.distribution('meb');"
        "about = json.loads(d.read_text('direct_url.json') or '{}');"
        "print(about.get('vcs_info', {}).get('commit_id', d.version)[:7])"
    )
    return subprocess.run(
        [python, "-c", code], capture_output=True, encoding="utf-8"
    ).stdout.strip()


def lines(script: str) -> int:
    """Return how many lines a user writes, without empty ones."""
    return sum(bool(line.strip()) for line in script.splitlines())


def run(python: str, script: str, folder: str, seed: int, settings: tuple) -> dict[str, object]:
    """Run a script in a process of its own; return what it says."""
    command = [python, "-c", RUN.format(module=MODULE, script=script), folder, str(seed)]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    environment = {**os.environ, **threads, "CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [*command, *map(str, settings)],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        cwd=folder,
    )
    if done.returncode:
        sys.exit(f"{python} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def compared(runs: pd.DataFrame, trained: int) -> pd.DataFrame:
    """Return a row for each network and library of all runs, ratios to this library in a pair.

    ``runs`` has the columns network, library, pair, seconds, start, peak, accuracy and lines;
    ``trained`` is the number of clips that a run trains on, each as often as it is shown.
    """
    runs = runs.assign(whole=runs["seconds"] + runs["start"])
    ours = runs[runs["library"] == OURS].set_index(["network", "pair"])
    rows = []
    for (network, library), some in runs.groupby(["network", "library"], sort=False):
        first = ours.loc[network].loc[some["pair"]]
        ratios, whole = (
            some[name].to_numpy() / first[name].to_numpy() for name in ("seconds", "whole")
        )
        rows.append(
            {
                "network": network, "library": library, "pairs": len(some),
                "clips a second": trained / some["seconds"].median(),
                "seconds": some["seconds"].median(), "start, s": some["start"].median(),
                "ratio": np.median(ratios), "least": ratios.min(), "most": ratios.max(),
                "with start": np.median(whole), "with start, least": whole.min(),
                "with start, most": whole.max(), "peak, MiB": some["peak"].median(),
                "lines": some["lines"].iloc[0], "accuracy": some["accuracy"].mean(),
                "accuracy, least": some["accuracy"].min(), "accuracy, most": some["accuracy"].max(),
            }
        )  # fmt: skip
    return pd.DataFrame(rows).set_index("network")


def main() -> None:
    """Measure, print and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("python", help="a Python interpreter that has meb installed")
    parser.add_argument("--pairs", type=int, default=5)
    parser.add_argument("--revision", help="the commit of meb, where pip did not note it")
    options = parser.parse_args()
    require_meb(options.python)
    study, runs = Study(home=ROOT, progress=True), []
    clips = study.clips[["clip", "subject", "emotion"]]
    order = np.argsort(clips["subject"].to_numpy(str), kind="stable")  # as meb returns answers
    clips, x = clips.iloc[order], np.asarray(study.view("ststnet"))[order]
    with tempfile.TemporaryDirectory() as folder:
        np.save(f"{folder}/x.npy", x)
        clips.to_csv(f"{folder}/clips.csv", index=False)
        for pair in range(options.pairs):
            for (network, library), script in SCRIPTS.items():
                python = options.python if library == MEB else sys.executable
                told = run(python, script, folder, pair + 1, (EPOCHS, BATCH, RATE))
                about = {"network": network, "library": library, "pair": pair}
                runs.append(about | told | {"lines": lines(script)})
                print(runs[-1], flush=True)
    people = clips["subject"].nunique()
    table = compared(pd.DataFrame(runs), EPOCHS * (people - 1) * len(clips))
    table["meb"] = options.revision or revision(options.python)
    table["what"] = f"{len(clips)} clips, {people} folds, {EPOCHS} epochs, batches of {BATCH}"
    write(table, "side_by_side", gpu=False)


if __name__ == "__main__":
    main()

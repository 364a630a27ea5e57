"""A digest of everything that a small study gives: equal digests, equal behaviour bit for bit.

Run it in two checkouts, before and after a change that must not change what is computed::

    .venv/bin/python benchmarks/small_study.py before.json
    .venv/bin/python benchmarks/small_study.py after.json --against before.json

It uses the command line alone, so that it also runs in a checkout of another layout. Three drawn
people, fifteen clips: every method, the four variants, the prepared arrays and views, one trial,
a fitted model and its prediction of a clip.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.numpy import load_file

EPOCHS = "epochs=3"


def digest(content: bytes) -> str:
    """Return 16 hex digits that name some bytes."""
    return hashlib.sha256(content).hexdigest()[:16]


def merlib(home: Path, *words: str) -> None:
    """Run one command of the library in a folder that it takes for a checkout."""
    command = Path(sys.executable).with_name("merlib")
    done = subprocess.run([command, *words], cwd=home, capture_output=True, encoding="utf-8")
    if done.returncode:
        raise SystemExit(f"merlib {' '.join(words)}: {done.stderr}")


def made(home: Path) -> dict[str, str]:
    """Make the small study in an empty folder, and return a digest of each of its results."""
    (home / "_toc.yml").touch()
    merlib(home, "synth", "--out", "drawn", "--seed", "5", "--subjects", "3", "--clips", "15")
    data = ["--data-root", "drawn", "--jobs", "2", "--set", EPOCHS]
    merlib(home, "train", *data, "--methods", "all")
    merlib(home, "trials", "single", *data, "--seeds", "0")
    merlib(home, "fit", *data, "--method", "full", "--out", "full.safetensors")
    clip = min((home / "drawn" / "CASME2-RAW").glob("*/*"))
    merlib(home, "predict", str(clip), "--model", "full.safetensors", "--out", "told")
    frames = sorted(path for path in (home / "drawn").rglob("*") if path.suffix == ".jpg")
    return {
        "frames": digest(b"".join(path.read_bytes() for path in frames)),
        **prepared(home),
        **predictions(home),
        "regions": digest(next(home.glob("runs/**/regions-*.csv")).read_bytes()),
        "fit": digest(
            b"".join(v.tobytes() for _, v in sorted(load_file(home / "full.safetensors").items()))
        ),
        "predict": digest((home / "told" / "prediction.json").read_bytes()),
    }


def prepared(home: Path) -> dict[str, str]:
    """Return view -> digest of its array of all clips."""
    found = {}
    for path in home.glob("data/prepared/**/all-*.npy"):
        array = np.load(path)
        found[f"view {path.parent.name}"] = digest(repr(array.shape).encode() + array.tobytes())
    return dict(sorted(found.items()))


def predictions(home: Path) -> dict[str, str]:
    """Return method (with protocol and changed choices) -> digest of all its probabilities."""
    found = {}
    for path in home.glob("runs/**/run.json"):
        run = json.loads(path.read_text("utf-8"))
        table = pd.read_parquet(path.with_name("predictions.parquet"))
        values = table[[name for name in table if name.startswith("p_")]].to_numpy(np.float32)
        text = table[["clip", "subject", "label", "epoch"]].to_csv(index=False).encode()
        choices = run["configuration"]
        name = f"{run['method']}, {run['protocol']}, {choices['attention']}"
        found[f"predictions {name}"] = digest(text + values.tobytes())
    return dict(sorted(found.items()))


def main() -> int:
    """Make the study, write its digests, compare them with others; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--against", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        found = made(Path(home))
    options.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if options.against is None:
        print(f"{len(found)} digests in {options.out}")
        return 0
    others = json.loads(options.against.read_text("utf-8"))
    differ = sorted(k for k in found.keys() | others.keys() if found.get(k) != others.get(k))
    told = ", ".join(differ) or "none"
    print(f"{len(found) - len(differ)} of {len(found)} equal; differ: {told}")
    return bool(differ)


if __name__ == "__main__":
    sys.exit(main())

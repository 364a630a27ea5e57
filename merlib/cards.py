"""Whether PyTorch can use a card that is there; if not, why, and what to install."""

import re
import shutil
import subprocess
from dataclasses import dataclass

NEEDED_DRIVER = {"11": 450, "12": 525, "13": 580}
"""Major version of CUDA -> the oldest driver that it runs with, by NVIDIA's page on minor version
compatibility."""

OLDER_CUDA = "--index-url https://download.pytorch.org/whl/cu126"
"""Where PyTorch built for CUDA 12.6 lies: the last one with code for cards before Turing."""


@dataclass(frozen=True)
class Card:
    """What NVIDIA's driver says of a card."""

    name: str
    driver: str
    capability: tuple[int, int]


def cards() -> list[Card]:
    """Return the NVIDIA cards of this machine; none where their driver has no ``nvidia-smi``."""
    if not shutil.which("nvidia-smi"):
        return []
    asked = ["nvidia-smi", "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader"]
    told = subprocess.run(asked, capture_output=True, encoding="utf-8").stdout
    found = re.findall(r"^(.+), ([\d.]+), (\d+)\.(\d+)\s*$", told, re.MULTILINE)
    return [Card(name, driver, (int(a), int(b))) for name, driver, a, b in found]


def runs_on(capability: tuple[int, int], built_for: list[str]) -> bool:
    """Return whether code for some architectures, such as ``sm_80``, runs on a card.

    Machine code (``sm``) runs on cards of the same major version that are not older; what is
    compiled on the card (``compute``) on all that are not older.
    """
    for kind, major, minor in re.findall(r"(sm|compute)_(\d+)(\d)", " ".join(built_for)):
        built = int(major), int(minor)
        if built <= capability and (kind == "compute" or built[0] == capability[0]):
            return True
    return False


def works() -> bool:
    """Return whether PyTorch sees an NVIDIA (or AMD) card, and has code for the first one."""
    import torch

    if not torch.cuda.is_available():
        return False
    built_for = [one for one in torch.cuda.get_arch_list() if one.startswith(("sm_", "compute_"))]
    return not built_for or runs_on(torch.cuda.get_device_capability(0), built_for)


def unused() -> str:
    """Return why PyTorch cannot use a card that is there, and what to do; empty if there is none.

    Only the first card is looked at.
    """
    import torch

    card = next(iter(cards()), None)
    if card is None:
        return ""
    version = torch.__version__.partition("+")[0]  # pip takes any build of it as installed already
    install = f"pip uninstall -y torch, then pip install torch=={version}"
    cuda = torch.version.cuda
    if cuda is None:
        return f"{card.name}: this PyTorch is built for CPUs; {install} from PyPI uses the card"
    needed = NEEDED_DRIVER.get(cuda.partition(".")[0], 0)
    if int(card.driver.partition(".")[0]) < needed:
        return (
            f"{card.name}: its driver {card.driver} is too old for this PyTorch, whose CUDA {cuda} "
            f"needs {needed} or newer; install a newer driver, or {install} {OLDER_CUDA}"
        )
    if not runs_on(card.capability, torch.cuda.get_arch_list()):
        return (
            f"{card.name}: this PyTorch has no code for its compute capability "
            f"{'.'.join(map(str, card.capability))}; {install} {OLDER_CUDA}"
        )
    return ""

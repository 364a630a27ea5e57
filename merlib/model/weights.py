"""Files of weights that a network begins with, as torchvision and timm publish them."""

from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor, nn

SUFFIXES = (".pth", ".pt", ".safetensors")
COUNTER = "num_batches_tracked"  # of batch norms; old files lack it


def file_of(path: str | None, architecture: str) -> str | None:
    """Return the file with the weights of an architecture; None if there is none.

    A ``path`` to a file is that file, whatever its name is. In a folder it is the one whose name
    begins with the architecture, such as ``resnet18-f37072fd.pth``.

    Raises
    ------
    ValueError
        If several files of a folder fit.
    """
    if path is None or not Path(path).expanduser().is_dir():
        return path
    folder = Path(path).expanduser()
    found = sorted(file for file in folder.glob(f"{architecture}*") if file.suffix in SUFFIXES)
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise ValueError(f"pretrained={path}: several files of {architecture}: {names}")
    return str(found[0]) if found else None


def read_state(path: str | Path) -> dict[str, Tensor]:
    """Return the tensors of a state-dict file by name; no content of it is run as code.

    A ValueError says that there is no such file, or that it holds something else.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise ValueError(f"pretrained={path}: no such file")
    try:
        if file.suffix == ".safetensors":
            return safetensors.torch.load_file(file)
        state = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # a file of another kind fails in many ways
        reader = "safetensors" if file.suffix == ".safetensors" else "torch.load"
        raise ValueError(f"{path}: not a file of weights that {reader} reads") from error
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise ValueError(f"{path}: expected a state dict of names and tensors")
    return state


def load(network: nn.Module, path: str, architecture: str, places: Mapping[str, str]) -> None:
    """Copy published weights into a network.

    Parameters
    ----------
    network : Module
    path : str
        File of the weights.
    architecture : str
        Its name for people, in errors.
    places : dict
        Beginning of names in the network -> the beginning in the file that replaces it. What the
        network has elsewhere stays as it is; what the file has elsewhere is not used.

    Notes
    -----
    A first convolution of three colours is summed over them if the network takes one map: that is
    the same as three equal images.

    Raises
    ------
    ValueError
        Names the file, what it has and what is expected. The network is then unchanged.
    """
    state, own = read_state(path), network.state_dict()
    names = {
        name: theirs + name.removeprefix(ours)
        for ours, theirs in places.items()
        for name in own
        if name.startswith(ours) and not name.endswith(COUNTER)
    }
    if missing := [name for name in names.values() if name not in state]:
        raise ValueError(
            f"{path}: not the weights of {architecture}, {len(missing)} of {len(names)} expected "
            f"tensors are missing, such as {missing[0]}"
        )
    found = {name: fitting(state[there], own[name]) for name, there in names.items()}
    for name, there in names.items():
        if found[name].shape != own[name].shape:
            shape, expected = tuple(state[there].shape), tuple(own[name].shape)
            raise ValueError(
                f"{path}: {there} has shape {shape}, expected {expected} of {architecture}; "
                "the file is of another architecture or size"
            )
    network.load_state_dict(found, strict=False)


def fitting(weight: Tensor, own: Tensor) -> Tensor:
    """Return a weight, summed over its three colours if the network's own takes one map."""
    if weight.ndim == own.ndim == 4 and (weight.shape[1], own.shape[1]) == (3, 1):
        return weight.sum(dim=1, keepdim=True)
    return weight

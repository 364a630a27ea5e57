"""What the network consists of, and where its attention looks."""

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from merlib.config import Config

from .linear_fusion import LinearFusion
from .mfem import MFEM
from .network import Network

if TYPE_CHECKING:
    from merlib.methods.deep import DeepClassifier


def parts(net: Network) -> dict[str, tuple[str, ...]]:
    """Return the parts of the network in the order of the data: name -> its modules in order."""
    found: dict[str, tuple[str, ...]] = {"stem": ("conv1", "bn1", "maxpool")}
    for k in range(4):
        found[f"stage {k + 1}"] = (f"layer{k + 1}",)
        if net.mfem is not None:
            found[f"MFEM {k + 1}"] = (f"mfem.{k}",)
        if net.project is not None and k < 3:
            found[f"projection {k + 1}"] = (f"project.{k}",)
    if isinstance(net.mffm, LinearFusion):
        found["linear fusion"] = ("mffm",)
    elif net.mffm is not None:
        names = [f"X{k}" for k in range(1, 5)] + [f"Y{k}" for k in range(1, 7)]
        for i, (shallow, deep) in enumerate(net.mffm.pairs):
            found[f"FIM Y{i + 1} ({names[shallow]}, {names[deep]})"] = (f"mffm.fims.{i}",)
    if net.head.lstm is not None:
        found["BiLSTM" if net.head.lstm.bidirectional else "LSTM"] = ("head.lstm",)
    return found | {"classifier": ("head.fc",)}


def summary(config: Config, n_classes: int) -> pd.DataFrame:
    """Count parameters and operations of every ``part`` of the network for one clip.

    Nothing is computed: the network is on PyTorch's ``meta`` device. The last row is ``total``.

    - ``output``: (C, H, W) of one frame, (T, units) of the LSTM, (classes,); () of the total;
    - ``parameters``: trainable numbers;
    - ``macs``: multiply-accumulate operations of convolutions and matrix products for a clip of
      ``config.frames`` frames in training, without element-wise operations and pooling. In
      evaluation mode MFFM may need far fewer.
    """
    net = without_weights(config, n_classes)
    # Two clips: batch norm needs more than one value, and a clip may have a single frame.
    shape = 2, config.frames, config.channels, config.size, config.size
    clips = torch.empty(shape, device="meta")
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str, module: nn.Module, inputs: tuple, output: Tensor | tuple) -> None:
        tensor = output[0] if isinstance(output, tuple) else output
        shapes[name] = tuple(tensor.shape[1:])

    for name, modules in parts(net).items():
        net.get_submodule(modules[-1]).register_forward_hook(partial(note, name))
    operations = counted(net, clips).get_flop_counts()

    def macs(module: str) -> int:
        return sum(operations.get(f"{type(net).__name__}.{module}", {}).values()) // 2 // len(clips)

    rows = pd.DataFrame(
        {
            "part": name,
            "output": shapes[name],
            "parameters": sum(trainable(net.get_submodule(module)) for module in modules),
            "macs": sum(map(macs, modules)),
        }
        for name, modules in parts(net).items()
    ).set_index("part")
    rows.loc["total"] = [(), rows["parameters"].sum(), rows["macs"].sum()]
    return rows


def without_weights(config: Config, n_classes: int) -> Network:
    """Return the network in training mode on PyTorch's ``meta`` device, which computes nothing."""
    with torch.device("meta"):
        return Network(n_classes, replace(config, pretrained=None)).train()


def trainable(module: nn.Module) -> int:
    """Return the number of trainable parameters."""
    return sum(parameter.numel() for parameter in module.parameters() if parameter.requires_grad)


def counted(net: nn.Module, clips: Tensor) -> FlopCounterMode:
    """Return PyTorch's operations for clips; a multiply-accumulate counts as two."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(clips)
    return counter


def cost(classifier: "DeepClassifier", clips: np.ndarray, n_classes: int) -> dict[str, int]:
    """Return ``parameters`` and ``macs`` of a network of Table 2 for one clip; see `summary`.

    The classifier is not fitted; ``clips`` (N, ...) are of its view, only their shape counts.
    """
    shape = classifier.arranged(clips[:1]).shape
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # PyTorch does not count fused attention
    try:
        with torch.device("meta"):
            net = classifier.build(n_classes).eval()
            operations = counted(net, torch.empty(shape)).get_total_flops()
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    return {"parameters": trainable(net), "macs": operations // 2}


def attention(net: Network, x: Tensor | np.ndarray) -> dict[int, dict[str, np.ndarray]]:
    """Return what the MFEM of every stage lets through, for pictures (section 2.1.2).

    Clips ``x`` are ``(B, T, C, S, S)``. The network computes in evaluation mode without gradient.
    For stages 1-4 a dict of float32 arrays is returned; a control that replaces MFEM has only
    ``x`` and ``x_k``.

    - Maps ``(B, T, H, W)`` at the resolution of the stage, features averaged over the channels:
      ``x`` (output of the stage), ``g_s`` (spatial gate of branch 1, eq. 3), ``x_c1`` and ``x_c2s``
      (branch 1, eq. 8 and 11), ``x_c1_branch2`` and ``x_c2s_branch2``, ``x_k`` (the sum).
    - Channel gates of branch 1 ``(B, T, C)``: ``g_c1`` (eq. 7), ``g_c2`` (eq. 9) and ``g_second``
      (gate of the second look in eq. 11).

    If there is one branch alone, what is said of branch 1 is its. SAM then comes last in the second
    branch, and ``g_s`` is its gate for the first look's feature.

    A ValueError says that the network has neither MFEM nor a control in its place.
    """
    if net.mfem is None:
        raise ValueError("attention of a network without MFEM: expected variant mfem or full")
    training = net.training
    net.eval()
    try:
        with torch.no_grad():
            x = torch.as_tensor(x, dtype=torch.float32, device=net.conv1.weight.device)
            clips = x.shape[:2]
            return {
                k + 1: {
                    name: value.unflatten(0, clips).cpu().numpy()
                    for name, value in looks(net.mfem[k], raw, x_k).items()
                }
                for k, (raw, x_k) in enumerate(net.stages(x.flatten(0, 1)))
            }
    finally:
        net.train(training)


def looks(mfem: nn.Module, raw: Tensor, x_k: Tensor) -> dict[str, Tensor]:
    """Return gates and channel means of one MFEM for frames ``(B * T, C, H, W)``."""
    if not isinstance(mfem, MFEM):
        return {"x": raw.mean(dim=1), "x_k": x_k.mean(dim=1)}
    names = "x_c1", "x_c2s", "x_c1_branch2", "x_c2s_branch2"
    features = {"x": raw, **dict(zip(names, mfem.terms(raw), strict=False)), "x_k": x_k}
    first, second = mfem.ccam1.gates(mfem.looked_at(raw))
    placed = raw * first if mfem.branches == "second" else raw
    return {name: value.mean(dim=1) for name, value in features.items()} | {
        "g_s": mfem.sam1.gate(placed)[:, 0],
        "g_c1": first.flatten(1),
        "g_c2": 1 - first.flatten(1),
        "g_second": second.flatten(1),
    }

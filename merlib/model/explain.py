"""What the network is made of, and where its attention looks."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from merlib.config import Config

from .controls import LinearFusion
from .mfem import MFEM
from .network import Network

if TYPE_CHECKING:
    from merlib.methods.deep import DeepClassifier


def parts(net: Network) -> dict[str, tuple[str, ...]]:
    """Return the parts of the network in the order of the data: name -> modules, last one out."""
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
        found["BiLSTM"] = ("head.lstm",)
    return found | {"classifier": ("head.fc",)}


def summary(config: Config, n_classes: int) -> pd.DataFrame:
    """Count what every part of the network holds and does for one clip.

    Nothing is computed: the network stands on PyTorch's ``meta`` device.

    Parameters
    ----------
    config : Config
    n_classes : int

    Returns
    -------
    DataFrame
        Indexed by ``part``, with a last row ``total``:

        - ``output``: (C, H, W) of one frame, (T, units) of the LSTM, (classes,); () of the total;
        - ``parameters``: trainable numbers;
        - ``macs``: multiply-accumulate operations a clip of ``config.frames`` frames in
          convolutions and matrix products. Element-wise operations and pooling are not counted.
          As in training: in evaluation mode MFFM may need far fewer.
    """
    with torch.device("meta"):
        net = Network(n_classes, replace(config, pretrained=None)).train()
        clip = torch.empty(1, config.frames, config.channels, config.size, config.size)
    shapes: dict[str, tuple[int, ...]] = {}

    def note(name: str) -> None:
        def hook(module: nn.Module, inputs: tuple, output: Tensor | tuple) -> None:
            tensor = output[0] if isinstance(output, tuple) else output
            shapes[name] = tuple(tensor.shape[1:])

        net.get_submodule(name).register_forward_hook(hook)

    table = parts(net)
    for modules in table.values():
        note(modules[-1])
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        net(clip)
    operations = counter.get_flop_counts()  # two for one multiply-accumulate

    rows = pd.DataFrame(
        {
            "part": name,
            "output": shapes[modules[-1]],
            "parameters": sum(
                parameter.numel()
                for module in modules
                for parameter in net.get_submodule(module).parameters()
                if parameter.requires_grad
            ),
            "macs": sum(
                sum(operations.get(f"{type(net).__name__}.{module}", {}).values()) // 2
                for module in modules
            ),
        }
        for name, modules in table.items()
    ).set_index("part")
    rows.loc["total"] = [(), rows["parameters"].sum(), rows["macs"].sum()]
    return rows


def cost(classifier: "DeepClassifier", clips: np.ndarray, n_classes: int) -> dict[str, int]:
    """Count what a network of Table 2 holds and does for one clip, as `summary` does.

    Parameters
    ----------
    classifier : DeepClassifier
        Unfitted.
    clips : array (N, ...)
        Of the view that it takes; only their shape counts.
    n_classes : int

    Returns
    -------
    dict
        ``parameters`` and ``macs``.
    """
    shape = classifier.arranged(clips[:1]).shape
    fast = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # fused attention is not counted
    try:
        with torch.device("meta"):
            net, clip = classifier.build(n_classes).eval(), torch.empty(shape)
            with torch.no_grad(), FlopCounterMode(display=False) as counter:
                net(clip)
    finally:
        torch.backends.mha.set_fastpath_enabled(fast)
    held = sum(p.numel() for p in net.parameters() if p.requires_grad)
    return {"parameters": held, "macs": counter.get_total_flops() // 2}


def attention(net: Network, x: Tensor | np.ndarray) -> dict[int, dict[str, np.ndarray]]:
    """Return what the MFEM of every stage lets through, for pictures (section 2.1.2).

    Computed in evaluation mode without gradient; the network's mode is left as it was.

    Parameters
    ----------
    net : Network
        Of a variant with MFEM.
    x : Tensor or array
        Prepared clips ``(B, T, C, S, S)``.

    Returns
    -------
    dict of int to dict of str to array
        For stages 1-4, float32. Maps ``(B, T, H, W)`` at the stage's resolution, those of
        features averaged over the channels: ``x`` (the stage's output), ``g_s`` (spatial gate of
        branch 1, eq. 3), ``x_c1`` and ``x_c2s`` (branch 1, eq. 8 and 11), ``x_c1_branch2`` and
        ``x_c2s_branch2``, ``x_k`` (the sum). Channel gates of branch 1 ``(B, T, C)``: ``g_c1``
        (eq. 7), ``g_c2`` (eq. 9) and ``g_second`` (the second look's gate in eq. 11). Of a
        control in MFEM's place only ``x`` and ``x_k``.

    Raises
    ------
    ValueError
        If the network has no MFEM.
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
                    for name, value in _looks(net.mfem[k], raw, x_k).items()
                }
                for k, (raw, x_k) in enumerate(net.stages(x.flatten(0, 1)))
            }
    finally:
        net.train(training)


def _looks(mfem: nn.Module, raw: Tensor, x_k: Tensor) -> dict[str, Tensor]:
    """Return gates and channel means of one MFEM for frames ``(B * T, C, H, W)``."""
    if not isinstance(mfem, MFEM):
        return {"x": raw.mean(dim=1), "x_k": x_k.mean(dim=1)}
    terms = zip(("x_c1", "x_c2s", "x_c1_branch2", "x_c2s_branch2"), mfem.terms(raw), strict=True)
    features = {"x": raw, **dict(terms), "x_k": x_k}
    first, second = mfem.ccam1.gates(mfem.sam1(raw))
    return {name: value.mean(dim=1) for name, value in features.items()} | {
        "g_s": mfem.sam1.gate(raw)[:, 0],
        "g_c1": first.flatten(1),
        "g_c2": 1 - first.flatten(1),
        "g_second": second.flatten(1),
    }

"""The network, section 2.1: ResNet34 with MFEM, MFFM, bidirectional LSTM and classifier.

The parts of ResNet34 have torchvision's names, so that its weights can be loaded.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from merlib.config import Config

from .controls import make_attention
from .linear_fusion import LinearFusion
from .mffm import MFFM
from .training import decaying
from .weights import read_state

VERSION = 1  # raised when this step computes something else, see merlib.versions

BLOCKS = (3, 4, 6, 3)
"""Residual blocks in stages 1-4 of ResNet34."""

INPUTS = {"both": slice(None), "grey": slice(0, 1), "flow": slice(1, None)}
"""Channels of a prepared clip that the network gets."""


class ShortcutConv(nn.Conv2d):
    """A 1x1 convolution of every ``stride``-th point.

    PyTorch 2.13 gives points that a stride leaves out to oneDNN too. With few channels, which comes
    last in memory, its slope then writes beyond its memory: below 8 channels, on a CPU with AVX-512
    and two threads below 12.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return features ``(B, C', H', W')`` of features ``(B, C, H, W)``."""
        down, across = self.stride
        return functional.conv2d(x[..., ::down, ::across], self.weight, self.bias)


class BasicBlock(nn.Module):
    """Residual block of ResNet34, figure 2(b): relu(bn(conv(relu(bn(conv(x))))) + shortcut(x)).

    The first convolution has a stride. If the shape changes, the shortcut is a 1x1 convolution with
    batch norm. The output goes through ``mfem``, an MFEM or the identity.
    """

    def __init__(self, inputs: int, outputs: int, stride: int, mfem: nn.Module) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                ShortcutConv(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )
        self.mfem = mfem

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, outputs, H / stride, W / stride)`` of ``(B, inputs, H, W)``."""
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.mfem(self.relu(y + self.downsample(x)))


def has_mfem(config: Config) -> bool:
    """Return whether the variant has MFEM."""
    return config.variant in ("mfem", "full")


def stage(inputs: int, outputs: int, blocks: int, stride: int, config: Config) -> nn.Sequential:
    """Return one stage of ResNet34; with ``mfem_place="block"`` all but its last block have MFEM.

    The MFEM after the last block is in `Network`, because the next stage gets its input too.
    """
    attends = has_mfem(config) and config.mfem_place == "block"
    made: list[BasicBlock] = []
    for number in range(1, blocks + 1):
        mfem = make_attention(outputs, config) if attends and number < blocks else nn.Identity()
        made.append(BasicBlock(inputs, outputs, stride, mfem))
        inputs, stride = outputs, 1  # only the first block changes the shape
    return nn.Sequential(*made)


class Head(nn.Module):
    """Section 2.1.4: bidirectional LSTM over the vectors F of the frames, dropout, FC.

    With ``sequence="lstm"`` it reads forwards alone, with ``"mean"`` there is none. With
    ``head="two"`` the first linear layer has ``lstm_hidden`` units; with ``"one"`` there is one
    linear layer after ``dropout``. ``features`` is the length of F.
    """

    def __init__(self, features: int, n_classes: int, config: Config) -> None:
        super().__init__()
        hidden = config.lstm_hidden
        self.lstm: nn.LSTM | None = None
        if config.sequence != "mean":
            both = config.sequence == "bilstm"
            self.lstm = nn.LSTM(features, hidden, batch_first=True, bidirectional=both)
            features = hidden * (1 + both)
        self.mean = config.lstm_output == "mean"
        layers: list[nn.Module] = [nn.Dropout(config.dropout)]
        if config.head == "two":
            layers += [nn.Linear(features, hidden), nn.ReLU(), nn.Dropout(config.dropout_fc)]
            features = hidden
        self.fc = nn.Sequential(*layers, nn.Linear(features, n_classes))

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(B, n_classes)`` of the sequences ``(B, T, features)``."""
        if self.lstm is None:
            return self.fc(x.mean(dim=1))
        states, (last, _) = self.lstm(x)
        return self.fc(states.mean(dim=1) if self.mean else torch.cat(tuple(last), dim=1))


class Network(nn.Module):
    """The paper's network and its ablation variants (Table 3), figure 1.

    ========  ==========================  ==================================
    variant   input of stage k + 1        vector of a frame
    ========  ==========================  ==================================
    base      stage k                     GAP(stage 4)
    mfem      X_k (+) stage k             GAP(X_4)
    mffm      stage k                     MFFM of the four stages
    full      X_k (+) stage k             MFFM of X_1..X_4
    ========  ==========================  ==================================

    With ``next_input="project"`` a 1x1 convolution makes C channels of X_k (+) stage k; with
    ``"attended"`` the input of stage k + 1 is X_k alone.

    Weights are drawn from PyTorch's global generator: He initialisation for the convolutions,
    mirrored units in the channel gates (see `merlib.model.mfem.CAM`), GeM's exponents at ``gem_p``,
    PyTorch's own for the rest. ``left_out`` is what `load_pretrained` returns, or empty. The fields
    of ``config`` that are used are ``strain``, ``flow_image`` and those of the step ``network``.

    Raises
    ------
    ValueError
        If there is no class, or clips (in `forward`) have another shape.
    """

    def __init__(self, n_classes: int, config: Config) -> None:
        super().__init__()
        if n_classes < 1:
            raise ValueError(f"n_classes={n_classes!r}: expected at least 1")
        self.channels, self.inputs = config.channels, INPUTS[config.inputs]
        attends = has_mfem(config)
        self.attended = config.next_input == "attended"
        widths = tuple(config.width * 2**k for k in range(4))
        wider = 2 if attends and config.next_input == "concat" else 1
        inputs = (config.width, *(w * wider for w in widths[:3]))
        entering = len(range(config.channels)[self.inputs])
        self.conv1 = nn.Conv2d(entering, config.width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(config.width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        self.layer1, self.layer2, self.layer3, self.layer4 = (
            stage(inputs[k], widths[k], BLOCKS[k], min(k + 1, 2), config) for k in range(4)
        )
        self.mfem = nn.ModuleList(make_attention(w, config) for w in widths) if attends else None
        self.project: nn.ModuleList | None = None
        if attends and config.next_input == "project":
            self.project = nn.ModuleList(nn.Conv2d(2 * w, w, 1, bias=False) for w in widths[:3])
        fusions: dict[str, type[MFFM | LinearFusion]] = {"fim": MFFM, "linear": LinearFusion}
        fused = config.variant in ("mffm", "full")
        self.mffm = fusions[config.fusion](widths, config) if fused else None
        features = widths[3] if self.mffm is None else self.mffm.out_features
        self.head = Head(features, n_classes, config)

        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        self.left_out = load_pretrained(self, config.pretrained) if config.pretrained else []

    def stages(self, frames: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the raw output and X_k of stages 1-4, the same tensor without MFEM.

        Frames are ``(B, C, H, W)``, of any clips; the outputs of stage k are
        ``(B, width * 2**(k - 1), H / 2**(k + 1), W / 2**(k + 1))``, sizes rounded up.
        """
        x = self.maxpool(self.relu(self.bn1(self.conv1(frames[:, self.inputs]))))
        outputs = []
        for k, layer in enumerate((self.layer1, self.layer2, self.layer3, self.layer4)):
            raw = x_k = x = layer(x)
            if self.mfem is not None:
                x = x_k = self.mfem[k](raw)
                if k < 3 and not self.attended:
                    x = torch.cat([x_k, raw], dim=1)
                    x = self.project[k](x) if self.project is not None else x
            outputs.append((raw, x_k))
        return outputs

    def forward(self, x: Tensor) -> Tensor:
        """Return logits ``(B, n_classes)`` of prepared clips ``(B, T, C, H, W)``, float."""
        if x.ndim != 5 or x.shape[2] != self.channels:
            raise ValueError(
                f"x of shape {tuple(x.shape)}: expected (clips, frames, {self.channels}, H, W)"
            )
        features = [x_k for _, x_k in self.stages(x.flatten(0, 1))]
        vectors = self.mffm(features) if self.mffm is not None else features[3].mean(dim=(2, 3))
        return self.head(vectors.unflatten(0, x.shape[:2]))

    def parameter_groups(self, weight_decay: float) -> list[dict]:
        """Return the groups of `merlib.model.training.decaying` for the optimiser."""
        return decaying(self.parameters(), weight_decay)


def load_pretrained(net: Network, path: str | Path) -> list[str]:
    """Load an ImageNet ResNet34 state dict, as torchvision publishes it, into the network.

    Convolutions with another number of inputs here (the first of stages 2-4 after concatenation,
    conv1 unless it has three channels) and ImageNet's classifier are left out. The names that are
    left out are returned: tensors of the file that are not used, and parameters of the network that
    stay random. A ValueError says that the file is of no ResNet34 of this width.
    """
    state, own = read_state(path), net.state_dict()
    counters = {name for name in own if name.endswith("num_batches_tracked")}  # old files lack them
    trunk = [
        name
        for name in own
        if name.startswith(("conv1.", "bn1.", "layer"))
        and ".mfem." not in name
        and name not in counters
    ]
    missing = [name for name in trunk if name not in state]
    if missing:
        raise ValueError(
            f"{path}: not a ResNet34 state dict, {len(missing)} of {len(trunk)} expected tensors "
            f"are missing, such as {missing[0]}"
        )
    for name in trunk:
        found, expected = tuple(state[name].shape), tuple(own[name].shape)
        if found[:1] + found[2:] != expected[:1] + expected[2:]:  # all but the input channels
            raise ValueError(
                f"{path}: {name} has shape {found}, expected {expected}; "
                "the file is of another architecture or width"
            )
    used = {name for name in state if name in own and state[name].shape == own[name].shape}
    net.load_state_dict({name: state[name] for name in used}, strict=False)
    return sorted((set(state) | set(own)) - used - counters)

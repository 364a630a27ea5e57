"""The registry of all methods: each has one line here and at most one file."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from sklearn.base import ClassifierMixin
from sklearn.dummy import DummyClassifier

from merlib.config import FLOW, VARIANTS, Config, Variant
from merlib.methods.am3f_flownet import AM3FFlowNet
from merlib.methods.at_scnn import ATSCNN
from merlib.methods.backbones import Pretrainable
from merlib.methods.bi_woof import BiWoof
from merlib.methods.cnn3d import CNN3D
from merlib.methods.cnn_lstm import CNNLSTM
from merlib.methods.elrcn import ELRCN
from merlib.methods.htnet import HTNet
from merlib.methods.kfc_mer import KFCMER, KFCMERPooled
from merlib.methods.lbp_top import LbpTop
from merlib.methods.lgccon import LGCcon
from merlib.methods.logistic import FlowLogistic
from merlib.methods.mdmo import MDMO
from merlib.methods.merta import MERTA
from merlib.methods.micro_attention import MicroAttention
from merlib.methods.mmnet import MOVES, SHIFT, MMNet
from merlib.methods.off_apexnet import OffApexNet
from merlib.methods.rcn_a import RCNA
from merlib.methods.slstt import SLSTT
from merlib.methods.sssnet import SSSNet
from merlib.methods.ststnet import STSTNet
from merlib.methods.svm import FlowSVM
from merlib.methods.views import CHANGES
from merlib.model.classifier import NetworkClassifier
from merlib.model.weights import file_of
from merlib.values import known


@dataclass(frozen=True)
class Method:
    """One line of the registry.

    Attributes
    ----------
    title : str
        The name in tables and figures, of a variant that of table 3; it has "-style" where only an
        abstract of the source is known, or where ours differs in a part that matters.
    build : callable
        Returns the unfitted classifier with given keyword parameters.
    view : str or None
        Its input, a name of :data:`merlib.methods.views.VIEWS`; None if it uses no input.
    narrow : dict
        Parameters that replace the defaults where the configuration's own network is narrow (fewer
        than 64 channels: the profile ``laptop``). They make a network smaller, never its training.
    least_frames : int
        Frames, onset to offset, that a clip needs.
    published : dict
        Parameters that are others on the published flow pictures.
    same_size : bool
        Whether the network, at its full width, has as many parameters as that of its source.
    pretrained_on : str
        What the network of its source was trained on before, or "not known"; ours begins from
        scratch unless it is given weights, see `needs_pretraining`.
    with_weights : dict
        Parameters that are others if it is given weights; empty if it takes none.
    augmentation : str
        What happens to its training clips at random; of a variant see `augmentation`.
    """

    title: str
    build: Callable[..., ClassifierMixin]
    view: str | None = "channels"
    narrow: dict[str, Any] = field(default_factory=dict)
    least_frames: int = 2
    published: dict[str, Any] = field(default_factory=dict)
    same_size: bool = False
    pretrained_on: str = ""
    with_weights: dict[str, Any] = field(default_factory=dict)
    augmentation: str = "none"

    def parameters(self, config: Config) -> dict[str, Any]:
        """Return the parameters that are not the default ones under a configuration.

        Weights have the published size: a method that is given them has it in every profile.
        """
        if weights := self.weights(config):
            return self.with_weights | {"pretrained": weights}
        pictures = all(getattr(config, name) == FLOW[name] for name in ("frames", "flow_size"))
        return self.reduced(config) | (self.published if pictures else {})

    def reduced(self, config: Config) -> dict[str, Any]:
        """Return the parameters by which a configuration makes the network smaller."""
        narrow = config.width < Config().width and not self.weights(config)
        return self.narrow if narrow else {}

    def weights(self, config: Config) -> str | None:
        """Return the file of weights that a configuration gives to this method."""
        if not self.with_weights:
            return None
        return file_of(config.pretrained, cast(Pretrainable, self.build()).architecture)

    def needs_pretraining(self, config: Config) -> str:
        """Return what it would have to be trained on before; empty if nothing is missing."""
        return "" if self.weights(config) else self.pretrained_on


def moves(config: Config) -> str:
    """Return in words how `merlib.model.augment` moves training clips."""
    found = {
        f"mirrored ({config.flip:.0%})": config.flip,
        f"turned (up to {config.rotation:g} degrees)": config.rotation,
        f"scaled (up to {config.scaling:.0%})": config.scaling,
    }
    return ", ".join(words for words, size in found.items() if size) or "none"


def with_changes(methods: Mapping[str, Method]) -> dict[str, Method]:
    """Return methods by name; after one that takes frames comes the same one on their changes."""
    found: dict[str, Method] = {}
    for name, method in methods.items():
        found[name] = method
        if method.view in CHANGES:
            title, view = f"{method.title}, on changes", CHANGES[method.view]
            found[f"{name}-changes"] = replace(method, title=title, view=view)
    return found


METHODS: dict[str, Method] = with_changes(
    {
        "majority": Method(
            "Majority class", lambda: DummyClassifier(strategy="most_frequent"), None
        ),
        "logistic": Method("Logistic regression on flow", FlowLogistic),
        "svm": Method("Linear SVM on flow", FlowSVM),
        "lbp-top": Method("LBP-TOP + SVM", LbpTop, "lbp_histograms", least_frames=3),
        "lbp-top-evm": Method(
            "LBP-TOP + SVM, magnified", LbpTop, "magnified_lbp_histograms", least_frames=3
        ),
        "bi-woof": Method("Bi-WOOF + SVM", BiWoof, "apex_flow"),
        "cnn-lstm": Method("CNN+LSTM-style", CNNLSTM, "five_states", {"width": 0.25}),
        "elrcn": Method(
            "ELRCN",
            ELRCN,
            "nine_flows",
            {"width": 0.125, "side": 28},
            pretrained_on="faces",
            with_weights={"side": 224, "epochs": 40, "learning_rate": 1e-5},
        ),
        "merta": Method("MERTA-style", MERTA, "channels", {"width": 0.125, "side": 28}),
        "micro-attention": Method(
            "Micro-attention",
            MicroAttention,
            "apex_grey",
            {"width": 0.125},
            pretrained_on="facial expressions",
            with_weights={"side": 224},
        ),
        "kfc-mer": Method("KFC-MER-style", KFCMER, "apex_flow", {"width": 0.25, "side": 56}),
        "kfc-mer-pooled": Method(
            "KFC-MER-style, pooled", KFCMERPooled, "apex_flow", {"width": 0.25, "side": 56}
        ),
        "slstt": Method(
            "SLSTT, small ViT",
            SLSTT,
            "eleven_flows",
            {"width": 0.125, "side": 28},
            pretrained_on="ImageNet, CK+",
            with_weights={"side": 224},
        ),
        "am3f-flownet": Method(
            "AM3F-FlowNet-style",
            AM3FFlowNet,
            "apex_flow",
            {"width": 0.25, "side": 56},
            pretrained_on="not known",
            with_weights={"side": 224},
        ),
        "off-apexnet": Method("OFF-ApexNet", OffApexNet, "apex_flow", {"width": 0.25}),
        "ststnet": Method("STSTNet", STSTNet, "apex_picture", same_size=True),
        "3d-cnn": Method(
            "3D-CNN",
            CNN3D,
            "eighteen_frames",
            {"width": 0.5, "side": 32},
            same_size=True,
        ),
        "at-scnn": Method("AT-SCNN-style", ATSCNN, "apex_flow", {"width": 0.25}),
        "lgccon": Method(
            "LGCcon-style",
            LGCcon,
            "apex_grey",
            {"width": 0.25},
            pretrained_on="faces",
            with_weights={"side": 224, "epochs": 35, "batch_size": 2, "learning_rate": 1e-5},
        ),
        "mdmo": Method("MDMO + SVM", MDMO, "apex_flow", published={"eyes": "published"}),
        "sssnet": Method("SSSNet", SSSNet, "apex_flow", {"width": 0.5}, same_size=True),
        "rcn-a": Method("RCN-A", RCNA, "apex_flow", {"width": 0.25}, same_size=True),
        "mmnet": Method(
            "MMNet-style",
            MMNet,
            "apex_flow",
            {"width": 0.25, "side": 64},
            augmentation=f"{moves(MOVES)}, shifted (up to {SHIFT:.0%})",
        ),
        "htnet": Method("HTNet", HTNet, "apex_picture", {"width": 0.125}),
        "base": Method("base", NetworkClassifier),
        "mfem": Method("base + MFEM", NetworkClassifier),
        "mffm": Method("base + MFFM", NetworkClassifier),
        "full": Method("base + MFEM + MFFM", NetworkClassifier),
    }
)
"""Name -> method, in the order of Table 2; before it our controls, after it rivals that it does not
have, and the paper's network."""

ONLY_FLOW = (
    "majority", "logistic", "svm", "bi-woof", "mdmo", "am3f-flownet", "off-apexnet", "ststnet",
    "at-scnn", "sssnet", "rcn-a", "mmnet", "htnet", *VARIANTS,
)  # fmt: skip
NOT_IN_TABLE_2 = {"mdmo", "sssnet", "rcn-a", "mmnet", "htnet", "base", "mfem", "mffm"}

GROUPS = {
    "all": list(METHODS),
    "table2": [name for name in METHODS if name not in NOT_IN_TABLE_2],
    "flow": [name for name in METHODS if name in ONLY_FLOW],
}
"""Names of groups of methods. ``table2`` leaves out the variants that are only in table 3, and the
rivals that the paper does not name; ``flow`` has what can do with the flow of the apex alone."""


def make(name: str, config: Config) -> ClassifierMixin:
    """Return the unfitted classifier of a name; a ValueError lists the names."""
    known("method", [name], METHODS)
    if name in VARIANTS:
        weights = file_of(config.pretrained, "resnet34")
        return NetworkClassifier(replace(config, variant=cast(Variant, name), pretrained=weights))
    return METHODS[name].build(**METHODS[name].parameters(config))


def augmentation(name: str, config: Config) -> str:
    """Return what happens at random to the training clips of a method."""
    return moves(config) if name in VARIANTS else METHODS[name].augmentation

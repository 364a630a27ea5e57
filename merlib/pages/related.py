"""Related work, sections 0 and 1 of the paper, as data; and rivals that it does not name.

Input, attention and layers are those of the method as it runs here, see the top of its file in
`merlib/methods/`. Of the two that do not run, they are what the paper or an abstract says.
"""

from typing import NamedTuple

from merlib.methods import METHODS
from merlib.study import paper

from .language import marked, translated

INPUTS = {
    "channels": marked("sampled frames: grey and flow"),
    "apex_flow": marked("apex: flow and strain"),
    "apex_picture": marked("apex: flow and strain"),
    "apex_grey": marked("apex: grey"),
    "apex_change": marked("apex less onset: grey"),
    "five_states": marked("five frames: grey"),
    "five_changes": marked("five frames less onset: grey"),
    "eighteen_frames": marked("18 frames: grey"),
    "eighteen_changes": marked("18 frames less onset: grey"),
    "nine_flows": marked("nine flows and strain"),
    "eleven_flows": marked("eleven flows"),
    "lbp_histograms": marked("all frames: grey"),
}
"""View of `merlib.methods.views` -> what it shows."""


class Work(NamedTuple):
    """A method of the related work.

    ``key`` is its reference in ``book/references.bib``, ``attention`` what its attention weighs,
    and ``layers`` what its classification sees. ``runs`` names the method in the registry,
    and forms of it. ``given`` is its input, if its view does not say it.
    """

    key: str
    attention: str
    layers: str
    runs: tuple[str, ...] = ()
    given: str = ""

    @property
    def input(self) -> str:
        """What the method sees of a clip."""
        return self.given or INPUTS[str(METHODS[self.runs[0]].view)]


NONE, LAST, BY_HAND = marked("none"), marked("last"), marked("features by hand")

NAMED = {
    "LBP-TOP": Work("pfister2011recognising", NONE, BY_HAND, ("lbp-top", "lbp-top-evm")),
    "Bi-WOOF": Work("liong2018less", NONE, BY_HAND, ("bi-woof",)),
    "Selective deep features": Work(
        "patel2017selective", NONE, "of trained networks, selected", (), "not known to us"
    ),
    "CNN+LSTM": Work("kim2016micro", NONE, LAST, ("cnn-lstm", "cnn-lstm-changes")),
    "ELRCN": Work("khor2018enriched", NONE, LAST, ("elrcn",)),
    "3D-CNN": Work("reddy2019spontaneous", NONE, LAST, ("3d-cnn", "3d-cnn-changes")),
    "OFF-ApexNet": Work("gan2019offapexnet", NONE, LAST, ("off-apexnet",), "apex: flow"),
    "STSTNet": Work("liong2019ststnet", NONE, LAST, ("ststnet",)),
    "SLSTT": Work("zhang2022short", "patches (transformer)", LAST, ("slstt",)),
    "Micro-attention": Work(
        "wang2020micro", "places", LAST, ("micro-attention", "micro-attention-changes")
    ),
    "LGCcon": Work("li2020joint", "the most telling part", LAST, ("lgccon", "lgccon-changes")),
    "Three streams with SE": Work(
        "yao2020three", "channels of each region", LAST, (), "whole clips"
    ),
    "MERTA": Work(
        "yang2019merta", "places, channels", LAST, ("merta",), "sampled frames: grey, flow, strain"
    ),
    "KFC-MER": Work("su2021key", "parts of the face", LAST, ("kfc-mer", "kfc-mer-pooled")),
    "AM3F-FlowNet": Work("fu2023am3f", "places, channels", "three scales", ("am3f-flownet",)),
    "AT-SCNN": Work("zhao2024attention", "places, channels", LAST, ("at-scnn",)),
    "the paper": Work(
        "cao2025micro", "places, channels, twice", "four stages", ("full", "base", "mfem", "mffm")
    ),
}
"""The methods that the paper names, by its names, and its own."""

OTHERS = {
    "MDMO": Work("liu2016mdmo", NONE, BY_HAND, ("mdmo",), "apex: flow"),
    "RCN-A": Work("xia2020revealing", "places", LAST, ("rcn-a",)),
    "SSSNet": Work("varanka2021noisy", NONE, LAST, ("sssnet",)),
    "MMNet": Work("li2022mmnet", "places, carried on", LAST, ("mmnet",)),
    "HTNet": Work("wang2024htnet", "in name: on one token", LAST, ("htnet",)),
}
"""Rivals with public code that the paper does not name."""

CONTROLS = ("majority", "logistic", "svm")
"""Methods of the registry that are nobody's: what every method has to beat."""


COLUMNS = (
    marked("method"), marked("input"), marked("attention"), marked("layers"), "CASME II", "SAMM",
    marked("runs here"),
)  # fmt: skip


def table(works: dict[str, Work], page: str) -> str:
    """Return related work as a table in MyST; the names of methods that run link to ``page``.

    The columns of the datasets are accuracy in per cent and F1, as Table 2 prints them.
    """
    rows = [tuple(map(translated, COLUMNS)), ("---",) * len(COLUMNS)]
    for name, work in works.items():
        printed = paper.TABLE2_AS_PRINTED.get(name, (None,) * 4)
        scores = (", ".join(filter(None, part)) or "–" for part in (printed[:2], printed[2:]))
        shown = translated(name)
        title = f"[{shown}]({page})" if work.runs else shown
        title = f"{title} {{cite}}`{work.key}`"
        said = [translated(text) for text in (work.input, work.attention, work.layers)]
        runs = translated("yes") if work.runs else translated("no")
        rows.append((title, *said, *scores, runs))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)

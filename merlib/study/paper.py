"""What the paper prints, as data. Cao & Zhang 2025, Journal of Chinese Computer Systems 2025(8).

Accuracies in percent and other scores as fractions, as printed; None where the paper prints "-".
Nothing here was measured by us. What the text claims is restated in English; `merlib.study.audit`
computes what can be computed of it.
"""

from collections.abc import Collection
from typing import NamedTuple

from merlib.config import CLASSES

ROWS_OF_TABLE1 = {
    "samples": (255, 159),
    "subjects": (26, 29),
    "resolution": ((640, 480), (960, 650)),
    "frame rate": (200, 200),
    "happiness": (32, 26),
    "surprise": (25, 15),
    "disgust": (63, 9),
    "sadness": (7, 6),
    "fear": (2, 8),
    "anger": (None, 57),
    "repression": (27, None),
    "contempt": (None, 12),
    "others": (99, 26),
}
TABLE1: dict[str, dict] = {
    "casme2": {name: casme2 for name, (casme2, _) in ROWS_OF_TABLE1.items()},
    "samm": {name: samm for name, (_, samm) in ROWS_OF_TABLE1.items()},
}
"""Table 1, the datasets. The paper uses 246 and 136 of their clips (section 3.1.1)."""

USED = {name: sum(TABLE1[name][label] for label in labels) for name, labels in CLASSES.items()}
"""Clips of the five classes (section 3.1.1), counted by Table 1: 246 and 136."""

SUBJECTS_USED = {"casme2": 26, "samm": 27}
"""Subjects with clips of these classes. SAMM's subjects 024 and 036 show disgust alone, by its own
table."""

NAMES = {"casme2": "CASME II", "samm": "SAMM"}
"""What the datasets are called on the pages."""


def dataset_of(classes: Collection[str]) -> str | None:
    """Return the dataset whose printed figures are of these classes; None if neither's are."""
    return next((name for name, own in CLASSES.items() if set(own) == set(classes)), None)


TABLE2_AS_PRINTED = {
    "LBP-TOP": ("46.46", "0.424", None, None),
    "Bi-WOOF": ("58.9", "0.610", "59.8", "0.591"),
    "CNN+LSTM": ("60.98", None, None, None),
    "ELRCN": ("52.44", "0.500", None, None),
    "MERTA": ("60.54", None, None, None),
    "Micro-attention": ("65.90", "0.53", "48.50", "0.402"),
    "KFC-MER": ("72.76", "0.7375", "63.24", "0.5709"),
    "SLSTT": ("75.806", "0.753", "72.388", "0.640"),
    "AM3F-FlowNet": ("84.52", "0.8288", "66.18", "0.5410"),
    "the paper": ("84.959", "0.855", "74.265", "0.604"),
}
"""Table 2: accuracy and F1 on CASME II, accuracy and F1 on SAMM. All but the last row are quoted
there from the literature."""

COLUMNS2 = ("CASME II, Acc", "CASME II, F1", "SAMM, Acc", "SAMM, F1")
"""The columns of Table 2."""

SOURCES2: dict[str, tuple[int | None, int | None]] = {
    "LBP-TOP": (None, 6),
    "Bi-WOOF": (2018, 7),
    "CNN+LSTM": (2016, 15),
    "ELRCN": (2018, 16),
    "MERTA": (2019, 23),
    "Micro-attention": (2020, 9),
    "KFC-MER": (2021, 24),
    "SLSTT": (2022, 20),
    "AM3F-FlowNet": (2023, 25),
    "the paper": (None, None),
}
"""Year and number of the reference of each row of Table 2, as printed there."""

ROWS2 = {
    "lbp-top": "LBP-TOP",
    "bi-woof": "Bi-WOOF",
    "cnn-lstm": "CNN+LSTM",
    "elrcn": "ELRCN",
    "merta": "MERTA",
    "micro-attention": "Micro-attention",
    "kfc-mer": "KFC-MER",
    "slstt": "SLSTT",
    "am3f-flownet": "AM3F-FlowNet",
    "full": "the paper",
}
"""Method of `merlib.methods.METHODS` -> its row of Table 2."""

HANDCRAFTED = ("LBP-TOP", "Bi-WOOF")
"""The rows of Table 2 with features made by hand, by section 3.2."""

TABLE2 = {
    name: tuple(float(text) if text else None for text in row)
    for name, row in TABLE2_AS_PRINTED.items()
}


def printed_of(method: str, dataset: str | None) -> dict[str, str | None]:
    """Return ``Acc`` and ``F1`` that Table 2 prints of a method on a dataset, with all digits.

    Without a dataset nothing is returned; see `dataset_of`.
    """
    if dataset is None:
        return {}
    row = TABLE2_AS_PRINTED.get(ROWS2.get(method, ""), (None,) * len(COLUMNS2))
    return {name: row[COLUMNS2.index(f"{NAMES[dataset]}, {name}")] for name in ("Acc", "F1")}


ACCURACY_AS_PRINTED = {name: row[::2] for name, row in TABLE2_AS_PRINTED.items()}
"""The accuracies of Table 2 as text: the audit needs the printed digits."""

TABLE3_AS_PRINTED = {
    "base": ("73.171", "0.718", "0.703"),
    "mfem": ("78.455", "0.761", "0.755"),
    "mffm": ("78.455", "0.750", "0.741"),
    "full": ("84.959", "0.855", "0.861"),
}
"""Table 3, ablation on CASME II: accuracy, F1, UAR."""

COLUMNS3 = ("CASME II, Acc", "CASME II, F1", "CASME II, UAR")

TABLE3 = {name: tuple(map(float, row)) for name, row in TABLE3_AS_PRINTED.items()}

VARIANT_NAMES = {
    "base": "base",
    "mfem": "base + MFEM",
    "mffm": "base + MFFM",
    "full": "base + MFEM + MFFM",
}
"""The rows of Table 3 by the paper's names."""

FIGURE6_RECALL = {
    "casme2": {"surprise": 96, "repression": 93},
    "samm": {"anger": 98, "happiness": 81},
}
"""Recalls in percent that section 3.2 quotes from Figure 6; it quotes no others."""

HYPERPARAMETERS = {
    "optimiser": "SGD",
    "momentum": (0.9, 0.99),
    "learning rate": 1e-2,
    "schedule": "cosine annealing",
    "dropout": 0.3,
    "dropout of the fully connected layer": 0.5,
    "loss": "cross entropy",
    "epochs": {"casme2": 50, "samm": 80},
}
"""Section 3.1.4."""

KFC_MER_CONFUSION = {
    "casme2": (
        ("happiness", "disgust", "repression", "surprise", "others"),
        (
            (21, 1, 0, 1, 9),
            (1, 40, 0, 1, 21),
            (3, 1, 14, 0, 9),
            (0, 0, 0, 24, 1),
            (6, 8, 5, 0, 80),
        ),
    ),
    "samm": (
        ("anger", "contempt", "happiness", "surprise", "others"),
        (
            (48, 0, 5, 2, 2),
            (2, 5, 3, 1, 1),
            (8, 3, 9, 1, 5),
            (1, 0, 2, 10, 2),
            (4, 1, 5, 2, 14),
        ),
    ),
}
"""Confusion matrices released by the authors of KFC-MER (Su et al. 2021); rows are the truth."""


DIFFERENCES: tuple[tuple[str, str, dict[str, str]], ...] = (
    ("the paper", "LBP-TOP", {"CASME II, Acc": "38.499", "CASME II, F1": "43.1"}),
    (
        "the paper",
        "Bi-WOOF",
        {
            "CASME II, Acc": "26.059",
            "SAMM, Acc": "14.465",
            "CASME II, F1": "24.5",
            "SAMM, F1": "1.3",
        },
    ),
    (
        "the paper",
        "AM3F-FlowNet",
        {"CASME II, Acc": "0.439", "SAMM, Acc": "8.082", "CASME II, F1": "2.62", "SAMM, F1": "6.3"},
    ),
    ("the paper", "SLSTT", {"CASME II, Acc": "9.153", "SAMM, Acc": "1.877"}),
    ("mfem", "base", {"CASME II, Acc": "5.284", "CASME II, F1": "4.3", "CASME II, UAR": "5.2"}),
    ("mffm", "base", {"CASME II, Acc": "5.284", "CASME II, F1": "3.2", "CASME II, UAR": "3.8"}),
    ("full", "base", {"CASME II, Acc": "11.788", "CASME II, F1": "13.7", "CASME II, UAR": "15.8"}),
)
"""The 21 differences of the text, all called "%": row, minus row, column -> printed. The rows are
those of Table 2 (section 3.2) and, of the last three, of Table 3 (section 3.3)."""

DURATION, DURATION_OF_SOURCE = 0.2, {"whole": 0.5, "rise": 0.26}
"""Seconds that a micro-expression lasts at most: by section 0, which cites [4], and by the abstract
of [4], which selects expressions below half a second and proposes either limit."""

BLOCKS = (3, 4, 6, 3)
"""Residual blocks of stages 1 to 4 (section 2.1.1)."""


class Claim(NamedTuple):
    """A sentence of the paper that can be true or false.

    Attributes
    ----------
    section : str
    says : str
        Its meaning in English.
    printed : str
        The figure or the word that it prints, or where it points to; may be empty.
    page : str
        The page of this book that tests it; empty if `merlib.study.audit` computes it.
    """

    section: str
    says: str
    printed: str = ""
    page: str = ""


CLAIMS = {
    "score": Claim("abstract", "The F1 score is named, in Chinese and in English", "UFI"),
    "best": Claim(
        "abstract, 0, 3.2",
        "The method is better than the existing ones; its results are the best on both datasets",
        "best",
    ),
    "duration": Claim("0", "A micro-expression as a rule lasts less than 0.2 s [4]", "< 0.2 s"),
    "deep": Claim(
        "0", "Methods of deep learning are in general more accurate than traditional ones [8]"
    ),
    "mfem": Claim(
        "0, 2.1.2",
        "MFEM finds the most salient region and, in what it suppressed, further ones",
        page="18_mfem_regions",
    ),
    "mffm": Claim(
        "0, 2.1.3",
        "MFFM loses less fine detail, since it uses shallow and deep features",
        page="19_mffm_detail",
    ),
    "3d cnn": Claim(
        "1",
        "The 3D-CNN of [17] has many parameters and takes much computation",
        page="15_comparison",
    ),
    "apex": Claim(
        "1",
        "OFF-ApexNet [18] sees the apex frame alone, without time, which costs accuracy",
        page="15_comparison",
    ),
    "upsampling": Claim(
        "2.1, 2.1.3",
        "Of two stages the earlier one, the shallow X_2, is upsampled to the size of the later one",
    ),
    "blocks": Claim(
        "2.1.1", "ResNet34 has 16 residual blocks; stages 1 to 4 have so many", "3, 4, 6, 3"
    ),
    "pooling": Claim(
        "2.1.2",
        "Generalised mean pooling (eq. 5) is the mean if p = 1, the maximum if p is infinite",
    ),
    "weights": Claim("2.1.2", "W_0 and W_1 of the MLP (eq. 7) are called", "hyperparameters"),
    "second look": Claim(
        "2.1.2",
        "After eq. 8: X_c^1, the primary feature, goes into the next part, which extracts the "
        "secondary one",
        "X_c^1",
    ),
    "branches": Claim(
        "2.1.2",
        "Branches side by side do not disturb each other, as one after the other may",
        page="20_ingredients",
    ),
    "interactions": Claim("2.1.3", "Pairs of stages interact (eq. 13)", "Y_1 to Y_5"),
    "directions": Claim(
        "2.1.4",
        "A frame depends on the frames before and after it, so the LSTM has two directions",
        page="20_ingredients",
    ),
    "table 1": Claim("3.1.1", "Clips of each dataset (table 1)", "255 and 159"),
    "classes": Claim(
        "3.1.1", "CASME II has 7 classes and SAMM 8; SAMM's five largest are used", "7 and 8"
    ),
    "subjects": Claim("3.1.1", "Subjects of each dataset (table 1)", "26 and 29"),
    "magnification": Claim(
        "3.1.2",
        "Sampling and magnification together strengthen the motion greatly",
        page="02_preprocessing",
    ),
    "tv-l1": Claim(
        "3.1.2", "TV-L1 is taken, after a comparison of flows [30]", page="23_sensitivity"
    ),
    "inputs": Claim("3.1.2", "Grey and flow together enrich the input", page="20_ingredients"),
    "augmentation": Claim(
        "3.1.2", "Flips, rotations and scaling prevent overfitting", page="20_ingredients"
    ),
    "validation": Claim("3.1.3", "The left-out subject is called", "validation set"),
    "leaks": Claim("3.1.3", "Leaving one subject out prevents leaks", page="21_protocol"),
    "momentum": Claim("3.1.4", "SGD has a momentum factor", "(0.9, 0.99)"),
    "card": Claim("3.1.4", "The GPU is an NVIDIA V100", "8 GB"),
    "one protocol": Claim(
        "3.2", "All rows of table 2 have the same data, number of classes, criteria and folds"
    ),
    "differences 2": Claim("3.2", "The method leads four others by so much", "12 differences"),
    "per cent": Claim("3.2, 3.3", "A difference of scores is called", "%"),
    "slstt": Claim(
        "3.2", "Over SLSTT, the accuracy rises; nothing is said of F1", "+9.153, +1.877"
    ),
    "surprise": Claim(
        "3.2",
        "Surprise and repression have the highest recognition accuracy (figure 6a)",
        "96 and 93 %",
    ),
    "large motion": Claim("3.2", "Surprise moves much, so attention recognises it well", "96 %"),
    "repression": Claim("3.2", "Most existing methods hardly recognise repression"),
    "mouth corners": Claim(
        "3.2",
        "Repression (AU15, AU17) is mistaken for others that move the mouth corners, as surprise",
    ),
    "size": Claim("3.2", "SAMM is smaller, so its scores are lower than those of CASME II"),
    "still better": Claim("3.2", "On SAMM the method is still better than the main ones"),
    "anger": Claim(
        "3.2", "Anger is SAMM's largest class, and therefore learnt well (figure 6b)", "98 %"
    ),
    "happiness": Claim(
        "3.2", "Happiness is recognised well on SAMM, owing to both modules", "81 %"
    ),
    "contempt": Claim("3.2", "Contempt is recognised badly, since it has few clips", "12 clips"),
    "contempt's answer": Claim("3.2", "Contempt (AU12, AU14) is easily mistaken for", "happiness"),
    "conditions": Claim("3.3", "The rows of table 3 have the same data, environment and settings"),
    "differences 3": Claim(
        "3.3", "MFEM, MFFM and both raise the scores by so much", "9 differences"
    ),
    "modules": Claim("3.3", "Each module raises accuracy, F1 and UAR", page="08_ablation"),
    "synergy": Claim("3.3", "The two modules together have their full effect"),
    "imbalance": Claim(
        "4",
        "Few clips and very uneven classes affect recognition greatly; the shift of the decision "
        "boundary is to be explored",
        page="25_imbalance",
    ),
    "name": Claim("4", "The second module is called a fusion of features of several", "regions"),
}
"""The claims of the text, in its order."""

REFERENCES = dict(
    enumerate(
        (
            "vrij2001killed", "porter2008reading", "weinberger2010airport", "yan2013fast",
            "ekman1969nonverbal", "pfister2011recognising", "liong2018less", "zhang2021survey",
            "wang2020micro", "yan2014casme", "davison2018samm", "xu2017microexpression",
            "yu2023survey", "patel2017selective", "kim2016micro", "khor2018enriched",
            "reddy2019spontaneous", "gan2019offapexnet", "liong2019ststnet", "zhang2022short",
            "li2020joint", "yao2020three", "yang2019merta", "su2021key", "fu2023am3f",
            "zhao2024attention", "woo2018cbam", "radenovic2019fine", "wu2012eulerian",
            "liong2020evaluation", "zach2007duality",
        ),
        start=1,
    )
)  # fmt: skip
"""Number in the paper's list of references -> key in ``book/references.bib``; a test compares the
references of the other tables with it."""


def whole_counts(percent: str, n: int) -> list[int]:
    """Return every k for which k of n clips, in percent, rounds to the printed text ("84.959")."""
    decimals = len(percent.partition(".")[2])
    return [k for k in range(n + 1) if f"{100 * k / n:.{decimals}f}" == percent]

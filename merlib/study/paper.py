"""What the paper prints, as data. Cao & Zhang 2025, Journal of Chinese Computer Systems 2025(8).

Accuracies in percent and other scores as fractions, as printed; None where the paper prints "-".
Nothing here was measured by us.
"""

TABLE1 = {
    "casme2": {
        "samples": 255,
        "subjects": 26,
        "resolution": (640, 480),
        "frame rate": 200,
        "happiness": 32,
        "surprise": 25,
        "disgust": 63,
        "sadness": 7,
        "fear": 2,
        "anger": None,
        "repression": 27,
        "contempt": None,
        "others": 99,
    },
    "samm": {
        "samples": 159,
        "subjects": 29,
        "resolution": (960, 650),
        "frame rate": 200,
        "happiness": 26,
        "surprise": 15,
        "disgust": 9,
        "sadness": 6,
        "fear": 8,
        "anger": 57,
        "repression": None,
        "contempt": 12,
        "others": 26,
    },
}
"""Table 1, the datasets. Of them 246 and 136 clips are used (section 3.1.1)."""

USED = {"casme2": 246, "samm": 136}
"""Clips of the five classes of section 3.1.1, by the counts of Table 1."""

TABLE2 = {
    "LBP-TOP": (46.46, 0.424, None, None),
    "Bi-WOOF": (58.9, 0.610, 59.8, 0.591),
    "CNN+LSTM": (60.98, None, None, None),
    "ELRCN": (52.44, 0.500, None, None),
    "MERTA": (60.54, None, None, None),
    "Micro-attention": (65.90, 0.53, 48.50, 0.402),
    "KFC-MER": (72.76, 0.7375, 63.24, 0.5709),
    "SLSTT": (75.806, 0.753, 72.388, 0.640),
    "AM3F-FlowNet": (84.52, 0.8288, 66.18, 0.5410),
    "the paper": (84.959, 0.855, 74.265, 0.604),
}
"""Table 2: accuracy and F1 on CASME II, accuracy and F1 on SAMM. All but the last row are quoted
there from the literature."""

ACCURACY_AS_PRINTED = {
    "LBP-TOP": ("46.46", None),
    "Bi-WOOF": ("58.9", "59.8"),
    "CNN+LSTM": ("60.98", None),
    "ELRCN": ("52.44", None),
    "MERTA": ("60.54", None),
    "Micro-attention": ("65.90", "48.50"),
    "KFC-MER": ("72.76", "63.24"),
    "SLSTT": ("75.806", "72.388"),
    "AM3F-FlowNet": ("84.52", "66.18"),
    "the paper": ("84.959", "74.265"),
}
"""The accuracies of Table 2 with their digits: the audit needs the printed precision."""

TABLE3 = {
    "base": (73.171, 0.718, 0.703),
    "mfem": (78.455, 0.761, 0.755),
    "mffm": (78.455, 0.750, 0.741),
    "full": (84.959, 0.855, 0.861),
}
"""Table 3, ablation on CASME II: accuracy, F1, UAR."""

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
"""Confusion matrices released by the authors of KFC-MER (Su et al. 2021), rows are the truth."""


def whole_counts(percent: str, n: int) -> list[int]:
    """Return every k such that k of n clips, in percent, rounds to what is printed.

    Parameters
    ----------
    percent : str
        As printed, so that its decimals count: "84.959".
    n : int
        Clips.
    """
    decimals = len(percent.partition(".")[2])
    return [k for k in range(n + 1) if f"{100 * k / n:.{decimals}f}" == percent]

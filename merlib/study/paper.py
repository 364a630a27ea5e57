"""What the paper prints, as data. Cao & Zhang 2025, Journal of Chinese Computer Systems 2025(8).

Accuracies in percent and other scores as fractions, as printed; None where the paper prints "-".
Nothing here was measured by us.
"""

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

USED = {"casme2": 246, "samm": 136}
"""Clips of the five classes of section 3.1.1, counted by Table 1."""

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

TABLE2 = {
    name: tuple(float(text) if text else None for text in row)
    for name, row in TABLE2_AS_PRINTED.items()
}

ACCURACY_AS_PRINTED = {name: row[::2] for name, row in TABLE2_AS_PRINTED.items()}
"""The accuracies of Table 2 as text: the audit needs the printed digits."""

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
"""Confusion matrices released by the authors of KFC-MER (Su et al. 2021); rows are the truth."""


def whole_counts(percent: str, n: int) -> list[int]:
    """Return every k for which k of n clips, in percent, rounds to the printed text ("84.959")."""
    decimals = len(percent.partition(".")[2])
    return [k for k in range(n + 1) if f"{100 * k / n:.{decimals}f}" == percent]

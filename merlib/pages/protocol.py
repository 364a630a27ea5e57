"""The figure of the page on the protocol: what known mistakes do, on labels of three kinds."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from merlib.study.mistakes import MISTAKES

from . import plots


def panels(found: pd.DataFrame, network: pd.DataFrame | None = None) -> Figure:
    """Draw the score with each mistake against the honest one, a panel for each kind of labels.

    Parameters
    ----------
    found : DataFrame
        UF1: index ``(labels, repeat)``, columns ``honest`` and the names of `MISTAKES`. A bar goes
        from the honest mean to the mean with the mistake; dots are repeats.
    network : DataFrame, optional
        The same scores of a network on the true labels, a row for each seed, drawn as diamonds. It
        need not have every mistake.
    """
    means, kinds = found.groupby("labels", sort=False).mean(), found.index.unique("labels")
    figure, axes_of = plt.subplots(1, len(kinds), figsize=(6, 5.2), sharey=True)
    for colour, axes, kind in zip(plots.COLOURS, axes_of, kinds, strict=False):
        honest = means.loc[kind, "honest"]
        axes.axvline(honest, color="black", linestyle="--", linewidth=1.2)
        for row, name in enumerate(MISTAKES):
            values = found.loc[kind, name]
            axes.barh(
                row, values.mean() - honest, left=honest, height=0.55, color=colour, alpha=0.45
            )
            axes.plot(values, np.full(len(values), row), "o", color=colour, markersize=3)
        axes.set(xlim=(0, 1), title=f"{kind}\nhonest {honest:.2f}", xlabel="UF1")
        axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        axes.tick_params(axis="y", length=0)
    if network is not None:
        axes_of[0].axvline(network["honest"].mean(), color="0.5", linestyle=":", linewidth=1.5)
        for name in network.columns.drop("honest"):
            rows = [list(MISTAKES).index(name)] * len(network)
            axes_of[0].plot(
                network[name], rows, "D", color="black", markersize=5, markerfacecolor="none"
            )
    figure.suptitle("labels", fontsize=12)
    axes_of[0].set_yticks(range(len(MISTAKES)), list(MISTAKES))
    axes_of[0].invert_yaxis()
    return figure

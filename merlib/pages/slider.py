"""Sliders of the book: a picture that changes with a number.

In an open notebook in JupyterLab the slider is a widget, which draws a picture for each value, also
between the given ones. Everywhere else (the built book, a notebook run by papermill, a printed
page) all pictures of the given values are in the page, and a short script shows one at a time. It
needs no server. Without the script the page shows all pictures below each other, as on paper.
"""

import base64
import html
import io
import os
from collections.abc import Callable, Sequence
from itertools import count

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from merlib.config import digest

BETWEEN = 10  # steps of the live slider from one given value to the next
COLOURS = 256  # with a palette a picture has a third of the size and looks the same

numbers = count(1)  # two sliders of one page may have the same pictures, but not the same id

STYLE = """
.merlib-steps { padding: 0.3rem; }
.merlib-steps [hidden] { display: none; }
.merlib-steps .control { align-items: center; display: flex; flex-wrap: wrap; gap: 0.3rem 0.8rem; }
.merlib-steps .control[hidden] { display: none; }
.merlib-steps input { flex: 1 1 12rem; height: 1.8rem; max-width: 24rem; }
.merlib-steps output { font-variant-numeric: tabular-nums; font-weight: bold; min-width: 4ch; }
.merlib-steps figure { margin: 0.3rem 0; }
.merlib-steps.moving figcaption { display: none; }
@media print {
  .merlib-steps .control { display: none !important; }
  .merlib-steps figure, .merlib-steps figure[hidden] {
    break-inside: avoid; display: inline-block !important; width: 49%;
  }
  .merlib-steps.moving figcaption { display: block; }
}
"""

SCRIPT = """
(() => {
  const box = document.getElementById("ID");
  const range = box.querySelector("input"), shown = box.querySelector("output");
  const steps = [...box.querySelectorAll("figure")];
  const show = () => {
    steps.forEach((step, k) => { step.hidden = k !== Number(range.value); });
    shown.textContent = steps[range.value].dataset.value;
    range.setAttribute("aria-valuetext", shown.textContent);
  };
  range.addEventListener("input", show);
  /* Keys move the slider; to JupyterLab and to slides they would be shortcuts. */
  range.addEventListener("keydown", (event) => event.stopPropagation());
  box.querySelector(".control").hidden = false;
  box.classList.add("moving");
  show();
})();
"""


def slider(
    draw: Callable[[float], Figure],
    name: str,
    values: Sequence[float],
    *,
    alt: str,
    start: float | None = None,
    live: bool | None = None,
    of: str = "",
):
    """Return a slider with a picture for each value, to be shown as a cell's output.

    Parameters
    ----------
    draw : callable
        Draws the figure of a value. All figures should have one size, so that the page is steady.
    name : str
        Label of the slider, such as ``alpha``.
    values : sequence of float
        About eight increasing values; if all are whole numbers, so are those between them.
    alt : str
        Alternative text of the pictures; ``{value}`` in it is replaced by the value.
    start : float, optional
        The first value to show; by default the first of all.
    live : bool, optional
        Whether to return a widget; by default :func:`opened` decides.
    of : str
        What the caption adds, see `merlib.pages.plots.show`.

    Returns
    -------
    IPython.display.HTML or ipywidgets.VBox

    Raises
    ------
    ValueError
        If the values do not increase, `start` is not one of them, or `alt` has no ``{value}``.
    """
    values = list(values)
    start = values[0] if start is None and values else start
    if not values or values != sorted(set(values)):
        raise ValueError(f"values={values}: expected one or more, increasing")
    if start not in values:
        raise ValueError(f"start={start!r}: expected one of {values}")
    if "{value}" not in alt:
        raise ValueError(f"alt={alt!r}: expected a text with {{value}} in it")

    def picture(value: float) -> str:
        return image(draw(value), alt.replace("{value}", f"{value:g}"))

    if opened() if live is None else live:
        return widget(picture, name, values, start)
    return steps(picture, name, values, start, of)


def opened() -> bool:
    """Return whether this code runs in a notebook that is open in JupyterLab.

    A Jupyter server sets this variable in the environment of its kernel; papermill does not.
    """
    return "JPY_SESSION_NAME" in os.environ


def image(figure: Figure, alt: str) -> str:
    """Return a figure as an ``img`` element that contains its PNG, and close the figure."""
    with io.BytesIO() as drawn, io.BytesIO() as small:
        figure.savefig(drawn, format="png")
        plt.close(figure)
        found = Image.open(drawn).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        found.save(small, "PNG", optimize=True)
        content = base64.b64encode(small.getvalue()).decode()
    width, height = found.size
    return (
        f'<img alt="{html.escape(alt)}" width="{width}" height="{height}" '
        f'style="height: auto; max-width: 100%" src="data:image/png;base64,{content}">'
    )


def steps(
    picture: Callable[[float], str], name: str, values: list[float], start: float, of: str = ""
):
    """Return the slider as HTML that contains all its pictures."""
    from IPython.display import HTML  # part of Jupyter, which only the book needs

    pictures = [picture(value) for value in values]
    key = f"steps-{digest([name, pictures])}-{next(numbers)}"
    label = html.escape(name)
    figures = [
        f'<figure data-value="{value:g}">{shown}'
        f"<figcaption>{label} = {value:g}</figcaption></figure>"
        for value, shown in zip(values, pictures, strict=True)
    ]
    content = f"""<div class="merlib-steps" id="{key}"><style>{STYLE}</style>
<div class="control" hidden>
<label for="{key}-range">{label}</label>
<input id="{key}-range" type="range" min="0" max="{len(values) - 1}" step="1"
 value="{values.index(start)}" autocomplete="off">
<output for="{key}-range" aria-live="off">{start:g}</output>
</div>
{"".join(figures)}
<script>{SCRIPT.replace("ID", key)}</script></div>"""
    return HTML(content, metadata={"of": of})


def widget(picture: Callable[[float], str], name: str, values: list[float], start: float):
    """Return the slider as a widget, which draws a picture whenever its value changes."""
    import ipywidgets  # needs an open notebook

    slider = ipywidgets.SelectionSlider(
        options=[(f"{value:g}", value) for value in between(values)],
        value=start,
        description=name,
        continuous_update=False,
        style={"description_width": "initial"},
    )
    shown = ipywidgets.HTML(picture(start))
    slider.observe(lambda change: setattr(shown, "value", picture(change["new"])), "value")
    return ipywidgets.VBox([slider, shown])


def between(values: list[float]) -> list[float]:
    """Return the values and `BETWEEN` - 1 values between neighbours; whole numbers stay whole."""
    places = np.arange(BETWEEN * (len(values) - 1) + 1) / BETWEEN
    fine = np.interp(places, np.arange(len(values)), values)
    whole = all(isinstance(value, int | np.integer) for value in values)
    rounded = [round(value) if whole else float(f"{value:.3g}") for value in fine]
    return sorted({*values, *rounded})

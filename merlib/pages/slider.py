"""Sliders of the book: a picture that follows a number.

In a notebook that somebody has opened in JupyterLab, the slider is a widget and every picture is
drawn when it is asked for, those between the given values too. Everywhere else (the built book, a
notebook run by papermill, a printed page) the pictures are drawn beforehand, and a few lines of
script in the page show one at a time. They need no server and fetch nothing. Without the script
all pictures stand below each other, as they do on paper.
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

BETWEEN = 10
"""Stops of the live slider from one given value to the next."""

COLOURS = 256
"""Of a picture: a palette makes it a third as large, and the eye does not see it."""

numbers = count(1)  # two sliders of one page may show the same pictures

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
):
    """Return a slider with a picture for each value, to be shown as a cell's output.

    Parameters
    ----------
    draw : callable
        Draws the figure of a value. Figures of one size keep the page from jumping.
    name : str
        What the slider sets, such as ``alpha``; its label.
    values : sequence of float
        The steps, increasing; whole numbers stay whole between them. All of them are kept in the
        page, so they should be few (about eight).
    alt : str
        Alternative text of the pictures; ``{value}`` in it becomes the value.
    start : float, optional
        The value shown first; by default the first.
    live : bool, optional
        Whether to return a widget; by default :func:`opened` decides.

    Returns
    -------
    IPython.display.HTML or ipywidgets.VBox

    Raises
    ------
    ValueError
        If the values do not increase, `start` is none of them, or `alt` does not say the value.
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
        return image(draw(value), alt.replace("{value}", text(value)))

    if opened() if live is None else live:
        return widget(picture, name, values, start)
    return steps(picture, name, values, start)


def opened() -> bool:
    """Return whether this code runs in a notebook that somebody has open.

    A Jupyter server names the notebook in the environment of its kernel; papermill does not.
    """
    return "JPY_SESSION_NAME" in os.environ


def text(value: float) -> str:
    """Return a value as it is written in the page."""
    return f"{value:g}"


def image(figure: Figure, alt: str) -> str:
    """Return a figure as an ``img`` element that holds its own PNG, and close it."""
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


def steps(picture: Callable[[float], str], name: str, values: list[float], start: float):
    """Return the slider as HTML that holds all its pictures; see the head of this module."""
    from IPython.display import HTML  # comes with Jupyter, which only the book needs

    pictures = [picture(value) for value in values]
    key = f"steps-{digest([name, pictures])}-{next(numbers)}"
    label = html.escape(name)
    figures = [
        f'<figure data-value="{text(value)}">{shown}'
        f"<figcaption>{label} = {text(value)}</figcaption></figure>"
        for value, shown in zip(values, pictures, strict=True)
    ]
    return HTML(f"""<div class="merlib-steps" id="{key}"><style>{STYLE}</style>
<div class="control" hidden>
<label for="{key}-range">{label}</label>
<input id="{key}-range" type="range" min="0" max="{len(values) - 1}" step="1"
 value="{values.index(start)}" autocomplete="off">
<output for="{key}-range" aria-live="off">{text(start)}</output>
</div>
{"".join(figures)}
<script>{SCRIPT.replace("ID", key)}</script></div>""")


def widget(picture: Callable[[float], str], name: str, values: list[float], start: float):
    """Return the slider as a widget, which draws a picture whenever its value changes."""
    import ipywidgets  # needs a notebook that somebody has open

    slider = ipywidgets.SelectionSlider(
        options=[(text(value), value) for value in between(values)],
        value=start,
        description=name,
        continuous_update=False,
        style={"description_width": "initial"},
    )
    shown = ipywidgets.HTML(picture(start))
    slider.observe(lambda change: setattr(shown, "value", picture(change["new"])), "value")
    return ipywidgets.VBox([slider, shown])


def between(values: list[float]) -> list[float]:
    """Return values and what lies between them, `BETWEEN` parts each; whole numbers stay whole."""
    places = np.arange(BETWEEN * (len(values) - 1) + 1) / BETWEEN
    fine = np.interp(places, np.arange(len(values)), values)
    if all(isinstance(value, int | np.integer) for value in values):
        return sorted({*values, *(round(value) for value in fine)})
    return sorted({*values, *(float(f"{value:.3g}") for value in fine)})

"""Films of the pages: movements as loops that a reader can stop.

A GIF cannot be stopped. A film is a video in the page itself: it needs no network and no server,
and has the browser's own buttons. It plays at once, unless the reader's system asks for less
motion; then it waits for the button.
"""

import base64
import html
import io
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import count

import numpy as np
import pandas as pd

from merlib.config import Config, digest
from merlib.data.frames import read_frames
from merlib.preprocess import face, pipeline

numbers = count(1)  # two films of one page may be the same, but not their ids

STYLE = """
.merlib-film .films { display: flex; flex-wrap: wrap; gap: 0.6rem; justify-content: center; }
.merlib-film .films > div { max-width: 100%; }
.merlib-film video { display: block; height: auto; max-width: 100%; }
.merlib-film p { margin: 0.2rem 0; text-align: center; }
"""

SCRIPT = """
if (!matchMedia("(prefers-reduced-motion: reduce)").matches) {
  for (const film of document.querySelectorAll("#ID video")) {
    film.muted = true;
    film.play().catch(() => {});  /* a browser may refuse: the button is there */
  }
}
"""


def films(
    shown: Mapping[str, Sequence[np.ndarray]],
    fps: float,
    *,
    alt: str,
    width: int | None = None,
    of: str = "",
):
    """Return films side by side, to be shown as a cell's output.

    Parameters
    ----------
    shown : mapping
        Name -> frames (H, W) or (H, W, 3), uint8, at least one. The name is written below its film.
    fps : float
        Frames per second.
    alt : str
        What is seen, for readers who do not see it; ``{name}`` in it is replaced by the name.
    width : int, optional
        Pixels of the page that a film is wide, by default as many as its frames have.
    of : str
        What the caption adds, see `merlib.pages.plots.show`.

    Returns
    -------
    IPython.display.HTML
    """
    from IPython.display import HTML  # comes with Jupyter, which only the book needs

    key = f"film-{digest([fps, alt, list(shown)])}-{next(numbers)}"
    parts = []
    for name, frames in shown.items():
        content = base64.b64encode(encoded(frames, fps)).decode()
        height, wide = np.shape(frames[0])[:2]
        told, label = html.escape(alt.replace("{name}", name)), html.escape(name)
        size = f'width="{width or wide}" height="{height * (width or wide) // wide}"'
        parts.append(
            f'<div><video controls loop muted playsinline {size} aria-label="{told}"'
            f' src="data:video/webm;base64,{content}"></video>'
            f"{f'<p>{label}</p>' if name else ''}</div>"
        )
    return HTML(
        f'<figure class="merlib-film" id="{key}"><style>{STYLE}</style>'
        f'<div class="films">{"".join(parts)}</div>'
        f"<script>{SCRIPT.replace('ID', key)}</script></figure>",
        metadata={"of": of},
    )


def encoded(frames: Sequence[np.ndarray], fps: float) -> bytes:
    """Return frames as a WebM video (VP9), the same bytes for the same frames.

    Raises
    ------
    ValueError
        If `fps` is not above 0.
    """
    import av  # slow to import, and most pages have no film

    if not fps > 0:
        raise ValueError(f"fps={fps!r}: expected above 0")
    file = io.BytesIO()
    # Without this flag the file would get a random number.
    with av.open(file, "w", format="webm", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("libvpx-vp9", rate=Fraction(fps).limit_denominator(1000))
        stream.height, stream.width = np.shape(frames[0])[:2]
        stream.pix_fmt, stream.thread_count = "yuv420p", 1
        stream.options = {"crf": "24", "b": "0", "cpu-used": "4"}
        for frame in frames:
            pixels = np.ascontiguousarray(frame)
            kind = "gray" if pixels.ndim == 2 else "rgb24"
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format=kind)))
        container.mux(stream.encode())
    return file.getvalue()


def moving(
    clip: pd.Series, config: Config, side: int = 224, most: int = 30
) -> tuple[np.ndarray, np.ndarray]:
    """Return a clip from onset to offset as it is and magnified, (N, side, side) uint8 each.

    The head is held still as in what the network sees (field `head_motion`).

    Parameters
    ----------
    clip : Series
        A row of the clip table.
    side : int
        Pixels of the aligned face. It is larger than what the network sees, for the eye.
    most : int
        A longer clip is thinned out to as many frames, in even steps.
    """
    config, frames = replace(config, size=side), read_frames(clip["frames"])
    matrix = pipeline.transform(frames[0], config, clip["cropped"], clip["eyes"])
    raw = face.align(frames, pipeline.steady(frames, matrix, config), side)
    magnified = pipeline.magnified(raw, config, clip["fps"])
    kept = np.linspace(0, len(raw) - 1, min(len(raw), most)).round().astype(int)
    thinned = (images[kept].clip(0, 255).round().astype(np.uint8) for images in (raw, magnified))
    first, second = thinned
    return first, second

"""A film holds its frames, can be stopped, and says what it shows."""

import base64
import io

import av
import numpy as np
import pytest
from bs4 import BeautifulSoup

from merlib.config import Config
from merlib.data.clips import load_clips
from merlib.pages import film


def frames_of(video):
    """Return the frames of a video file as grey values."""
    with av.open(io.BytesIO(video)) as container:
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


@pytest.mark.parametrize("shape", [(16, 24), (16, 24, 3)])
def test_a_film_holds_every_frame(shape):
    frames = [np.full(shape, level, np.uint8) for level in (0, 100, 200)]
    shown = frames_of(film.encoded(frames, fps=5))
    assert len(shown) == 3 and shown[0].shape == (16, 24)
    for frame, level in zip(shown, (0, 100, 200), strict=True):
        np.testing.assert_allclose(frame, level, atol=4)
    assert film.encoded(frames, fps=5) == film.encoded(frames, fps=5)


def test_a_film_has_the_speed_that_is_asked_for():
    with av.open(io.BytesIO(film.encoded([np.zeros((8, 8), np.uint8)] * 6, 12))) as container:
        times = [float(frame.time) for frame in container.decode(video=0)]
    np.testing.assert_allclose(np.diff(times), 1 / 12, atol=2e-3)  # WebM counts milliseconds
    with pytest.raises(ValueError, match="fps="):
        film.encoded([np.zeros((8, 8), np.uint8)], 0)


def test_films_can_be_stopped_and_play_alone_only_where_motion_is_welcome():
    frames = {"joy <1>": [np.zeros((8, 8), np.uint8)], "fear": [np.full((8, 8), 255, np.uint8)]}
    text = film.films(frames, 10, alt="A face: {name}.", width=40).data
    page = BeautifulSoup(text, "html.parser")
    videos = page.find_all("video")
    assert [video["aria-label"] for video in videos] == ["A face: joy <1>.", "A face: fear."]
    assert [label.text for label in page.find_all("p")] == list(frames)
    assert all("controls" in v.attrs and "autoplay" not in v.attrs for v in videos)
    assert {video["width"] for video in videos} == {"40"}
    levels = [frames_of(base64.b64decode(v["src"].split(",")[1]))[0].mean() for v in videos]
    assert levels[0] < 5 and levels[1] > 250
    assert "prefers-reduced-motion" in page.script.text
    again = BeautifulSoup(film.films(frames, 10, alt="").data, "html.parser")
    assert page.figure["id"] in page.script.text and page.figure["id"] != again.figure["id"]


def test_a_magnified_clip_moves_more_than_it_did(casme2_root):
    clip = load_clips("synthetic", casme2_root).iloc[0]
    raw, magnified = film.moving(clip, Config(evm_alpha=10.0), side=64, most=7)
    assert raw.shape == magnified.shape and raw.shape[1:] == (64, 64) and len(raw) <= 7
    change = [np.abs(x.astype(float) - x[0])[:, 8:-8, 8:-8].max() for x in (raw, magnified)]
    assert change[1] > change[0] > 0

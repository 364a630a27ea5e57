"""A photograph moved by known action units goes through the preparation as drawn faces do."""

import cv2
import numpy as np
import pytest
from skimage.data import astronaut

from merlib import config
from merlib.data.frames import read_frames
from merlib.data.synthetic import photograph
from merlib.preprocess import face, flow, pipeline

GREY = cv2.cvtColor(astronaut(), cv2.COLOR_RGB2GRAY)
EYES = np.array([[202.0, 101.0], [246.5, 103.8]])  # read off the picture


def test_the_eyes_of_the_portrait_lie_where_they_should():
    drawn = photograph.sitter(GREY, EYES)
    found = face.find_eyes(drawn.open.astype(np.uint8))
    expected = np.array(drawn.centre) + [[-drawn.ipd / 2, 0], [drawn.ipd / 2, 0]]
    assert np.hypot(*(found - expected).T).max() < 7  # 2.5 px of the photograph, enlarged


def test_semi_real_clips_through_the_whole_preparation(tmp_path):
    settings = config.profile("laptop")
    errors = []
    for seed in range(3):
        truth = photograph.write(tmp_path / str(seed), GREY, EYES, "disgust", seed=seed)
        numbers = range(truth.onset, truth.offset + 1)
        frames = read_frames(tmp_path / f"{seed}/img{n}.jpg" for n in numbers)
        assert frames.shape == (len(numbers), 480, 640)
        matrix = pipeline.transform(frames[0], settings)
        landed = cv2.transform(truth.eyes[None], matrix)[0]
        assert np.hypot(*(landed - (face.EYES * 56 - 0.5)).T).max() < 3
        pair = np.array([0, truth.apex - truth.onset])
        seen = pipeline.flow_sequence(frames, pair, matrix, settings, 200.0)[1]
        true = flow.truth_in_crop(truth.au_displacement(truth.apex), matrix, 56)
        errors.append(flow.errors_with_zero(seen, true, least=0.25))
    # The peak of these motions is a fifth of a pixel: one clip alone is at the mercy of its noise.
    measured, zero = np.mean(errors, axis=0)
    assert measured < 0.75 * zero  # with the head's motion kept it is worse than none


def test_an_unknown_emotion_is_named(tmp_path):
    with pytest.raises(ValueError, match="emotion='joy': expected one of happiness"):
        photograph.write(tmp_path, GREY, EYES, "joy")

"""Flow is a vector field: augmenting it equals computing it from the augmented clip."""

import cv2
import numpy as np
import pytest
import torch

from merlib.config import Config
from merlib.model.augment import affine, augment, flip
from merlib.preprocess import flow

SIZE = 112


def pair():
    """A textured image and the same after a smooth local motion."""
    noise = np.random.default_rng(0).uniform(0, 255, (SIZE, SIZE)).astype(np.float32)
    image = cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 3), None, 20, 235, cv2.NORM_MINMAX)
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    bump = np.exp(-((x - 65) ** 2 + (y - 48) ** 2) / (2 * 14**2))
    return image, cv2.remap(image, x - 1.2 * bump, y + 0.7 * bump, cv2.INTER_CUBIC)


def as_clip(first, second):
    """Grey and flow of both frames, (1, 2, 3, S, S): the first flow is zero."""
    u, v = flow.tvl1(first, second)
    frames = [np.stack([first, 0 * u, 0 * v]), np.stack([second, u, v])]
    return torch.from_numpy(np.stack(frames).astype(np.float32))[None]


def core(size=SIZE, margin=22):
    return np.s_[..., margin : size - margin, margin : size - margin]


def difference(a, b):
    """Mean end-point difference away from the border, relative to the mean length."""
    a, b = (np.asarray(field)[core()] for field in (a, b))
    return np.hypot(*(a - b)).mean() / np.hypot(*b).mean()


def test_the_flow_of_a_flipped_clip_is_the_flipped_flow_of_the_clip():
    first, second = pair()
    expected = as_clip(first[:, ::-1].copy(), second[:, ::-1].copy())
    found = flip(as_clip(first, second))
    np.testing.assert_array_equal(found[:, :, 0], expected[:, :, 0])
    assert difference(found[0, 1, 1:], expected[0, 1, 1:]) < 0.03
    image_like = as_clip(first, second).flip(-1)  # the mistake: u keeps its sign
    assert difference(image_like[0, 1, 1:], expected[0, 1, 1:]) > 1


@pytest.mark.parametrize(("angle", "scale"), [(10.0, 1.0), (-7.0, 1.0), (0.0, 1.1), (10.0, 0.9)])
def test_the_flow_of_a_turned_and_scaled_clip_is_the_turned_and_scaled_flow(angle, scale):
    first, second = pair()
    matrix = cv2.getRotationMatrix2D(((SIZE - 1) / 2, (SIZE - 1) / 2), -angle, scale)
    turn = [
        cv2.warpAffine(image, matrix, (SIZE, SIZE), flags=cv2.INTER_LINEAR,
                       borderMode=cv2.BORDER_REPLICATE)
        for image in (first, second)
    ]  # fmt: skip
    expected = as_clip(*turn)
    found = affine(as_clip(first, second), torch.tensor([angle]), torch.tensor([scale]))
    np.testing.assert_allclose(found[0, :, 0][core()], expected[0, :, 0][core()], atol=3.0)
    assert difference(found[0, 1, 1:], expected[0, 1, 1:]) < 0.12


def test_no_transform_is_no_change_and_twice_flipped_is_the_same():
    x = torch.randn(3, 2, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    np.testing.assert_array_equal(flip(flip(x.clone())), x)
    same = affine(x.clone(), torch.zeros(3), torch.ones(3))
    np.testing.assert_allclose(same, x, atol=1e-5)


def test_a_quarter_turn_by_hand():
    x = torch.zeros(1, 1, 3, 5, 5)
    x[0, 0, 0, 2, 4] = 1.0  # a point to the right of the centre ...
    x[0, 0, 1] = 1.0  # ... in a flow to the right
    turned = affine(x, torch.tensor([90.0]), torch.tensor([1.0]))
    assert turned[0, 0, 0, 4, 2] == pytest.approx(1, abs=1e-4)  # is now below it
    np.testing.assert_allclose(turned[0, 0, 1], 0, atol=1e-5)
    np.testing.assert_allclose(turned[0, 0, 2], 1, atol=1e-5)  # and the flow points down


@pytest.mark.parametrize("form", ["hue", "scaled"])
def test_an_image_of_flow_is_moved_and_its_values_stay(form):
    config = Config(flow_image=form, flip=1.0, rotation=0.0, scaling=0.0)
    x = torch.rand(2, 3, config.channels, 8, 8)
    mirrored = augment(x, config, torch.full((3, 2), 0.5))
    torch.testing.assert_close(mirrored, x.flip(-1), atol=1e-5, rtol=0)
    x = torch.ones(1, 2, config.channels, 8, 8)  # one colour: turned and enlarged it is the same
    turning = Config(flow_image=form, flip=0.0, rotation=90.0, scaling=0.5)
    turned = augment(x, turning, torch.tensor([[0.5], [1.0], [1.0]]))
    torch.testing.assert_close(turned, x)


def test_strain_is_moved_but_not_turned():
    x = torch.zeros(1, 1, 4, 9, 9)
    x[0, 0, 3] = 0.25
    turned = affine(x, torch.tensor([30.0]), torch.tensor([1.2]))
    np.testing.assert_allclose(turned[0, 0, 3], 0.25, atol=1e-6)


def test_one_transform_for_all_frames_of_a_clip_and_its_own_for_each_clip():
    generator = torch.Generator().manual_seed(1)
    frame = torch.randn(1, 1, 3, 24, 24, generator=generator)
    x = frame.expand(6, 4, 3, 24, 24).clone()
    out = augment(x, Config(), torch.rand(3, 6, generator=generator))
    for clip in out:
        np.testing.assert_array_equal(clip, clip[:1].expand_as(clip))
    assert len({clip.numpy().tobytes() for clip in out}) == 6
    np.testing.assert_array_equal(x, frame.expand_as(x))  # the stored clips are left alone


def test_the_strength_of_each_part_is_the_configurations():
    x = torch.randn(40, 1, 3, 16, 16, generator=torch.Generator().manual_seed(2))
    still = Config(flip=0.0, rotation=0.0, scaling=0.0)
    np.testing.assert_allclose(augment(x, still, torch.rand(3, 40)), x, atol=1e-5)
    chances = torch.rand(3, 40, generator=torch.Generator().manual_seed(3))
    mirrored = augment(x, Config(flip=0.5, rotation=0.0, scaling=0.0), chances)
    same = [torch.allclose(a, b, atol=1e-5) for a, b in zip(mirrored, x, strict=True)]
    flipped = [
        torch.allclose(a, flip(b.clone()), atol=1e-5) for a, b in zip(mirrored, x, strict=True)
    ]
    assert all(a != b for a, b in zip(same, flipped, strict=True))
    assert 10 <= sum(flipped) <= 30


def test_turns_and_sizes_go_from_one_end_of_the_configuration_to_the_other():
    x = torch.randn(3, 1, 3, 16, 16, generator=torch.Generator().manual_seed(4))
    config = Config(flip=0.0, rotation=12.0, scaling=0.2)
    middle, ends = torch.full((3,), 0.5), torch.tensor([0.0, 0.5, 1.0])
    turned = augment(x, config, torch.stack([middle, ends, middle]))
    torch.testing.assert_close(turned, affine(x, torch.tensor([-12.0, 0.0, 12.0]), torch.ones(3)))
    sized = augment(x, config, torch.stack([middle, middle, ends]))
    torch.testing.assert_close(sized, affine(x, torch.zeros(3), torch.tensor([0.8, 1.0, 1.2])))


def test_frames_that_are_not_square_are_refused():
    with pytest.raises(ValueError, match="expected square frames"):
        augment(torch.zeros(1, 1, 3, 8, 9), Config(), torch.rand(3, 1))

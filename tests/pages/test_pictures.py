"""Pictures of clips say what they should: colours of directions, frames side by side."""

from colorsys import rgb_to_hsv

import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from merlib.pages import pictures

matplotlib.use("Agg")


@pytest.fixture(autouse=True)
def close_figures():
    yield
    matplotlib.pyplot.close("all")


def constant_flow(u: float, v: float) -> np.ndarray:
    return np.array([u, v], dtype=np.float32)[:, None, None]


@pytest.mark.parametrize(
    ("u", "v", "colour"),
    [
        (0, 0, (255, 255, 255)),  # still: white
        (1, 0, (255, 0, 0)),  # right: red
        (-1, 0, (0, 255, 255)),  # left: cyan
        (0, 1, (128, 255, 0)),  # down: yellow-green
        (0, -1, (128, 0, 255)),  # up: violet
        (0.5, 0, (255, 128, 128)),  # half as fast: half as saturated
        (3, 0, (255, 0, 0)),  # beyond the limit: as at the limit
    ],
)
def test_flow_colour_of_known_directions(u, v, colour):
    image = pictures.flow_image(constant_flow(u, v), limit=1.0)
    assert image.dtype == np.uint8
    np.testing.assert_allclose(image[0, 0].astype(int), colour, atol=1)


@given(
    angle=st.floats(0, 360, exclude_max=True), length=st.floats(0.2, 1), turn=st.floats(-180, 180)
)
def test_turning_the_flow_turns_the_hue(angle, length, turn):
    def hue(degrees):
        radians = np.deg2rad(degrees)
        flow = constant_flow(length * np.cos(radians), length * np.sin(radians))
        return 360 * rgb_to_hsv(*pictures.flow_image(flow, limit=1.0)[0, 0] / 255)[0]

    turned = (hue(angle + turn) - hue(angle) - turn + 180) % 360 - 180
    assert abs(turned) < 3  # 8 bits hold a hue to about a degree at this saturation


def test_the_fastest_pixel_is_the_default_limit_and_still_flow_is_white():
    flow = np.zeros((2, 2, 3), np.float32)
    assert (pictures.flow_image(flow) == 255).all()
    flow[0, 0, 0], flow[0, 1, 2] = 4, 2
    image = pictures.flow_image(flow)
    np.testing.assert_array_equal(image[0, 0], [255, 0, 0])
    np.testing.assert_allclose(image[1, 2].astype(int), [255, 128, 128], atol=1)


def test_wheel_is_the_key_of_flow_image():
    wheel = pictures.wheel(101)
    np.testing.assert_array_equal(wheel[50, 50], [255, 255, 255])
    np.testing.assert_array_equal(wheel[50, 100], [255, 0, 0])  # right end: motion to the right
    np.testing.assert_allclose(wheel[100, 50].astype(int), [128, 255, 0], atol=1)  # below: down
    np.testing.assert_array_equal(wheel[0, 0], [255, 255, 255])  # outside the disc


def test_arrows_start_where_their_flow_is():
    flow = np.zeros((2, 8, 12), np.float32)
    flow[0, 2, 6], flow[1, 6, 10] = 1.0, -2.0  # two of the places that step 4 looks at
    _, axes = matplotlib.pyplot.subplots()
    pictures.arrows(axes, flow, step=4, gain=3.0)
    (quiver,) = axes.collections
    found = {
        (x, y): (u, v)
        for (x, y), u, v in zip(quiver.get_offsets(), quiver.U, quiver.V, strict=True)
    }
    assert len(found) == 2 * 3
    assert found[6, 2] == (3, 0)
    assert found[10, 6] == (0, -6)
    assert quiver.angles == "xy"  # v points down the image, as its rows do


def test_flow_field_has_arrows_over_the_colour():
    rng = np.random.default_rng(0)
    flow = rng.normal(size=(2, 36, 36))
    _, axes = matplotlib.pyplot.subplots()
    pictures.flow_field(axes, flow, limit=2.0)
    (drawn,), (quiver,) = axes.images, axes.collections
    np.testing.assert_array_equal(drawn.get_array(), pictures.flow_image(flow, 2.0))
    places = quiver.get_offsets().astype(int).T
    there = flow[:, places[1], places[0]]
    assert places.shape[1] == 18 * 18
    np.testing.assert_allclose([quiver.U, quiver.V], there * 36 / 14 / 2.0)
    assert quiver.get_facecolor()[0, :3].max() == 0  # black is seen on every hue


def test_flow_field_of_no_motion_is_drawn():
    _, axes = matplotlib.pyplot.subplots()
    pictures.flow_field(axes, np.zeros((2, 8, 8)))
    assert (axes.images[0].get_array() == 255).all()


def test_flow_key_points_in_the_direction_of_each_colour():
    _, axes = matplotlib.pyplot.subplots()
    pictures.flow_key(axes, size=101)
    (drawn,), (quiver,) = axes.images, axes.collections
    assert len(quiver.U) == 8
    for u, v in zip(quiver.U, quiver.V, strict=True):
        colour = drawn.get_array()[round(50 + v), round(50 + u)]
        expected = pictures.flow_image(constant_flow(u, v), limit=50)[0, 0]
        np.testing.assert_allclose(colour.astype(int), expected, atol=6)


def test_strip_shows_every_image_on_one_scale():
    images = [np.full((4, 6), level) for level in (0.0, 1.0, 5.0, 2.0)]
    figure, shown = pictures.strip(images, list("abcd"), columns=3)
    assert [axes.get_title() for axes in shown] == list("abcd")
    assert len(figure.axes) == 6  # two rows of three
    for axes, image in zip(shown, images, strict=True):
        (drawn,) = axes.images
        np.testing.assert_array_equal(drawn.get_array(), image)
        assert drawn.get_clim() == (0, 5)


@pytest.mark.parametrize(("images", "titles"), [([], []), ([np.ones((2, 2))], ["a", "b"])])
def test_strip_refuses_images_without_titles(images, titles):
    with pytest.raises(ValueError, match=f"{len(images)} images and {len(titles)} titles"):
        pictures.strip(images, titles)


def test_faces_of_real_people_are_hidden_unless_asked_for(capsys):
    rng = np.random.default_rng(0)
    picture, coarse = rng.uniform(0, 255, (40, 30)), rng.uniform(size=(10, 12))
    for dataset, show, shown in (
        ("synthetic", None, True), ("synthetic", False, False), ("casme2", None, False),
        ("own", None, False), ("samm", True, True),
    ):  # fmt: skip
        faces = pictures.Faces(dataset, show)
        assert faces.shown is shown
        assert ("not shown" in capsys.readouterr().out) is not shown
        if shown:
            assert faces.picture(picture) is picture and faces.features(picture) is picture
        else:
            hidden = faces.picture(picture)
            assert hidden.shape == picture.shape and np.ptp(hidden) == 0
            assert max(faces.features(picture).shape) <= 14
            assert max(faces.features(coarse).shape) <= 14

"""Sliders: every picture is in the page and one is seen; a live one draws what it is asked for."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from book.tools import pdf
from merlib.pages import slider

VALUES = [0, 2.5, 10]
ALT = "An even grey of {value} tenths."


def grey(value):
    """A figure all in a grey that tells its value."""
    figure = plt.figure(figsize=(2, 1), dpi=50)
    figure.set_facecolor(str(value / 10))
    return figure


def shown(tag):
    """The value of the figure in an ``img`` element."""
    kind, content = tag["src"].split(",", 1)
    assert kind == "data:image/png;base64"
    picture = Image.open(io.BytesIO(base64.b64decode(content)))
    assert picture.size == (int(tag["width"]), int(tag["height"])) == (100, 50)
    (level,) = np.unique(np.asarray(picture.convert("L")))
    return level / 25.5


def static(name="alpha", **options):
    made = slider.slider(grey, name, VALUES, alt=ALT, live=False, **options)
    return made.data


def test_the_static_slider_holds_a_picture_for_each_value():
    page = BeautifulSoup(static(), "html.parser")
    pictures = page.find_all("img")
    assert [shown(picture) for picture in pictures] == pytest.approx(VALUES, abs=0.02)
    for picture, value in zip(pictures, ("0", "2.5", "10"), strict=True):
        assert picture["alt"] == f"An even grey of {value} tenths."
        step = picture.find_parent("figure")
        assert step["data-value"] == value
        assert step.figcaption.text == f"alpha = {value}"


def test_the_static_slider_is_labelled_and_starts_where_it_is_told():
    for start, place in ((None, "0"), (10, "2")):
        page = BeautifulSoup(static(start=start), "html.parser")
        (control,) = page.find_all("input")
        assert (control["type"], control["min"], control["max"]) == ("range", "0", "2")
        assert control["value"] == place
        assert page.find("label", attrs={"for": control["id"]}).text == "alpha"
        assert page.find("output", attrs={"for": control["id"]}).text == f"{start or 0}"


def test_without_its_script_the_page_shows_all_pictures_and_no_control():
    page = BeautifulSoup(static(), "html.parser")
    assert page.find(class_="control").has_attr("hidden")
    assert not any(step.has_attr("hidden") for step in page.find_all("figure"))


def test_the_static_slider_fetches_nothing_and_holds_no_widget():
    text = re.sub(r"base64,[^\"]*", "", static())
    assert "http" not in text and "//" not in text and "widget" not in text
    assert BeautifulSoup(text, "html.parser").script.get("src") is None


def test_equal_sliders_of_one_page_have_ids_of_their_own():
    page = BeautifulSoup(static() + static() + static("beta"), "html.parser")
    ids = [tag["id"] for tag in page.find_all(id=True)]
    assert len(ids) == len(set(ids)) == 6


def test_names_and_texts_are_no_markup():
    made = slider.slider(grey, "<b>", [1], alt='a "{value}" & <i>', live=False)
    page = BeautifulSoup(made.data, "html.parser")
    assert page.label.text == "<b>" and page.figcaption.text == "<b> = 1"
    assert page.img["alt"] == 'a "1" & <i>'


def test_figures_are_closed_and_a_photograph_stays_small():
    before = plt.get_fignums()
    static()
    assert plt.get_fignums() == before
    rng = np.random.default_rng(0)
    figure = plt.figure(figsize=(6, 3.6), dpi=120)
    figure.add_axes((0, 0, 1, 1)).imshow(rng.normal(size=(56, 56)), cmap="viridis")
    tag = BeautifulSoup(slider.image(figure, ""), "html.parser").img
    assert len(base64.b64decode(tag["src"].partition(",")[2])) < 60_000


def test_the_live_slider_draws_what_it_is_moved_to():
    asked = []

    def draw(value):
        asked.append(value)
        return grey(value)

    made = slider.slider(draw, "alpha", VALUES, start=2.5, alt=ALT, live=True)
    control, picture = made.children
    assert control.description == "alpha" and asked == [2.5]
    tag = BeautifulSoup(picture.value, "html.parser").img
    assert shown(tag) == pytest.approx(2.5, abs=0.02)
    control.value = 4.75  # none of the given values
    assert asked == [2.5, 4.75]
    tag = BeautifulSoup(picture.value, "html.parser").img
    assert shown(tag) == pytest.approx(4.75, abs=0.02)
    assert tag["alt"] == "An even grey of 4.75 tenths."


def test_between_whole_numbers_are_whole_numbers():
    assert slider.between([1, 2, 4]) == [1, 2, 3, 4]
    assert slider.between([7]) == [7]
    fine = slider.between([1, 1.5, 100])
    assert set(fine) >= {1, 1.5, 100} and fine == sorted(fine)
    assert 1.05 in fine and len(fine) == 21


def test_it_is_live_only_where_somebody_has_the_notebook_open(monkeypatch):
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    assert not slider.opened()
    assert "<figure" in slider.slider(grey, "a", [1], alt=ALT).data
    monkeypatch.setenv("JPY_SESSION_NAME", "notebooks/02_preprocessing.ipynb")
    assert slider.opened()
    assert slider.slider(grey, "a", [1], alt=ALT).children[0].value == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"values": []}, "expected one or more, increasing"),
        ({"values": [1, 1]}, "expected one or more, increasing"),
        ({"values": [2, 1]}, "expected one or more, increasing"),
        ({"start": 3}, r"start=3: expected one of \[1, 2\]"),
        ({"alt": "the same for all"}, "expected a text with {value} in it"),
    ],
)
def test_bad_arguments_are_named(change, message):
    arguments = {"values": [1, 2], "alt": ALT} | change
    with pytest.raises(ValueError, match=message):
        slider.slider(grey, "a", **arguments)


@pytest.fixture(scope="module")
def chromium(installed):
    with pdf.chromium() as started:
        yield started


def seen(page, number=0):
    """What the slider says, and which pictures and captions of it are seen."""
    return page.evaluate(
        """number => {
            const box = document.querySelectorAll(".merlib-steps")[number];
            const seen = name => [...box.querySelectorAll(name)].map(e => e.offsetHeight > 0);
            return [box.querySelector("output").textContent,
                    box.querySelector("input").getAttribute("aria-valuetext"),
                    seen("img"), seen("figcaption"), seen("input")];
        }""",
        number,
    )


def test_the_keyboard_moves_one_slider_and_not_its_neighbour(chromium):
    with chromium.new_context() as context:
        page, faults = context.new_page(), []
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.set_content(f"<main>{static()}{static(start=2.5)}</main>")
        page.evaluate("document.addEventListener('keydown', () => console.log('a shortcut'))")
        none = [False] * 3
        first, middle, last = ([k == place for k in range(3)] for place in range(3))
        assert seen(page) == ["0", "0", first, none, [True]]
        page.get_by_label("alpha").first.focus()
        page.keyboard.press("ArrowRight")
        assert seen(page) == ["2.5", "2.5", middle, none, [True]]
        page.keyboard.press("End")
        assert seen(page) == ["10", "10", last, none, [True]]
        assert seen(page, 1) == ["2.5", "2.5", middle, none, [True]]
        page.emulate_media(media="print")
        assert seen(page)[2:] == [[True] * 3, [True] * 3, [False]]
        assert not faults


def test_a_reader_without_scripts_sees_all(chromium):
    with chromium.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.set_content(static())
        for name, count in (("img", 3), ("figcaption", 3), ("input", 0)):
            found = page.locator(name).all()
            assert sum(element.is_visible() for element in found) == count

"""The pad: one pointer writes, nothing drops a stroke, and the pen is as chosen."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import CDPSession, Page, expect

from handlers.characters import CHARACTERS
from tests.browser.conftest import Visitor, draw, visit
from tests.support.pictures import reference

# Strokes of the pad, as `{points, first, last}` with the first and last point in hundredths.
_WATCH = """() => {
  window.sent = [];
  const { fetch: original } = window;
  window.fetch = (path, options) => {
    if (String(path).includes("/api/predict/")) sent.push(JSON.parse(options.body));
    return original(path, options);
  };
}"""
LINE = [(0.3, 0.3), (0.3, 0.5), (0.3, 0.7)]


class Hand:
    """Fingers and a pen on the pad of a page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.events: CDPSession = page.context.new_cdp_session(page)
        self.fingers: dict[int, dict[str, float]] = {}
        self.measure()

    def measure(self) -> None:
        box = self.page.locator("canvas.ink").bounding_box()
        assert box
        self.box = box

    def at(self, x: float, y: float) -> dict[str, float]:
        return {
            "x": self.box["x"] + x * self.box["width"],
            "y": self.box["y"] + y * self.box["height"],
        }

    def touch(self, kind: str, finger: int, x: float = 0, y: float = 0) -> None:
        """`kind` is Start, Move, End or Cancel."""
        if kind in {"End", "Cancel"}:
            del self.fingers[finger]
        else:
            self.fingers[finger] = {**self.at(x, y), "id": finger}
        points = [] if kind == "Cancel" else list(self.fingers.values())
        # The protocol lifts one of several fingers when the others move.
        kind = "Move" if kind == "End" and points else kind
        event = {"type": f"touch{kind}", "touchPoints": points}
        self.events.send("Input.dispatchTouchEvent", event)

    def finger(self, points: list[tuple[float, float]], finger: int = 1) -> None:
        for index, point in enumerate(points):
            self.touch("Move" if index else "Start", finger, *point)
        self.touch("End", finger)

    def press(self, *points: tuple[float, float]) -> None:
        """Presses the mouse at the first of the points, and moves it to the others."""
        for index, point in enumerate(points):
            self.page.mouse.move(**self.at(*point))
            if index == 0:
                self.page.mouse.down()

    def pen(self, kind: str, x: float, y: float) -> None:
        """`kind` is Pressed, Moved, Released or, with the pen in the air, Hover."""
        event: dict[str, Any] = {"pointerType": "pen", "force": 0.6, **self.at(x, y)}
        if kind == "Hover":
            event |= {"type": "mouseMoved", "button": "none", "buttons": 0}
        else:
            event |= {"type": f"mouse{kind}", "button": "left", "buttons": 1, "clickCount": 1}
        if kind == "Released":
            event["buttons"] = 0
        self.events.send("Input.dispatchMouseEvent", event)

    def strokes_of_pen(self, points: list[tuple[float, float]]) -> None:
        self.pen("Hover", *points[0])
        self.pen("Pressed", *points[0])
        for point in points[1:]:
            self.pen("Moved", *point)
        self.pen("Released", *points[-1])


def strokes(page: Page) -> list[list[list[float]]]:
    """The strokes of the newest request, once it was sent."""
    page.wait_for_timeout(700)
    found: list[list[list[float]]] = page.evaluate("sent.length ? sent.at(-1).strokes : []")
    return found


def ends(page: Page) -> list[tuple[float, ...]]:
    """x and y of the first and of the last point of each stroke."""
    return [
        tuple(round(value, 1) for value in (*stroke[0][:2], *stroke[-1][:2]))
        for stroke in strokes(page)
    ]


@pytest.fixture
def tablet(browser: Any, site: Any) -> Iterator[Page]:
    """The pad on a tablet that takes fingers and a pen."""
    size = {"width": 800, "height": 900}
    with visit(browser, site, viewport=size, has_touch=True, is_mobile=True) as visitor:
        page = visitor.open()
        page.evaluate(_WATCH)
        yield page


def test_a_palm_never_draws_while_a_pen_is_near(tablet: Page) -> None:
    hand = Hand(tablet)
    hand.finger(LINE)  # fingers draw as long as there is no pen
    assert len(ends(tablet)) == 1
    hand.pen("Hover", 0.5, 0.3)
    hand.touch("Start", 1, 0.9, 0.9)  # the palm comes to rest
    hand.touch("Move", 1, 0.8, 0.9)
    hand.pen("Pressed", 0.5, 0.3)
    hand.touch("Start", 2, 0.9, 0.8)
    hand.pen("Moved", 0.5, 0.6)
    hand.touch("Move", 1, 0.7, 0.9)
    hand.pen("Released", 0.5, 0.6)
    hand.touch("End", 2)
    hand.touch("End", 1)
    assert ends(tablet) == [(0.3, 0.3, 0.3, 0.7), (0.5, 0.3, 0.5, 0.6)]
    # The pen leaves; the palm is there for a moment longer.
    tablet.evaluate(
        """() => document.querySelector("canvas.ink").dispatchEvent(
          new PointerEvent("pointerout", { pointerType: "pen", bubbles: true }))"""
    )
    hand.finger([(0.9, 0.2), (0.9, 0.4)])
    assert len(ends(tablet)) == 2
    tablet.wait_for_timeout(3000)
    hand.finger([(0.7, 0.2), (0.7, 0.4)])
    assert ends(tablet)[2:] == [(0.7, 0.2, 0.7, 0.4)]


@pytest.mark.parametrize("how", ["down", "lifted", "cancelled"])
def test_the_stroke_of_a_palm_is_withdrawn_when_the_pen_lands(tablet: Page, how: str) -> None:
    hand = Hand(tablet)
    hand.touch("Start", 1, 0.9, 0.9)
    hand.touch("Move", 1, 0.6, 0.9)
    if how != "down":
        hand.touch("End" if how == "lifted" else "Cancel", 1)
    hand.strokes_of_pen(LINE)
    if how == "down":
        hand.touch("Move", 1, 0.2, 0.9)
        hand.touch("End", 1)
    assert ends(tablet) == [(0.3, 0.3, 0.3, 0.7)]
    tablet.get_by_role("button", name="Undo").click()
    expect(tablet.get_by_role("button", name="Undo")).to_be_disabled()


def test_a_second_finger_neither_ends_nor_joins_a_stroke(tablet: Page) -> None:
    hand = Hand(tablet)
    hand.touch("Start", 1, 0.2, 0.2)
    hand.touch("Start", 2, 0.8, 0.8)
    hand.touch("Move", 1, 0.2, 0.5)
    hand.touch("Move", 2, 0.6, 0.8)
    hand.touch("End", 2)
    hand.touch("Move", 1, 0.2, 0.8)
    hand.touch("Start", 2, 0.9, 0.9)
    hand.touch("End", 1)
    hand.touch("Move", 2, 0.5, 0.9)
    hand.touch("End", 2)
    assert ends(tablet) == [(0.2, 0.2, 0.2, 0.8)]
    assert {round(x, 1) for x, *_ in strokes(tablet)[0]} == {0.2}
    hand.finger(LINE)
    assert len(ends(tablet)) == 2


def test_a_cancelled_finger_keeps_its_stroke(tablet: Page) -> None:
    hand = Hand(tablet)
    hand.touch("Start", 1, 0.2, 0.2)
    hand.touch("Move", 1, 0.2, 0.6)
    hand.touch("Cancel", 1)
    assert ends(tablet) == [(0.2, 0.2, 0.2, 0.6)]


@pytest.mark.parametrize(
    "interruption",
    [
        "document.activeElement.blur(); dispatchEvent(new Event('blur'))",
        "document.querySelector('canvas.ink').releasePointerCapture(pointer)",
        "document.querySelector('.connection').classList.add('shown')",
        "document.querySelector('h1').style.fontSize = '4rem'",
    ],
)
def test_nothing_interrupts_a_stroke_of_the_mouse(visitor: Visitor, interruption: str) -> None:
    page = visitor.open()
    page.evaluate(_WATCH)
    page.evaluate(
        """() => document.querySelector("canvas.ink").addEventListener(
          "pointerdown", (event) => (window.pointer = event.pointerId))"""
    )
    hand = Hand(page)
    hand.press((0.3, 0.2), (0.3, 0.5))
    page.evaluate(interruption)
    page.mouse.move(**hand.at(0.3, 0.8))
    page.mouse.up()
    found = ends(page)
    assert found[0][:2] == (0.3, 0.2)
    # A stroke that lost its pointer ends, and is kept. All others go on.
    lost = "releasePointerCapture" in interruption
    assert found == [(0.3, 0.2, 0.3, 0.5 if lost else 0.8)]
    draw(page, [[(0.6, 0.2), (0.6, 0.8)]])
    assert ends(page)[1:] == [(0.6, 0.2, 0.6, 0.8)]


def test_a_stroke_leaves_the_window_and_comes_back(visitor: Visitor) -> None:
    page = visitor.open()
    page.evaluate(_WATCH)
    hand = Hand(page)
    hand.press((0.3, 0.2))
    page.mouse.move(-50, 300)
    page.mouse.move(**hand.at(0.3, 0.7))
    page.mouse.up()
    (only,) = strokes(page)
    assert min(x for x, *_ in only) == 0
    assert ends(page) == [(0.3, 0.2, 0.3, 0.7)]


def test_a_button_that_was_released_elsewhere_ends_the_stroke(visitor: Visitor) -> None:
    page = visitor.open()
    page.evaluate(_WATCH)
    hand = Hand(page)
    hand.press((0.3, 0.2), (0.3, 0.5))
    move = {"type": "mouseMoved", "button": "none", "buttons": 0}
    hand.events.send("Input.dispatchMouseEvent", {**move, **hand.at(0.9, 0.9)})
    assert ends(page) == [(0.3, 0.2, 0.3, 0.5)]
    page.mouse.up()
    draw(page, [[(0.6, 0.2), (0.6, 0.8)]])
    assert len(ends(page)) == 2


def test_a_turned_phone_keeps_the_stroke_in_the_middle(phone: Visitor) -> None:
    page = phone.open()
    page.evaluate(_WATCH)
    hand = Hand(page)
    hand.touch("Start", 1, 0.2, 0.2)
    hand.touch("Move", 1, 0.2, 0.6)
    page.set_viewport_size({"width": 740, "height": 360})
    page.wait_for_timeout(300)
    hand.touch("Move", 1, 0.9, 0.1)
    hand.touch("End", 1)
    assert ends(page) == [(0.2, 0.2, 0.2, 0.6)]
    hand.measure()
    hand.finger(LINE)
    assert ends(page) == [(0.2, 0.2, 0.2, 0.6), (0.3, 0.3, 0.3, 0.7)]


def test_another_view_keeps_the_stroke_in_the_middle(visitor: Visitor) -> None:
    page = visitor.open()
    page.evaluate(_WATCH)
    hand = Hand(page)
    hand.press((0.3, 0.2), (0.3, 0.5))
    page.evaluate("ranjana('modules/router.js').then(({ render }) => render())")
    page.wait_for_timeout(300)
    page.mouse.move(**hand.at(0.3, 0.8))
    page.mouse.up()
    assert ends(page) == [(0.3, 0.2, 0.3, 0.5)]


def test_a_pointer_keeps_the_stroke_of_the_keyboard(visitor: Visitor) -> None:
    page = visitor.open()
    page.evaluate(_WATCH)
    page.locator("canvas.ink").focus()
    page.keyboard.press("Space")
    for _ in range(5):
        page.keyboard.press("ArrowDown")
    draw(page, [[(0.6, 0.2), (0.6, 0.8)]])
    assert len(ends(page)) == 2


def test_undo_and_redo_by_buttons_and_keys(visitor: Visitor) -> None:
    page = visitor.open()
    page.evaluate(_WATCH)
    undo, redo, clear = (
        page.get_by_role("button", name=each) for each in ("Undo", "Redo", "Clear")
    )
    expect(redo).to_be_disabled()
    draw(page, [[(0.2, 0.2), (0.2, 0.8)], [(0.4, 0.2), (0.4, 0.8)], [(0.6, 0.2), (0.6, 0.8)]])
    undo.click()
    undo.click()
    redo.click()
    assert [first for first, *_ in ends(page)] == [0.2, 0.4]
    clear.click()
    undo.click()
    assert [first for first, *_ in ends(page)] == [0.2, 0.4]
    redo.click()  # clears again
    expect(clear).to_be_disabled()
    page.locator("canvas.ink").focus()
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert [first for first, *_ in ends(page)] == [0.2]
    page.keyboard.press("Control+Shift+Z")
    assert [first for first, *_ in ends(page)] == [0.2, 0.4]
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+y")
    assert [first for first, *_ in ends(page)] == [0.2, 0.4]
    draw(page, [[(0.8, 0.2), (0.8, 0.8)]])
    expect(redo).to_be_disabled()


def ink_of(page: Page) -> int:
    """The inked pixels of the pad, per thousand."""
    count = """async () => {
      await new Promise(requestAnimationFrame); // which paints
      const canvas = document.querySelector("canvas.ink");
      const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
      let inked = 0;
      for (let at = 3; at < data.length; at += 4) inked += data[at] > 127;
      return Math.round((1000 * inked) / (data.length / 4));
    }"""
    return int(page.evaluate(count))


def test_the_chosen_pen_draws_here_and_in_the_service(visitor: Visitor) -> None:
    page = visitor.open()
    page.evaluate(_WATCH)
    draw(page, [[(0.5, 0.1), (0.5, 0.9)]])
    usual = ink_of(page)
    page.get_by_role("button", name="Pen").click()

    def choose(name: str, value: float) -> None:
        page.get_by_role("slider", name=name).fill(str(value))

    choose("Width", 0.24)
    broad = ink_of(page)
    assert 1.8 < broad / usual < 2.1
    choose("Angle", 90)
    assert ink_of(page) < usual / 2
    choose("Angle", 0)
    strokes(page)
    sent = page.evaluate("sent.at(-1)")
    assert {**sent, "strokes": None} == {
        "strokes": None, "pen": "nib", "pen_width": 0.24, "pen_angle": 0,
    }  # fmt: skip
    path = "/api/predict/?characters=all"
    answer = visitor.api(page, "POST", path, json=sent)
    drawn = page.evaluate(
        """async (source) => {
          const image = new Image();
          image.src = source;
          await image.decode();
          const canvas = new OffscreenCanvas(image.width, image.height);
          const context = canvas.getContext("2d");
          context.drawImage(image, 0, 0);
          const { data } = context.getImageData(0, 0, image.width, image.height);
          let inked = 0;
          for (let at = 0; at < data.length; at += 4) inked += data[at] < 128;
          return Math.round((1000 * inked) / (data.length / 4));
        }""",
        answer["picture"],
    )
    assert abs(drawn - ink_of(page)) <= 12
    page.reload()
    page.evaluate(_WATCH)
    draw(page, [[(0.5, 0.1), (0.5, 0.9)]])
    strokes(page)
    assert page.evaluate("[sent.at(-1).pen_width, sent.at(-1).pen_angle]") == [0.24, 0]
    page.get_by_role("button", name="Pen").click()
    page.get_by_label("Round").check()
    expect(page.get_by_role("slider", name="Angle")).to_have_count(0)
    strokes(page)
    assert page.evaluate("Object.keys(sent.at(-1))") == ["strokes", "pen"]


def test_guide_lines_stand_where_the_letters_stand(visitor: Visitor) -> None:
    page = visitor.open()

    def line(name: str) -> float:
        style = "(pad, name) => getComputedStyle(pad).getPropertyValue(name)"
        return float(page.locator(".pad").evaluate(style, name).rstrip("%")) / 100

    rows = [np.flatnonzero((reference(each.index) < 128).any(axis=1)) for each in CHARACTERS]
    assert np.median([row[0] for row in rows]) / 256 == pytest.approx(
        line("--head-line"), abs=0.005
    )
    base = np.median([row[-1] + 1 for row in rows]) / 256
    assert base == pytest.approx(line("--base-line"), abs=0.005)

    def rows_drawn() -> list[float]:
        """Where the pad, which is empty, has a line, in shares of its side."""
        shown = Image.open(io.BytesIO(page.locator(".pad").screenshot())).convert("L")
        dark = (np.asarray(shown)[8:-8, 8:-8] < 235).mean(axis=1) > 0.3
        return sorted({round((row + 8.5) / shown.height, 2) for row in np.flatnonzero(dark)})

    assert np.allclose([0.08, 0.5, 0.92], _thinned(rows_drawn()), atol=0.012)
    page.get_by_role("button", name="Pen").click()
    page.get_by_label("Guide lines").uncheck()
    assert rows_drawn() == []
    page.reload()
    expect(page.locator("canvas.ink")).to_be_visible()
    assert rows_drawn() == []


def _thinned(values: list[float]) -> list[float]:
    """Without values that are next to the one before."""
    return [
        value for index, value in enumerate(values) if not index or value - values[index - 1] > 0.1
    ]

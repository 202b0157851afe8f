"""Lessons: strokes judged when the pen lifts, help that fades, the first letter, sessions."""

from __future__ import annotations

import itertools
import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor, check_view, draw, glyph_strokes
from tests.browser.test_practise import score, under_the_ink
from tests.support.stroke_cases import matching_of, stored_cases
from tests.support.strokes import references

_MATCH = """async (cases) => {
  const { linesOf, matchStrokes } = await import("/web/modules/stroke-matching.js");
  const { loadCharacters } = await import("/web/modules/characters.js");
  const characters = await loadCharacters();
  return cases.map(({ class: index, strokes }) => {
    const form = linesOf(characters[index].strokes.map(({ points }) => points));
    const { matched, joined } = matchStrokes(linesOf(strokes), form);
    return { matched: matched.map((each) => [each.drawn, each.stroke, each.reversed]), joined };
  });
}"""

_JUDGE = """async (drawn) => {
  const { strokeJudge } = await import("/web/modules/pen-up.js");
  const { loadCharacters } = await import("/web/modules/characters.js");
  const judges = (await loadCharacters()).map(({ strokes }) => strokeJudge(strokes));
  return drawn.map(([index, points, next]) => judges[index](points, next).verdict);
}"""


def test_the_page_matches_strokes_as_the_service_does(visitor: Visitor) -> None:
    cases = stored_cases()
    assert {case["class"] for case in cases} == set(range(62))
    expected = [{"matched": case["matched"], "joined": case["joined"]} for case in cases]
    assert [matching_of(case["class"], case["strokes"]) for case in cases] == expected
    assert visitor.open("/practise").evaluate(_MATCH, cases) == expected


def test_only_the_next_stroke_in_its_place_and_direction_is_right(visitor: Visitor) -> None:
    page = visitor.open("/practise")

    def verdicts(drawn: list[Any]) -> set[str]:
        found: list[str] = page.evaluate(_JUDGE, drawn)
        return set(found)

    letters = list(enumerate(references()))
    every = [(index, n, stroke) for index, own in letters for n, stroke in enumerate(own)]
    assert verdicts([[index, stroke, n] for index, n, stroke in every]) == {"right"}
    # A hand is not exact: 4 % of the pad beside it, a tenth smaller or larger.
    for dx, dy, scale in ((0.04, 0, 1), (0, -0.04, 1), (0, 0, 0.9), (0, 0, 1.1)):
        near = [
            [index, [((x - 0.5) * scale + 0.5 + dx, (y - 0.5) * scale + 0.5 + dy) for x, y in s], n]
            for index, n, s in every
        ]
        found: list[str] = page.evaluate(_JUDGE, near)
        assert found.count("right") > 0.95 * len(found)
    backwards = [[index, stroke[::-1], n] for index, n, stroke in every]
    assert verdicts(backwards) == {"backwards"}
    following = [(i, n, own) for i, own in letters for n in range(len(own) - 1)]
    left_out = [[index, own[n + 1], n] for index, n, own in following]
    assert verdicts(left_out) == {"order"}
    again = [[index, own[n], n + 1] for index, n, own in following]
    assert verdicts(again) == {"again"}
    in_one = [[index, own[n] + own[n + 1], n] for index, n, own in following]
    assert "right" not in verdicts(in_one)
    for dx, dy in ((0.15, 0), (-0.15, 0), (0, 0.15), (0, -0.15), (0.11, 0.11)):
        moved = [[i, [(x + dx, y + dy) for x, y in stroke], n] for i, n, stroke in every]
        assert "right" not in verdicts(moved)
    halves = [[index, _first_half(stroke), n] for index, n, stroke in every]
    assert verdicts(halves) == {"short"}
    scribble = [(0.5 + (n % 7) / 15, 0.5 + (n % 5) / 11) for n in range(300)]
    assert "right" not in verdicts([[index, scribble, n] for index, n, _ in every])
    assert verdicts([[0, [(0.5, 0.5)], 0]]) == {"wrong"}


def _first_half(stroke: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The points of a stroke up to half of its length."""
    pairs = list(itertools.pairwise(stroke))
    left = sum(_length(*pair) for pair in pairs) / 2
    half = [stroke[0]]
    for start, end in pairs:
        length = _length(start, end)
        share = min(1, left / length) if length else 1
        half.append(tuple(a + (b - a) * share for a, b in zip(start, end, strict=True)))  # type: ignore[arg-type]
        left -= length
        if left <= 0:
            break
    return half


def _length(start: tuple[float, float], end: tuple[float, float]) -> float:
    return float(((start[0] - end[0]) ** 2 + (start[1] - end[1]) ** 2) ** 0.5)


def test_a_first_time_visitor_traces_a_letter_and_is_praised(phone: Visitor) -> None:
    page = phone.open("/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Write your first Ranjana letter")
    told = page.locator(".guide-text")
    expect(told).to_have_text("Stroke 1 of 3: top bar")
    check_view(page, "start-phone")
    draw(page, glyph_strokes(2))
    expect(page.locator(".praise")).to_contain_text("You wrote ग (ga)")
    expect(score(page)).to_have_text(re.compile("^9[0-9]$|^100$"))
    head = page.locator(".result-head").bounding_box()
    pad = page.locator(".pad").bounding_box()
    assert head
    assert pad
    assert head["y"] + head["height"] - pad["y"] < 740
    check_view(page, "start-phone-praised")
    page.get_by_role("link", name="The next letter").tap()
    expect(page.get_by_role("heading", level=1)).to_have_text("न na")
    # The next visit begins with the path.
    page.goto(f"{phone.home}/#/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Practise")
    page.get_by_role("link", name="All letters")


@pytest.mark.parametrize("language", ["en", "ne"])
@pytest.mark.thorough("ne")
def test_a_wrong_stroke_stays_faint_and_is_shown_after_two_misses(
    visitor: Visitor, language: str
) -> None:
    visitor.hide_guide_lines()
    page = visitor.open("/practise/2")
    page.get_by_label("By heart").check()
    if language == "ne":
        page.get_by_label("Language").select_option("ne")
        expect(page.get_by_label("कण्ठ")).to_be_checked()
    told = page.locator(".guide-text")
    bar, bowl, stem = glyph_strokes(2)
    assert not under_the_ink(page)
    words = {
        "en": [
            "The left bowl comes first.",
            "the other way round",
            "goes on",
            "already",
            "Not quite",
        ],
        "ne": ["पहिले", "उल्टो", "अन्त्यसम्म", "लेखिसक्नुभयो", "पूरै मिलेन"],
    }[language]
    draw(page, [bar])
    expect(told).to_have_attribute("data-mood", "good")
    for stroke, said in (
        (stem, words[0]),
        (bowl[::-1], words[1]),
        (bowl[: len(bowl) // 2], words[2]),
        (bar, words[3]),
        ([(0.8, 0.1), (0.9, 0.9), (0.1, 0.9)], words[4]),
    ):
        draw(page, [stroke])
        expect(told).to_contain_text(said)
        expect(told).to_have_attribute("data-mood", "bad")
        assert under_the_ink(page), "the missed stroke stays"
    check_view(page, f"lesson-missed-{language}")
    # The ghost of the right stroke is shown, so the attempt is helped.
    with page.expect_request("**/api/similarity/*") as sent:
        draw(page, [bowl, stem])
    assert "help=hinted" in sent.value.url
    assert len(sent.value.post_data_json["strokes"]) == 3
    expect(score(page)).to_be_visible()


def test_help_fades_and_returns(visitor: Visitor) -> None:
    visitor.hide_guide_lines()
    page = visitor.open("/practise/12")
    strokes = glyph_strokes(12)

    def write(drawn: list[list[tuple[float, float]]]) -> str:
        with page.expect_response("**/api/similarity/*") as answered:
            draw(page, drawn)
        expect(page.locator(".outcome")).to_have_attribute("aria-busy", "false")
        return re.findall("help=([a-z]+)", answered.value.url)[0]

    def begin_again() -> None:
        page.get_by_role("button", name="Once more").click()

    expect(page.get_by_label("Trace")).to_be_checked()
    for help_sent, following in (("traced", "Dots"), ("hinted", "By heart"), ("none", "By heart")):
        assert write(strokes) == help_sent
        expect(page.get_by_label(following)).to_be_checked()
        begin_again()
    assert not under_the_ink(page)
    page.get_by_role("button", name="Watch").click()
    assert write(strokes) == "hinted"
    page.reload()
    expect(page.get_by_label("By heart")).to_be_checked()
    # Without judging strokes, any letter can be written; a poor mark brings help back.
    page.get_by_label("Judge each stroke").uncheck()
    draw(page, [[(0.2, 0.2), (0.8, 0.8)]])
    page.get_by_role("button", name="Compare", exact=True).click()
    expect(page.get_by_label("Dots")).to_be_checked()


def test_a_session_goes_from_letter_to_letter(visitor: Visitor) -> None:
    page = visitor.open("/practise")
    expect(page.locator(".alphabet h2").first).to_have_text("A bowl and a stem")
    page.get_by_role("button", name="Practise five minutes").click()
    for number, index in ((1, 2), (2, 19)):
        expect(page.locator(".session-bar")).to_contain_text(f"Letter {number} of 20")
        draw(page, glyph_strokes(index))
        expect(score(page)).to_be_visible()
        check_view(page, "session")
        page.locator(".result-head a").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("र ra")
    page.get_by_role("link", name="End the session").click()
    expect(page.get_by_text("You wrote 2 letters.")).to_be_visible()
    check_view(page, "session-end")


def test_letters_that_the_model_confuses_are_drilled_in_turn(visitor: Visitor) -> None:
    page = visitor.open("/practise")
    pairs = visitor.api(page, "GET", "/api/models/ranjana/confused-pairs/")["pairs"]
    buttons = page.locator(".pair")
    expect(buttons).to_have_count(len(pairs))
    check_view(page, "path")
    buttons.first.click()
    for index in (pairs[0]["classes"] * 2)[:3]:
        expect(page.locator(".session-bar")).to_contain_text("of 8")
        assert _shown_class(page) == index
        draw(page, glyph_strokes(index))
        page.locator(".result-head a").click()
        page.wait_for_function("(before) => location.hash !== before", arg=f"#/practise/{index}")


def _shown_class(page: Page) -> int:
    return int(page.evaluate("location.hash.split('/').at(-1)"))

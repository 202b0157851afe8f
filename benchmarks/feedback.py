"""The feedback on drawings made along the strokes of all references, over HTTP."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import cv2
import httpx2
import numpy as np
import numpy.typing as npt

from handlers.characters import CHARACTERS
from handlers.lines import length_along
from tests.support.flaws import Picture, add, erase, shift
from tests.support.pictures import encode, reference
from tests.support.running import local_client

Strokes = list[npt.NDArray[np.float64]]
"""The points of each stroke in shares of the pad, (n, 2)."""
Answer = dict[str, Any]

_SIDE = 512
_ROUND, _NIB = 18, 46
"""Widths of the benchmark's own pens on a pad of `_SIDE` pixels."""
_WIDTHS = (6, 12, 30, 42)
_NIB_ANGLE = np.deg2rad(42)
_WRONG = (7, 19)
"""Each letter is also written where those this many classes on are asked for."""


class _Learner:
    """Sends drawings, as strokes and as pictures that are drawings."""

    def __init__(self, port: int) -> None:
        self._client: httpx2.Client = local_client(port)

    def letters(self) -> list[Strokes]:
        """The strokes of all references."""
        answer = self._client.get("/api/characters/?characters=all").json()
        return [
            [np.array(stroke["points"]) for stroke in character["strokes"]]
            for character in answer["characters"]
        ]

    def strokes(self, strokes: Strokes, target: int, **options: str) -> Answer:
        """The answer to strokes."""
        sent = json.dumps([stroke.round(4).tolist() for stroke in strokes])
        return self._send({"strokes": sent, "target_class": str(target), **options}, None)

    def drawing(self, picture: Picture, target: int, **options: str) -> Answer:
        """The answer to a picture of which all ink is meant."""
        return self._send({"target_class": str(target), "source": "drawing", **options}, picture)

    def photograph(self, picture: Picture, target: int) -> Answer:
        """The answer to a picture in which the character is to be found."""
        return self._send({"target_class": str(target)}, picture)

    def _send(self, fields: dict[str, str], picture: Picture | None) -> Answer:
        files = {name: (None, value) for name, value in fields.items()}
        if picture is not None:
            files["image"] = ("drawing.png", encode(picture))  # type: ignore[assignment]
        answer = self._client.post("/api/similarity/", files=files)
        answer.raise_for_status()
        found: Answer = answer.json()
        return found


class _Tally:
    """How often what was asked held."""

    def __init__(self) -> None:
        self.held: dict[str, list[bool]] = defaultdict(list)
        self.missed: dict[str, list[str]] = defaultdict(list)

    def add(self, row: str, held: bool, what: str) -> None:
        self.held[row].append(held)
        if not held:
            self.missed[row].append(what)

    def table(self) -> str:
        lines = ["### Feedback", "", "| | held | of |", "|---|---|---|"]
        lines += [f"| {row} | {sum(held)} | {len(held)} |" for row, held in self.held.items()]
        lines += ["", *(f"{row}: {', '.join(each[:12])}" for row, each in self.missed.items()), ""]
        return "\n".join(lines)


def feedback_table(port: int) -> str:
    """Draws letters in many ways; one row for each thing that must hold."""
    learner, tally = _Learner(port), _Tally()
    letters = learner.letters()
    rng = np.random.default_rng(0)
    for target, letter in enumerate(letters):
        name = CHARACTERS[target].text
        for kind, answer in _copies(learner, letter, target):
            tally.add("exact copies have no fault", not answer["faults"], f"{name} {kind}")
            tally.add("exact copies get 90 and more", answer["score"] >= 90, f"{name} {kind}")
        _pens(learner, tally, letter, target)
        _unfinished(learner, tally, letter, target)
        _omissions(learner, tally, letter, target)
        _order(learner, tally, letter, target)
        _nothing(learner, tally, target, rng)
        for further in _WRONG:
            other = letters[(target + further) % len(letters)]
            for answer in (
                learner.strokes(other, target),
                learner.drawing(_drawn(other, "round"), target),
            ):
                held = not answer["is_same_character"] and answer["score"] < 90
                tally.add("another character is not accepted", held, f"{name} +{further}")
        _flaws(learner, tally, target, rng)
    return tally.table()


def _copies(learner: _Learner, letter: Strokes, target: int) -> Iterator[tuple[str, Answer]]:
    for pen in ("nib", "round"):
        yield f"strokes {pen}", learner.strokes(letter, target, pen=pen)
        yield f"drawing {pen}", learner.drawing(_drawn(letter, pen), target)


def _pens(learner: _Learner, tally: _Tally, letter: Strokes, target: int) -> None:
    for width in _WIDTHS:
        picture = _drawn(letter, "round", width)
        for answer in (learner.drawing(picture, target), learner.photograph(picture, target)):
            told = [fault["fault"] for fault in answer["faults"]]
            what = f"{CHARACTERS[target].text} {width} {told}"
            tally.add("thin and thick pens alone are no fault", not told, what)


def _unfinished(learner: _Learner, tally: _Tally, letter: Strokes, target: int) -> None:
    for drawn in range(1, len(letter)):
        for answer in (
            learner.strokes(letter[:drawn], target),
            learner.drawing(_drawn(letter[:drawn], "round"), target),
        ):
            held = all(stroke >= drawn for stroke in _missing(answer))
            what = f"{CHARACTERS[target].text} {drawn}"
            tally.add("unfinished letters: no drawn stroke is called missing", held, what)


def _omissions(learner: _Learner, tally: _Tally, letter: Strokes, target: int) -> None:
    for omitted in range(len(letter) if len(letter) > 1 else 0):
        rest = [stroke for index, stroke in enumerate(letter) if index != omitted]
        for kind, answer in (
            ("strokes", learner.strokes(rest, target)),
            ("drawing", learner.drawing(_drawn(rest, "round"), target)),
            ("nib", learner.drawing(_drawn(rest, "nib"), target)),
        ):
            what = f"{CHARACTERS[target].text} {omitted} {kind}"
            tally.add("an omitted stroke is named", _missing(answer) == {omitted}, what)
            tally.add("omissions get at most 75", answer["score"] <= 75, what)


def _order(learner: _Learner, tally: _Tally, letter: Strokes, target: int) -> None:
    name = CHARACTERS[target].text
    backwards = learner.strokes([stroke[::-1] for stroke in letter], target)
    told = {fault["stroke"] for fault in backwards["faults"] if fault["fault"] == "reversed"}
    long = {index for index, stroke in enumerate(letter) if length_along(stroke) > 0.15}
    tally.add("strokes written backwards are told", told >= long, name)
    if len(letter) > 1:
        turned = learner.strokes(letter[::-1], target)
        held = any(fault["fault"] == "order" for fault in turned["faults"])
        tally.add("another order is told", held and not turned["strokes"]["in_order"], name)


def _nothing(learner: _Learner, tally: _Tally, target: int, rng: np.random.Generator) -> None:
    centre = rng.uniform(0.2, 0.8, 2)
    dot = [centre + np.array([[0, 0], [0.01, 0]])]
    scribble = [rng.uniform(0.1, 0.9, (30, 2))]
    for kind, strokes in (("dot", dot), ("scribble", scribble)):
        for answer in (
            learner.strokes(strokes, target),
            learner.drawing(_drawn(strokes, "round"), target),
        ):
            what = f"{CHARACTERS[target].text} {kind} {answer['score']}"
            tally.add("a dot and a scribble get at most 10", answer["score"] <= 10, what)


def _flaws(learner: _Learner, tally: _Tally, target: int, rng: np.random.Generator) -> None:
    name = CHARACTERS[target].text
    for plant in (erase, add, shift):
        flawed, place = plant(reference(target), rng)
        for answer in (learner.drawing(flawed, target), learner.photograph(flawed, target)):
            worst = sorted(answer["regions"], key=lambda region: float(region["score"]))[:2]
            held = place in [(region["row"], region["column"]) for region in worst]
            tally.add(
                "a planted flaw is among the two worst regions", held, f"{name} {plant.__name__}"
            )


def _drawn(strokes: Sequence[npt.NDArray[np.float64]], pen: str, width: int = _ROUND) -> Picture:
    """Draws strokes with a pen of the benchmark's own, black on white."""
    pad = np.full((_SIDE, _SIDE), 255, np.uint8)
    half = _NIB / 2 * np.array([np.cos(_NIB_ANGLE), np.sin(_NIB_ANGLE)])
    for stroke in strokes:
        points = stroke[:, :2] * _SIDE
        if pen == "round":
            cv2.polylines(pad, [np.rint(points).astype(np.int32)], False, 0, width, cv2.LINE_AA)
            continue
        for start, end in pairwise(points):
            corners = np.rint([start - half, start + half, end + half, end - half])
            cv2.fillConvexPoly(pad, corners.astype(np.int32), 0)
            cv2.polylines(pad, [corners.astype(np.int32)], True, 0, 8)
    return pad


def _missing(answer: Answer) -> set[int]:
    return {fault["stroke"] for fault in answer["faults"] if fault["fault"] == "missing"}

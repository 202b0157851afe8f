"""Strokes in forms and in JSON: which are read, and how the others are refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from auth_api.errors import BadRequest
from auth_api.http.strokes import compact_strokes
from tests.support.pictures import encode, reference
from tests.support.running import Ranjana
from tests.support.strokes import longest, strokes_of

Send = Callable[[Ranjana, bytes], httpx2.Response]

POINT = "a point must be [x, y] or [x, y, pressure], x and y -1 to 2, pressure 0 to 1"
STROKE = "a stroke must be an array of 1 to 2000 points"
COUNT = "there must be 1 to 64 strokes"


def in_form(ranjana: Ranjana, strokes: bytes, **fields: str) -> httpx2.Response:
    data = {"strokes": strokes.decode(), "characters": "all", **fields}
    files = {"unused": ("", b"")}  # makes it a multipart form
    return ranjana.client.post("/api/predict/", data=data, files=files)


def as_file(ranjana: Ranjana, strokes: bytes) -> httpx2.Response:
    """As `FormData` sends a blob."""
    files = {"strokes": ("blob", strokes, "application/json")}
    return ranjana.client.post("/api/predict/", data={"characters": "all"}, files=files)


def in_json(ranjana: Ranjana, strokes: bytes) -> httpx2.Response:
    body = b'{"strokes": %b, "characters": "all"}' % strokes
    return ranjana.client.post(
        "/api/predict/", content=body, headers={"Content-Type": "application/json"}
    )


WAYS = [in_form, as_file, in_json]


def compact(given: object) -> Any:
    return json.loads(asyncio.run(compact_strokes(given)))


@pytest.mark.parametrize("send", WAYS)
def test_strokes_are_read_in_every_form(ranjana: Ranjana, send: Send) -> None:
    for index in (4, 40, 55):
        answer = send(ranjana, json.dumps(strokes_of(index)).encode()).json()
        assert answer["predicted_class"] == index
        assert answer["picture"].startswith("data:image/jpeg;base64,")
        indented = json.dumps(strokes_of(index), indent=1).encode()
        assert send(ranjana, indented).json() == answer


@pytest.mark.parametrize("send", WAYS)
def test_as_many_points_as_there_may_be_are_read(ranjana: Ranjana, send: Send) -> None:
    strokes = json.dumps(longest()).encode()
    assert len(strokes) > 6_000_000
    response = send(ranjana, strokes)
    assert response.status_code == 200, response.text


@pytest.mark.parametrize("send", WAYS)
@pytest.mark.parametrize(
    ("strokes", "field", "reason"),
    [
        ("[]", "strokes", COUNT),
        (json.dumps([[[0, 0]]] * 65), "strokes", COUNT),
        ("[[[0, 0]], []]", "strokes.1", STROKE),
        (json.dumps([[[0, 0]] * 2001]), "strokes.0", STROKE),
        (json.dumps([[[0, 0]] * 9001]), "strokes.0", STROKE),
        ("[[[0, 0]], 3]", "strokes.1", STROKE),
        ("[[0, 0]]", "strokes.0.0", POINT),
        ("[[[0, 0], []]]", "strokes.0.1", POINT),
        ("[[[0, 0], [0]]]", "strokes.0.1", POINT),
        ("[[[0, 0], [0, 0, 0, 0]]]", "strokes.0.1", POINT),
        ("[[[0, 0]], [[0, 0], [0, 0], [0, true]]]", "strokes.1.2", POINT),
        ('[[[0, "1"]]]', "strokes.0.0", POINT),
        ("[[[0, null]]]", "strokes.0.0", POINT),
        ("[[[2.01, 0]]]", "strokes.0.0", POINT),
        ("[[[0, -1.01]]]", "strokes.0.0", POINT),
        ("[[[0, 0, 1.01]]]", "strokes.0.0", POINT),
        ("[[[0, 0, -0.01]]]", "strokes.0.0", POINT),
        (json.dumps([[[0, 0]]] + [[[0, 0]] * 1999 + [[0, 9]]] * 3), "strokes.1.1999", POINT),
    ],
)
def test_other_strokes_are_refused_with_the_point(
    ranjana: Ranjana, send: Send, strokes: str, field: str, reason: str
) -> None:
    response = send(ranjana, strokes.encode())
    assert response.status_code == 400, response.text
    assert response.json() == {
        "success": False,
        "error": f"{field}: {reason}.",
        "code": "validation_failed",
        "details": {"fields": {field: reason}},
    }


@pytest.mark.parametrize(
    "strokes",
    [
        *("x", "{}", '"[[[0, 0]]]"', "5", "true", "[[[0, 0]", "[[[0, 0]],]", "[[[0, 0]]]]"),
        *("[[[0, NaN]]]", "[[[0, 1e999]]]", "[[[0, 0],]]", '[[[0, 0], "]],["]]', "\u0967"),
        *("[" * 100_000, "[" * 900 + "]" * 900, "]" * 100_000, "[" + " " * 100_000),
    ],
)
def test_what_is_no_array_of_strokes_is_refused(ranjana: Ranjana, strokes: str) -> None:
    for send in WAYS:
        response = send(ranjana, strokes.encode())
        assert response.status_code == 400, response.text
        code = response.json()["code"]
        assert code in {"validation_failed", "malformed_json", "too_many_values"}, response.text


@pytest.mark.parametrize("nothing", ["", "null", "undefined"])
def test_empty_strokes_count_as_absent(ranjana: Ranjana, nothing: str) -> None:
    response = in_form(ranjana, nothing.encode())
    assert (response.status_code, response.json()["code"]) == (400, "image_missing")
    image = {"image": encode(reference(5))}
    fields = {"strokes": nothing}
    answer = ranjana.client.post("/api/predict/", data=fields, files=image).json()
    assert (answer["predicted_class"], "picture" in answer) == (5, False)
    response = ranjana.client.post("/api/predict/", json={"strokes": None})
    assert response.json()["error"] == "image: Field required."


def test_with_an_image_the_strokes_are_judged(ranjana: Ranjana) -> None:
    for image in (encode(reference(9)), b""):  # browsers send a file input without a file as empty
        strokes = json.dumps(strokes_of(4))
        answer = ranjana.client.post(
            "/api/predict/", data={"strokes": strokes}, files={"image": ("a.png", image)}
        )
        assert answer.json()["predicted_class"] == 4, answer.text
    response = ranjana.client.post(
        "/api/predict/", data={"strokes": strokes}, files={"image": ("a.png", b"\x00" * 99)}
    )
    assert (response.status_code, response.json()["code"]) == (415, "unreadable_image")


def test_the_pen_and_the_source_are_options_like_others(ranjana: Ranjana) -> None:
    strokes = json.dumps(strokes_of(4)).encode()
    pens = [in_form(ranjana, strokes, pen=pen).json() for pen in ("round", "nib")]
    assert pens[0] == in_form(ranjana, strokes).json()
    assert pens[0]["picture"] != pens[1]["picture"]
    wide = in_form(ranjana, strokes, pen="nib", pen_width="0.2", pen_angle="60").json()
    assert wide["picture"] not in {each["picture"] for each in pens}
    in_json = {"strokes": strokes_of(4), "pen": "nib", "pen_width": 0.2}
    response = ranjana.client.post("/api/predict/?pen_angle=60", json=in_json)
    assert response.json()["picture"] == wide["picture"]
    for field, value, limit in (
        ("pen_width", "0", "greater than or equal to 0.01"),
        ("pen_width", "0.4", "less than or equal to 0.3"),
        ("pen_angle", "-1", "greater than or equal to 0"),
        ("pen_angle", "181", "less than or equal to 180"),
    ):
        response = in_form(ranjana, strokes, **{field: value})
        assert (response.status_code, response.json()["code"]) == (400, "validation_failed")
        assert response.json()["error"] == f"{field}: Input should be {limit}."
    response = in_form(ranjana, strokes, pen="brush")
    assert response.json()["error"] == "pen: Input should be 'nib' or 'round'."
    response = in_form(ranjana, strokes, source="scan")
    assert response.json()["error"] == "source: Input should be 'photograph' or 'drawing'."
    response = ranjana.client.post(
        "/api/predict/?pen=nib", json={"strokes": strokes_of(4), "pen": "round"}
    )
    assert response.json()["error"] == "pen: the query says 'nib', and the body 'round'."
    response = in_form(ranjana, strokes, strocks="1", stroke_s="[]")
    assert response.status_code == 200
    response = ranjana.client.post(
        "/api/predict/", data={"stroke_s": "[]"}, files={"image": encode(reference(4))}
    )
    expected = "stroke_s: there is no such field; is it meant to be 'strokes'."
    assert response.json()["error"] == expected


def test_of_a_drawing_all_ink_is_meant(ranjana: Ranjana) -> None:
    """A speck that is left out of a photograph is a part of a drawing."""
    picture = reference(4).copy()
    picture[2:10, 2:10] = 0
    image = encode(picture)

    def shown(path: str, files: dict[str, bytes], **fields: str) -> str:
        answer = ranjana.client.post(path, files=files, data=fields).json()
        (result,) = answer.get("results", [answer])
        return str(result["processed_image"])

    drawn = shown("/api/predict/", {"image": image}, source="drawing")
    assert drawn != shown("/api/predict/", {"image": image})
    assert drawn == shown("/api/predict/?source=drawing", {"image": image})
    assert drawn == shown("/api/predict/batch/", {"images": image}, source="drawing")


def test_values_beside_the_strokes_count_as_ever(ranjana: Ranjana) -> None:
    strokes = json.dumps(longest()[:3])
    many = json.dumps([0] * 10_001)
    for body in (
        f'{{"strokes": {strokes}, "x": {many}}}',
        f'{{"x": {many}, "strokes": {strokes}}}',
        f'{{"strokes": {strokes}, "y": {{"strokes": {strokes}}}}}',
        f'{{"stroke": {strokes}}}',
    ):
        response = ranjana.client.post(
            "/api/predict/", content=body, headers={"Content-Type": "application/json"}
        )
        assert (response.status_code, response.json()["code"]) == (400, "too_many_values")
    # An inner field of the same name is none of the request's.
    response = ranjana.client.post("/api/predict/", json={"y": {"strokes": longest()[:3]}})
    assert response.json()["error"] == "image: Field required; unknown are 'y'."
    # Other routes do not take them.
    response = ranjana.client.post(
        "/api/predict/batch/", json={"images": [""], "strokes": longest()[:3]}
    )
    assert (response.status_code, response.json()["code"]) == (400, "too_many_values")


def test_coordinates_are_rounded_to_four_decimals() -> None:
    given = [[[0.123449, 1, 0.99996], [-0.00001, 2]], [[-1, 0.5]]]
    expected = [[[0.1234, 1, 1], [0, 2]], [[-1, 0.5]]]
    assert compact(given) == compact(json.dumps(given).encode()) == expected
    with pytest.raises(BadRequest):
        compact("[[[0, 0]]]")  # a text inside JSON

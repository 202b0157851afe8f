"""The characters to learn: reference pictures, strokes, and caching."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from auth_api.schemas.characters import CharacterList
from handlers.characters import CHARACTERS
from tests.authorisation.test_access import INJECTIONS
from tests.support.apis import StartApi
from tests.support.pictures import REFERENCES
from tests.support.running import Ranjana

LIST = "/api/characters/"


ALL = f"{LIST}?characters=all"
# As in the Unicode names: LETTER GA, LETTER U, DIGIT SEVEN.
KNOWN = {2: ("ग", "ga", "consonant"), 40: ("उ", "u", "vowel"), 59: ("७", "seven", "digit")}


@pytest.mark.database("sqlite")
def test_characters_are_cached_revalidated_and_not_rate_limited(
    start_api: StartApi,
) -> None:
    limits = {"RATE_LIMIT_ENABLED": "true", "RATE_LIMIT_OTHER": "3/hour"}
    client = start_api(limits).client
    listed = client.get(ALL)
    answer = CharacterList.model_validate(listed.json())
    assert listed.json()["success"] is True
    assert [(c.class_, c.character, c.name, c.group) for c in answer.characters] == [
        (c.index, c.text, c.name, c.group) for c in CHARACTERS
    ]
    assert [c.group for c in answer.characters] == ["consonant"] * 36 + ["vowel"] * 16 + [
        "digit"
    ] * 10
    for index, known in KNOWN.items():
        character = answer.characters[index]
        assert (character.character, character.name, character.group) == known
    strokes = json.loads((REFERENCES / "strokes.json").read_text())
    assert [c["strokes"] for c in listed.json()["characters"]] == strokes
    assert len(listed.content) < 100_000
    for address in (LIST, ALL, *(c.reference for c in answer.characters)):
        response = client.get(address)
        assert response.headers["Cache-Control"] == "public, max-age=3600"
        assert "X-RateLimit-Limit" not in response.headers
        etag = response.headers["ETag"]
        for known_tag in (etag, f"W/{etag}", f'"other", {etag}', "*"):
            again = client.get(address, headers={"If-None-Match": known_tag})
            assert (again.status_code, again.content) == (304, b"")
            assert again.headers["ETag"] == etag
            assert again.headers["Cache-Control"] == "public, max-age=3600"
        for unknown in ('"other"', "", etag.strip('"')):
            again = client.get(address, headers={"If-None-Match": unknown})
            assert (again.status_code, again.content) == (200, response.content)
    for character in answer.characters:
        picture = client.get(character.reference)
        assert picture.headers["Content-Type"] == "image/png"
        assert picture.content == (REFERENCES / f"class_{character.class_}.png").read_bytes()
    # The final slash is optional, as for every path.
    assert client.get(LIST.rstrip("/")).json() == client.get(LIST).json()


def test_only_the_consonants_are_listed_unless_all_are_asked_for(ranjana: Ranjana) -> None:
    client = ranjana.client
    everything = client.get(ALL)
    for query in ("", "?characters=consonants", "?characters=all&characters=consonants"):
        listed = client.get(f"{LIST}{query}")
        assert listed.status_code == 200
        assert listed.json()["characters"] == everything.json()["characters"][:36]
        # A list that a client has stored is never taken for the other one.
        again = client.get(ALL, headers={"If-None-Match": listed.headers["ETag"]})
        assert (again.status_code, again.content) == (200, everything.content)
    for value in ("", "vowels", "All", "62", *INJECTIONS):
        refused = client.get(LIST, params={"characters": value})
        assert refused.status_code == 400, value
        assert refused.headers["Cache-Control"] == "no-store"
        assert refused.json()["code"] == "validation_failed"
        assert "'consonants' or 'all'" in refused.json()["error"]


def test_there_is_no_reference_picture_for_other_names(ranjana: Ranjana) -> None:
    client = ranjana.client
    for name in ("0", "61"):
        assert client.get(f"{LIST}{name}/reference/").status_code == 200
    for name in ("62", "-1", "00", "ka", "class_0", "strokes.json", *INJECTIONS):
        if name == "0":
            continue
        response = client.get(f"{LIST}{quote(name, safe='')}/reference/")
        assert response.status_code == 404, name
        assert response.headers["Cache-Control"] == "no-store"
        assert response.json()["success"] is False

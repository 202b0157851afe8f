"""The characters to learn: their reference pictures and strokes.

The files, built by `archive_scripts`, are read once because they change only with the code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from auth_api.errors import NotFound
from auth_api.http.documents import Document
from auth_api.schemas.characters import CharacterList, CharacterShown
from handlers.characters import CHARACTER_SETS, CHARACTERS

_LIST = "/api/characters/"
_REFERENCE = "/api/characters/{}/reference/"


class Characters:
    """The contents of `reference_images/`."""

    def __init__(self, folder: Path) -> None:
        """Raises `OSError` or `ValueError` if a file is missing or damaged."""
        strokes = json.loads((folder / "strokes.json").read_text(encoding="utf-8"))
        characters = [
            CharacterShown(
                class_=each.index,
                character=each.text,
                name=each.name,
                group=each.group,
                reference=_REFERENCE.format(each.index),
                strokes=own_strokes,
            )
            for each, own_strokes in zip(CHARACTERS, strokes, strict=True)
        ]
        self.listed = {
            name: _described([characters[each.index] for each in members])
            for name, members in CHARACTER_SETS.items()
        }
        """Characters and their strokes, as JSON, by what a caller can ask for."""
        pictures = {str(each.index): folder / f"class_{each.index}.png" for each in CHARACTERS}
        self._references = {
            index: Document(path.read_bytes(), "image/png") for index, path in pictures.items()
        }

    def shown(self) -> Iterator[tuple[str, Document]]:
        """All that a learner's app shows, by address."""
        yield f"{_LIST}?characters=all", self.listed["all"]
        for index, document in self._references.items():
            yield _REFERENCE.format(index), document

    def reference(self, index: str) -> Document:
        """The reference picture of a class, by its index as text. Raises `NotFound`."""
        if index not in self._references:
            last = len(self._references) - 1
            raise NotFound(f"There is no such character: the classes are 0 to {last}.")
        return self._references[index]


def _described(characters: list[CharacterShown]) -> Document:
    content = CharacterList(characters=characters).model_dump_json(by_alias=True).encode()
    return Document(content, "application/json")

"""The characters to learn: their reference pictures and strokes.

The files, built by `archive_scripts`, are read once because they change only with the code.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from auth_api.errors import NotFound
from auth_api.schemas.characters import CharacterList, CharacterShown
from handlers.characters import CHARACTER_SETS, CHARACTERS


@dataclass(frozen=True)
class Document:
    """A response body that is the same for everyone until the service is updated."""

    content: bytes
    media_type: str

    @cached_property
    def etag(self) -> str:
        """Value of the ETag header (RFC 9110, section 8.8.3)."""
        return f'"{hashlib.sha256(self.content).hexdigest()[:32]}"'


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
                reference=f"/api/characters/{each.index}/reference/",
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

    def reference(self, index: str) -> Document:
        """The reference picture of a class, by its index as text. Raises `NotFound`."""
        if index not in self._references:
            last = len(self._references) - 1
            raise NotFound(f"There is no such character: the classes are 0 to {last}.")
        return self._references[index]


def _described(characters: list[CharacterShown]) -> Document:
    content = CharacterList(characters=characters).model_dump_json(by_alias=True).encode()
    return Document(content, "application/json")

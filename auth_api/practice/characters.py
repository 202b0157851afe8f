"""The characters to learn: their reference pictures and strokes.

The files, built by `archive_scripts`, are read once because they change only with the code.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

from auth_api.errors import NotFound
from auth_api.schemas.characters import CharacterList, CharacterShown
from handlers.characters import CHARACTERS


@dataclass(frozen=True)
class Document:
    """A response body that is the same for everyone until the service is updated."""

    content: bytes
    media_type: str
    etag: str = field(init=False)
    """Value of the ETag header (RFC 9110, section 8.8.3)."""

    def __post_init__(self) -> None:
        digest = hashlib.sha256(self.content).hexdigest()
        object.__setattr__(self, "etag", f'"{digest[:32]}"')


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
                reference=f"/api/characters/{each.index}/reference/",
                strokes=own_strokes,
            )
            for each, own_strokes in zip(CHARACTERS, strokes, strict=True)
        ]
        content = CharacterList(characters=characters).model_dump_json(by_alias=True).encode()
        self.described = Document(content, "application/json")
        """All characters and their strokes, as JSON."""
        self._references = {
            str(each.index): Document(
                (folder / f"class_{each.index}.png").read_bytes(), "image/png"
            )
            for each in CHARACTERS
        }

    def reference(self, index: str) -> Document:
        """The reference picture of a class, by its index as text. Raises `NotFound`."""
        try:
            return self._references[index]
        except KeyError as error:
            raise NotFound(
                f"There is no such character: the classes are 0 to {len(self._references) - 1}."
            ) from error

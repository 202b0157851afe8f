"""The characters that are learned: what each looks like, and how it is written.

The pictures and `strokes.json`, which `archive_scripts` makes, are read once; they change only with
the code.
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
    """What is the same for everybody until there is another version of the service."""

    content: bytes
    media_type: str
    etag: str = field(init=False)
    """Of the content, as the header has it (RFC 9110, section 8.8.3)."""

    def __post_init__(self) -> None:
        digest = hashlib.sha256(self.content).hexdigest()
        object.__setattr__(self, "etag", f'"{digest[:32]}"')


class Characters:
    """All that is in `reference_images/`."""

    def __init__(self, folder: Path) -> None:
        """Raises OSError or ValueError where a file is missing or damaged."""
        strokes = json.loads((folder / "strokes.json").read_text(encoding="utf-8"))
        shown = [
            CharacterShown(
                class_=each.index,
                character=each.text,
                name=each.name,
                reference=f"/api/characters/{each.index}/reference/",
                strokes=written,
            )
            for each, written in zip(CHARACTERS, strokes, strict=True)
        ]
        content = CharacterList(characters=shown).model_dump_json(by_alias=True).encode()
        self.described = Document(content, "application/json")
        """All characters and their strokes."""
        self._references = {
            str(each.index): Document(
                (folder / f"class_{each.index}.png").read_bytes(), "image/png"
            )
            for each in CHARACTERS
        }

    def reference(self, index: str) -> Document:
        """The reference picture of a class, by its index as it is written. Raises NotFound."""
        try:
            return self._references[index]
        except KeyError as error:
            raise NotFound(
                f"There is no such character: the classes are 0 to {len(self._references) - 1}."
            ) from error

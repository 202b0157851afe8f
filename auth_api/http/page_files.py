"""The files of the web page, read and compressed once.

The files link each other by relative addresses. `/` links them as `/web/<version>/...`, where the
version is a hash of all of them. So a browser keeps them for good, and never mixes two versions.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from mimetypes import guess_type
from pathlib import Path
from posixpath import dirname, normpath

from starlette.requests import Request
from starlette.responses import Response

from auth_api.errors import NotFound
from auth_api.http.documents import FOR_EVER, REVALIDATE, Document

_HOME = "index.html"
_MANIFEST = "manifest.webmanifest"
_WORKER = "service-worker.js"
# Beside what Python knows wherever it runs.
_MEDIA_TYPES = {
    ".js": "text/javascript",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
# Large, and needed by few: a browser keeps them from their first use on.
_LATER = "fonts/"
# The modules of the first view are preloaded: a browser would else find them one after the other.
_FIRST = ("modules/app.js", "views/start.js")
_PRELOADS = b"<!-- preloads -->"
_IMPORT = re.compile(rb'\bfrom "(\.[^"]+)"')
_VERSIONED = re.compile(r"[0-9a-f]{16}/(.+)")


class PageFiles:
    """The files of a folder."""

    def __init__(self, folder: Path, shown: Iterable[tuple[str, Document]]) -> None:
        """`shown` are further addresses that the page needs, with their documents. Their version
        is that of the page.
        """
        contents = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
        shown = list(shown)
        digest = hashlib.sha256()
        for name, content in [*contents.items(), *((path, each.content) for path, each in shown)]:
            digest.update(b"%b %d\0%b" % (name.encode(), len(content), content))
        self.version = digest.hexdigest()[:16]
        base = f"/web/{self.version}/"
        preloads = (f'<link rel="modulepreload" href="/web/{name}" />' for name in _first(contents))
        home = contents[_HOME].replace(_PRELOADS, "".join(preloads).encode())
        contents[_HOME] = home.replace(b'"/web/', f'"{base}'.encode())
        worker, manifest = contents.pop(_WORKER), contents.pop(_MANIFEST)
        own = [f"{base}{name}" for name in contents if not name.startswith(_LATER)]
        shell = {
            "version": self.version,
            "home": f"{base}{_HOME}",
            "files": [*own, *(self.versioned(path) for path, _ in shown)],
        }
        head = f"const SHELL = {json.dumps(shell, separators=(',', ':'))};\n"
        self._files = {name: _document(name, content) for name, content in contents.items()}
        self.home = self._files[_HOME]
        self.manifest = _document(_MANIFEST, manifest)
        self.worker = _document(_WORKER, head.encode() + worker)
        """The service worker, which knows all files."""

    def versioned(self, path: str) -> str:
        """The address of one of the `shown` documents that names its version."""
        return f"{path}{'&' if '?' in path else '?'}v={self.version}"

    def cache_control(self, version: str | None, otherwise: str) -> str:
        """How long a client may keep what it asked for as of `version`."""
        return FOR_EVER if version == self.version else otherwise

    def answer(self, request: Request, path: str) -> Response:
        """The answer for a file, whose path may begin with a version. Raises `NotFound`.

        An open page of another version gets the file of this one, and does not keep it.
        """
        version = None
        if path not in self._files and (match := _VERSIONED.fullmatch(path)):
            version, path = path[: match.start(1) - 1], match[1]
        if path not in self._files:
            raise NotFound("There is no such file.")
        return self._files[path].answer(request, self.cache_control(version, REVALIDATE))


def _first(contents: dict[str, bytes]) -> list[str]:
    """The modules of the first view: what it imports, and what that imports."""
    found = list(_FIRST)
    for name in found:
        for match in _IMPORT.finditer(contents[name]):
            imported = normpath(f"{dirname(name)}/{match[1].decode()}")
            if imported not in found:
                found.append(imported)
    return found


def _document(name: str, content: bytes) -> Document:
    suffix = Path(name).suffix
    return Document(content, _MEDIA_TYPES.get(suffix) or guess_type(name)[0] or "text/plain")

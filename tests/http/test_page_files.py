"""The files of the page: how long browsers keep them, and how they are compressed."""

from __future__ import annotations

import gzip
import json
import re

import httpx2
import pytest

from archive_scripts.archives.building import ROOT
from tests.support.running import Ranjana

WEB = ROOT / "auth_api" / "web"
FOR_EVER = "public, max-age=31536000, immutable"
FILES = sorted(path.relative_to(WEB).as_posix() for path in WEB.rglob("*") if path.is_file())
AT_ROOT = {"service-worker.js", "manifest.webmanifest"}
LATER = {name for name in FILES if name.startswith("fonts/")}  # loaded when they are first needed
OTHER = "0123456789abcdef"


def version_of(ranjana: Ranjana) -> str:
    (version,) = set(re.findall(r'"/web/([^/"]+)/', ranjana.client.get("/").text))
    assert re.fullmatch(r"[0-9a-f]{16}", version)
    return str(version)


def uncompressed(ranjana: Ranjana, path: str) -> httpx2.Response:
    return ranjana.client.get(path, headers={"Accept-Encoding": "identity"})


@pytest.mark.parametrize("name", [name for name in FILES if name not in AT_ROOT])
def test_a_file_of_this_version_is_kept_for_good(ranjana: Ranjana, name: str) -> None:
    version = version_of(ranjana)
    today = uncompressed(ranjana, f"/web/{version}/{name}")
    assert (today.status_code, today.headers["Cache-Control"]) == (200, FOR_EVER)
    if name != "index.html":
        assert today.content == (WEB / name).read_bytes()
    # A page of an older version, and one that names none, get today's file and do not keep it.
    for path in (f"/web/{OTHER}/{name}", f"/web/{name}"):
        response = uncompressed(ranjana, path)
        assert (response.status_code, response.content) == (200, today.content)
        assert response.headers["Cache-Control"] == "no-cache"
        known = {"If-None-Match": response.headers["ETag"]}
        assert ranjana.client.get(path, headers=known).status_code == 304
    assert "script-src 'self'" in today.headers["Content-Security-Policy"]


def test_texts_are_compressed_and_pictures_are_not(ranjana: Ranjana) -> None:
    client = ranjana.client
    for path in ("/", "/web/modules/app.js", "/web/styles/theme.css", "/web/icon.svg"):
        plain = uncompressed(ranjana, path)
        assert "Content-Encoding" not in plain.headers
        with client.stream("GET", path, headers={"Accept-Encoding": "br, gzip"}) as packed:
            assert packed.headers["Content-Encoding"] == "gzip"
            raw = b"".join(packed.iter_raw())
        assert gzip.decompress(raw) == plain.content
        assert len(raw) < len(plain.content)
        assert "Accept-Encoding" in plain.headers["Vary"]
        assert plain.headers["Vary"] == packed.headers["Vary"]
        assert plain.headers["ETag"] == packed.headers["ETag"]
    assert "Content-Encoding" not in client.get("/web/icons/512.png").headers
    types = {"modules/app.js": "text/javascript; charset=utf-8", "icons/512.png": "image/png"}
    types |= {"styles/theme.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}
    for name, media_type in types.items():
        assert client.get(f"/web/{name}").headers["Content-Type"] == media_type


@pytest.mark.parametrize("name", ["", *sorted(AT_ROOT)])
def test_what_names_the_version_is_asked_for_again(ranjana: Ranjana, name: str) -> None:
    response = ranjana.client.get(f"/{name}")
    assert response.headers["Cache-Control"] == "no-cache"
    assert "worker-src 'self'; " in response.headers["Content-Security-Policy"]
    known = {"If-None-Match": response.headers["ETag"]}
    assert ranjana.client.get(f"/{name}", headers=known).status_code == 304


def test_the_service_worker_knows_all_files_of_the_version(ranjana: Ranjana) -> None:
    client, version = ranjana.client, version_of(ranjana)
    head, _, script = client.get("/service-worker.js").text.partition("\n")
    assert script == (WEB / "service-worker.js").read_text()
    shell = json.loads(head.removeprefix("const SHELL = ").removesuffix(";"))
    assert shell["version"] == version
    assert shell["home"] in shell["files"]
    own = {f"/web/{version}/{name}" for name in FILES if name not in (*AT_ROOT, *LATER)}
    references = {f"/api/characters/{n}/reference/?v={version}" for n in range(62)}
    everything = {*own, *references, f"/api/characters/?characters=all&v={version}"}
    assert set(shell["files"]) == everything
    weight = 0
    for path in everything:
        with client.stream("GET", path, headers={"Accept-Encoding": "gzip"}) as response:
            assert (response.status_code, response.headers["Cache-Control"]) == (200, FOR_EVER)
            weight += sum(map(len, response.iter_raw()))
    assert weight < 600_000


def test_a_font_is_kept_from_its_first_use_on(ranjana: Ranjana) -> None:
    (font,) = (name for name in LATER if name.endswith(".woff2"))
    response = ranjana.client.get(f"/web/{version_of(ranjana)}/{font}")
    assert response.headers["Content-Type"] == "font/woff2"
    assert response.headers["Cache-Control"] == FOR_EVER
    assert response.content == (WEB / font).read_bytes()


def test_characters_of_another_version_are_kept_for_an_hour(ranjana: Ranjana) -> None:
    for path in ("/api/characters/?characters=all&v=", "/api/characters/7/reference/?v="):
        for version in ("", OTHER):
            response = ranjana.client.get(f"{path}{version}")
            assert response.headers["Cache-Control"] == "public, max-age=3600"
            assert response.content == ranjana.client.get(f"{path}{version_of(ranjana)}").content


def test_there_are_no_other_files(ranjana: Ranjana) -> None:
    names = ("app.py", "../app.py", "%2e%2e/app.py", "service-worker.js", f"{OTHER}", f"{OTHER}/")
    for name in (*names, f"{OTHER}/none.js", f"{OTHER[:8]}/modules/app.js", "views", ""):
        response = ranjana.client.get(f"/web/{name}")
        assert (response.status_code, response.json()["code"]) == (404, "not_found"), name

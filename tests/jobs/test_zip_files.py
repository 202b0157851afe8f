"""Which zips are refused, and that refusing takes hardly any memory; which are read, and how."""

from __future__ import annotations

import io
import os
import struct
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from auth_api.errors import ApiError
from auth_api.jobs import zip_files
from auth_api.jobs.unpacking import unpacked
from tests.support.jobs import zipped

MAX_IMAGES, MAX_BYTES = 1000, 1024**3
END = struct.Struct("<4s4H2LH")
# Offsets in the record of an entry, and in the header in front of its data.
FLAGS, METHOD, CRC, PACKED, LENGTH, OFFSET = 8, 10, 16, 20, 24, 42
HEADER_FLAGS, HEADER_METHOD, HEADER_NAME = 6, 8, 30

RECORD, HEADER, END_SIGNATURE = b"PK\x01\x02", b"PK\x03\x04", b"PK\x05\x06"
A = b"the first picture, the first picture" * 9
B = os.urandom(1000)


def changed(content: bytes, signature: bytes, offset: int, value: bytes, nth: int = 0) -> bytes:
    """Replaces some bytes of the nth record or header with this signature."""
    start = -1
    for _ in range(nth + 1):
        start = content.index(signature, start + 1)
    start += offset
    return content[:start] + value + content[start + len(value) :]


def number(value: int) -> bytes:
    return struct.pack("<I", value)


def crowded(entries: int, stated: int, *, zip64: bool = False) -> bytes:
    """A zip whose directory lists one entry many times, and states another number of them."""
    one = zipped({"a.png": A})
    start = one.index(RECORD)
    record = one[start : one.index(END_SIGNATURE)]
    directory = record * entries
    end = END.pack(END_SIGNATURE, 0, 0, *[min(stated, 0xFFFF)] * 2, len(directory), start, 0)
    if not zip64:
        return one[:start] + directory + end
    wide = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, stated, stated, 0, 0)
    wide = wide[:-16] + struct.pack("<2Q", len(directory), start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, start + len(directory), 1)
    end = END.pack(END_SIGNATURE, 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    return one[:start] + directory + wide + locator + end


def overlapping() -> bytes:
    """Two entries of the same name and size, the second of which has the data of the first."""
    two = zipped({"a.png": A, "b.png": A})
    header = two.index(HEADER, 1)
    renamed = two.replace(b"b.png", b"a.png")
    return changed(renamed[:header] + renamed[header:], RECORD, OFFSET, number(0), nth=1)


def quoting() -> bytes:
    """The data of the first entry, which is stored, has the whole second entry in it."""
    inner = zipped({"b.png": bytes(10_000)})
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.png", inner[: inner.index(RECORD)])
        archive.writestr("b.png", bytes(10_000), zipfile.ZIP_DEFLATED)
    content = stream.getvalue()
    return changed(content, RECORD, OFFSET, number(content.index(HEADER, 1)), nth=1)


def blank(count: int, size: int) -> bytes:
    return zipped({f"{index}.bmp": bytes(size) for index in range(count)})


def packed_by(method: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        archive.writestr("a.png", bytes(9_000_000))
    # It says that it is small. Python unpacks such data without a bound.
    return changed(stream.getvalue(), RECORD, LENGTH, number(1000))


def stored(**content: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, data in content.items():
            archive.writestr(f"{name}.png", data)
    return stream.getvalue()


def padded() -> bytes:
    """A record with 16,000 fields that mean nothing, each of which costs a copy of the others."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("a.png", A)
        archive.filelist[0].extra = b"\xfe\xca\x00\x00" * 16_000
    return stream.getvalue()


PLAIN = zipped({"a.png": A, "b.png": B})

REFUSED: dict[str, tuple[Callable[[], bytes], str]] = {
    "a million entries": (lambda: crowded(1_000_000, 1_000_000, zip64=True), "too_many_images"),
    "65,535 entries": (lambda: crowded(65_535, 65_535), "too_many_images"),
    "a million entries, counted as two": (lambda: crowded(1_000_000, 2), "zip_bomb"),
    "the same, with zip64": (lambda: crowded(1_000_000, 2, zip64=True), "zip_bomb"),
    "5,000 entries, counted as two": (lambda: crowded(5000, 2), "too_many_images"),
    "three entries, counted as two": (lambda: crowded(3, 2), "damaged_zip"),
    "two entries, counted as three": (lambda: crowded(2, 3), "damaged_zip"),
    "one entry listed twice": (lambda: crowded(2, 2), "zip_bomb"),
    "two entries with the same data": (overlapping, "zip_bomb"),
    "an entry within another": (quoting, "zip_bomb"),
    "data behind the directory": (
        lambda: changed(PLAIN, RECORD, PACKED, number(2000), nth=1),
        "zip_bomb",
    ),
    "four entries of 8 MB": (lambda: blank(4, 8 * 1024**2), "zip_bomb"),
    "a hundred entries of 300 kB": (lambda: blank(100, 300_000), "zip_bomb"),
    "unpacks to more than a job may have": (
        lambda: changed(PLAIN, RECORD, LENGTH, number(MAX_BYTES + 1)),
        "zip_bomb",
    ),
    "a bomb that begins like a bitmap": (
        lambda: zipped({"a.bmp": bitmaps(1, 600)["0.bmp"] + bytes(40_000_000)}),
        "zip_bomb",
    ),
    "bitmaps that unpack to more than a job may have": (
        lambda: changed(zipped(bitmaps(1, 600)), RECORD, LENGTH, number(MAX_BYTES + 1)),
        "zip_bomb",
    ),
    "a drive": (lambda: zipped({"C:\\evil.png": A}), "unsafe_path"),
    "a drive with slashes": (lambda: zipped({"c:/evil.png": A}), "unsafe_path"),
    "a share": (lambda: zipped({"\\\\host\\evil.png": A}), "unsafe_path"),
    "up, in a hidden folder": (lambda: zipped({".a/../../evil.png": A}), "unsafe_path"),
    "bzip2 that lies": (lambda: packed_by(zipfile.ZIP_BZIP2), "unsupported_zip"),
    "LZMA that lies": (lambda: packed_by(zipfile.ZIP_LZMA), "unsupported_zip"),
    "an unknown method": (lambda: changed(PLAIN, RECORD, METHOD, b"\x63\x00"), "unsupported_zip"),
    "much smaller than it is": (
        lambda: changed(zipped({"a.png": os.urandom(9000)}), RECORD, LENGTH, number(9)),
        "damaged_zip",
    ),
    "stored, and smaller than it is": (
        lambda: changed(stored(a=B), RECORD, LENGTH, number(9)),
        "damaged_zip",
    ),
    "stored, and larger than it is": (
        lambda: changed(stored(a=B), RECORD, LENGTH, number(1001)),
        "damaged_zip",
    ),
    "encrypted where the directory does not say so": (
        lambda: changed(PLAIN, HEADER, HEADER_FLAGS, b"\x01"),
        "encrypted_zip",
    ),
    "strongly encrypted": (lambda: changed(PLAIN, RECORD, FLAGS, b"\x40"), "encrypted_zip"),
    "two methods": (lambda: changed(PLAIN, HEADER, HEADER_METHOD, b"\x00"), "damaged_zip"),
    "two names": (lambda: changed(PLAIN, HEADER, HEADER_NAME, b"x"), "damaged_zip"),
    "no header": (lambda: changed(PLAIN, RECORD, OFFSET, number(1), nth=1), "damaged_zip"),
    "a header behind the file": (
        lambda: changed(PLAIN, RECORD, OFFSET, number(2**32 - 1), nth=1),
        "damaged_zip",
    ),
    "damaged from its first byte": (
        lambda: PLAIN.replace(zlib.compress(A, wbits=-15)[:8], b"\xff" * 8),
        "damaged_zip",
    ),
    "in several files": (lambda: changed(PLAIN, END_SIGNATURE, 4, b"\x01\x00"), "damaged_zip"),
    "a directory that begins before the file": (
        lambda: changed(PLAIN, END_SIGNATURE, 12, number(2**32 - 1)),
        "damaged_zip",
    ),
    "an end and nothing else": (lambda: END_SIGNATURE + b"\x01" * 18, "damaged_zip"),
    "half an end": (lambda: PLAIN[:-3], "damaged_zip"),
    "a record that is cut short": (
        lambda: changed(PLAIN, RECORD, 28, b"\xff\xff", nth=1),
        "damaged_zip",
    ),
    "a record of thousands of fields": (padded, "zip_bomb"),
    "nothing": (lambda: b"PK", "damaged_zip"),
}


def refusal(work: Callable[[], object]) -> tuple[ApiError, int]:
    """The error that `work` raises, and the most bytes that it held."""
    tracemalloc.start()
    try:
        with pytest.raises(ApiError) as refused:
            work()
        return refused.value, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", REFUSED)
def test_a_zip_is_refused_with_little_memory(tmp_path: Path, name: str) -> None:
    make, code = REFUSED[name]
    path = tmp_path / "upload"
    path.write_bytes(make())
    with path.open("rb") as file:
        error, peak = refusal(lambda: zip_files.entries(file, MAX_IMAGES, MAX_BYTES))
    assert (error.code, error.status in {400, 413}) == (code, True)
    assert peak < 4 * 1024**2


def read(content: bytes, folder: Path) -> dict[str, bytes]:
    """The images in a zip by name, in its order."""
    path = folder / "upload"
    path.write_bytes(content)
    with path.open("rb") as file:
        entries = zip_files.entries(file, MAX_IMAGES, MAX_BYTES)
        return {name: b"".join(unpacked(file.fileno(), place)) for name, place in entries}


class Pipe(io.BytesIO):
    """A file that cannot seek, so that sizes follow the data of each entry."""

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise OSError

    seek = tell  # type: ignore[assignment]


def of_mac() -> bytes:
    """As the Finder packs folders: entries for folders, and a second file for each file."""
    return zipped(
        {"क/": b"", "क/a.png": A, "__MACOSX/": b"", "__MACOSX/क/._a.png": b"attributes"}
        | {"क/.DS_Store": b"x", "क/b.png": B, "__MACOSX/क/._b.png": b"attributes"}
    )


def of_windows() -> bytes:
    """As Windows packs files with names in an old code page; it adds `Thumbs.db`."""
    content = zipped({"Thumbs.db": b"x", "_.png": A, "b.png": B})
    return content.replace(b"_.png", b"\x82.png")


def unflagged() -> bytes:
    """As the Finder writes names: in UTF-8, without the flag that says so."""
    content = zipped({"ड/k.png": A, "b.png": B})
    for signature, offset in ((RECORD, FLAGS), (HEADER, HEADER_FLAGS)):
        content = changed(content, signature, offset, b"\0\0")
    return content


def of_desktops() -> dict[str, bytes]:
    """Files that desktops add, in all places where they add them."""
    names = [
        *(".DS_Store", "._a.png", "photos/._b.png", "photos/.DS_Store", "photos/Icon\r", "Icon\r"),
        *("__MACOSX/photos/._b.png", "__MACOSX/._in.zip", "photos/Icon\uf00d", ".hidden/c.png"),
        *("photos/Thumbs.db", "Thumbs.db", "photos\\ehthumbs.db", "Desktop.ini", ".nomedia"),
        *("photos/.picasa.ini", "Picasa.ini", "photos/@eaDir/b.png/SYNOPHOTO_THUMB_M.jpg"),
        *("$RECYCLE.BIN/S-1/a.png", "System Volume Information/x", "photos\\", ".Trashes/1.png"),
    ]
    return dict.fromkeys(names, b"x" * 300)


def of_odd_names() -> dict[str, bytes]:
    names = [
        *("K: map.png", "A:B.png", "क: नक्सा.png", "photos\\a.png", "tab\tand\x07bell.png"),
        *("con.png", "a?*|.png", "\u202egnp.png", " .png", "photos/./a/b.png", "a" * 240 + ".png"),
    ]
    return {name: name.encode() for name in names}


def bitmaps(count: int, side: int) -> dict[str, bytes]:
    """Blank pictures, whose pixels compress a thousandfold."""
    blank = io.BytesIO()
    Image.new("RGB", (side, side), "white").save(blank, "BMP")
    return {f"{index}.bmp": blank.getvalue() for index in range(count)}


def streamed() -> bytes:
    stream = Pipe()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", A)
        archive.writestr("b.png", B)
    return stream.getvalue()


def wide() -> bytes:
    """Sizes of 64 bits throughout."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in (("a.png", A), ("b.png", B)):
            with archive.open(name, "w", force_zip64=True) as entry:
                entry.write(content)
    return stream.getvalue()


def commented() -> bytes:
    stream = io.BytesIO(PLAIN)
    with zipfile.ZipFile(stream, "a") as archive:
        archive.comment = b"my pictures" * 2000
    return stream.getvalue()


def with_a_folder_each() -> bytes:
    """Four entries for each image, as many as a Mac makes."""
    return zipped(
        {
            f"{prefix}{index}/{name}": b""
            for index in range(MAX_IMAGES)
            for prefix, name in (("", ""), ("", "a.png"), ("__MACOSX/", ""), ("__MACOSX/", "._a"))
        }
    )


AB = {"a.png": A, "b.png": B}

READ: dict[str, tuple[Callable[[], bytes], dict[str, bytes]]] = {
    "deflated": (lambda: PLAIN, AB),
    "stored": (lambda: stored(a=A, b=B, c=b""), {**AB, "c.png": b""}),
    "in another order": (lambda: zipped({"b.png": B, "a.png": A}), {"b.png": B, "a.png": A}),
    "of a Mac": (of_mac, {"क/a.png": A, "क/b.png": B}),
    "of Windows": (of_windows, {"\u00e9.png": A, "b.png": B}),
    "streamed": (streamed, AB),
    "with wide sizes": (wide, AB),
    "with a comment": (commented, AB),
    "behind a program": (lambda: b"MZ" + bytes(3000) + PLAIN, AB),
    "behind a script": (lambda: b"#!/bin/sh\ntail -n +3 $0 > z; exit\n" + PLAIN, AB),
    "with wide sizes behind a program": (lambda: b"MZ" + bytes(3000) + wide(), AB),
    "of a Mac, with names that are not declared as UTF-8": (
        unflagged,
        {"ड/k.png": A, "b.png": B},
    ),
    "with all files that desktops add": (lambda: zipped({**of_desktops(), **AB}), AB),
    "with odd names": (
        lambda: zipped(of_odd_names()),
        {
            name.replace("\\", "/").replace("\t", "").replace("\x07", ""): content
            for name, content in of_odd_names().items()
        },
    ),
    "many blank bitmaps": (lambda: zipped(bitmaps(30, 600)), bitmaps(30, 600)),
    "a blank bitmap that is too large for a job": (
        lambda: zipped(bitmaps(1, 3600)),
        bitmaps(1, 3600),
    ),
    "with more behind it": (lambda: PLAIN + b"\r\n" * 30, AB),
    "a few blank pictures": (
        lambda: blank(5, 3_000_000),
        {f"{n}.bmp": bytes(3_000_000) for n in range(5)},
    ),
    "with a folder for each image": (
        with_a_folder_each,
        {f"{index}/a.png": b"" for index in range(MAX_IMAGES)},
    ),
}


@pytest.mark.parametrize("name", READ)
def test_the_images_of_a_zip_are_read_in_order(tmp_path: Path, name: str) -> None:
    make, expected = READ[name]
    found = read(make(), tmp_path)
    assert found == expected
    assert list(found) == list(expected)


LARGE = os.urandom(300_000) + bytes(300_000)
DEFLATED = zipped({"a.png": LARGE})


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (changed(DEFLATED, RECORD, LENGTH, number(len(LARGE) - 1)), "zip_bomb"),
        (changed(DEFLATED, RECORD, LENGTH, number(len(LARGE) + 1)), "damaged_zip"),
        (changed(DEFLATED, RECORD, PACKED, number(200_000)), "damaged_zip"),
        (changed(DEFLATED, RECORD, CRC, number(0)), "damaged_zip"),
        (changed(stored(a=LARGE), RECORD, CRC, number(0)), "damaged_zip"),
        (DEFLATED[:200_000] + bytes(1000) + DEFLATED[201_000:], "damaged_zip"),
        (changed(zipped({"a.png": bytes(16_000_000)}), RECORD, LENGTH, number(9000)), "zip_bomb"),
    ],
    ids=["a byte too few", "a byte too many", "cut", "changed", "stored", "broken", "a bomb"],
)
def test_an_image_that_is_not_what_the_zip_says_is_not_read(
    tmp_path: Path, content: bytes, code: str
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(content)
    with path.open("rb") as file:
        ((_, place),) = zip_files.entries(file, MAX_IMAGES, MAX_BYTES)
        error, peak = refusal(lambda: list(map(len, unpacked(file.fileno(), place))))
    assert error.code == code
    assert peak < 1024**2

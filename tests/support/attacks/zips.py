"""S6: zips of very many or very large entries, and zips that lie about both."""

from __future__ import annotations

import random
import struct
import zlib
from collections.abc import Callable, Iterable
from functools import cache, partial

from tests.support.attacks.requests import form_post
from tests.support.attacks.sending import Attack, Connection, Target

_JOBS = "/api/jobs/predict/"
_LOCAL, _CENTRAL, _END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_END_64, _LOCATOR_64 = b"PK\x06\x06", b"PK\x06\x07"
_DEFLATED = 8
# An entry of the directory before its name.
_FIXED_BYTES = 46
_BLANK_BYTES = 8 * 1024 * 1024


class _Packed:
    """A deflated file."""

    def __init__(self, content: bytes) -> None:
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.data = packer.compress(content) + packer.flush()
        self.size = len(content)
        self.checksum = zlib.crc32(content)

    @property
    def sizes(self) -> tuple[int, int, int]:
        return self.checksum, len(self.data), self.size

    def local(self, name: bytes) -> bytes:
        """The file with its local header."""
        fields = (20, 0, _DEFLATED, 0, 0, *self.sizes, len(name), 0)
        return _LOCAL + struct.pack("<5H3L2H", *fields) + name + self.data

    def central(self, name: bytes, offset: int, extra: bytes = b"", comment: bytes = b"") -> bytes:
        """Its entry in the directory."""
        lengths = len(name), len(extra), len(comment)
        fields = (20, 20, 0, _DEFLATED, 0, 0, *self.sizes, *lengths, 0, 0, 0, offset)
        return _CENTRAL + struct.pack("<6H3L5H2L", *fields) + name + extra + comment


def _end(stated: int, size: int, offset: int) -> bytes:
    """The end record, for a directory of `size` bytes that is said to have `stated` entries."""
    return _END + struct.pack("<4H2LH", 0, 0, stated, stated, size, offset, 0)


def _end_64(stated: int, size: int, offset: int, position: int) -> bytes:
    """The same of a large zip, at `position`, followed by the short one that points to it."""
    fields = (44, 45, 45, 0, 0, stated, stated, size, offset)
    locator = _LOCATOR_64 + struct.pack("<LQL", 0, position, 1)
    short = _end(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    return _END_64 + struct.pack("<Q2H2L4Q", *fields) + locator + short


_TINY = _Packed(b"x")


@cache
def _blank() -> _Packed:
    """A blank drawing of 8 MB, the size below which ratios were once not checked."""
    return _Packed(b"BM" + b"\xff" * (_BLANK_BYTES - 2))


def _directory(count: int, name_length: int, extra: bytes = b"", comment: bytes = b"") -> bytes:
    """Entries that all are the one file at the start."""
    entry = _TINY.central(bytes(name_length), 0, extra, comment)
    before, after = entry[:_FIXED_BYTES], entry[_FIXED_BYTES + name_length :]
    return b"".join(before + b"%0*d" % (name_length, n) + after for n in range(count))


@cache
def many_entries(count: int, stated: int | None = None) -> bytes:
    """A zip with `count` entries; the end record says `stated`, by default the truth."""
    local = _TINY.local(b"a")
    entries = _directory(count, 6)
    position = len(local) + len(entries)
    if stated is None:
        return local + entries + _end_64(count, len(entries), len(local), position)
    return local + entries + _end(stated, len(entries), len(local))


def _boundless() -> bytes:
    """A small zip whose end record states a directory of many exabytes."""
    local = _TINY.local(b"a")
    entry = _TINY.central(b"a", 0)
    return local + entry + _end_64(2**62, 2**62, len(local), len(local + entry))


def wordy(extra: bytes = b"", comment: bytes = b"") -> bytes:
    """A zip of 900 entries with long names and 60 kB of `extra` or `comment` each."""
    local, entries = _TINY.local(b"a"), _directory(900, 4_000, extra, comment)
    return local + entries + _end(900, len(entries), len(local))


def _joined(files: Iterable[tuple[bytes, _Packed]]) -> bytes:
    body, directory, count = bytearray(), bytearray(), 0
    for name, packed in files:
        directory += packed.central(name, len(body))
        body += packed.local(name)
        count += 1
    return bytes(body + directory) + _end(count, len(directory), len(body))


@cache
def blanks() -> bytes:
    """826 kB that unpack to 0.8 GB."""
    return _joined((b"%d.bmp" % number, _blank()) for number in range(100))


@cache
def _overlapping() -> bytes:
    """1,000 entries that share one file: 60 kB that unpack to 8 GB."""
    local = _blank().local(b"a.bmp")
    entries = b"".join(_blank().central(b"a.bmp", 0) for _ in range(1000))
    return local + entries + _end(1000, len(entries), len(local))


@cache
def _diluted_blanks() -> bytes:
    """The blanks, with enough random bytes that the whole zip is not suspiciously dense."""
    noise = _Packed(random.Random(0).randbytes(3_500_000))
    blanks = [(b"%d.bmp" % number, _blank()) for number in range(80)]
    return _joined([(b"noise.png", noise), *blanks])


@cache
def _understated() -> bytes:
    """Blanks whose directory says that they have a thousand bytes each."""
    content = bytearray(blanks())
    start = 0
    while (start := content.find(_CENTRAL, start)) >= 0:
        struct.pack_into("<L", content, start + 24, 1_000)
        start += 4
    return bytes(content)


def _upload(make: Callable[[], bytes], times: int, target: Target) -> list[Connection]:
    return [form_post(_JOBS, [("zip", make())], target.access)] * times


def _attack(
    name: str, make: Callable[[], bytes], times: int = 1, *, refused: float = 1.0
) -> Attack:
    return Attack("S6", name, partial(_upload, make, times), refused)


_MILLION = 1_000_000
_EXTRA = struct.pack("<HH", 0xCAFE, 59_996) + bytes(59_996)

ZIPS = [
    _attack("a zip of a million entries", partial(many_entries, _MILLION)),
    _attack("a zip of a million entries, three at once", partial(many_entries, _MILLION), 3),
    _attack("a zip of a million entries that says 5", partial(many_entries, _MILLION, 5)),
    _attack("a zip that says 2^62 entries", _boundless),
    _attack("a zip of 54 MB of extra fields", lambda: wordy(extra=_EXTRA)),
    _attack("a zip of 54 MB of comments", lambda: wordy(comment=b"x" * 60_000)),
    _attack("a zip of 100 blanks of 8 MB in 0.8 MB", blanks),
    _attack("a zip of 100 blanks of 8 MB, three at once", blanks, 3),
    _attack("a zip of 1,000 entries that are one file", _overlapping),
    _attack("a zip of 80 blanks and noise", _diluted_blanks, refused=0),
    _attack("a zip of 100 blanks that says 1 kB each", _understated),
]

"""Decodes a picture in a process of its own, which the kernel ends if it takes too much.

For formats whose decoders are large and cannot be interrupted: a few bytes can declare any size,
any number of tiles and any depth of references. A crash costs only this picture.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import numpy as np

from handlers.arrays import Gray
from handlers.cpu_limit import OutOfTime, uninterrupted
from handlers.decoding_files import damaged
from handlers.decoding_work import too_complex
from handlers.errors import DamagedImage, ImageRefused, ImageTooComplex, ImageTooLarge

MAX_BYTES = 1_000_000_000
"""Address space that decoding may take. 40 megapixels take half of it."""

_TIME_FACTOR = 2
"""Time of a picture, as a multiple of that of others: HEIC takes ten times as long as JPEG."""

# A process that hangs without using any processor time is ended after so many seconds.
_MAX_WAIT_SECONDS = 20

_HEADER = struct.Struct(">HH")
_REFUSALS = {each.code: each for each in (DamagedImage, ImageTooLarge, ImageTooComplex)}


def apart(decode: Callable[[], Gray]) -> Gray:
    """Returns `decode()`. Raises its ImageRefused, OutOfTime if the time of
    `handlers.cpu_limit.within` is over, and DamagedImage if the process crashed.
    """
    seconds = signal.getitimer(signal.ITIMER_PROF)[0] * _TIME_FACTOR
    # An exception in a fork would leave the locks of the libraries closed that prepare for it.
    with uninterrupted():
        status, answer = _run(decode, seconds)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGPROF:
        raise OutOfTime
    if len(answer) < _HEADER.size:
        raise damaged()
    shape, content = _HEADER.unpack_from(answer), answer[_HEADER.size :]
    if not all(shape):
        code, sentence = content.decode().split("\n")
        raise _REFUSALS[code](sentence)
    return np.frombuffer(content, np.uint8).reshape(shape)


def _run(decode: Callable[[], Gray], seconds: float) -> tuple[int, bytes]:
    """The status with which the process ended, and its answer."""
    reader, writer = os.pipe()
    process = os.fork()
    if not process:
        _decode_and_exit(decode, writer, seconds)
    os.close(writer)
    answer = b""
    try:
        with open(reader, "rb") as stream:
            if select.select([stream], [], [], _MAX_WAIT_SECONDS)[0]:
                answer = stream.read()
    finally:
        os.kill(process, signal.SIGKILL)
        _, status = os.waitpid(process, 0)
    return status, answer


def _decode_and_exit(decode: Callable[[], Gray], writer: int, seconds: float) -> NoReturn:
    try:
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        _limit_memory()
        with open(writer, "wb") as stream:
            stream.write(_answer(decode))
    finally:
        os._exit(0)  # nothing of the process that was copied may run


def _answer(decode: Callable[[], Gray]) -> bytes:
    try:
        gray = decode()
        return _HEADER.pack(*gray.shape) + gray.tobytes()
    except MemoryError:
        reason: ImageRefused = too_complex()
    except ImageRefused as refusal:
        reason = refusal
    return _HEADER.pack(0, 0) + f"{reason.code}\n{reason}".encode()


def _limit_memory() -> None:
    """Allows MAX_BYTES more than the process has. Only Linux says how much that is."""
    sizes = Path("/proc/self/statm")
    if sizes.exists():
        limit = int(sizes.read_text().split()[0]) * resource.getpagesize() + MAX_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))

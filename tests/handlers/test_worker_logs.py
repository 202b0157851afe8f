"""Log lines of a worker tell what happened to which request."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from handlers.logs import logger, set_up
from tests.handlers.test_handlers import Buggy, Context
from tests.support.pictures import encode, reference


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    handlers, propagate, level = logger.handlers, logger.propagate, logger.level
    others = {
        name: getattr(logging, name)
        for name in ("_srcfile", "logThreads", "logProcesses", "logMultiprocessing")
    }
    yield
    logger.handlers, logger.propagate = handlers, propagate
    logger.setLevel(level)
    for name, value in others.items():
        setattr(logging, name, value)


def logged(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The lines for one answered image, one refused, and two that meet a bug."""
    set_up("ranjana", "1.2")
    image = encode(reference(0))
    texts = ("one", "one", "early", "zero")
    context = Context([{"X-Text": text, "X-Request-ID": f"r{n}"} for n, text in enumerate(texts)])
    Buggy().handle([{"body": body} for body in (image, b"no image", image, image)], context)
    written = capsys.readouterr()
    assert written.out == ""
    return [json.loads(line) for line in written.err.splitlines()]


def test_refusals_and_bugs_have_their_requests_id(capsys: pytest.CaptureFixture[str]) -> None:
    lines = logged(capsys)
    assert [(line["level"], line["message"], line["request_id"]) for line in lines] == [
        ("info", "refused", "r1"),
        ("error", "preprocessing failed", "r2"),
        ("error", "answering failed", "r3"),
    ]
    assert (lines[0]["status"], lines[0]["code"]) == (415, "unreadable_image")
    assert [line.get("exception", "").splitlines()[-1:] for line in lines] == [
        [],
        ["ZeroDivisionError"],
        ["ZeroDivisionError: division by zero"],
    ]
    for line in lines:
        assert (line["logger"], line["model"], line["version"]) == (
            "ranjana.worker",
            "ranjana",
            "1.2",
        )
        assert line["process"] == os.getpid()
        age = datetime.now(UTC) - datetime.fromisoformat(line["time"])
        assert timedelta(0) <= age < timedelta(minutes=1)


def test_the_level_is_a_setting(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_LEVEL", "debug")
    (answered,) = [line for line in logged(capsys) if line["level"] == "debug"]
    assert (answered["message"], answered["status"]) == ("answered", 200)
    assert answered["request_id"] == "r0"
    monkeypatch.setenv("LOG_LEVEL", "error")
    assert len(logged(capsys)) == 2


def test_a_refused_group_has_its_first_requests_id(capsys: pytest.CaptureFixture[str]) -> None:
    set_up("ranjana", "1.2")
    Buggy().handle([{"body": b"x"}], Context([{"X-Images": "[]", "X-Request-ID": "one,two"}]))
    (line,) = [json.loads(each) for each in capsys.readouterr().err.splitlines()]
    assert (line["request_id"], line["code"]) == ("one", "invalid_option")

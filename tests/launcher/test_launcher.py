"""The launcher names every problem, and leaves no process and no file behind."""

from __future__ import annotations

import signal
import struct
import zlib
from pathlib import Path

import pytest

from tests.support.pictures import encode, reference
from tests.support.running import Launch, Ranjana, require_clean_stop, wait_for


@pytest.mark.thorough
def test_two_launchers_run_side_by_side_and_a_stopped_one_leaves_nothing(
    ranjana: Ranjana, launch: Launch, tmp_path: Path
) -> None:
    second = launch(tmp_path, {"MAX_BODY_BYTES": str(50 * 1024**2)})
    second.wait_until_ready()
    for each in (ranjana, second):
        assert each.predict(encode(reference(9))).json()["predicted_class"] == 9
    large = padded(encode(reference(9)), 40)
    assert ranjana.predict(large).status_code == 413
    read = second.predict(large)
    assert (read.status_code, read.json()["predicted_class"]) == (200, 9)
    too_large = second.ask_directly("ranjana", padded(large, 12))
    assert (too_large.status_code, too_large.json()["code"]) == (413, "image_too_large")
    # test_recovery sends the other signal.
    require_clean_stop(second, signal.SIGINT)
    ready = [line for line in second.log.read_text().splitlines() if "Ranjana is ready" in line]
    assert len(ready) == 1
    assert f"http://localhost:{second.port}" in ready[0]
    assert f"metrics http://localhost:{second.api_metrics_port}/metrics;" in ready[0]
    assert ranjana.predict(encode(reference(9))).status_code == 200


def test_a_stop_during_the_start_leaves_nothing(launch: Launch, tmp_path: Path) -> None:
    ranjana = launch(tmp_path)
    wait_for(lambda: bool(ranjana.processes()), 30)
    processes = ranjana.processes()
    assert ranjana.stop() == 0
    assert [process for process in processes if process.is_running()] == []
    assert list(tmp_path.iterdir()) == [ranjana.log]


@pytest.mark.parametrize(
    ("setting", "port"),
    [
        ("API_PORT", "port"),
        ("METRICS_PORT", "api_metrics_port"),
        ("TORCHSERVE_INFERENCE_PORT", "inference_port"),
        ("TORCHSERVE_MANAGEMENT_PORT", "management_port"),
        ("TORCHSERVE_METRICS_PORT", "metrics_port"),
    ],
)
def test_a_port_in_use_is_named(
    ranjana: Ranjana, launch: Launch, tmp_path: Path, setting: str, port: str
) -> None:
    taken = str(getattr(ranjana, port))
    second = launch(tmp_path, {setting: taken})
    assert second.process.wait(30) == 1
    log = second.log.read_text()
    assert taken in log
    assert setting in log
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("setting", "value"), [("API_PORT", "eighty"), ("API_PORT", "70000"), ("LOG_LEVEL", "loud")]
)
def test_an_unusable_setting_is_named(
    launch: Launch, tmp_path: Path, setting: str, value: str
) -> None:
    refused = launch(tmp_path, {setting: value})
    assert refused.process.wait(30) == 2
    assert f"The setting {setting} is not usable" in refused.log.read_text()


def test_a_missing_archive_fails_at_once(launch: Launch, tmp_path: Path) -> None:
    store = tmp_path / "store"
    store.mkdir()
    failed = launch(tmp_path / "run", {"MODEL_STORE": str(store)})
    assert failed.process.wait(60) == 1
    assert "ranjana.mar is missing: build it with `make archives`, or set TRAIN_MISSING=true" in (
        failed.log.read_text()
    )
    assert "Traceback" not in failed.log.read_text()


def test_a_temporary_directory_too_deep_for_sockets_is_reported(
    launch: Launch, tmp_path: Path
) -> None:
    deep = tmp_path / ("deep" * 25)
    deep.mkdir()
    ranjana = launch(tmp_path / "one", {"TMPDIR": str(deep)})
    wait_for(lambda: ranjana.ended, 30)
    assert ranjana.process.returncode == 1
    assert "set TMPDIR to a shorter one" in ranjana.log.read_text()
    assert not list(deep.iterdir())


def test_an_unusable_home_is_reported(launch: Launch, tmp_path: Path) -> None:
    failed = launch(tmp_path, {"TORCHSERVE_HOME": str(tmp_path / "missing" / "home")})
    assert failed.process.wait(60) == 1
    log = failed.log.read_text()
    assert "missing/home cannot be used: No such file or directory." in log
    assert "Traceback" not in log


def padded(png: bytes, megabytes: int) -> bytes:
    """A PNG with chunks that no reader knows, of one megabyte each."""
    content = b"juNk" + bytes(1024**2)
    chunk = struct.pack(">I", 1024**2) + content + struct.pack(">I", zlib.crc32(content))
    end = png.rindex(b"IEND") - 4
    return png[:end] + megabytes * chunk + png[end:]

"""A bucket of S3: what it keeps, how long it may take, and what is told of a wrong one."""

from __future__ import annotations

import asyncio
import io
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from auth_api.errors import Unavailable
from auth_api.jobs.input_files import InputFiles
from auth_api.operations import startup
from auth_api.storage.bucket import SECONDS, Bucket
from auth_api.storage.opening import UnusableBucket
from launcher.ports import free_port
from tests.support.s3 import S3Bucket, S3Server, bucket_settings


def on(bucket: S3Bucket, work: Callable[[Bucket], Awaitable[None]]) -> None:
    async def run() -> None:
        await work(Bucket(bucket_settings(bucket.settings)))

    asyncio.run(run())


def test_objects_of_any_size_come_back_byte_for_byte(bucket: S3Bucket, tmp_path: Path) -> None:
    large = os.urandom(20_000_001)
    (tmp_path / "large").write_bytes(large)
    (tmp_path / "empty").touch()

    async def work(opened: Bucket) -> None:
        await opened.put("a/one", b"1")
        await opened.put("a/one", b"2")
        assert await opened.get("a/one") == b"2"
        assert await opened.get("a/other") is None
        await opened.upload("a/large", tmp_path / "large")
        await opened.upload("a/empty", tmp_path / "empty")
        for name, content in (("large", large), ("empty", b"")):
            file = io.BytesIO()
            await opened.download(f"a/{name}", file)
            assert file.getvalue() == content
        with pytest.raises(FileNotFoundError):
            await opened.download("a/other", io.BytesIO())

    on(bucket, work)
    assert set(bucket.objects()) == {"a/one", "a/large", "a/empty"}


def test_more_objects_than_one_request_lists_or_deletes(
    bucket: S3Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("_LISTED_AT_ONCE", "_DELETED_AT_ONCE"):
        monkeypatch.setattr(f"auth_api.storage.bucket.{limit}", 10)
    (tmp_path / "file").write_bytes(b"x")
    names = [f"a/{number:02}" for number in range(25)]

    async def work(opened: Bucket) -> None:
        assert await opened.is_empty("a")
        await asyncio.to_thread(opened.copy, [(name, tmp_path / "file") for name in names])
        await opened.put("b/other", b"y")
        pages = [page async for page in opened.listed("a")]
        assert [name for page in pages for name, _ in page] == names
        assert len(pages) == 3
        assert all(-60 < age < 60 for page in pages for _, age in page)
        await opened.delete([*names, "a/missing"])
        assert await opened.is_empty("a")

    on(bucket, work)
    assert set(bucket.objects()) == {"b/other"}


def test_nobody_without_the_keys_reads_an_object(bucket: S3Bucket) -> None:
    on(bucket, lambda opened: opened.put("pictures/one", b"1"))
    name = bucket.settings["STORAGE_URL"].removeprefix("s3://")
    answer = httpx2.get(f"{bucket.server.url}/{name}/pictures/one", verify=False)
    assert answer.status_code == 403


def test_a_store_that_hangs_takes_seconds_and_holds_up_nothing_else(bucket: S3Bucket) -> None:
    async def work(opened: Bucket) -> None:
        await opened.put("a/one", b"1")
        longest = 0.0

        async def tick() -> None:
            nonlocal longest
            while True:
                start = time.monotonic()
                await asyncio.sleep(0.01)
                longest = max(longest, time.monotonic() - start)

        ticking = asyncio.create_task(tick())
        with bucket.server.hanging():
            start = time.monotonic()
            # More than it is asked at a time.
            calls = [opened.put(f"a/{number}", b"x") for number in range(100)]
            calls += [opened.delete(["a/one"])]
            outcomes = await asyncio.gather(*calls, opened.get("a/one"), return_exceptions=True)
            took = time.monotonic() - start
        ticking.cancel()
        assert {type(outcome) for outcome in outcomes} == {Unavailable}
        assert {outcome.code for outcome in outcomes if isinstance(outcome, Unavailable)} == {
            "storage_unavailable"
        }
        assert SECONDS <= took < SECONDS + 3
        assert longest < 1
        assert await opened.get("a/one") == b"1"

    on(bucket, work)


def test_a_store_that_is_down_or_has_lost_the_bucket_is_unavailable_not_empty(
    s3: S3Server, bucket: S3Bucket
) -> None:
    async def require_unavailable(opened: Bucket) -> None:
        for call in (
            opened.get("a"),
            opened.put("a", b"1"),
            opened.delete(["a"]),
            opened.is_empty("a"),
            opened.download("a", io.BytesIO()),
        ):
            with pytest.raises(Unavailable):
                await call
        with pytest.raises(Unavailable):
            await asyncio.to_thread(opened.copy, [("a", Path(__file__))])

    with s3.stopped():
        on(bucket, require_unavailable)
    lost = s3.new_bucket()
    lost.settings["STORAGE_URL"] = "s3://no-such-bucket"
    on(lost, require_unavailable)


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"AWS_SECRET_ACCESS_KEY": "another"}, "SignatureDoesNotMatch"),
        ({"AWS_ACCESS_KEY_ID": "nobody"}, "InvalidAccessKeyId"),
        ({"STORAGE_URL": "s3://no-such-bucket"}, "There is no bucket no-such-bucket."),
        ({"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}, "There are no keys"),
    ],
)
def test_a_wrong_setting_is_told_at_the_start(
    bucket: S3Bucket, wrong: dict[str, str], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.settings |= wrong
    # No machine of Amazon's gives any keys.
    monkeypatch.setenv("AWS_METADATA_ENDPOINT", bucket.server.url)

    async def work(opened: Bucket) -> None:
        with pytest.raises(UnusableBucket, match=sentence) as told:
            await opened.check()
        assert "another" not in str(told.value)

    on(bucket, work)


def test_a_certificate_that_nobody_vouches_for_is_told(bucket: S3Bucket, tmp_path: Path) -> None:
    files = tmp_path / "key.pem", tmp_path / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    command += ["-keyout", str(files[0]), "-out", str(files[1])]
    subprocess.run([*command, "-addext", "basicConstraints=CA:FALSE"], check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files[1], files[0])
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    bucket.settings["AWS_ENDPOINT_URL"] = f"https://127.0.0.1:{server.server_port}"

    async def work(opened: Bucket) -> None:
        with pytest.raises(UnusableBucket, match="certificate of the store is not trusted"):
            await opened.check()

    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        on(bucket, work)
    finally:
        server.shutdown()
        server.server_close()
        serving.join()


def test_a_store_that_is_not_there_yet_is_waited_for(bucket: S3Bucket) -> None:
    bucket.settings["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{free_port()}"

    async def work(opened: Bucket) -> None:
        with pytest.raises(Unavailable) as told:
            await opened.check()
        assert str(told.value.__cause__) == "Connection refused"

    on(bucket, work)


def test_a_checked_bucket_is_left_as_it_was(bucket: S3Bucket) -> None:
    on(bucket, lambda opened: opened.check())
    assert bucket.objects() == {}


def test_an_upload_leaves_the_disk_and_is_read_by_another_process(
    bucket: S3Bucket, tmp_path: Path
) -> None:
    async def work(opened: Bucket) -> None:
        one, other = InputFiles(tmp_path / "one", opened), InputFiles(tmp_path / "other", opened)
        async with one.receiving() as file:
            await asyncio.to_thread(file.write, b"some images")
            await one.store(file)
        name = file.path.name
        assert await one.is_empty() is False
        assert list((tmp_path / "one").iterdir()) == []
        async with other.opened(name) as source:
            assert source.file.read() == b"some images"
        assert list((tmp_path / "other").iterdir()) == []
        assert [name async for names in other.older_than(0) for name in names] == [name]
        await other.discard([name])
        with pytest.raises(FileNotFoundError):
            async with other.opened(name):
                pass
        # Left by a process that crashed.
        left = one.new()
        left.close()
        assert [name async for names in one.older_than(-60) for name in names] == [left.path.name]
        await one.delete([left.path.name])
        assert await one.is_empty()

    on(bucket, work)


def test_an_upload_that_cannot_be_stored_is_refused_and_leaves_nothing(
    s3: S3Server, bucket: S3Bucket, tmp_path: Path
) -> None:
    async def work(opened: Bucket) -> None:
        inputs = InputFiles(tmp_path, opened)

        async def receive() -> None:
            async with inputs.receiving() as file:
                await asyncio.to_thread(file.write, b"some images")
                await inputs.store(file)

        with pytest.raises(Unavailable, match="cannot be kept"):
            await receive()

    with s3.stopped():
        on(bucket, work)
    assert list(tmp_path.iterdir()) == []


def test_a_job_waits_for_a_store_that_is_away(
    s3: S3Server, bucket: S3Bucket, tmp_path: Path
) -> None:
    async def work(opened: Bucket) -> None:
        inputs = InputFiles(tmp_path, opened)
        await opened.put("jobs/one", b"some images")
        with s3.stopped():

            async def read() -> bytes:
                async with inputs.opened("one") as source:
                    return source.file.read()

            reading = asyncio.create_task(read())
            await asyncio.sleep(2)
            assert not reading.done()
        assert await asyncio.wait_for(reading, 60) == b"some images"

    on(bucket, work)


def test_a_start_waits_for_the_store_and_then_gives_up_in_one_sentence(
    s3: S3Server, bucket: S3Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = bucket_settings(bucket.settings)

    async def start_later() -> None:
        waiting = asyncio.create_task(startup.wait_for_bucket(settings))
        await asyncio.sleep(1.5)
        assert not waiting.done()
        await asyncio.to_thread(s3.start)
        await asyncio.wait_for(waiting, 30)

    s3.stop()
    asyncio.run(start_later())
    monkeypatch.setattr(startup, "_TIMEOUT_SECONDS", 0)
    with s3.stopped(), pytest.raises(Unavailable) as told:
        asyncio.run(startup.wait_for_bucket(settings))
    url = bucket.settings["STORAGE_URL"]
    sentence = f"The store {url} did not answer for 0 seconds: Connection refused."
    assert told.value.message == sentence

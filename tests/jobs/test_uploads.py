"""Uploads for jobs: which are accepted, and which are refused and leave no file."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable

import httpx2
import pytest

from tests.jobs.test_zip_files import CRC, LENGTH, RECORD, changed, number
from tests.support.apis import Api, StartApi, User
from tests.support.jobs import HAND_IN, digits, finished, hand_in, inputs, zipped
from tests.support.pictures import encode, reference
from tests.support.running import wait_for

pytestmark = pytest.mark.thorough("postgresql")

IMAGE = encode(reference(1))


def with_flag(content: bytes, flag: int) -> bytes:
    """Sets a flag of all entries of a zip, in their local and central headers."""
    changed = bytearray(content)
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = 0
        while (start := content.find(signature, start)) >= 0:
            changed[start + offset] |= flag
            start += 4
    return bytes(changed)


def linked() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        link = zipfile.ZipInfo("link.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return stream.getvalue()


def lying() -> bytes:
    """A zip that declares an entry smaller than it is."""
    content = bytearray(zipped({"bomb.bmp": bytes(50_000_000)}))
    start = content.find(b"PK\x01\x02")
    struct.pack_into("<I", content, start + 24, 1000)
    return bytes(content)


def many(count: int) -> bytes:
    return zipped({f"{index}.png": b"x" for index in range(count)})


BAD_ZIPS: dict[str, tuple[Callable[[], bytes], str]] = {
    "bomb": (lambda: zipped({"bomb.bmp": bytes(50_000_000)}), "zip_bomb"),
    "bomb that lies": (lying, "damaged_zip"),
    "up and out": (lambda: zipped({"../../evil.png": IMAGE}), "unsafe_path"),
    "up in the middle": (lambda: zipped({"a/../../evil.png": IMAGE}), "unsafe_path"),
    "absolute": (lambda: zipped({"/etc/cron.d/evil.png": IMAGE}), "unsafe_path"),
    "backslashes": (lambda: zipped({"..\\..\\evil.png": IMAGE}), "unsafe_path"),
    "drive": (lambda: zipped({"C:\\evil.png": IMAGE}), "unsafe_path"),
    "link": (linked, "unsafe_path"),
    "zip in it": (lambda: zipped({"in.zip": zipped({"a.png": IMAGE})}), "nested_zip"),
    "zip in it by another name": (
        lambda: zipped({"in.png": zipped({"a.png": IMAGE})}),
        "nested_zip",
    ),
    "encrypted": (lambda: with_flag(zipped({"a.png": IMAGE}), 1), "encrypted_zip"),
    "cut short": (lambda: zipped({"a.png": IMAGE})[:-30], "damaged_zip"),
    "broken inside": (
        lambda: (
            zipped({"a.png": IMAGE}).replace(b"IDAT", b"TADI")[:60]
            + bytes(40)
            + zipped({"a.png": IMAGE})[100:]
        ),
        "damaged_zip",
    ),
    "empty": (lambda: zipped({}), "image_missing"),
    "nothing but folders": (lambda: zipped({"a/": b"", "__MACOSX/x": b"y"}), "image_missing"),
    "too many": (lambda: many(1001), "too_many_images"),
}


@pytest.mark.parametrize("name", BAD_ZIPS)
@pytest.mark.database("sqlite")
def test_a_dangerous_or_damaged_zip_is_refused(api: Api, user: User, name: str) -> None:
    make, code = BAD_ZIPS[name]
    wait_for(lambda: inputs(api) == [], 10)  # left by earlier tests
    response = user.post(HAND_IN, files=[("zip", ("folder.zip", make()))])
    assert response.status_code in {400, 413}, response.text
    assert response.json()["code"] == code
    assert inputs(api) == []
    assert user.get("/api/jobs/").json()["results"] == []


@pytest.mark.database("sqlite")
def test_a_zip_is_recognised_by_its_content(user: User) -> None:
    for field, name in (("images", "photo.png"), ("file", "folder"), ("zip", "folder.zip")):
        parts = [(field, (name, zipped({"a.png": IMAGE})))]
        job = finished(user, hand_in(user, parts, HAND_IN))
        assert [row["file"] for row in job["results"]] == ["a.png"]
    program = b"MZ" + bytes(1000) + zipped({"K: map.png": IMAGE, "Icon\r": b"x", "._a": b"x"})
    for field, name in (("images", "photo.png"), ("zip", "folder.exe")):
        job = finished(user, hand_in(user, [(field, (name, program))], HAND_IN))
        assert [row["file"] for row in job["results"]] == ["K: map.png"]
        assert job["counts"]["succeeded"] == 1
    image = user.post(HAND_IN, files=[("zip", ("folder.zip", IMAGE))])
    assert image.status_code == 202  # it is an image in spite of its name


def test_a_picture_that_is_damaged_in_a_zip_is_a_failed_row(api: Api, user: User) -> None:
    names = ["good.png", "changed.png", "larger.png", "last.png"]
    content = zipped(dict.fromkeys(names, IMAGE))
    content = changed(content, RECORD, CRC, bytes(4), nth=1)
    content = changed(content, RECORD, LENGTH, number(len(IMAGE) - 1), nth=2)
    job = finished(user, hand_in(user, [("zip", ("z.zip", content))], HAND_IN))
    assert [row["file"] for row in job["results"]] == names
    codes = [row.get("code") for row in job["results"]]
    assert codes == [None, "damaged_zip", "zip_bomb", None]
    assert {row.get("predicted_class") for row in job["results"]} == {1, None}
    wait_for(lambda: inputs(api) == [], 10)


@pytest.mark.parametrize(
    ("parts", "code"),
    [
        ([("other", ("a.png", IMAGE))], "image_missing"),
        ([("images", ("a.png", IMAGE)), ("zip", ("b.zip", many(2)))], "several_uploads"),
        ([("zip", ("a.zip", many(2))), ("zip", ("b.zip", many(2)))], "several_uploads"),
        ([("images", (f"{index}.png", b"x")) for index in range(1001)], "too_many_images"),
        ([("x", (f"{index}.png", b"x")) for index in range(2001)], "malformed_multipart"),
    ],
    ids=["no image", "images and a zip", "two zips", "too many images", "too many parts"],
)
@pytest.mark.database("sqlite")
def test_uploads_that_are_no_job_are_refused(
    api: Api, user: User, parts: list[tuple[str, tuple[str, bytes]]], code: str
) -> None:
    wait_for(lambda: inputs(api) == [], 10)  # left by earlier tests
    response = user.post(HAND_IN, files=parts)
    assert (response.status_code, response.json()["code"]) == (400, code)
    assert inputs(api) == []


@pytest.mark.database("sqlite")
@pytest.mark.parametrize("as_zip", [False, True])
def test_a_job_may_have_a_thousand_images(user: User, as_zip: bool) -> None:
    names = [f"{index}.png" for index in range(1000)]
    content = zipped(dict.fromkeys(names, b""))
    parts = [("zip", ("all.zip", content))] if as_zip else [("images", (n, b"")) for n in names]
    # Empty images fail at once, without the model.
    job = finished(user, hand_in(user, parts, HAND_IN))
    assert job["counts"] == {"total": 1000, "succeeded": 0, "failed": 1000, "pending": 0}
    assert [row["file"] for row in job["results"]] == names
    assert {row["code"] for row in job["results"]} == {"empty_image"}


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [
        ("application/json", b"{}", 415),
        ("application/zip", b"PK", 415),
        ("multipart/form-data", b"x", 400),
        ("multipart/form-data; boundary=", b"x", 400),
        ("multipart/form-data; boundary=b", b"", 400),
        ("multipart/form-data; boundary=b", b"garbage", 400),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\ncut',
            400,
        ),
        (f"multipart/form-data; boundary={'b' * 5000}", b"x", 400),
        ("multipart/form-data; boundary=b", b"--b\r\n" + b"X-Y: " + b"z" * 100_000, 400),
    ],
)
@pytest.mark.database("sqlite")
def test_broken_forms_are_refused(
    api: Api, user: User, kind: str, body: bytes, status: int
) -> None:
    response = user.post(HAND_IN, content=body, headers={"Content-Type": kind})
    assert response.status_code == status, response.text
    assert response.json()["success"] is False
    assert inputs(api) == []


def test_file_names_are_never_used_as_paths(user: User) -> None:
    names = ["../../etc/passwd", "C:\\Users\\x\\a.png", "a" * 400, "", "\u0921\u0949.png"]
    parts = [("images", (name, IMAGE)) for name in names]
    job = finished(user, hand_in(user, parts, HAND_IN))
    found = [row["file"] for row in job["results"]]
    assert found[:3] == ["passwd", "a.png", "a" * 255]
    assert found[-1] == "\u0921\u0949.png"
    assert {row.get("predicted_class") for row in job["results"]} <= {1, None}


@pytest.mark.database("sqlite")
def test_sizes_are_limited(start_api: StartApi) -> None:
    limits = {"MAX_BODY_BYTES": "20000", "MAX_JOB_BYTES": "100000"}
    api = start_api(limits)
    user = api.sign_up()
    large = IMAGE + bytes(20_000)
    parts = [*digits(2), ("images", ("large.png", large)), *digits(2)]
    job = finished(user, hand_in(user, parts, f"{HAND_IN}?model=digits"))
    assert [row.get("code") for row in job["results"]] == [
        None,
        None,
        "image_too_large",
        None,
        None,
    ]
    content = {"large.png": large, "small.png": IMAGE}
    job = finished(user, hand_in(user, [("zip", ("z.zip", zipped(content)))], HAND_IN))
    assert [row.get("code") for row in job["results"]] == ["image_too_large", None]
    whole = user.post(HAND_IN, files=[("images", (f"{n}.png", large)) for n in range(5)])
    assert (whole.status_code, whole.json()["code"]) == (413, "body_too_large")
    unpacked = zipped({f"{n}.bmp": bytes(30_000) for n in range(5)})
    whole = user.post(HAND_IN, files=[("zip", ("z.zip", unpacked))])
    assert (whole.status_code, whole.json()["code"]) == (413, "zip_bomb")
    assert inputs(api) == []


@pytest.mark.database("sqlite")
def test_an_aborted_upload_leaves_no_file(api: Api, user: User) -> None:
    def body() -> object:
        yield b'--b\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\n'
        yield bytes(3_000_000)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        httpx2.post(
            f"{api.client.base_url}{HAND_IN}",
            content=body(),
            headers={**user.headers, "Content-Type": "multipart/form-data; boundary=b"},
        )
    wait_for(lambda: inputs(api) == [], 10)
    assert user.get("/api/jobs/").json()["results"] == []

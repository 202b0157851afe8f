"""Passwords and signing secrets: which ones are accepted, and how they are hashed or stored."""

from __future__ import annotations

import asyncio
import os
import secrets
import stat
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median

import pytest

from auth_api.accounts.passwords import (
    MAX_LENGTH,
    MIN_LENGTH,
    Passwords,
    Result,
    require_valid_password,
)
from auth_api.authorisation.signing_secret import load_or_create_secret
from auth_api.configuration.secret_strength import require_strong
from auth_api.errors import BadRequest, Unavailable
from auth_api.settings import ROOT, Settings

PASSWORD = "a long quiet river"
CHEAP = {"argon2_time_cost": 1, "argon2_memory_kib": 64}


def passwords(**settings: int) -> Passwords:
    return Passwords(Settings.model_validate({**CHEAP, **settings}))


def run(work: Callable[[], Awaitable[Result]]) -> Result:
    async def whole() -> Result:
        return await work()

    return asyncio.run(whole())


@pytest.mark.parametrize(
    "password",
    [
        PASSWORD,
        "x7" + "x" * (MIN_LENGTH - 3) + "y",
        "ab" * (MAX_LENGTH // 2 - 1) + "cd",
        "\u0915\u092e\u0932 \u0915\u093e \u092b\u0942\u0932",
        "\U0001f600\U0001f601\U0001f602\U0001f603\U0001f604\U0001f605\U0001f606\U0001f607",
        "        x y      ",
        "with a \x00 in it",
        "new@example.org!",
    ],
)
def test_a_good_password_is_accepted_in_any_script(password: str) -> None:
    require_valid_password(password, "newcomer", "new@example.org")


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("", "8 to 128"),
        ("short77", "8 to 128"),
        ("x7" * 65, "8 to 128"),
        ("e\u0301" * 7, "8 to 128"),  # seven letters, however they are composed
        ("password", "most common"),
        ("PassWord", "most common"),
        ("iloveyou1", "most common"),
        ("12345678", "most common"),
        ("qwertyuiop", "most common"),
        ("aaaaaaaaaaaa", "most common"),
        ("abababababab", "most common"),
        ("AaAaAaAaAa", "most common"),
        ("newcomer", "username"),
        ("NewComer", "username"),
        ("new.person@example.org", "e-mail"),
        ("NEW.person@Example.ORG", "e-mail"),
        ("new.person", "e-mail"),
    ],
)
def test_a_short_long_or_guessable_password_is_refused(password: str, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason):
        require_valid_password(password, "newcomer", "New.Person@example.org")


def test_only_the_right_password_is_accepted() -> None:
    hasher = passwords()
    stored = run(lambda: hasher.hash(PASSWORD))
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored
    assert run(lambda: hasher.verify(stored, PASSWORD))
    for wrong in ("", PASSWORD.upper(), PASSWORD + " ", PASSWORD[:-1], "x" * 1024, stored):
        assert not run(lambda wrong=wrong: hasher.verify(stored, wrong))


def test_the_same_password_is_hashed_differently_each_time() -> None:
    hasher = passwords()
    assert run(lambda: hasher.hash(PASSWORD)) != run(lambda: hasher.hash(PASSWORD))


def test_a_password_matches_however_its_accents_are_composed() -> None:
    hasher = passwords()
    stored = run(lambda: hasher.hash("caf\u00e9 au lait"))
    assert run(lambda: hasher.verify(stored, "cafe\u0301 au lait"))


@pytest.mark.parametrize("stored", ["", "x", "$argon2id$", "plain text", "$2b$12$" + "x" * 53])
def test_an_invalid_hash_accepts_no_password(stored: str) -> None:
    hasher = passwords()
    assert not run(lambda: hasher.verify(stored, PASSWORD))
    assert not run(lambda: hasher.verify(stored, ""))


def test_an_unknown_user_has_no_right_password() -> None:
    hasher = passwords()
    for password in (PASSWORD, "", "None", "nobody"):
        assert run(lambda password=password: hasher.verify(None, password)) is False


def test_an_unknown_user_takes_as_long_as_a_wrong_password() -> None:
    hasher = passwords(argon2_time_cost=4, argon2_memory_kib=16384)
    stored = run(lambda: hasher.hash(PASSWORD))

    def seconds(hashed: str | None) -> float:
        # Processor time of this process, because the load of the machine does not change it.
        started = time.process_time()
        assert not run(lambda: hasher.verify(hashed, "wrong"))
        return time.process_time() - started

    known, unknown = [], []
    for _ in range(5):
        known.append(seconds(stored))
        unknown.append(seconds(None))
    assert 0.5 < median(unknown) / median(known) < 2


def test_a_hash_with_outdated_parameters_is_replaced() -> None:
    before, today = passwords(), passwords(argon2_time_cost=2)
    old = run(lambda: before.hash(PASSWORD))
    assert run(lambda: before.rehash_if_outdated(old, PASSWORD)) == old
    assert run(lambda: today.verify(old, PASSWORD))
    renewed = run(lambda: today.rehash_if_outdated(old, PASSWORD))
    assert renewed != old
    assert ",t=2," in renewed
    assert run(lambda: today.verify(renewed, PASSWORD))
    assert run(lambda: today.rehash_if_outdated(renewed, PASSWORD)) == renewed


def test_the_default_parameters_are_those_of_owasp() -> None:
    settings = Settings.model_validate({"argon2_time_cost": 2})
    hasher = Passwords(settings)
    assert "$m=19456,t=2,p=1$" in run(lambda: hasher.hash(PASSWORD))


def test_sign_ins_beyond_the_queue_are_told_to_retry() -> None:
    hasher = passwords(argon2_time_cost=1, argon2_memory_kib=4096, hashing_threads=1)

    async def crowd() -> list[str | BaseException]:
        hashes = (hasher.hash(PASSWORD) for _ in range(200))
        return await asyncio.gather(*hashes, return_exceptions=True)

    for _ in range(2):  # the queue has room again
        results = asyncio.run(crowd())
        refused = [result for result in results if isinstance(result, Unavailable)]
        assert len(refused) == 72
        assert {refusal.code for refusal in refused} == {"busy"}
        assert all(refusal.headers and refusal.headers["Retry-After"] for refusal in refused)
        assert all(isinstance(result, str) for result in results if result not in refused)


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "short",
        "x" * 31,
        "a" * 64,
        "abcabcabc" * 8,
        "0" * 32,
        "password" * 4 + "123456789abcdef",
        "change-me-please-0123456789-abcdefghi",
        "PLEASE-CHANGE-THIS-KEY-8471029365",
        "your-256-bit-secret-your-256-bit-secret",
        "a-string-secret-at-least-256-bits-long",
        "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
        "django-insecure-kq7!v0m2x9z8b4n6c1l5h3g",
        "0123456789abcdef0123456789abcdef",
        "supersecretkey1234567890supersecretkey",
    ],
)
def test_a_known_or_guessable_secret_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match=r"must have|repeats|placeholder"):
        require_strong(secret)


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(secrets.token_hex(32), id="made just now"),
        "q7Zp!0x\u0930m3Wv9Lk2Tn8Rb5Yc1Hd6Jf4",
    ],
)
def test_a_random_secret_is_accepted(secret: str) -> None:
    require_strong(secret)


def test_a_secret_is_created_once_and_readable_by_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret_key"
    made = load_or_create_secret(path)
    assert len(made) >= 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert load_or_create_secret(path) == made
    assert [file.name for file in path.parent.iterdir()] == ["secret_key"]
    assert load_or_create_secret(tmp_path / "other" / "secret_key") != made


def test_a_secret_file_of_the_operator_must_be_strong_too(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    path.write_text("short\n")
    with pytest.raises(ValueError, match="at least 32"):
        load_or_create_secret(path)
    strong = secrets.token_hex(32)
    path.write_text(f"{strong}\n")
    assert load_or_create_secret(path) == strong


def test_a_start_after_a_killed_one_creates_the_secret(
    tmp_path: Path,
) -> None:
    # In a container every process has the same id, so that the next start sees the same name.
    (tmp_path / f"secret_key.{os.getpid()}").write_text("half a sec")
    assert len(load_or_create_secret(tmp_path / "secret_key")) >= 64


def test_processes_that_start_together_share_one_secret(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from auth_api.authorisation import signing_secret; "
        "print(signing_secret.load_or_create_secret(pathlib.Path(sys.argv[1])))"
    )

    def start(_: int) -> str:
        return subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "secret_key")],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    with ThreadPoolExecutor(8) as starters:
        assert len(set(starters.map(start, range(8)))) == 1

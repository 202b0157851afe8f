"""Passwords and secrets: which ones are taken, and that nobody learns from the time it takes."""

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

from archive_scripts.archives.building import ROOT
from auth_api.accounts.passwords import LONGEST, SHORTEST, Passwords, Result, require_acceptable
from auth_api.authorisation.signing_secret import kept_secret, require_strong
from auth_api.errors import Unavailable
from auth_api.settings import Settings

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
        "x7" + "x" * (SHORTEST - 3) + "y",
        "ab" * (LONGEST // 2 - 1) + "cd",
        "\u0915\u092e\u0932 \u0915\u093e \u092b\u0942\u0932",
        "\U0001f600\U0001f601\U0001f602\U0001f603\U0001f604\U0001f605\U0001f606\U0001f607",
        "        x y      ",
        "with a \x00 in it",
        "new@example.org!",
    ],
)
def test_a_good_password_is_taken_whatever_its_letters(password: str) -> None:
    require_acceptable(password, "newcomer", "new@example.org")


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
def test_a_password_that_is_short_long_or_guessed_is_refused(password: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        require_acceptable(password, "newcomer", "New.Person@example.org")


def test_only_the_right_password_is_right() -> None:
    recorder = passwords()
    stored = run(lambda: recorder.hash(PASSWORD))
    assert stored.startswith("$argon2id$")
    assert PASSWORD not in stored
    assert run(lambda: recorder.verify(stored, PASSWORD))
    for wrong in ("", PASSWORD.upper(), PASSWORD + " ", PASSWORD[:-1], "x" * 1024, stored):
        assert not run(lambda wrong=wrong: recorder.verify(stored, wrong))


def test_the_same_password_is_hashed_differently_each_time() -> None:
    recorder = passwords()
    assert run(lambda: recorder.hash(PASSWORD)) != run(lambda: recorder.hash(PASSWORD))


def test_a_password_is_the_same_however_its_letters_were_composed() -> None:
    recorder = passwords()
    stored = run(lambda: recorder.hash("caf\u00e9 au lait"))
    assert run(lambda: recorder.verify(stored, "cafe\u0301 au lait"))


@pytest.mark.parametrize("stored", ["", "x", "$argon2id$", "plain text", "$2b$12$" + "x" * 53])
def test_a_hash_that_is_none_lets_nobody_in(stored: str) -> None:
    recorder = passwords()
    assert not run(lambda: recorder.verify(stored, PASSWORD))
    assert not run(lambda: recorder.verify(stored, ""))


def test_no_password_is_right_where_there_is_no_user() -> None:
    recorder = passwords()
    for password in (PASSWORD, "", "None", "nobody"):
        assert run(lambda password=password: recorder.verify(None, password)) is False


def test_an_unknown_user_costs_as_much_time_as_a_wrong_password() -> None:
    recorder = passwords(argon2_time_cost=4, argon2_memory_kib=16384)
    stored = run(lambda: recorder.hash(PASSWORD))

    def seconds(hashed: str | None) -> float:
        # Of this process, which its neighbours on the machine cannot spoil.
        started = time.process_time()
        assert not run(lambda: recorder.verify(hashed, "wrong"))
        return time.process_time() - started

    known, unknown = [], []
    for _ in range(5):
        known.append(seconds(stored))
        unknown.append(seconds(None))
    assert 0.5 < median(unknown) / median(known) < 2


def test_a_hash_of_other_parameters_is_renewed_and_one_of_todays_kept() -> None:
    before, today = passwords(), passwords(argon2_time_cost=2)
    old = run(lambda: before.hash(PASSWORD))
    assert run(lambda: before.renewed(old, PASSWORD)) == old
    assert run(lambda: today.verify(old, PASSWORD))
    renewed = run(lambda: today.renewed(old, PASSWORD))
    assert renewed != old
    assert ",t=2," in renewed
    assert run(lambda: today.verify(renewed, PASSWORD))
    assert run(lambda: today.renewed(renewed, PASSWORD)) == renewed


def test_the_defaults_are_what_owasp_asks_for() -> None:
    settings = Settings.model_validate({"argon2_time_cost": 2})
    recorder = Passwords(settings)
    assert "$m=19456,t=2,p=1$" in run(lambda: recorder.hash(PASSWORD))


def test_when_too_many_wait_the_next_one_is_told_to_come_back() -> None:
    recorder = passwords(argon2_time_cost=3, argon2_memory_kib=4096, hashing_threads=1)

    async def crowd() -> list[str | BaseException]:
        hashes = (recorder.hash(PASSWORD) for _ in range(200))
        return await asyncio.gather(*hashes, return_exceptions=True)

    results = asyncio.run(crowd())
    refused = [result for result in results if isinstance(result, Unavailable)]
    assert len(refused) == 72
    assert all(refusal.headers and refusal.headers["Retry-After"] for refusal in refused)
    assert all(isinstance(result, str) for result in results if result not in refused)
    # And afterwards there is room again.
    assert run(lambda: recorder.hash(PASSWORD))


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
def test_a_secret_that_others_know_or_guess_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match=r"must have|repeats|placeholder"):
        require_strong(secret)


@pytest.mark.parametrize(
    "secret",
    [
        pytest.param(secrets.token_hex(32), id="made just now"),
        "q7Zp!0x\u0930m3Wv9Lk2Tn8Rb5Yc1Hd6Jf4",
    ],
)
def test_a_random_secret_is_taken(secret: str) -> None:
    require_strong(secret)


def test_a_secret_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret_key"
    made = kept_secret(path)
    assert len(made) >= 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert kept_secret(path) == made
    assert [file.name for file in path.parent.iterdir()] == ["secret_key"]
    assert kept_secret(tmp_path / "other" / "secret_key") != made


def test_a_secret_that_somebody_put_there_must_be_strong_too(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    path.write_text("short\n")
    with pytest.raises(ValueError, match="at least 32"):
        kept_secret(path)
    strong = secrets.token_hex(32)
    path.write_text(f"{strong}\n")
    assert kept_secret(path) == strong


def test_a_start_that_was_killed_while_it_made_the_secret_does_not_prevent_the_next(
    tmp_path: Path,
) -> None:
    # In a container every start has the same process id.
    (tmp_path / f"secret_key.{os.getpid()}").write_text("half a sec")
    assert len(kept_secret(tmp_path / "secret_key")) >= 64


def test_processes_that_start_together_have_one_secret(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib; from auth_api.authorisation.signing_secret import kept_secret; "
        "print(kept_secret(pathlib.Path(sys.argv[1])))"
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

"""Settings from files, and settings that cannot be used."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from sqlalchemy import make_url

from auth_api import VERSION
from auth_api.__main__ import main
from auth_api.database.database import Database
from auth_api.settings import RENAMED, ROOT, Settings
from launcher.ports import free_port
from launcher.settings import LauncherSettings
from tests.support.forked import run_command
from tests.support.postgresql import PostgreSQL

SECRET = "Tz4vPq9sXw2mLk7bRf5nHc8dJy3gQa6e"


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setenv("SECRETS_DIR", str(folder))
    for name in ("SECRET_KEY", "DATABASE_URL", "DATABASE_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    return folder


def start_error(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """The error output of a service that does not start."""
    monkeypatch.setattr(sys, "argv", ["auth_api"])
    assert main() == 2
    return capsys.readouterr().err


def test_secrets_come_from_files_unless_the_environment_has_them(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (secrets / "secret_key").write_text(f"{SECRET}\n")
    # Kubernetes links each secret to a file in another folder.
    (secrets / "..data").mkdir()
    (secrets / "..data" / "database_password").write_text("hunt/er@2\n")
    (secrets / "database_password").symlink_to("..data/database_password")
    monkeypatch.setenv("DATABASE_URL", "postgresql://ranjana@db:5432/ranjana")
    settings = Settings()
    assert settings.secret_key
    assert settings.secret_key.get_secret_value() == SECRET
    url = Database(settings).url
    assert (url.username, url.password, url.host) == ("ranjana", "hunt/er@2", "db")
    monkeypatch.setenv("DATABASE_PASSWORD", "another")
    assert Database(Settings()).url.password == "another"
    monkeypatch.setenv("DATABASE_URL", f"sqlite:///{secrets / 'ranjana.db'}")
    assert Database(Settings()).url.password is None


def test_secrets_that_cannot_be_read_are_reported(
    secrets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (secrets / "secret_key").write_text("too short")
    assert "The setting SECRET_KEY is not usable" in start_error(capsys, monkeypatch)
    monkeypatch.setenv("SECRETS_DIR", str(secrets / "none"))
    assert start_error(capsys, monkeypatch) == (
        f"The file {secrets / 'none'} cannot be read: Not a directory.\n"
    )


def test_several_processes_need_postgresql(
    secrets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_WORKERS", "2")
    assert "DATABASE_URL is not usable" in start_error(capsys, monkeypatch)
    monkeypatch.setenv("DATABASE_URL", "postgresql://ranjana@db/ranjana")
    assert Settings().api_workers == 2


@pytest.mark.parametrize(
    "value", ["*", "127.0.0.1,*", "0.0.0.0/0", "::/0", "0.0.0.0/1,128.0.0.0/1", "::ffff:0:0/96"]
)
def test_no_proxy_can_be_everybody(
    secrets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", value)
    (line,) = start_error(capsys, monkeypatch).splitlines()
    assert line.startswith("The setting TRUSTED_PROXIES is not usable: ")
    assert "any caller could choose its address: name the addresses or networks of your" in line


@pytest.mark.parametrize("value", ["proxy", "10.0.0.1/8", "10.0.0", "localhost"])
def test_a_proxy_that_would_never_be_trusted_is_refused(
    secrets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", value)
    assert f"{value} is neither an address nor a network" in start_error(capsys, monkeypatch)
    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.0/8, 172.16.0.1, fd00:1:2::/48, ::1")
    assert len(Settings().trusted_proxies) == 4


def test_metrics_need_a_port_of_their_own(
    secrets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("METRICS_PORT", "8000")
    assert "The setting METRICS_PORT is not usable" in start_error(capsys, monkeypatch)
    monkeypatch.setenv("API_PORT", "8001")
    assert Settings().metrics_port == 8000
    assert Settings().metrics_host == "127.0.0.1"


def test_an_empty_path_is_none_or_rejected_and_never_the_working_directory(
    secrets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHSERVE_KEY_FILE", "")
    monkeypatch.setenv("TORCHSERVE_HOME", "")
    assert Settings().torchserve_key_file is None
    assert LauncherSettings().torchserve_home is None
    for name in ("DATA_DIR", "MEDIA_DIR", "MODEL_STORE"):
        with monkeypatch.context() as alone:
            alone.setenv(name, "")
            assert f"The setting {name} is not usable" in start_error(capsys, monkeypatch)


def test_a_start_that_fails_is_explained_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("no database, and no folder either")
    cases = (
        ("RATE_LIMIT_STORAGE", "nowhere://", 2, "The setting RATE_LIMIT_STORAGE is not usable"),
        ("MEDIA_DIR", str(file), 2, f"The folder {file} cannot be used: File exists."),
        ("DATABASE_URL", f"sqlite:///{file}", 1, "The database cannot be used: file is not"),
    )

    def start(name: str, value: str) -> CompletedProcess[str]:
        ours = {each: str(tmp_path / each) for each in ("DATA_DIR", "MEDIA_DIR")}
        return run_command({**os.environ, **ours, "API_PORT": str(free_port()), name: value})

    with ThreadPoolExecutor() as threads:
        ended = threads.map(lambda case: start(*case[:2]), cases)
    for (name, _, status, message), done in zip(cases, ended, strict=True):
        assert done.returncode == status, name
        assert done.stderr.startswith(message), done.stderr
        assert len(done.stderr.splitlines()) == 1, name


def test_the_version_is_that_of_the_project() -> None:
    assert f'version = "{VERSION}"' in (ROOT / "pyproject.toml").read_text().splitlines()


@pytest.mark.parametrize(("old", "new"), RENAMED.items())
def test_an_old_name_of_a_setting_works_with_a_warning(
    old: str, new: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv(old.upper(), "7")
    assert getattr(Settings(), new) == 7
    assert f"the setting {old.upper()} is now {new.upper()}" in caplog.text
    monkeypatch.setenv(new.upper(), "9")
    assert getattr(Settings(), new) == 9


def test_new_names_of_settings_need_no_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for new in RENAMED.values():
        monkeypatch.setenv(new.upper(), "7")
    assert Settings().max_queue_seconds == 7
    assert caplog.text == ""


def test_the_example_of_an_env_file_has_every_setting_with_its_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = LauncherSettings.model_fields
    lines = re.findall(r"(?m)^#([A-Z\d_]+)=(.*)$", (ROOT / ".env.example").read_text())
    assert sorted(name.lower() for name, _ in lines) == sorted(fields)
    for name in fields:
        monkeypatch.delenv(name.upper(), raising=False)
    (tmp_path / ".env").write_text("".join(f"{name}={value}\n" for name, value in lines if value))
    monkeypatch.chdir(tmp_path)
    uncommented = LauncherSettings()
    (tmp_path / ".env").unlink()
    defaults = LauncherSettings()
    for name, value in lines:
        default = getattr(defaults, name.lower())
        if not value:
            assert default in (None, "", ()), name
        elif isinstance(default, Path):
            assert ROOT / value == default
        elif not fields[name.lower()].default_factory:  # which counts the cores
            assert getattr(uncommented, name.lower()) == default, name


def test_the_database_may_be_named_as_older_systems_did(
    postgresql: PostgreSQL, secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = make_url(postgresql.new_database())
    older = {"NAME": given.database, "USER": given.username, "HOST": given.query["host"]}
    for name, value in {**older, "PASSWORD": "hunt/er@2"}.items():
        monkeypatch.setenv(f"DB_{name}", str(value))
    database = Database(Settings())
    assert database.url.password == "hunt/er@2"

    async def ping() -> None:
        await database.ping()
        await database.aclose()

    asyncio.run(ping())
    monkeypatch.setenv("DB_HOST", "db")
    monkeypatch.setenv("DB_PORT", "6543")
    url = Database(Settings()).url
    assert (url.host, url.port, url.database) == ("db", 6543, given.database)
    launched = Database(LauncherSettings().connected()).url
    assert (launched.host, launched.port, launched.password) == ("db", 6543, "hunt/er@2")
    monkeypatch.setenv("DATABASE_URL", "postgresql://ranjana@other/ranjana")
    assert Database(Settings()).url.host == "other"
    monkeypatch.delenv("DATABASE_URL")
    monkeypatch.delenv("DB_NAME")
    assert Database(Settings()).is_sqlite

"""What is set by files, and settings that do not go together."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from auth_api.__main__ import main
from auth_api.database import Database
from auth_api.settings import Settings

SECRET = "Tz4vPq9sXw2mLk7bRf5nHc8dJy3gQa6e"


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "secrets"
    folder.mkdir()
    monkeypatch.setenv("SECRETS_DIR", str(folder))
    for name in ("SECRET_KEY", "DATABASE_URL", "DATABASE_PASSWORD"):
        monkeypatch.delenv(name, raising=False)
    return folder


def refused(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> str:
    """What the service says that does not start."""
    monkeypatch.setattr(sys, "argv", ["auth_api"])
    assert main() == 2
    return capsys.readouterr().err


def test_secrets_come_from_files_unless_the_environment_has_them(
    secrets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (secrets / "secret_key").write_text(f"{SECRET}\n")
    # As Kubernetes has them: a link to a file of another folder.
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


def test_secrets_that_cannot_be_read_are_said(
    secrets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (secrets / "secret_key").write_text("too short")
    assert "The setting SECRET_KEY is not usable" in refused(capsys, monkeypatch)
    monkeypatch.setenv("SECRETS_DIR", str(secrets / "none"))
    assert refused(capsys, monkeypatch) == (
        f"The file {secrets / 'none'} cannot be read: Not a directory.\n"
    )


def test_several_processes_need_a_database_for_several(
    secrets: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_WORKERS", "2")
    assert "DATABASE_URL is not usable" in refused(capsys, monkeypatch)
    monkeypatch.setenv("DATABASE_URL", "postgresql://ranjana@db/ranjana")
    assert Settings().api_workers == 2

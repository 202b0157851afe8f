"""Reading the settings, and writing files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from auth_api.__main__ import main
from auth_api.commands.files import atomic_write
from auth_api.errors import BadRequest


def test_unreadable_settings_are_explained_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / ".env").write_bytes(b"API_PORT=80\xff")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["auth_api", "users", "list"])
    assert main() == 2
    assert (
        capsys.readouterr().err
        == "The file .env or a secret cannot be read: it is not UTF-8 text.\n"
    )


def test_files_are_replaced_completely_and_no_other_file_is_touched(tmp_path: Path) -> None:
    file, other = tmp_path / "data.zip", tmp_path / "other"
    other.write_text("somebody's")
    (tmp_path / "data.zip.partial").symlink_to(other)
    with atomic_write(file) as target:
        target.write(b"whole")
        assert not file.exists()
    assert file.read_bytes() == b"whole"
    with pytest.raises(KeyboardInterrupt):
        interrupted_write(file)
    assert file.read_bytes() == b"whole"
    assert other.read_text() == "somebody's"
    assert {path.name for path in tmp_path.iterdir()} == {"data.zip", "data.zip.partial", "other"}
    with pytest.raises(BadRequest), atomic_write(tmp_path):
        pass
    with pytest.raises(FileNotFoundError) as raised, atomic_write(tmp_path / "no" / "file"):
        pass
    assert raised.value.filename == str(tmp_path / "no" / "file")


def interrupted_write(file: Path) -> None:
    with atomic_write(file) as target:
        target.write(b"half")
        raise KeyboardInterrupt

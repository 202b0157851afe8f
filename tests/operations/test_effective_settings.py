"""The settings that administrators see."""

from __future__ import annotations

import json

import pytest

from auth_api.operations.effective_settings import MASK, effective
from auth_api.settings import Settings

SECRET = "Tz4vPq9sXw2mLk7bRf5nHc8dJy3gQa6e"


def shown(settings: Settings, name: str) -> object:
    return {setting["name"]: setting["value"] for setting in effective(settings)}[name]


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("postgresql://me:hunter2@db/ranjana", f"postgresql+asyncpg://me:{MASK}@db/ranjana"),
        ("postgresql://me:hun%40ter2@db/x", f"postgresql+asyncpg://me:{MASK}@db/x"),
        (
            "postgresql://db/x?user=me&password=hunter2&sslmode=require",
            f"postgresql+asyncpg://db/x?password={MASK}&ssl=require&user=me",
        ),
        ("postgresql://me@db/x", f"postgresql+asyncpg://{MASK}@db/x"),
        ("sqlite:////srv/ranj@na.db", "sqlite+pysqlite:////srv/ranj@na.db"),
        ("", ""),
    ],
)
def test_the_database_url_is_shown_without_its_password(url: str, masked: str) -> None:
    settings = Settings(database_url=url)
    assert shown(settings, "DATABASE_URL") == masked
    assert ("ter2" in settings.database_url) == ("ter2" in url)


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("memory://", "memory://"),
        ("redis://:hun/t@er2@cache:6379/0", f"redis://:{MASK}@cache:6379/0"),
        ("redis://cache/0?Password=hun;ter2&x=1", f"redis://cache/0?Password={MASK}&x=1"),
        ("redis://cache/0?x=1;password=hunter2", f"redis://cache/0?x=1;password={MASK}"),
        ("redis://cache/0?p%61ssword=hunter2", f"redis://cache/0?p%61ssword={MASK}"),
        ("redis://cache/0?password=hun@ter2", f"redis://{MASK}"),
        ("redis://:hun?t@er2@cache/0", f"redis://{MASK}"),
        ("redis://hunter2@cache:6379/0", f"redis://{MASK}@cache:6379/0"),
        (
            "redis+sentinel://:hunter2@one:1,two:2/main?sentinel_password=hunter2",
            f"redis+sentinel://:{MASK}@one:1,two:2/main?sentinel_password={MASK}",
        ),
    ],
)
def test_the_url_of_the_rate_limit_store_is_shown_without_its_password(
    url: str, masked: str
) -> None:
    assert shown(Settings(rate_limit_storage=url), "RATE_LIMIT_STORAGE") == masked


def test_every_setting_is_shown_and_secrets_are_masked() -> None:
    settings = Settings(
        secret_key=SECRET,
        torchserve_inference_url="http://me:hunter2@models:8080",
        cors_origins="https://me:hunter2@learn.example.org,https://example.org",
    )
    settings_shown = effective(settings)
    assert {row["name"] for row in settings_shown} == {
        name.upper() for name in Settings.model_fields
    }
    text = json.dumps(settings_shown)  # all values are JSON
    assert SECRET not in text
    assert "hunter2" not in text
    assert shown(settings, "CORS_ORIGINS") == [
        f"https://me:{MASK}@learn.example.org",
        "https://example.org",
    ]
    assert shown(settings, "SECRET_KEY") == MASK
    assert shown(Settings(), "SECRET_KEY") is None
    assert shown(settings, "TOKEN_ISSUER") == "ranjana"
    port, issuer = (
        next(row for row in effective(Settings(api_port=4321)) if row["name"] == name)
        for name in ("API_PORT", "TOKEN_ISSUER")
    )
    assert (port["value"], port["default"], port["set"]) == (4321, 8000, True)
    assert (issuer["default"], issuer["set"]) == ("ranjana", False)

"""The types of settings. They turn the text of an environment variable into a value."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Network, ip_network
from pathlib import Path
from typing import Annotated
from zoneinfo import available_timezones

from limits import parse_many
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode
from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from auth_api.configuration.secret_strength import require_strong

_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}

# Prefixes of the widest networks that proxies may be in.
_WIDEST = {4: 8, 6: 32}
_IPV4_MAPPED = IPv6Network("::ffff:0:0/96")


def _split(value: object) -> object:
    """`a, b` becomes `("a", "b")`."""
    if isinstance(value, str):
        return tuple(part for part in map(str.strip, value.split(",")) if part)
    return value


def _none_if_empty(value: object) -> object:
    # Path("") would mean the working directory.
    return None if value == "" else value


def _not_empty(value: object) -> object:
    if value == "":
        raise ValueError("must not be empty")
    return value


def _proxies(value: tuple[str, ...]) -> tuple[str, ...]:
    for each in value:
        try:
            network = ip_network("0.0.0.0/0" if each == "*" else each)
        except ValueError as error:
            raise ValueError(
                f"{each} is neither an address nor a network such as 172.16.0.0/12"
            ) from error
        mapped = isinstance(network, IPv6Network) and _IPV4_MAPPED.subnet_of(network)
        if mapped or network.prefixlen < _WIDEST[network.version]:
            raise ValueError(
                f"with {each} any caller could choose its address: name the addresses or networks "
                "of your proxies"
            )
    return value


def _rates(value: str) -> str:
    parse_many(value)  # raises ValueError
    return value


def _rate_limit_store(value: str) -> str:
    if not value.startswith(("memory://", "redis://", "rediss://", "redis+")):
        raise ValueError("must be memory://, or begin with redis:// or rediss://")
    return value


@lru_cache
def _time_zones() -> set[str]:
    # The two have different meanings on different machines.
    return available_timezones() - {"localtime", "Factory"}


def _time_zone(value: str) -> str:
    if value not in _time_zones():
        raise ValueError("must be the name of a time zone, such as Asia/Kathmandu")
    return value


def _database_url(value: str) -> str:
    """Sets the driver, and renames `sslmode` to `ssl`, as asyncpg calls it."""
    if not value:
        return value
    try:
        url = make_url(value)
    except ArgumentError as error:
        raise ValueError("is not the address of a database") from error
    backend = url.drivername.partition("+")[0]
    if backend not in _DRIVERS:
        raise ValueError("must begin with sqlite:/// or postgresql://")
    query = {("ssl" if name == "sslmode" else name): text for name, text in url.query.items()}
    url = url.set(drivername=_DRIVERS[backend], query=query)
    return url.render_as_string(hide_password=False)


def postgresql_url(name: str | None, user: str | None, host: str | None, port: int | None) -> str:
    """The address of a PostgreSQL database as `DatabaseUrl` has it, empty without a `name`. `host`
    may be the folder of a socket.
    """
    if not name:
        return ""
    socket = {"host": host} if host and host.startswith("/") else {}
    url = URL.create(
        _DRIVERS["postgresql"],
        username=user or None,
        host=None if socket else host,
        port=port,
        database=name,
        query=socket,
    )
    return url.render_as_string(hide_password=False)


def _strong(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        require_strong(value.get_secret_value())
    return value


Port = Annotated[int, Field(ge=1, le=65535)]

Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Names separated by commas."""

Proxies = Annotated[Names, AfterValidator(_proxies)]
"""Addresses and networks separated by commas, none so wide that strangers are in it."""

OptionalPath = Annotated[Path | None, BeforeValidator(_none_if_empty)]
Folder = Annotated[Path, BeforeValidator(_not_empty)]

Rates = Annotated[str, AfterValidator(_rates)]
"""Limits in the notation of the library `limits`: `10/minute;100/hour`. All of them apply."""

RateLimitStore = Annotated[str, AfterValidator(_rate_limit_store)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
SigningSecret = Annotated[SecretStr | None, AfterValidator(_strong)]

"""The settings in force, for administrators to look at, without what must stay secret."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote_plus

from pydantic import SecretStr

from auth_api.settings import Settings

MASK = "********"

_SECRET_PARAMETER = re.compile("pass|pwd|secret|token|key", re.IGNORECASE)
_SECRET_NAME = re.compile(r"(?:^|_)(?:secret|password|token|key)$")


def effective(settings: Settings) -> list[dict[str, Any]]:
    """Each setting as `Setting`, in the order in which they are declared."""
    values, defaults = settings.model_dump(mode="json"), Settings.model_construct()
    shown_defaults = defaults.model_dump(mode="json")
    return [
        {
            "name": name.upper(),
            "value": _shown(name, getattr(settings, name), values[name]),
            "default": _shown(name, getattr(defaults, name), shown_defaults[name]),
            "set": name in settings.model_fields_set,
        }
        for name in Settings.model_fields
    ]


def _shown(name: str, value: object, plain: Any) -> Any:
    if value is not None and (isinstance(value, SecretStr) or _SECRET_NAME.search(name)):
        return MASK
    if isinstance(plain, list):
        return [_masked(item) for item in plain]
    return _masked(plain)


def _masked(plain: Any) -> Any:
    """An address without its passwords, anything else as it is.

    Not by `urlsplit`, which takes what follows a `/` or `?` in a password for a path or a query,
    and would have it shown.
    """
    if not isinstance(plain, str) or "://" not in plain:
        return plain
    scheme, _, rest = plain.partition("://")
    userinfo, at, location = rest.rpartition("@")
    if "?" in userinfo:  # is that in a password, or the @ in a query?
        return f"{scheme}://{MASK}"
    if at and not userinfo.startswith("/"):
        name, colon, _ = userinfo.partition(":")
        userinfo = f"{name}:{MASK}" if colon else MASK
    place, mark, query = location.partition("?")
    parameters = "&".join(map(_parameter, query.split("&")))
    return f"{scheme}://{userinfo}{at}{place}{mark}{parameters}"


def _parameter(parameter: str) -> str:
    """A parameter of a query, or several after `;`, up to the first that is secret: there, a `;`
    may be part of it.
    """
    shown: list[str] = []
    for part in parameter.split(";"):
        name, equals, _ = part.partition("=")
        if equals and _SECRET_PARAMETER.search(unquote_plus(name)):
            return ";".join((*shown, f"{name}={MASK}"))
        shown.append(part)
    return parameter

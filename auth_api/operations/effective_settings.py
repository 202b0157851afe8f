"""Shows administrators the settings in force, with secrets masked."""

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
    """Each setting as the schema `Setting`, in the order of their declaration."""
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
    """A URL without its passwords; any other value unchanged.

    `urlsplit` is not safe here: it takes the part of a password after `/` or `?` for a path or a
    query, so that part would be shown.
    """
    if not isinstance(plain, str) or "://" not in plain:
        return plain
    scheme, _, rest = plain.partition("://")
    userinfo, at, location = rest.rpartition("@")
    if "?" in userinfo:  # unclear whether the ? is in a password or the @ in a query
        return f"{scheme}://{MASK}"
    if at and not userinfo.startswith("/"):
        name, colon, _ = userinfo.partition(":")
        userinfo = f"{name}:{MASK}" if colon else MASK
    path, mark, query = location.partition("?")
    parameters = "&".join(map(_parameter, query.split("&")))
    return f"{scheme}://{userinfo}{at}{path}{mark}{parameters}"


def _parameter(parameter: str) -> str:
    """Masks a query parameter, which may hold several separated by `;`.

    Everything after the first secret is masked too, because a `;` may be part of the secret.
    """
    shown: list[str] = []
    for part in parameter.split(";"):
        name, equals, _ = part.partition("=")
        if equals and _SECRET_PARAMETER.search(unquote_plus(name)):
            return ";".join((*shown, f"{name}={MASK}"))
        shown.append(part)
    return parameter

"""The settings in force, for administrators to look at, without what must stay secret."""

from __future__ import annotations

import re
from typing import Any

from pydantic import SecretStr

from auth_api.settings import Settings

MASK = "********"

# Of an address: what comes after the name, up to the last @, for a password may have one.
_PASSWORD = re.compile(r"(://[^:/?#]*:).*@", re.DOTALL)
_PARAMETER = re.compile(r"([?&;][^=&;]*(?:pass|pwd|secret|token|key)[^=&;]*=)[^&;]*", re.IGNORECASE)
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
    if isinstance(plain, str) and "://" in plain:
        return _PARAMETER.sub(rf"\1{MASK}", _PASSWORD.sub(rf"\1{MASK}@", plain))
    return plain

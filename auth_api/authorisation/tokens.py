"""JSON Web Tokens: what they say, and which ones are believed.

Both kinds name a session (`sid`) and its user (`sub`), and are bound to issuer, audience and
their own type. A signature says that a token was ours once; whether it still is, the database
says (`auth_api.authorisation.authoriser`, `auth_api.accounts.sessions`).
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta
from functools import lru_cache
from typing import Any, Literal

import jwt
from pydantic import BaseModel, ConfigDict, ValidationError

from auth_api.authorisation.signing_secret import kept_secret
from auth_api.database.columns import now
from auth_api.errors import Unauthorised
from auth_api.settings import Settings

Kind = Literal["access", "refresh"]

_ALGORITHM = "HS256"
_REMEMBERED = 4096
_CLAIMS = ("iss", "aud", "sub", "sid", "typ", "jti", "iat", "exp")


class Claims(BaseModel):
    """What a believed token says."""

    model_config = ConfigDict(extra="ignore", strict=True)

    sub: str
    sid: str
    typ: Kind
    jti: str
    exp: int


class Tokens:
    """Makes and reads tokens with the secret of the settings, or the one kept in `data_dir`."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError when the kept secret is weak."""
        self._settings = settings
        self._secret = (
            settings.secret_key.get_secret_value()
            if settings.secret_key
            else kept_secret(settings.data_dir / "secret_key")
        )
        # A client sends the same token for an hour: that it is ours need not be found out anew,
        # only whether it still lives.
        self._believed = lru_cache(_REMEMBERED)(self._verify)
        self._access = timedelta(seconds=settings.access_token_seconds)
        self._web_access = timedelta(seconds=settings.web_access_seconds)
        self._refresh = timedelta(seconds=settings.refresh_token_seconds)

    def make(self, kind: Kind, user_id: int, session_id: str, *, web: bool = False) -> str:
        """A new signed token, of a session of a web page or of another one."""
        issued = now()
        access = self._web_access if web else self._access
        claims: dict[str, Any] = {
            "iss": self._settings.token_issuer,
            "aud": self._settings.token_audience,
            "sub": str(user_id),
            "sid": session_id,
            "typ": kind,
            "jti": secrets.token_urlsafe(16),
            "iat": issued,
            "exp": issued + (access if kind == "access" else self._refresh),
        }
        return jwt.encode(claims, self._secret, _ALGORITHM)

    def read(self, kind: Kind, token: str) -> Claims:
        """What a token says. Raises Unauthorised unless it is ours, of this kind, and alive."""
        try:
            claims = self._believed(token)
        except jwt.ExpiredSignatureError as error:
            raise Unauthorised("The token has expired.", "token_expired") from error
        except (jwt.InvalidTokenError, ValidationError, ValueError, OverflowError) as error:
            raise Unauthorised("The token is not valid.", "token_invalid") from error
        if claims.typ != kind:
            raise Unauthorised(f"The token is no {kind} token.", "token_invalid")
        if claims.exp <= now().timestamp():
            raise Unauthorised("The token has expired.", "token_expired")
        return claims

    def _verify(self, token: str) -> Claims:
        content = jwt.decode(
            token,
            self._secret,
            algorithms=[_ALGORITHM],
            issuer=self._settings.token_issuer,
            audience=self._settings.token_audience,
            options={"require": list(_CLAIMS)},
        )
        return Claims.model_validate(content)


def hashed(secret: str) -> str:
    """What is stored of a token or key: SHA-256 in hexadecimal.

    They are random and long, so that a slow hash would add nothing.
    """
    return hashlib.sha256(secret.encode()).hexdigest()

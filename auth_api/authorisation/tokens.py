"""Issues and verifies JSON Web Tokens.

A token names a session (`sid`) and its user (`sub`), and is bound to issuer, audience and type. The
signature only proves that this service issued it. `authoriser` and `auth_api.accounts.sessions`
check in the database that its session is still active.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Literal

import jwt
from pydantic import BaseModel, ConfigDict, ValidationError

from auth_api.authorisation.signing_secret import load_or_create_secret
from auth_api.database.columns import now
from auth_api.errors import Unauthorised
from auth_api.settings import Settings

Kind = Literal["access", "refresh"]

_ALGORITHM = "HS256"
_CACHE_SIZE = 4096
_ID_BYTES = 16
_CLAIMS = ("iss", "aud", "sub", "sid", "typ", "jti", "iat", "exp")


class Claims(BaseModel):
    """The claims of a verified token."""

    model_config = ConfigDict(extra="ignore", strict=True)

    sub: str
    sid: str
    typ: Kind
    jti: str
    exp: int


class Tokens:
    """Uses the secret of the settings, or else the one in the file `data_dir/secret_key`."""

    def __init__(self, settings: Settings) -> None:
        """Raises `ValueError` if the secret in the file is weak."""
        self._settings = settings
        self._secret = (
            settings.secret_key.get_secret_value()
            if settings.secret_key
            else load_or_create_secret(settings.data_dir / "secret_key")
        )
        # A client sends the same token for an hour. Its signature is verified once, its expiry
        # every time.
        self._decode_cached = lru_cache(_CACHE_SIZE)(self._decode)
        self._access = timedelta(seconds=settings.access_token_seconds)
        self._web_access = timedelta(seconds=settings.web_access_seconds)
        self._refresh = timedelta(seconds=settings.refresh_token_seconds)

    def issue(
        self,
        kind: Kind,
        user_id: int,
        session_id: str,
        token_id: str,
        issued: datetime,
        *,
        web: bool = False,
    ) -> str:
        """A signed token, always the same for the same arguments.

        `web` sets the lifetime of an access token of a web page.
        """
        access = self._web_access if web else self._access
        claims: dict[str, Any] = {
            "iss": self._settings.token_issuer,
            "aud": self._settings.token_audience,
            "sub": str(user_id),
            "sid": session_id,
            "typ": kind,
            "jti": token_id,
            "iat": issued,
            "exp": issued + (access if kind == "access" else self._refresh),
        }
        return jwt.encode(claims, self._secret, _ALGORITHM)

    def successor_id(self, kind: Kind, token: str) -> str:
        """The id of the token that follows a refresh token. Only the secret tells it, 128 bits."""
        # This is the signature of no token, because the text of no token has a colon.
        text = f"successor:{kind}:{token}"
        digest = hmac.digest(self._secret.encode(), text.encode(), "sha256")
        return base64.urlsafe_b64encode(digest[:_ID_BYTES]).rstrip(b"=").decode()

    def verify(self, kind: Kind, token: str) -> Claims:
        """The claims of a valid token of this kind. Raises `Unauthorised` for any other."""
        try:
            claims = self._decode_cached(token)
        except jwt.ExpiredSignatureError as error:
            raise Unauthorised("The token has expired.", "token_expired") from error
        except (jwt.InvalidTokenError, ValidationError, ValueError, OverflowError) as error:
            raise Unauthorised("The token is not valid.", "token_invalid") from error
        if claims.typ != kind:
            raise Unauthorised(f"The token is no {kind} token.", "token_invalid")
        if claims.exp <= now().timestamp():
            raise Unauthorised("The token has expired.", "token_expired")
        return claims

    def _decode(self, token: str) -> Claims:
        content = jwt.decode(
            token,
            self._secret,
            algorithms=[_ALGORITHM],
            issuer=self._settings.token_issuer,
            audience=self._settings.token_audience,
            options={"require": list(_CLAIMS)},
        )
        return Claims.model_validate(content)


def new_token_id() -> str:
    """A random id for a token that follows no other."""
    return secrets.token_urlsafe(_ID_BYTES)


def hash_secret(secret: str) -> str:
    """The hash of a token or API key for storage: SHA-256 in hexadecimal.

    A slow hash would add nothing, because these secrets are long and random.
    """
    return hashlib.sha256(secret.encode()).hexdigest()

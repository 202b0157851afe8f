"""Everything that can be set, each by an environment variable of the same name in capitals."""

from __future__ import annotations

import errno
import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import available_timezones

from limits import parse_many
from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from auth_api.authorisation.signing_secret import require_strong

ROOT = Path(__file__).resolve().parents[1]

RECOGNITION = "ranjana"
"""Name of the model that recognises unless another one is named."""

SIMILARITY = "similarity"
"""Name of the model that compares; all others recognise."""

Port = Annotated[int, Field(ge=1, le=65535)]


def _split(value: object) -> object:
    """`a, b` from an environment variable to `("a", "b")`."""
    if isinstance(value, str):
        return tuple(part for part in map(str.strip, value.split(",")) if part)
    return value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


def _rates(value: str) -> str:
    parse_many(value)  # raises ValueError
    return value


def _nothing(value: object) -> object:
    """An empty variable is not the working directory."""
    return None if value == "" else value


def _something(value: object) -> object:
    if value == "":
        raise ValueError("must not be empty")
    return value


OptionalPath = Annotated[Path | None, BeforeValidator(_nothing)]
Folder = Annotated[Path, BeforeValidator(_something)]

Rates = Annotated[str, AfterValidator(_rates)]
"""Limits that all hold, as the library `limits` writes them: `10/minute;100/hour`."""


def _counts_store(value: str) -> str:
    if not value.startswith(("memory://", "redis://", "rediss://", "redis+")):
        raise ValueError("must be memory://, or begin with redis:// or rediss://")
    return value


def _at_once() -> int:
    return max(4, 2 * (os.cpu_count() or 1))


_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}


@lru_cache
def _time_zones() -> set[str]:
    # These two are not the same everywhere.
    return available_timezones() - {"localtime", "Factory"}


def _time_zone(value: str) -> str:
    if value not in _time_zones():
        raise ValueError("must be the name of a time zone, such as Asia/Kathmandu")
    return value


TimeZone = Annotated[str, AfterValidator(_time_zone)]


def _database_url(value: str) -> str:
    """With the names that drivers want. Raises ValueError."""
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


def _strong(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        require_strong(value.get_secret_value())
    return value


def unusable(error: ValidationError | OSError | UnicodeError) -> str:
    """A line for the operator on each setting that `Settings` refused, or on the file that it
    could not read.
    """
    if isinstance(error, OSError):
        return f"The file {error.filename or '.env'} cannot be read: {error.strerror}."
    if isinstance(error, UnicodeError):
        return "The file .env or a secret cannot be read: it is no text in UTF-8."
    return "\n".join(
        f"The setting {'.'.join(map(str, problem['loc'])).upper()} is not usable: {problem['msg']}."
        for problem in error.errors()
    )


class Settings(BaseSettings):
    """Settings of the service; a `.env` file in the working directory is read too, and the files of
    the folder that `SECRETS_DIR` names, each called like the setting that it has.

    Raises OSError for a folder or a file that cannot be read.
    """

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    api_host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all."""
    api_port: Port = 8000
    api_workers: int = Field(default=1, ge=1)
    """Processes that answer requests; more than one only on PostgreSQL."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """`info` has one line a request."""
    shutdown_seconds: float = Field(default=20, gt=0)
    """How long requests that are under way may take to finish when the service stops: more than
    `TORCHSERVE_TIMEOUT`, or some are broken off."""

    drain_seconds: float = Field(default=0, ge=0)
    """How long before that it still takes requests, while `/ready` says that it is stopping: what a
    balancer needs to notice."""

    torchserve_inference_url: HttpUrl = HttpUrl("http://127.0.0.1:8080")
    torchserve_management_url: HttpUrl = HttpUrl("http://127.0.0.1:8081")
    torchserve_key_file: OptionalPath = None
    """TorchServe's `key_file.json`; none where its token authorisation is off."""
    torchserve_timeout: float = Field(default=15, gt=0)
    """Seconds to wait for a prediction; less than `responseTimeout` of the archives."""
    torchserve_patience: float = Field(default=30, ge=0)
    """Seconds that a picture waits for a TorchServe that is not running, as while it is started
    anew; 0 has it refused at once."""
    torchserve_connections: int = Field(default=64, ge=1)
    """Requests at TorchServe at the same time; more wait here."""
    torchserve_at_once: int = Field(default_factory=_at_once, ge=1)
    """Of these, predictions of one model, by each process of the service: twice as many as there
    are cores, at least 4, so that workers have something to go on with. The images of those that
    wait are sent together."""
    longest_wait: float = Field(default=2, gt=0)
    """Seconds that a prediction may have to wait for a worker; what would have to wait longer is
    answered 503 at once."""
    models: Names = (RECOGNITION, SIMILARITY, "digits")
    """Names of the models that are served, comma-separated."""
    model_store: Folder = ROOT / "model_store"
    """Folder of the archives, which this service and TorchServe see alike."""
    smoke_seconds: float = Field(default=60, gt=0)
    """How long a new version may take to start a worker and read its first picture."""
    max_workers: int = Field(default=8, ge=1)
    """Workers that a version may be scaled to; each takes some 300 MB, and most of a core."""
    versions_elsewhere: bool = False
    """Whether another system decides which versions are served and who gets which, such as KServe;
    TorchServe's management is not asked for anything then."""

    max_body_bytes: int = Field(default=10 * 1024 * 1024, ge=1024)
    """Largest request body, the multipart or base64 wrapping included."""
    max_batch_bytes: int = Field(default=64 * 1024 * 1024, ge=1024)
    """The same for requests with several images, each of which may have `max_body_bytes`."""
    max_job_bytes: int = Field(default=1024**3, ge=1024)
    """The same for the images of a job, packed and unpacked."""
    jobs_per_user: int = Field(default=10, ge=1)
    """Jobs that a user may have unfinished."""
    job_images_at_once: int = Field(default=32, ge=0)
    """Images of jobs that are at TorchServe at the same time; 0 leaves jobs to other processes."""
    job_retention_days: int = Field(default=30, ge=0)
    """Days after which finished jobs and their results are removed; 0 keeps them."""
    trainings_at_once: int = Field(default=1, ge=0)
    """Trainings that this process has under way at the same time; 0 leaves them to others."""
    training_memory_mb: int = Field(default=4096, ge=256)
    """Memory that a training may take, with all the processes it starts; more ends it."""
    train_missing: bool = False
    """Whether a model whose weights are missing at the start is trained in the background; not
    digits, which need pictures."""
    client_seconds: float = Field(default=20, gt=0)
    """How long a client may take to send the head of a request, fall behind with its body, and
    take nothing of its answer, see `auth_api/http/slow_clients.py`."""
    cors_origins: Names = ()
    """Origins of web pages that may call the service, comma-separated; `*` for any."""
    trusted_hosts: Names = ("*",)
    """Host names that the service answers to, comma-separated, `*.example.org` for all below."""
    trusted_proxies: Names = ()
    """Addresses of reverse proxies whose word on the caller's address counts, `*` for any."""

    data_dir: Folder = ROOT / "data"
    """Where the SQLite database and the secret are kept unless the next two say otherwise."""
    database_url: Annotated[str, AfterValidator(_database_url)] = Field(
        default="", validate_default=True
    )
    """`sqlite:///path` or `postgresql://user:password@host/name`."""
    database_password: SecretStr | None = None
    """The password, where it is not in the address; that of a file has no place there."""
    secret_key: Annotated[SecretStr | None, AfterValidator(_strong)] = None
    """What tokens are signed with, 32 characters or more; made and kept if none is set."""
    media_dir: Folder = ROOT / "media"
    """Where the pictures of the history are kept."""
    retention_days: int = Field(default=0, ge=0)
    """Days after which history and its pictures are removed; 0 keeps them."""

    access_token_seconds: int = Field(default=3600, ge=1)
    web_access_token_seconds: int = Field(default=600, ge=1)
    """The same for web pages, whose scripts can be tampered with: at most the above."""
    refresh_token_seconds: int = Field(default=7 * 24 * 3600, ge=1)
    refresh_grace_seconds: float = Field(default=0, ge=0)
    """For how long a used refresh token may be used again, by a client whose answer was lost; it
    is ten seconds for web pages."""
    token_issuer: str = "ranjana"  # noqa: S105 - a name
    token_audience: str = "ranjana"  # noqa: S105 - a name

    argon2_time_cost: int = Field(default=2, ge=1)
    """Passes; this and the next two are OWASP's for argon2id, see `docs/security.md`."""
    argon2_memory_kib: int = Field(default=19456, ge=8)
    argon2_parallelism: int = Field(default=1, ge=1)
    hashing_threads: int = Field(default=0, ge=0)
    """Passwords hashed at the same time; 0 for one a core."""

    ml_auth_required: bool = False
    """Whether only those who are signed in may have pictures read and compared."""

    rate_limit_enabled: bool = True
    """Also switches the slowing of repeated sign-ins."""
    rate_limit_storage: Annotated[str, AfterValidator(_counts_store)] = "memory://"
    """`redis://host:port` where several processes share the limits."""
    rate_limit_signin: Rates = "20/minute;200/hour"
    """Sign-ins and sign-ups for an address."""
    rate_limit_predict: Rates = "600/minute"
    """Recognitions and comparisons for a user or an API key."""
    rate_limit_predict_address: Rates = "6000/minute"
    """The same for the address of anonymous callers, who may be a school."""
    rate_limit_other: Rates = "600/minute"
    """All other calls, for a user, an API key or an address."""
    failed_signins_account: Rates = "5/minute;20/hour"
    """Wrong passwords for an account, known or not, until one is right."""
    failed_signins_address: Rates = "20/minute;100/hour"
    """Wrong passwords from an address."""

    @property
    def web_access_seconds(self) -> int:
        """How long an access token of a web page lives."""
        return min(self.web_access_token_seconds, self.access_token_seconds)

    @field_validator("database_url")
    @classmethod
    def _is_for_several(cls, value: str, info: ValidationInfo) -> str:
        if info.data.get("api_workers", 1) > 1 and not value.startswith("postgresql"):
            raise ValueError("must begin with postgresql:// where API_WORKERS is more than 1")
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """What is named earlier wins: arguments, environment, `.env`, secrets."""
        said = init_settings, env_settings, dotenv_settings
        folder = os.environ.get("SECRETS_DIR")
        if not folder:
            return said
        if not Path(folder).is_dir():  # it would be passed over with a warning
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder)
        return *said, SecretsSettingsSource(settings_cls, secrets_dir=folder)

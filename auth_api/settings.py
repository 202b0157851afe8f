"""All settings of the service. Each is an environment variable of the same name in capitals."""

from __future__ import annotations

import errno
import logging
import os
from pathlib import Path
from typing import Literal

from pydantic import (
    AliasChoices,
    Field,
    HttpUrl,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from auth_api.configuration.cores import usable_cores
from auth_api.configuration.values import (
    DatabaseUrl,
    EndpointUrl,
    Folder,
    Names,
    OptionalPath,
    Port,
    Proxies,
    RateLimitStore,
    Rates,
    SigningSecret,
    StorageUrl,
    postgresql_url,
)

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[1]

RECOGNITION = "ranjana"
"""The model that recognises characters unless a request names another."""

SIMILARITY = "similarity"
"""The model that compares with a reference; all others recognise."""

RENAMED = {
    "longest_wait": "max_queue_seconds",
    "torchserve_at_once": "torchserve_max_concurrency",
    "torchserve_patience": "torchserve_retry_seconds",
    "job_images_at_once": "job_concurrency",
    "trainings_at_once": "training_concurrency",
}
"""Old names of settings, which still work in this release, and their new names."""


def _renamed(new: str) -> AliasChoices:
    return AliasChoices(new, *(old for old, name in RENAMED.items() if name == new))


def _twice_the_cores() -> int:
    return max(4, 2 * usable_cores())


def _body_memory_mb() -> int:
    return max(64, 16 * usable_cores())


def unusable(error: ValidationError | OSError | UnicodeError) -> str:
    """Why `Settings` could not be made: one line for each setting, or the file that failed."""
    if isinstance(error, OSError):
        return f"The file {error.filename or '.env'} cannot be read: {error.strerror}."
    if isinstance(error, UnicodeError):
        return "The file .env or a secret cannot be read: it is not UTF-8 text."
    return "\n".join(
        f"The setting {'.'.join(map(str, problem['loc'])).upper()} is not usable: {problem['msg']}."
        for problem in error.errors()
    )


class Settings(BaseSettings):
    """The settings of the service, from the environment, `.env` and the folder `SECRETS_DIR`.

    Each file in `SECRETS_DIR` is named after a setting and holds its value. Raises OSError for a
    file or folder that cannot be read, ValidationError for a value that cannot be used.
    """

    model_config = SettingsConfigDict(env_file=".env", extra="ignore")

    api_host: str = "127.0.0.1"
    """Address to listen on; 0.0.0.0 for all."""
    api_port: Port = 8000
    metrics_host: str = "127.0.0.1"
    """Address of the metrics, which need no sign-in: only Prometheus should reach it."""
    metrics_port: Port = 8083
    """Port of `/metrics`, for all processes together."""
    api_workers: int = Field(default=1, ge=1)
    """Processes that answer requests. More than one needs PostgreSQL."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """`info` logs one line a request."""
    shutdown_seconds: float = Field(default=20, gt=0)
    """How long running requests may take to finish when the service stops. Requests are cut off
    if this is less than `TORCHSERVE_TIMEOUT`."""

    drain_seconds: float = Field(default=0, ge=0)
    """Before shutdown, how long the service still takes requests while `/ready` says that it is
    stopping. A load balancer needs this time to notice."""

    torchserve_inference_url: HttpUrl = HttpUrl("http://127.0.0.1:8080")
    torchserve_management_url: HttpUrl = HttpUrl("http://127.0.0.1:8081")
    torchserve_key_file: OptionalPath = None
    """TorchServe's `key_file.json`; empty if its token authorisation is off."""
    torchserve_timeout: float = Field(default=15, gt=0)
    """Seconds to wait for a prediction; less than `responseTimeout` of the archives."""
    torchserve_retry_seconds: float = Field(
        default=30, ge=0, validation_alias=_renamed("torchserve_retry_seconds")
    )
    """How long a request is retried while TorchServe is not running, for example during its
    restart; 0 rejects the request at once."""
    torchserve_connections: int = Field(default=64, ge=1)
    """Connections to TorchServe; further requests wait for one."""
    torchserve_connection_seconds: float = Field(default=45, gt=0)
    """Age at which a connection to TorchServe is replaced, a third more or less, so that a
    TorchServe that is added behind the same address gets its share."""
    torchserve_max_concurrency: int = Field(
        default_factory=_twice_the_cores,
        ge=1,
        validation_alias=_renamed("torchserve_max_concurrency"),
    )
    """Requests in flight to TorchServe for one model, from each process. Images that wait are sent
    together in one request. The default is twice the number of cores that this process may use, at
    least 4, so that every worker always has a next request."""
    max_queue_seconds: float = Field(
        default=2, gt=0, validation_alias=_renamed("max_queue_seconds")
    )
    """Longest expected wait for a worker; a request that would wait longer gets 503 at once."""
    models: Names = (RECOGNITION, SIMILARITY, "digits")
    """Names of the models that are served, separated by commas."""
    model_store: Folder = ROOT / "model_store"
    """Folder of the archives; this service and TorchServe must see the same files."""
    smoke_seconds: float = Field(default=60, gt=0)
    """How long a new version may take to start a worker and read its first image."""
    max_workers: int = Field(default=8, ge=1)
    """Most workers of one version. Each takes some 600 MB and most of a core."""
    versions_elsewhere: bool = False
    """Whether another system, such as KServe, decides which versions are served and who gets
    which. The service then does not use TorchServe's management API."""

    max_body_bytes: int = Field(default=10 * 1024 * 1024, ge=1024)
    """Largest request body, including multipart or base64 overhead."""
    max_batch_bytes: int = Field(default=64 * 1024 * 1024, ge=1024)
    """Largest form with several images; each image may have `MAX_BODY_BYTES`."""
    max_batch_json_bytes: int = Field(default=16 * 1024 * 1024, ge=1024)
    """Largest JSON body with several images. It has to be parsed as a whole, so it is smaller."""
    max_job_bytes: int = Field(default=1024**3, ge=1024)
    """Largest upload of a job, both packed and unpacked."""
    jobs_per_user: int = Field(default=10, ge=1)
    """Unfinished jobs that a user may have, with uploads under way."""
    min_free_disk_bytes: int = Field(default=1024**3, ge=0)
    """Uploads of jobs that would leave less of the disk of `MEDIA_DIR` free are rejected; 0 does
    not check it."""
    job_concurrency: int = Field(default=32, ge=0, validation_alias=_renamed("job_concurrency"))
    """Images of jobs in flight to TorchServe; 0 if other processes run the jobs."""
    job_retention_days: int = Field(default=30, ge=0)
    """Days after which finished jobs and their results are deleted; 0 keeps them."""
    training_concurrency: int = Field(
        default=1, ge=0, validation_alias=_renamed("training_concurrency")
    )
    """Trainings that this process runs at the same time; 0 if other processes run them."""
    training_memory_mb: int = Field(default=4096, ge=256)
    """Memory that a training with all its processes may take; more ends it."""
    training_niceness: int = Field(default=10, ge=0, le=19)
    """How far trainings, and drawings of charts, run below the priority of the service."""
    train_missing: bool = False
    """Whether a model without weights is trained in the background at the start. Digits are not,
    because they need images."""
    client_seconds: float = Field(default=20, gt=0)
    """How long a client may take to send the head of a request, may fall behind with its body, and
    may leave an answer unread; see `auth_api/http/slow_clients.py`."""
    body_seconds: float = Field(default=600, gt=0)
    """How long a body of up to 64 MB may take to arrive; longer in proportion where more is
    allowed: the upload of a job has 16 times as long by default."""
    body_memory_mb: int = Field(default_factory=_body_memory_mb, ge=16)
    """Memory of each process for request bodies. More is kept on disk in `MEDIA_DIR`, and large
    bodies wait for each other. The default is 16 a core, at least 64."""
    max_connections: int = Field(default=4096, ge=8)
    """Connections of each process, each with up to two open files. Beyond it the one that has
    waited longest for its client is closed; if there is none, a new one is refused."""
    cors_origins: Names = ()
    """Origins of web pages that may call the service, separated by commas; `*` for any."""
    trusted_hosts: Names = ("*",)
    """Host names that the service answers to, separated by commas; `*.example.org` for all
    subdomains."""
    trusted_proxies: Proxies = ()
    """Addresses or networks of reverse proxies that may state the caller's address."""

    data_dir: Folder = ROOT / "data"
    """Folder of the SQLite database and the signing secret, unless the next two settings say
    otherwise."""
    db_name: str = ""
    """Name of a PostgreSQL database, as older systems had it. With the next three it stands for
    `DATABASE_URL` where that is empty."""
    db_user: str = ""
    db_host: str = "localhost"
    """Its machine, or the folder of its socket."""
    db_port: Port = 5432
    database_url: DatabaseUrl = Field(default="", validate_default=True)
    """`sqlite:///path` or `postgresql://user:password@host/name`."""
    database_connections: int = Field(default=16, ge=2)
    """Connections to PostgreSQL from each process; further statements wait for one. Two more are
    open while a process migrates, backs up or restores."""
    database_password: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("database_password", "db_password")
    )
    """The password of the database if the address has none, also as `DB_PASSWORD`. SQLite ignores
    it."""
    secret_key: SigningSecret = None
    """The secret that signs tokens, at least 32 characters. If empty, one is made and kept in
    `DATA_DIR`."""
    media_dir: Folder = ROOT / "media"
    """Folder of the images of the history and of jobs. With `STORAGE_URL` it holds only uploads
    under way."""
    storage_url: StorageUrl = ""
    """`s3://bucket/prefix`: the bucket, of any S3-compatible store, that holds these images instead
    of `MEDIA_DIR`."""
    aws_endpoint_url: EndpointUrl = ""
    """Address of the store, for one that is not Amazon's."""
    aws_region: str = ""
    aws_access_key_id: str = ""
    aws_secret_access_key: SecretStr | None = None
    """The keys of the store. Empty ones are looked for where Amazon's tools do: in other `AWS_*`
    variables, in the role of a pod or a machine."""
    backup_dir: OptionalPath = None
    """Folder of regular backups; the metrics tell when the newest was made."""
    retention_days: int = Field(default=0, ge=0)
    """Days after which history and its images are deleted; 0 keeps them."""

    access_token_seconds: int = Field(default=3600, ge=1)
    web_access_token_seconds: int = Field(default=600, ge=1)
    """Lifetime of access tokens of web pages, at most `ACCESS_TOKEN_SECONDS`. It is short because
    a script injected into a page could read the token."""
    refresh_token_seconds: int = Field(default=7 * 24 * 3600, ge=1)
    refresh_grace_seconds: float = Field(default=10, ge=0)
    """How long a used refresh token is answered with the same tokens again, for clients that lost
    the answer and for pages that are reloaded meanwhile; 0 ends the session at once."""
    token_issuer: str = "ranjana"  # noqa: S105 - a name
    token_audience: str = "ranjana"  # noqa: S105 - a name

    argon2_time_cost: int = Field(default=2, ge=1)
    """Passes. The three argon2 defaults are OWASP's for argon2id, see `docs/security.md`."""
    argon2_memory_kib: int = Field(default=19456, ge=8)
    argon2_parallelism: int = Field(default=1, ge=1)
    hashing_threads: int = Field(default=0, ge=0)
    """Passwords hashed at the same time; 0 for one a core."""

    ml_auth_required: bool = False
    """Whether predictions and comparisons need a signed-in caller."""

    rate_limit_enabled: bool = True
    """Also turns off the limits on failed sign-ins."""
    rate_limit_storage: RateLimitStore = "memory://"
    """`redis://host:port` if several processes share the limits."""
    rate_limit_signin: Rates = "20/minute;200/hour"
    """Sign-ins and sign-ups from one address."""
    rate_limit_predict: Rates = "600/minute"
    """Pictures that one user has recognised or compared, with any credential, also in batches and
    jobs. A job with more than this counts as all of it."""
    rate_limit_predict_address: Rates = "6000/minute"
    """Predictions and comparisons of anonymous callers from one address, which may be a school."""
    rate_limit_other: Rates = "600/minute"
    """All other requests of one user or address."""
    rate_limit_network_factor: int = Field(default=10, ge=1)
    """How many times the limits of one address an IPv6 network (/48) has. One IPv6 address is a
    /64."""
    failed_signins_account: Rates = "5/minute;20/hour"
    """Wrong passwords for one account from one address, whether it exists or not; also from one
    device that has signed in before, and wrong old passwords in one session. A right password
    resets it."""
    failed_signins_everywhere: Rates = "300/hour"
    """Wrong passwords for one account from all addresses together. Devices that have signed in
    before are not refused by it."""
    failed_signins_address: Rates = "20/minute;100/hour"
    """Wrong passwords from one address."""

    @property
    def web_access_seconds(self) -> int:
        """Lifetime of an access token of a web page."""
        return min(self.web_access_token_seconds, self.access_token_seconds)

    @field_validator("metrics_port")
    @classmethod
    def _require_own_port(cls, value: int, info: ValidationInfo) -> int:
        if value == info.data.get("api_port"):
            raise ValueError("must not be API_PORT")
        return value

    @field_validator("database_url")
    @classmethod
    def _complete_database_url(cls, value: str, info: ValidationInfo) -> str:
        value = value or postgresql_url(
            *(info.data.get(name) for name in ("db_name", "db_user", "db_host", "db_port"))
        )
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
        """Earlier sources win: arguments, environment, `.env`, secrets."""
        for source in (env_settings, dotenv_settings):
            assert isinstance(source, EnvSettingsSource)
            for old in RENAMED.keys() & source.env_vars.keys():
                logger.warning("the setting %s is now %s", old.upper(), RENAMED[old].upper())
        sources = init_settings, env_settings, dotenv_settings
        folder = os.environ.get("SECRETS_DIR")
        if not folder:
            return sources
        if not Path(folder).is_dir():  # pydantic-settings would only warn
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), folder)
        return *sources, SecretsSettingsSource(settings_cls, secrets_dir=folder)

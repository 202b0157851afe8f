"""Everything that routes call, made once when the service starts, closed when it stops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import cast
from uuid import uuid4

from starlette.requests import Request

from auth_api.accounts.administration import Users
from auth_api.accounts.passwords import Passwords
from auth_api.accounts.profiles import Accounts
from auth_api.accounts.sessions import Sessions
from auth_api.authorisation.access import Caller
from auth_api.authorisation.authoriser import Gate
from auth_api.authorisation.tokens import Tokens
from auth_api.corrections.review import Corrections
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.history.pictures import Storage
from auth_api.history.queries import History
from auth_api.history.recorder import Keeper
from auth_api.http.rate_limits import RateLimits
from auth_api.jobs.input_files import Inputs
from auth_api.jobs.prediction_job import Predicting
from auth_api.jobs.queue import Queue
from auth_api.jobs.runner import Lane, Runner
from auth_api.jobs.unfinished import UnfinishedJobs
from auth_api.jobs.user_jobs import Jobs
from auth_api.jobs.work_folders import Folders
from auth_api.models.archives import Archives
from auth_api.models.evaluation_charts import Charts
from auth_api.models.model_store import ModelStore
from auth_api.models.presenting import Showing
from auth_api.models.reconciler import Aligner
from auth_api.models.registration import Registry
from auth_api.models.releases import Releases
from auth_api.models.version_routing import Models
from auth_api.observability.exposition import Exposition
from auth_api.observability.metrics import Metrics
from auth_api.operations.cleanup import CleanUp
from auth_api.operations.startup import migrated
from auth_api.practice.characters import Characters
from auth_api.settings import ROOT, Settings
from auth_api.torchserve.client import TorchServe
from auth_api.torchserve.outage_retry import Patience
from auth_api.training.missing_models import MissingModels
from auth_api.training.planning import TRAININGS, Planner
from auth_api.training.training_job import Training
from auth_api.usage.counters import Usage

_READ_AT_ONCE = 8


@dataclass(frozen=True)
class Services:
    """One of each."""

    settings: Settings
    metrics: Metrics
    exposition: Exposition
    torchserve: TorchServe
    database: Database
    archives: Archives
    releases: Releases
    registry: Registry
    aligner: Aligner
    models: Models
    showing: Showing
    charts: Charts
    cleanup: CleanUp
    characters: Characters
    accounts: Accounts
    sessions: Sessions
    history: History
    keeper: Keeper
    gate: Gate
    limits: RateLimits
    storage: Storage
    inputs: Inputs
    folders: Folders
    jobs: Jobs
    corrections: Corrections
    planner: Planner
    runner: Runner
    usage: Usage
    users: Users
    since: datetime
    """When the service was started."""


@asynccontextmanager
async def opened(settings: Settings, metrics: Metrics) -> AsyncIterator[Services]:
    """The services of an application, its database migrated.

    Raises Unavailable when the database does not answer for long, NewerDatabase, ValueError for a
    weak secret.
    """
    tokens = Tokens(settings)
    database = Database(settings, metrics)
    await migrated(database)
    limits = RateLimits(settings, metrics)
    storage = Storage(settings.media_dir)
    passwords = Passwords(settings)
    sessions = Sessions(settings, database, tokens, metrics, company=passwords.is_busy)
    torchserve = TorchServe(settings, metrics, MissingModels(settings).answer)
    archives = Archives(settings.model_store)
    releases = Releases(settings, database, torchserve)
    usage = Usage(database)
    patience = Patience(settings.torchserve_retry_seconds)
    models = Models(torchserve, releases, usage, metrics, patience)
    inputs = Inputs(settings.media_dir / "jobs")
    queue = Queue(database, uuid4().hex, metrics)
    accounts = Accounts(database, passwords, sessions, limits, storage, inputs, metrics)
    folders = Folders(settings.data_dir / "training")
    store = ModelStore(settings.model_store)
    charts = Charts(settings.data_dir / "charts")
    corrections = Corrections(database, storage, metrics)
    registry = Registry(settings, database, torchserve, releases)
    reading = Predicting(queue, inputs, models, max(1, settings.job_concurrency))
    training = Training(settings, queue, inputs, folders, store, corrections, releases, registry)
    lanes = (
        Lane({"predict": reading}, _READ_AT_ONCE if settings.job_concurrency else 0),
        Lane(dict.fromkeys(TRAININGS, training), settings.training_concurrency),
    )
    runner = Runner(queue, inputs, folders, lanes, alone=database.is_sqlite)
    services = Services(
        settings=settings,
        metrics=metrics,
        exposition=Exposition(settings, metrics, UnfinishedJobs(database).metrics),
        torchserve=torchserve,
        database=database,
        archives=archives,
        releases=releases,
        registry=registry,
        aligner=Aligner(settings, releases, torchserve, archives, metrics),
        models=models,
        showing=Showing(settings, torchserve, releases, archives),
        charts=charts,
        cleanup=CleanUp(settings, database, storage, inputs, folders, charts, metrics),
        characters=Characters(ROOT / "reference_images"),
        accounts=accounts,
        sessions=sessions,
        history=History(database, storage),
        keeper=Keeper(database, storage),
        gate=Gate(settings, database, tokens, limits),
        limits=limits,
        storage=storage,
        inputs=inputs,
        folders=folders,
        jobs=Jobs(database, inputs, folders, settings.jobs_per_user, runner.wake, metrics),
        corrections=corrections,
        planner=Planner(database, store, corrections, releases),
        runner=runner,
        usage=usage,
        users=Users(database, accounts),
        since=now(),
    )
    try:
        yield services
    finally:
        await services.runner.stop()
        await services.aligner.stop()
        await services.keeper.finish()
        await services.usage.finish()
        await services.gate.finish()
        await services.sessions.finish()
        await services.torchserve.aclose()
        passwords.close()
        await database.aclose()


def services(request: Request) -> Services:
    """Those of the application that a request has come to."""
    return cast(Services, request.app.state.services)


def caller(request: Request) -> Caller:
    """Who calls a route that only takes signed-in callers."""
    found = possible_caller(request)
    assert found
    return found


def possible_caller(request: Request) -> Caller | None:
    """Who calls, None if that was not asked or not said."""
    return cast(Caller | None, request.state.caller)

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
from auth_api.accounts.profiles import Profiles
from auth_api.accounts.registration import Registration
from auth_api.accounts.sessions import Sessions
from auth_api.accounts.sign_in import Credentials
from auth_api.authorisation.access import Caller
from auth_api.authorisation.authoriser import Authoriser
from auth_api.authorisation.tokens import Tokens
from auth_api.corrections.data_set import CorrectionDataSet
from auth_api.corrections.review import Corrections
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.history.pictures import PictureStore
from auth_api.history.queries import History
from auth_api.history.recorder import HistoryRecorder
from auth_api.http.rate_limits import RateLimits
from auth_api.jobs.input_files import InputFiles
from auth_api.jobs.prediction_job import PredictionJobs
from auth_api.jobs.queue import JobQueue
from auth_api.jobs.runner import JobRunner, WorkerPool
from auth_api.jobs.unfinished import UnfinishedJobs
from auth_api.jobs.user_jobs import UserJobs
from auth_api.jobs.work_folders import WorkFolders
from auth_api.models.archives import Archives
from auth_api.models.evaluation_charts import EvaluationCharts
from auth_api.models.model_store import ModelStore
from auth_api.models.presenting import ModelPresenter
from auth_api.models.reconciler import Reconciler
from auth_api.models.registration import Registry
from auth_api.models.releases import Releases
from auth_api.models.version_routing import VersionRouter
from auth_api.observability.exposition import Exposition
from auth_api.observability.metrics import Metrics
from auth_api.operations.cleanup import CleanUp
from auth_api.operations.startup import migrated
from auth_api.practice.characters import Characters
from auth_api.settings import ROOT, Settings
from auth_api.torchserve.client import TorchServe
from auth_api.torchserve.outage_retry import OutageRetry
from auth_api.training.missing_models import MissingModels
from auth_api.training.planning import TRAININGS, Planner
from auth_api.training.training_job import TrainingJobs
from auth_api.usage.counters import UsageCounters

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
    reconciler: Reconciler
    version_router: VersionRouter
    presenter: ModelPresenter
    charts: EvaluationCharts
    cleanup: CleanUp
    characters: Characters
    registration: Registration
    credentials: Credentials
    profiles: Profiles
    sessions: Sessions
    history: History
    recorder: HistoryRecorder
    authoriser: Authoriser
    limits: RateLimits
    pictures: PictureStore
    inputs: InputFiles
    folders: WorkFolders
    jobs: UserJobs
    corrections: Corrections
    correction_data: CorrectionDataSet
    planner: Planner
    runner: JobRunner
    usage: UsageCounters
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
    pictures = PictureStore(settings.media_dir)
    passwords = Passwords(settings)
    sessions = Sessions(settings, database, tokens, metrics, expect_more=passwords.is_busy)
    torchserve = TorchServe(settings, metrics, MissingModels(settings).answer)
    archives = Archives(settings.model_store)
    releases = Releases(settings, database, torchserve)
    usage = UsageCounters(database)
    retry = OutageRetry(settings.torchserve_retry_seconds)
    version_router = VersionRouter(torchserve, releases, usage, metrics, retry)
    inputs = InputFiles(settings.media_dir / "jobs")
    queue = JobQueue(database, uuid4().hex, metrics)
    folders = WorkFolders(settings.data_dir / "training")
    store = ModelStore(settings.model_store)
    charts = EvaluationCharts(settings.data_dir / "charts")
    correction_data = CorrectionDataSet(database, pictures)
    registry = Registry(settings, database, torchserve, releases)
    reading = PredictionJobs(queue, inputs, version_router, max(1, settings.job_concurrency))
    training = TrainingJobs(
        settings, queue, inputs, folders, store, correction_data, releases, registry
    )
    pools = (
        WorkerPool({"predict": reading}, _READ_AT_ONCE if settings.job_concurrency else 0),
        WorkerPool(dict.fromkeys(TRAININGS, training), settings.training_concurrency),
    )
    runner = JobRunner(queue, inputs, folders, pools, alone=database.is_sqlite)
    services = Services(
        settings=settings,
        metrics=metrics,
        exposition=Exposition(settings, metrics, UnfinishedJobs(database).metrics),
        torchserve=torchserve,
        database=database,
        archives=archives,
        releases=releases,
        registry=registry,
        reconciler=Reconciler(settings, releases, torchserve, archives, metrics),
        version_router=version_router,
        presenter=ModelPresenter(settings, torchserve, releases, archives),
        charts=charts,
        cleanup=CleanUp(settings, database, pictures, inputs, folders, charts, metrics),
        characters=Characters(ROOT / "reference_images"),
        registration=Registration(database, passwords, metrics),
        credentials=Credentials(database, passwords, sessions, limits, metrics),
        profiles=Profiles(database, pictures, inputs),
        sessions=sessions,
        history=History(database, pictures),
        recorder=HistoryRecorder(database, pictures),
        authoriser=Authoriser(settings, database, tokens, limits),
        limits=limits,
        pictures=pictures,
        inputs=inputs,
        folders=folders,
        jobs=UserJobs(database, inputs, folders, settings.jobs_per_user, runner.wake, metrics),
        corrections=Corrections(database, pictures, metrics),
        correction_data=correction_data,
        planner=Planner(database, store, correction_data, releases),
        runner=runner,
        usage=usage,
        users=Users(database, passwords),
        since=now(),
    )
    try:
        yield services
    finally:
        await services.runner.stop()
        await services.reconciler.stop()
        await services.recorder.finish()
        await services.usage.finish()
        await services.authoriser.finish()
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

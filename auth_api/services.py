"""Builds everything that routes and commands use, once at the start, and closes it at the end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, cast
from uuid import uuid4

from starlette.requests import Request

from auth_api.accounts.administration import Users
from auth_api.accounts.exporting import AccountExport
from auth_api.accounts.guesses import GuessLimits
from auth_api.accounts.passwords import Passwords
from auth_api.accounts.profiles import Profiles
from auth_api.accounts.registration import Registration
from auth_api.accounts.sessions import Sessions
from auth_api.accounts.sign_in import Credentials
from auth_api.authorisation.access import Caller
from auth_api.authorisation.authoriser import Authoriser
from auth_api.authorisation.long_answers import LongAnswers
from auth_api.authorisation.tokens import Tokens
from auth_api.corrections.data_set import CorrectionDataSet
from auth_api.corrections.review import Corrections
from auth_api.database.columns import now
from auth_api.database.database import Database
from auth_api.history.picture_folder import PictureFolder
from auth_api.history.pictures import PictureStore
from auth_api.history.queries import History
from auth_api.history.recorder import HistoryRecorder
from auth_api.http.page_files import PageFiles
from auth_api.http.rate_limits import RateLimits
from auth_api.jobs.input_files import InputFiles
from auth_api.jobs.prediction_job import PredictionJobs
from auth_api.jobs.queue import JobQueue
from auth_api.jobs.reservations import Reservations
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
from auth_api.operations.backups.series import backup_metrics
from auth_api.operations.cleanup import CleanUp
from auth_api.operations.readiness import Readiness
from auth_api.operations.startup import migrate_when_reachable
from auth_api.practice.characters import Characters
from auth_api.settings import ROOT, Settings
from auth_api.storage.opening import open_bucket
from auth_api.torchserve.client import TorchServe
from auth_api.torchserve.outage_retry import OutageRetry
from auth_api.training.missing_models import MissingModels
from auth_api.training.planning import TRAININGS, Planner
from auth_api.training.training_job import TrainingJobs
from auth_api.usage.counters import UsageCounters
from auth_api.worksheets.printing import Worksheets

if TYPE_CHECKING:
    from auth_api.storage.bucket import Bucket

_PREDICTION_JOBS = 8
"""Prediction jobs that this process runs at the same time."""


class Services:
    """One object of each kind, built from the lowest layer to the highest."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        """Raises `ValueError` for a weak signing secret."""
        self.settings = settings
        self.metrics = metrics
        self.started_at = now()
        tokens = Tokens(settings)

        # Infrastructure
        self.database = database = Database(settings, metrics)
        self.limits = limits = RateLimits(settings, metrics)
        self.torchserve = torchserve = TorchServe(settings, metrics, MissingModels(settings).answer)

        # Authorisation, practice, worksheets, history, usage
        self.authoriser = Authoriser(settings, database, tokens, limits)
        self.long_answers = LongAnswers(self.authoriser)
        self.characters = characters = Characters(ROOT / "reference_images")
        self.worksheets = Worksheets(ROOT / "reference_images")
        self.page = PageFiles(ROOT / "auth_api" / "web", characters.shown())
        bucket = open_bucket(settings)
        self.pictures = pictures = _picture_store(settings, bucket)
        self.history = History(database, pictures)
        self.recorder = HistoryRecorder(database, pictures)
        self.usage = UsageCounters(database)

        # Models
        store = ModelStore(settings.model_store)
        retry = OutageRetry(settings.torchserve_retry_seconds)
        self.archives = archives = Archives(settings.model_store)
        self.charts = EvaluationCharts(
            settings.data_dir / "charts", niceness=settings.training_niceness
        )
        self.releases = releases = Releases(settings, database, torchserve)
        self.registry = Registry(settings, database, torchserve, releases)
        self.reconciler = Reconciler(settings, releases, torchserve, archives, metrics)
        self.version_router = VersionRouter(torchserve, releases, self.usage, metrics, retry)
        self.presenter = ModelPresenter(settings, torchserve, releases, archives)

        # Corrections
        self.corrections = Corrections(database, pictures, metrics)
        self.correction_data = data_set = CorrectionDataSet(database, pictures)

        # Jobs and training
        queue = JobQueue(database, uuid4().hex, metrics)
        self.inputs = inputs = InputFiles(settings.media_dir / "jobs", bucket)
        folders = WorkFolders(settings.data_dir / "training")
        concurrency = settings.job_concurrency
        predictions = PredictionJobs(queue, inputs, self.version_router, max(1, concurrency))
        trainings = TrainingJobs(
            settings, queue, inputs, folders, store, data_set, releases, self.registry
        )
        pools = (
            WorkerPool({"predict": predictions}, _PREDICTION_JOBS if concurrency else 0),
            WorkerPool(dict.fromkeys(TRAININGS, trainings), settings.training_concurrency),
        )
        self.runner = JobRunner(queue, inputs, folders, pools, alone=database.is_sqlite)
        self.reservations = reservations = Reservations(
            database,
            inputs,
            settings.jobs_per_user,
            settings.max_job_bytes,
            settings.min_free_disk_bytes,
        )
        self.jobs = UserJobs(database, inputs, folders, reservations, self.runner.wake, metrics)
        self.planner = Planner(database, store, data_set, releases, self.jobs)

        # Accounts
        self._passwords = passwords = Passwords(settings)
        self.sessions = Sessions(settings, database, tokens, metrics, expect_more=passwords.is_busy)
        self.registration = Registration(database, passwords, metrics)
        self.credentials = Credentials(
            database, passwords, self.sessions, GuessLimits(limits), metrics
        )
        self.profiles = Profiles(database, pictures, inputs)
        self.users = Users(database, passwords)
        self.account_export = AccountExport(database, self.history, pictures, self.jobs)

        # Operations
        self.cleanup = CleanUp(settings, database, pictures, inputs, folders, self.charts, metrics)
        self.readiness = readiness = Readiness(database, self.presenter, settings.models)
        self.exposition = Exposition(
            settings,
            metrics,
            UnfinishedJobs(database).metrics,
            readiness.metrics,
            partial(backup_metrics, settings.backup_dir),
        )

    async def close(self) -> None:
        """Finishes pending work and closes all connections."""
        await self.runner.stop()
        await self.reconciler.stop()
        await self.recorder.finish()
        await self.usage.finish()
        await self.authoriser.finish()
        await self.sessions.finish()
        await self.torchserve.aclose()
        self._passwords.close()
        await self.database.aclose()


def _picture_store(settings: Settings, bucket: Bucket | None) -> PictureStore:
    if bucket is None:
        return PictureFolder(settings.media_dir)
    # Imported with its bucket, see `open_bucket`.
    from auth_api.history.picture_bucket import PictureBucket

    return PictureBucket(bucket)


@asynccontextmanager
async def open_services(settings: Settings, metrics: Metrics) -> AsyncIterator[Services]:
    """The services of an application with a migrated database, until the end of the `with`.

    Raises `ValueError` for a weak signing secret, `NewerDatabase`, and `Unavailable` if the
    database does not answer for long.
    """
    services = Services(settings, metrics)
    try:
        await migrate_when_reachable(services.database)
        yield services
    finally:
        await services.close()


def services(request: Request) -> Services:
    """The services of the application that received the request."""
    return cast(Services, request.app.state.services)


def caller(request: Request) -> Caller:
    """The caller of a route that requires one."""
    found = possible_caller(request)
    assert found
    return found


def possible_caller(request: Request) -> Caller | None:
    """The caller, None if the request is anonymous or its route does not identify callers."""
    return cast(Caller | None, request.state.caller)

"""Jobs: submitted in one request, executed later."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from auth_api.authorisation.access import Access, Caller
from auth_api.database.tables.jobs import UNFINISHED
from auth_api.errors import ApiError, NotFound
from auth_api.http.json_response import JSONResponse
from auth_api.http.pagination import page, row_before
from auth_api.http.validation import parse_query, row_number
from auth_api.jobs.prediction_job import Parameters
from auth_api.jobs.presenting import as_csv, counts, entry, result, state
from auth_api.jobs.upload_forms import Limits
from auth_api.jobs.uploads import receive
from auth_api.jobs.user_jobs import visible_kind
from auth_api.models.version_routing import client_of
from auth_api.practice.alphabets import require_recogniser
from auth_api.routes.openapi import EVENTS, documented
from auth_api.schemas.jobs import (
    JobAccepted,
    JobAnswer,
    JobEntry,
    JobForm,
    JobPage,
    JobPageQuery,
    JobQuery,
    OneJobQuery,
)
from auth_api.services import caller, services

_SUBMIT = Access(scope="predict", rate="pictures")
_READ = Access(scope="predict")

_POLL_SECONDS = 0.5
# Between pings on an idle event stream.
_PING_SECONDS = 15


@documented(
    tag="jobs",
    access=_SUBMIT,
    query=JobQuery,
    form=JobForm,
    answer=JobAccepted,
    status=202,
    errors=(404,),
)
async def create(request: Request) -> JSONResponse:
    """Queues a job that recognises up to 1,000 images.

    Send the images as files `images`, or one zip as the file `zip`. An image that cannot be read
    is a failed result, not a failed job. Jobs do not appear in the history. Each image counts in
    the rate limit. A job with more than that allows counts as all that it allows.
    """
    query = parse_query(request, JobQuery)
    app, owner = services(request), caller(request)
    _require_readable(request, query)
    limits = Limits(app.settings.max_body_bytes, app.settings.max_job_bytes)
    async with app.reservations.reserve(owner, request) as reservation:
        received, options = await receive(request, app.inputs, limits, query)
        try:
            _require_readable(request, options)
            await app.authoriser.count_pictures(request, len(received.items), at_most_all=True)
        except ApiError:
            await app.inputs.discard([received.file.path.name])
            raise
        wanted = Parameters(model=options.model, version=options.version, options=options.options())
        job = await app.jobs.add(
            owner, "predict", wanted.model_dump(), received, request, reservation=reservation
        )
    url = f"/api/jobs/{job.id}/"
    answer = {"success": True, "job_id": job.id, "state": "queued", "counts": counts(job)}
    return JSONResponse({**answer, "url": url}, 202, {"Location": url})


def _require_readable(request: Request, options: JobQuery) -> None:
    """Raises `NotFound` or `Forbidden` if the caller cannot have the model or the version."""
    app = services(request)
    require_recogniser(options.model, app.settings.models)
    client = client_of(request, caller(request))
    with suppress(NotFound):  # the version may be registered before the job runs
        app.version_router.require_nameable(options.model, options.version, client)


@documented(tag="jobs", access=_READ, query=JobPageQuery, answer=JobPage)
async def jobs(request: Request) -> JSONResponse:
    """Lists the caller's jobs, newest first. An API key sees prediction jobs only."""
    query, owner = parse_query(request, JobPageQuery), caller(request)
    rows = await services(request).jobs.page(
        owner.user_id, query.limit + 1, row_before(query.cursor), kind=visible_kind(owner)
    )
    return JSONResponse(page([entry(row) for row in rows], query.limit))


@documented(tag="jobs", access=_READ, query=OneJobQuery, answer=JobAnswer, errors=(404,))
async def job(request: Request) -> JSONResponse:
    """Shows a job with its results so far."""
    query = parse_query(request, OneJobQuery)
    number = row_number(request)
    found = await services(request).jobs.one(caller(request), number)
    results = (
        [result(item) async for item in services(request).jobs.answered(number)]
        if query.results
        else None
    )
    return JSONResponse({**entry(found), "results": results})


@documented(tag="jobs", access=_READ, answer=JobEntry, errors=(404, 409))
async def cancel(request: Request) -> JSONResponse:
    """Cancels a job. Its results so far are kept."""
    found = await services(request).jobs.cancel(caller(request), row_number(request), request)
    return JSONResponse(entry(found))


@documented(tag="jobs", access=_READ, answer=None, media=("text/csv",), errors=(404,))
async def results_csv(request: Request) -> Response:
    """Returns the results so far as CSV."""
    number = row_number(request)
    await services(request).jobs.one(caller(request), number)
    return StreamingResponse(
        as_csv(services(request).jobs, number),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="ranjana-job-{number}.csv"'},
    )


@documented(tag="jobs", access=_READ, answer=None, media=(EVENTS,), errors=(404,))
async def events(request: Request) -> Response:
    """Streams each change of a job as a server-sent event `progress`, and its end as `done`.

    A user may have ten streams and downloads open at once (`too_many_streams`).
    """
    owner, number = caller(request), row_number(request)
    await services(request).jobs.one(owner, number)
    return EventSourceResponse(_events(request, owner, number), ping=_PING_SECONDS)


async def _events(request: Request, owner: Caller, number: int) -> AsyncIterator[ServerSentEvent]:
    sent = None
    while True:
        try:
            found = await services(request).jobs.one(owner, number)
        except ApiError:
            return  # the client reconnects and gets the error
        current = state(found)
        done = found.state not in UNFINISHED
        if current != sent:
            yield ServerSentEvent(json.dumps(current), event="done" if done else "progress")
            sent = current
        if done or request.app.state.shutdown.started:
            return  # the client reconnects to another process
        await asyncio.sleep(_POLL_SECONDS)


_JOB = "/api/jobs/{id}/"

routes = [
    Route("/api/jobs/predict/", create, methods=["POST"]),
    Route("/api/jobs/", jobs, methods=["GET"]),
    Route(_JOB, job, methods=["GET"]),
    Route(_JOB, cancel, methods=["DELETE"]),
    Route(f"{_JOB}results.csv/", results_csv, methods=["GET"]),
    Route(f"{_JOB}events/", events, methods=["GET"]),
]

"""Jobs: handed in at once, done later."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from auth_api.authorisation.access import Access
from auth_api.database.tables.jobs import UNFINISHED
from auth_api.errors import ApiError
from auth_api.http.json_response import JSONResponse
from auth_api.http.pagination import page, row_before
from auth_api.http.validation import parse_query, row_number
from auth_api.jobs.prediction_job import Parameters
from auth_api.jobs.presenting import as_csv, counts, entry, result, state
from auth_api.jobs.upload_forms import Limits
from auth_api.jobs.uploads import receive
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

_HANDING_IN = Access(scope="predict", rate="predict")
_LOOKING = Access(scope="predict")

# Seconds between looks whether a job has got any further, and between signs of life to a client
# whose job has not.
_LOOK = 0.5
_PING = 15


@documented(
    tag="jobs",
    access=_HANDING_IN,
    query=JobQuery,
    form=JobForm,
    answer=JobAccepted,
    status=202,
    errors=(404,),
)
async def create(request: Request) -> JSONResponse:
    """Has up to 1,000 images read, later.

    Takes the images as files `images`, or one zip of them as the file `zip`. An image that
    cannot be read is a failed result, not a failed job. Nothing of a job is in the history.
    """
    query = parse_query(request, JobQuery)
    having = services(request)
    require_recogniser(query.model, having.settings.models)
    owner = caller(request)
    await having.jobs.require_room(owner.user_id)
    limits = Limits(having.settings.max_body_bytes, having.settings.max_job_bytes)
    received = await receive(request, having.inputs, limits)
    parameters = Parameters(model=query.model, version=query.version, options=query.options())
    made = await having.jobs.add(owner, "predict", parameters.model_dump(), received, request)
    url = f"/api/jobs/{made.id}/"
    answer = {"success": True, "job_id": made.id, "state": "queued", "counts": counts(made)}
    return JSONResponse({**answer, "url": url}, 202, {"Location": url})


@documented(tag="jobs", access=_LOOKING, query=JobPageQuery, answer=JobPage)
async def jobs(request: Request) -> JSONResponse:
    """Lists one's jobs, newest first."""
    query = parse_query(request, JobPageQuery)
    rows = await services(request).jobs.page(
        caller(request).user_id, query.limit + 1, row_before(query.cursor)
    )
    return JSONResponse(page([entry(row) for row in rows], query.limit))


@documented(tag="jobs", access=_LOOKING, query=OneJobQuery, answer=JobAnswer, errors=(404,))
async def job(request: Request) -> JSONResponse:
    """Shows a job, with the results that there are so far."""
    query = parse_query(request, OneJobQuery)
    number = row_number(request)
    found = await services(request).jobs.one(caller(request).user_id, number)
    results = (
        [result(item) async for item in services(request).jobs.answered(number)]
        if query.results
        else None
    )
    return JSONResponse({**entry(found), "results": results})


@documented(tag="jobs", access=_LOOKING, answer=JobEntry, errors=(404, 409))
async def cancel(request: Request) -> JSONResponse:
    """Cancels a job: nothing more is read; results that there are stay."""
    found = await services(request).jobs.cancel(caller(request), row_number(request), request)
    return JSONResponse(entry(found))


@documented(tag="jobs", access=_LOOKING, answer=None, media=("text/csv",), errors=(404,))
async def results_csv(request: Request) -> Response:
    """The results that there are so far, as a table."""
    number = row_number(request)
    await services(request).jobs.one(caller(request).user_id, number)
    return StreamingResponse(
        as_csv(services(request).jobs, number),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="ranjana-job-{number}.csv"'},
    )


@documented(tag="jobs", access=_LOOKING, answer=None, media=(EVENTS,), errors=(404,))
async def events(request: Request) -> Response:
    """Streams the state of a job whenever it changes (server-sent events, `event: progress`),
    until it is finished (`event: done`).
    """
    owner, number = caller(request).user_id, row_number(request)
    await services(request).jobs.one(owner, number)
    return EventSourceResponse(_events(request, owner, number), ping=_PING)


async def _events(request: Request, owner: int, number: int) -> AsyncIterator[ServerSentEvent]:
    shown = None
    while True:
        try:
            found = await services(request).jobs.one(owner, number)
        except ApiError:
            return  # the client asks again, and is told why
        now = state(found)
        done = found.state not in UNFINISHED
        if now != shown:
            yield ServerSentEvent(json.dumps(now), event="done" if done else "progress")
            shown = now
        if done or request.app.state.shutdown.started:
            return  # clients ask again, and are answered by another process
        await asyncio.sleep(_LOOK)


_JOB = "/api/jobs/{id}/"

routes = [
    Route("/api/jobs/predict/", create, methods=["POST"]),
    Route("/api/jobs/", jobs, methods=["GET"]),
    Route(_JOB, job, methods=["GET"]),
    Route(_JOB, cancel, methods=["DELETE"]),
    Route(f"{_JOB}results.csv/", results_csv, methods=["GET"]),
    Route(f"{_JOB}events/", events, methods=["GET"]),
]

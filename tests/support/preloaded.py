"""Imported once, by the process that `tests.support.forked` forks."""

import gc

import anyio._backends._asyncio  # noqa: F401
import uvicorn.lifespan.on
import uvicorn.loops.uvloop
import uvicorn.protocols.http.httptools_impl  # noqa: F401

import auth_api.__main__
import auth_api.app  # noqa: F401

gc.freeze()  # no process looks through the modules for garbage

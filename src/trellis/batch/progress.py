"""A progress bar on standard error, where that is a terminal."""

from __future__ import annotations

from typing import Any


class Bar:
    """Rows done, and what became of them.

    Args:
        total: how many rows there are, if that is known.
    """

    def __init__(self, total: int | None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=Console(stderr=True), transient=False)
        self._task: Any = self._progress.add_task("rows", total=total)
        self._progress.start()

    def show(self, done: int, summary: str) -> None:
        self._progress.update(self._task, completed=done, description=summary)

    def close(self) -> None:
        self._progress.stop()


def bar(total: int | None, wanted: bool) -> Bar | None:
    """A bar, if one is wanted and somebody can see it."""
    import sys

    return Bar(total) if wanted and sys.stderr is not None and sys.stderr.isatty() else None

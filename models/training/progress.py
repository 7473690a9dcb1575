"""Show the progress of a long run: bars on a terminal, otherwise a line at every tenth."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

Bar = Callable[[str, int], Callable[[int], None]]
"""`bar(what, total)` returns a function; call it with each number of steps done."""

TENTHS = 10


@contextmanager
def progress(console: Console | None = None) -> Iterator[Bar]:
    """Show the progress of each long task."""
    shown = console or Console()
    if not shown.is_terminal:
        yield lambda what, total: _lines(shown, what, total)
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns, console=shown) as bars:

        def bar(what: str, total: int) -> Callable[[int], None]:
            task = bars.add_task(what, total=total)
            return lambda count: bars.advance(task, count)

        yield bar


def _lines(console: Console, what: str, total: int) -> Callable[[int], None]:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        before, done = done, done + count
        if total and before * TENTHS // total < done * TENTHS // total:
            console.print(f"{what}: {done} of {total}", highlight=False)

    return advance

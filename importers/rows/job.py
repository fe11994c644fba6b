"""An import under way: portions of rows, each committed with how far the job is.

Whoever takes the job up again goes on behind the last commit. A dry run leaves nothing
behind that it could go on from, and begins anew.
"""

from __future__ import annotations

from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Generic, Protocol, TypeVar

from importers.jobs.waiting import wait_for_turn
from importers.jobs.worker import JobContext
from importers.rows.reading import Ahead
from importers.rows.rules.overlay import Overlay
from ledger.errors import LedgerError
from ledger.submit import Command


class Done(Protocol):
    """What became of the rows of a command."""

    @property
    def left(self) -> Overlay[Any]:
        """Return what they left; the job keeps that of a dry run."""


T = TypeVar("T")
P = TypeVar("P")
D = TypeVar("D", bound=Done)


class Course(Generic[T]):
    """How far an import is, and what its dry run would have left so far.

    ``dry_run`` is one of the options of its job. ``so_far`` becomes the progress of
    the job with the next commit.
    """

    def __init__(self, context: JobContext, begun: Mapping[str, Any]) -> None:
        """Go on behind the progress of the job, over what it has when it begins."""
        self.is_dry: bool = context.job.options["dry_run"]
        self.so_far = {**begun, **({} if self.is_dry else context.job.progress)}
        self.left: Overlay[T] = Overlay()
        self._context = context

    async def save(self, *commands: Command) -> None:
        """Save how far the import is, together with commands that bring no rows."""
        await self._context.step(commands, lambda _: dict(self.so_far))

    async def commit(
        self,
        command: Command,
        account: Callable[[Mapping[str, Any], D], Mapping[str, Any]],
    ) -> D:
        """Commit what becomes of some rows, with the progress behind them; return it.

        ``account`` makes that progress of the one before. Raises what refused the
        command: then nothing was appended, and the progress is as it was.
        """

        def advance(outcomes: Sequence[Any]) -> Mapping[str, Any]:
            return account(self.so_far, outcome_of(outcomes))

        done: D
        (done,) = await self._context.step([command], advance)
        self.so_far = dict(self._context.job.progress)
        if self.is_dry:
            self.left.take(done.left)
        return done


async def commit_each(
    portions: Iterator[P],
    commit: Callable[[P], Awaitable[object]],
    *,
    pace: AbstractContextManager[None],
) -> None:
    """Commit portion after portion; the next one is read meanwhile."""
    async with Ahead(partial(next, portions, None)) as ahead:
        while (portion := await ahead.next()) is not None:
            with pace:
                await commit(portion)


@asynccontextmanager
async def in_turn(context: JobContext) -> AsyncIterator[Path]:
    """Wait for the imports of the domain before this one, and lend a folder for files.

    Raises ``NotYet`` when that takes long.
    """
    await wait_for_turn(context)
    with TemporaryDirectory(prefix="caseledger-import-") as folder:
        yield Path(folder)


def outcome_of(outcomes: Sequence[Any]) -> Any:
    """Return what became of the one command of a step; raises what refused it."""
    (outcome,) = outcomes
    if isinstance(outcome, LedgerError):
        raise outcome
    return outcome

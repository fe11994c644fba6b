"""Group commit: one thread that takes whatever has gathered while it last committed.

Handlers hand commands over and await their outcome. There is no timer: an idle ledger
commits a command at once, a busy one commits many together, one answer each
(``rules/design.md`` 3.1).

A commit waits for the disk far longer than a form takes to be judged. Meanwhile the
event loop goes on reading requests, and the commands that it makes of them are what the
next round takes: the more come, the more of them share the wait, and none waits for
company.

They can share it because they are judged in memory, each against what those before it
left there. A command that is refused has changed nothing by then, neither there nor in
the database, which is written at the very end: so nothing is rolled back, its
neighbours never learn of it, and no savepoint is needed, which would cost about what a
form does. After an unexpected exception nobody knows how far the command had come. The
transaction is rolled back, and the session is dropped with all that it held, before
anybody was answered; then each command runs alone. One that fails again is the guilty
one: its caller is told, and what it brought is kept as an XFormError in a transaction
of its own. The others commit as if it had never been among them. An outage is no such
exception: it is nobody's fault, so nothing is split and nothing is kept, and everybody
is told to come again.

Outcomes are delivered after the commit, never before. Until then a crash, a full disk
or the defect of a neighbour can still take all of it back, and a phone that was told of
success deletes its copy. And whoever reads after the answer reads what it said.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

from ledger.bodies import add_dictionary, wants_dictionary
from ledger.errors import LedgerError, Overloaded, RolledBack, StoreUnavailable
from ledger.storage.rounds import Outcome, Rounds
from ledger.store import Store, Writer
from ledger.submit import Command, Ledger, WantsOwnCommit

T = TypeVar("T")

_MOST_COMMANDS = 256
_MOST_BYTES = 4 * 1024 * 1024
_MOST_WAITING_BYTES = 512 * 1024 * 1024

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Ticket:
    """A command on its way, and whom to tell."""

    domain: str
    command: Command
    size: int
    future: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class _Errand:
    """A plain function that wants a transaction of its own."""

    domain: str
    errand: Callable[[Writer], Any]
    future: asyncio.Future[Any]
    size: int = 0


@dataclass(frozen=True, slots=True)
class Committed:
    """What a commit was: how many commands, how long, entries of which kinds."""

    commands: int
    seconds: float
    kinds: Sequence[str]


def _nobody_hears(_committed: Committed) -> None:
    """Do nothing: nobody asked to be told of commits."""


class LedgerWriter:
    """The process's one writer."""

    def __init__(self, store: Store, ledger: Ledger) -> None:
        """Prepare; ``start`` begins to write."""
        self._store = store
        self._ledger = ledger
        self._waiting_bytes = 0
        self.on_commit: list[Callable[[str], None]] = []
        """Called on the event loop with each domain whose log has grown."""
        self.on_committed: Callable[[Committed], None] = _nobody_hears
        """Called in the thread that writes, after each commit."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._rounds: Rounds[_Ticket | _Errand] = Rounds(
            "caseledger-write",
            self._round,
            most=_MOST_COMMANDS,
            most_bytes=_MOST_BYTES,
            weigh=lambda item: item.size,
        )

    def start(self) -> None:
        """Begin to write, delivering outcomes to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._rounds.start()

    async def stop(self) -> None:
        """Write everything that waits, then stop."""
        await self._rounds.stop()

    async def submit(self, domain: str, command: Command) -> Any:
        """Have a command appended and return its outcome once it is durable.

        Raises the ``LedgerError`` that refused it, ``Overloaded`` when too much waits,
        and whatever unexpected error made it fail.
        """
        size = command.size
        if self._waiting_bytes + size > _MOST_WAITING_BYTES:
            raise Overloaded("The server is busy; send the request again later")
        future = asyncio.get_running_loop().create_future()
        self._waiting_bytes += size
        self._rounds.put(_Ticket(domain, command, size, future))
        try:
            # A client that hangs up does not stop a commit.
            return await asyncio.shield(future)
        finally:
            self._waiting_bytes -= size

    async def run(self, domain: str, errand: Callable[[Writer], T]) -> T:
        """Run a function in a write transaction of its own and return its result."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._rounds.put(_Errand(domain, errand, future))
        return await asyncio.shield(future)

    @property
    def waiting(self) -> tuple[int, int]:
        """Return how many commands wait for their commit, and their bytes."""
        return self._rounds.waiting, self._waiting_bytes

    def _round(self, items: list[_Ticket | _Errand]) -> list[Outcome]:
        outcomes: list[Outcome] = []
        for domain, tickets in _by_domain(items):
            outcomes += self._commit(domain, tickets)
        for item in items:
            if isinstance(item, _Errand):
                outcomes.append((item.future, self._run_errand(item)))
        return outcomes

    def _commit(self, domain: str, tickets: Sequence[_Ticket]) -> list[Outcome]:
        """Commit commands of one domain together, or one by one if that fails."""
        try:
            outcomes = self._processed(domain, [ticket.command for ticket in tickets])
        except LedgerError as error:
            # An outage too: each may be sent again, and none is to blame.
            outcomes = [error] * len(tickets)
        except Exception as error:
            if len(tickets) > 1:
                _note_split(error, domain, len(tickets))
                return [
                    outcome
                    for ticket in tickets
                    for outcome in self._commit(domain, [ticket])
                ]
            logger.exception("command_failed", extra={"domain": domain})
            self._keep_failure(domain, tickets[0].command, error)
            outcomes = [error]
        return [
            (ticket.future, outcome)
            for ticket, outcome in zip(tickets, outcomes, strict=True)
        ]

    def _processed(self, domain: str, commands: Sequence[Command]) -> list[Any]:
        """Commit commands; a second time at once if the first was undone for certain.

        A server that was restarted has cut the connection, and takes another one.
        """
        try:
            return self._process(domain, commands)
        except RolledBack:
            return self._process(domain, commands)

    def _process(self, domain: str, commands: Sequence[Command]) -> list[Any]:
        started = perf_counter()
        with self._store.writing(domain) as writer:
            before = writer.head.position
            outcomes = self._ledger.process(writer, commands)
            position = writer.head.position
        self._note(writer, len(commands), started)
        if position > before:
            self._announce(domain)
        if wants_dictionary(position, position - before):
            self._train(domain)
        return outcomes

    def _note(self, writer: Writer, commands: int, started: float) -> None:
        seconds = perf_counter() - started
        self.on_committed(Committed(commands, seconds, writer.kinds))

    def _announce(self, domain: str) -> None:
        """Have those hear who follow the log; what they miss they see by looking."""
        if self.on_commit and self._loop is not None and not self._loop.is_closed():
            for hear in self.on_commit:
                self._loop.call_soon_threadsafe(hear, domain)

    def _train(self, domain: str) -> None:
        """Give the domain a new dictionary; a failure costs only space."""
        try:
            with self._store.writing(domain) as writer:
                add_dictionary(writer)
        except StoreUnavailable:
            logger.debug("dictionary_put_off", extra={"domain": domain})
        except Exception:
            logger.exception("dictionary_failed", extra={"domain": domain})

    def _keep_failure(self, domain: str, command: Command, error: Exception) -> None:
        try:
            started = perf_counter()
            with self._store.writing(domain) as writer:
                self._ledger.keep_failure(writer, command, error)
            self._note(writer, 1, started)
        except StoreUnavailable:
            logger.debug("failure_not_kept", extra={"domain": domain})
        except Exception:
            # The client gets 500 and keeps its copy, so nothing is lost.
            logger.exception("failure_not_kept", extra={"domain": domain})

    def _run_errand(self, errand: _Errand) -> Any:
        started = perf_counter()
        try:
            with self._store.writing(errand.domain) as writer:
                before = writer.head.position
                result = errand.errand(writer)
                grown = writer.head.position > before
            self._note(writer, 1, started)
            if grown:
                self._announce(errand.domain)
        except Exception as error:  # noqa: BLE001 - it is handed to whoever asked
            return error
        return result


def _note_split(error: Exception, domain: str, commands: int) -> None:
    """Log why commands are tried one by one; that one asks for it is no news."""
    asked = isinstance(error, WantsOwnCommit)
    logger.log(
        logging.DEBUG if asked else logging.WARNING,
        "commit_split",
        extra={
            "domain": domain,
            "commands": commands,
            "reason": type(error).__name__,
        },
    )


def _by_domain(
    items: Sequence[_Ticket | _Errand],
) -> Iterator[tuple[str, list[_Ticket]]]:
    groups: dict[str, list[_Ticket]] = {}
    for item in items:
        if isinstance(item, _Ticket):
            groups.setdefault(item.domain, []).append(item)
    yield from groups.items()

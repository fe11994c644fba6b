"""Group commit: one thread that takes whatever has gathered while it last committed.

Handlers hand commands over and await their outcome. There is no timer: an idle ledger
commits a command at once, a busy one commits many together, one answer each
(``rules/design.md`` 3.1).

A commit waits for the disk far longer than a form takes to be judged. Meanwhile the
event loop goes on reading requests, and the commands that it makes of them are what the
next round takes: the more come, the more of them share the wait, and none waits for
company.

Commands of several domains share a commit too, each judged under the head of its own.
The heads are taken in the order of their names, as many as nobody else holds; what
waits for others is left to ``held.py``: no domain is held up by the head of another.

They can share it because they are judged in memory, each against what those before it
left there. A command that is refused has changed nothing by then, neither there nor in
the database, which is written at the very end: so nothing is rolled back, its
neighbours never learn of it, and no savepoint is needed, which would cost about what a
form does. After an unexpected exception nobody knows how far the command had come. The
transaction is rolled back, and the session is dropped with all that it held, before
anybody was answered; then each domain, and where it fails again each command, runs
alone. The command that fails again is the guilty one: its caller is told, and what it
brought is kept as an XFormError in a transaction of its own. The others commit as if it
had never been among them. An outage is no such exception: it is nobody's fault, so
nothing is split and nothing is kept, and everybody is told to come again.

Outcomes are delivered after the commit, never before. Until then a crash, a full disk
or the defect of a neighbour can still take all of it back, and a phone that was told of
success deletes its copy. And whoever reads after the answer reads what it said.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, TypeVar

from ledger.bodies import add_dictionary, wants_dictionary
from ledger.entry import Head
from ledger.errors import (
    ClockJumped,
    LedgerError,
    Overloaded,
    RolledBack,
    StoreUnavailable,
)
from ledger.held import Held
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
    future: asyncio.Future[Any] | None
    size: int = 0
    commands: int = 1

    def told(self, outcome: Any) -> list[Outcome]:
        """Return who is told what became of it."""
        return [] if self.future is None else [(self.future, outcome)]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chore(_Errand):
    """An errand of the writer's own: nobody but the operator hears if it fails.

    ``answer`` is for whoever waits for a command that is behind it.
    """

    put_off: str
    failed: str
    answer: Exception | None = None

    def told(self, outcome: Any) -> list[Outcome]:
        """Log a failure; return who is told what."""
        extra = {"domain": self.domain}
        if isinstance(outcome, StoreUnavailable):
            logger.debug(self.put_off, extra=extra)
        elif isinstance(outcome, Exception):
            logger.error(self.failed, extra=extra, exc_info=outcome)
        return [] if self.future is None else [(self.future, self.answer)]


_Item = _Ticket | _Errand
_Groups = dict[str, list[_Ticket]]
"""The commands of each domain that a commit has some of, in their order."""


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
        self._held: Held[_Item] = Held(
            self._wait, most=_MOST_COMMANDS, most_bytes=_MOST_BYTES
        )
        self._rounds: Rounds[_Item] = Rounds(
            "caseledger-write",
            self._round,
            most=_MOST_COMMANDS,
            most_bytes=_MOST_BYTES,
            weigh=lambda item: item.size,
            patience=self._held.patience,
        )

    def start(self) -> None:
        """Begin to write, delivering outcomes to the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._rounds.start()

    async def stop(self) -> None:
        """Write everything that waits, then stop."""
        await self._rounds.stop()
        await asyncio.to_thread(self._held.finish)

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
            # A client that hangs up does not stop a commit, which then tells nobody.
            return await future
        finally:
            self._waiting_bytes -= size

    async def run(self, domain: str, errand: Callable[[Writer], T]) -> T:
        """Run a function in a write transaction of its own and return its result."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._rounds.put(_Errand(domain, errand, future))
        return await future

    @property
    def waiting(self) -> tuple[int, int]:
        """Return how many commands wait for their commit, and their bytes."""
        return self._rounds.waiting + len(self._held), self._waiting_bytes

    def _round(self, items: list[_Item]) -> list[Outcome]:
        """Do what has come, and what was held when it was tried before."""
        return self._do(self._held.take() + self._held.apart(items))

    def _do(self, items: Sequence[_Item]) -> list[Outcome]:
        outcomes = self._commit(_by_domain(items))
        for item in items:
            if isinstance(item, _Errand):
                outcomes += self._run_errand(item)
        return outcomes

    def _wait(self, domain: str, items: list[_Item]) -> None:
        """Do what waits for a head that is held, however long that takes.

        Whatever else was held is tried along: often it was the same transaction that
        held all of it.
        """
        tickets = [item for item in items if isinstance(item, _Ticket)]
        outcomes = self._commit({domain: tickets}, wait_for=domain) if tickets else []
        for item in items:
            if isinstance(item, _Errand):
                outcomes += self._run_errand(item, wait_for=domain)
        self._rounds.deliver(outcomes)

    def _commit(self, groups: _Groups, *, wait_for: str = "") -> list[Outcome]:
        """Commit commands of several domains together, or apart if that fails."""
        if not groups:
            return []
        try:
            return self._processed(groups, wait_for)
        except ClockJumped as error:
            # It may be ahead of some logs only.
            if len(groups) > 1:
                return self._apart(groups, error)
            return _all_told(groups, error)
        except LedgerError as error:
            # An outage too: each may be sent again, and none is to blame.
            return _all_told(groups, error)
        except Exception as error:  # noqa: BLE001 - the guilty one is told, and kept
            return self._apart(groups, error)

    def _apart(self, groups: _Groups, error: Exception) -> list[Outcome]:
        """Commit each domain by itself, or each command if there is only one domain."""
        [(domain, tickets), *others] = groups.items()
        if others:
            parts = [{domain: tickets} for domain, tickets in groups.items()]
        elif len(tickets) > 1:
            parts = [{domain: [ticket]} for ticket in tickets]
        else:
            logger.error("command_failed", extra={"domain": domain}, exc_info=error)
            return self._keep_failure(tickets[0], error)
        _note_split(error, groups)
        return [outcome for part in parts for outcome in self._commit(part)]

    def _processed(self, groups: _Groups, wait_for: str) -> list[Outcome]:
        """Commit commands; a second time at once if the first was undone for certain.

        A server that was restarted has cut the connection, and takes another one.
        """
        try:
            return self._process(groups, wait_for)
        except RolledBack:
            return self._process(groups, wait_for)

    def _process(self, groups: _Groups, wait_for: str) -> list[Outcome]:
        """Commit what can be; what is held is left for later."""
        started = perf_counter()
        with self._store.writing_together() as heads:
            if wait_for:
                heads.wait_for(wait_for)
                self._join(groups)
            heads.take(list(groups))
            work = {name: groups[name] for name in heads.writers}
            found = self._ledger.process_together(
                [(heads.writers[n], [t.command for t in work[n]]) for n in work]
            )
        self._held.put([t for name in heads.held for t in groups[name]])
        if work:
            self._note(heads.writers.values(), sum(map(len, work.values())), started)
        for head in heads.before:
            self._follow(head, heads.writers[head.domain])
        outcomes = [
            (ticket.future, outcome)
            for name, results in zip(work, found, strict=True)
            for ticket, outcome in zip(work[name], results, strict=True)
        ]
        for name, error in heads.refused.items():
            outcomes += self._refused({name: groups[name]}, error)
        return outcomes

    def _join(self, groups: _Groups) -> None:
        """Add what else is held, now that nothing is waited for any more."""
        items = self._held.take_all()
        for name, tickets in _by_domain(items).items():
            groups.setdefault(name, []).extend(tickets)
        self._held.put([item for item in items if isinstance(item, _Errand)])

    def _refused(self, group: _Groups, error: Exception) -> list[Outcome]:
        """Tell those whose domain cannot be opened; a damaged one is a defect."""
        if isinstance(error, LedgerError):
            return _all_told(group, error)
        return self._apart(group, error)

    def _note(self, writers: Iterable[Writer], commands: int, started: float) -> None:
        seconds = perf_counter() - started
        kinds = [kind for writer in writers for kind in writer.kinds]
        self.on_committed(Committed(commands, seconds, kinds))

    def _follow(self, before: Head, writer: Writer) -> None:
        """Do what the growth of a log asks for, once it is committed."""
        position = writer.head.position
        grown = position - before.position
        if grown:
            self._announce(writer.domain)
        if wants_dictionary(position, grown):
            self._train(writer.domain)

    def _announce(self, domain: str) -> None:
        """Have those hear who follow the log; what they miss they see by looking."""
        if self.on_commit and self._loop is not None and not self._loop.is_closed():
            for hear in self.on_commit:
                self._loop.call_soon_threadsafe(hear, domain)

    def _train(self, domain: str) -> None:
        """Give the domain a new dictionary; a failure costs only space."""
        self._run_errand(
            _Chore(
                domain=domain,
                errand=add_dictionary,
                future=None,
                commands=0,
                put_off="dictionary_put_off",
                failed="dictionary_failed",
            )
        )

    def _keep_failure(self, ticket: _Ticket, error: Exception) -> list[Outcome]:
        """Keep what a command brought, then tell its caller of the error.

        Who is told of it keeps his copy, so nothing is lost where this fails.
        """
        return self._run_errand(
            _Chore(
                domain=ticket.domain,
                errand=lambda w: self._ledger.keep_failure(w, ticket.command, error),
                future=ticket.future,
                size=ticket.size,
                put_off="failure_not_kept",
                failed="failure_not_kept",
                answer=error,
            )
        )

    def _run_errand(self, errand: _Errand, *, wait_for: str = "") -> list[Outcome]:
        """Run an errand and say what became of it, unless its head is held."""
        started = perf_counter()
        try:
            with self._store.writing_together() as heads:
                if wait_for:
                    heads.wait_for(wait_for)
                else:
                    heads.take([errand.domain])
                writer = heads.writer(errand.domain)
                result = None if writer is None else errand.errand(writer)
        except Exception as error:  # noqa: BLE001 - it is handed to whoever asked
            return errand.told(error)
        if writer is None:
            self._held.put([errand])
            return []
        if errand.commands:
            self._note([writer], errand.commands, started)
        if writer.head.position > heads.before[0].position:
            self._announce(errand.domain)
        return errand.told(result)


def _all_told(groups: _Groups, outcome: Any) -> list[Outcome]:
    return [(t.future, outcome) for tickets in groups.values() for t in tickets]


def _note_split(error: Exception, groups: _Groups) -> None:
    """Log why commands are tried apart; that one asks for it is no news."""
    asked = isinstance(error, WantsOwnCommit)
    logger.log(
        logging.DEBUG if asked else logging.WARNING,
        "commit_split",
        extra={
            "domain": " ".join(sorted(groups)),
            "commands": sum(map(len, groups.values())),
            "reason": type(error).__name__,
        },
    )


def _by_domain(items: Sequence[_Item]) -> _Groups:
    groups: _Groups = {}
    for item in items:
        if isinstance(item, _Ticket):
            groups.setdefault(item.domain, []).append(item)
    return groups

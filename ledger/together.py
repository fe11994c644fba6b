"""The heads that a transaction over several domains has taken, and those it has not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ledger.entry import Head
from ledger.errors import Damaged, LedgerError
from ledger.heads import KNOWN, LOCK_FREE_HEADS, LOCK_HEAD, no_domain
from ledger.storage.connection import Connection
from ledger.storage.dialect import Row

if TYPE_CHECKING:
    from ledger.store import Writer


class Together:
    """A transaction over several domains, whose heads are taken as they are free.

    ``before`` has the heads of ``writers`` as they were taken. What cannot be opened is
    in ``refused`` with the reason, and harms no other; ``held`` are those that somebody
    else holds.
    """

    def __init__(self, conn: Connection, open_: Callable[[str, Row], Writer]) -> None:
        """Hold nothing yet; ``open_`` makes a writer of a head's row, or refuses to."""
        self._conn = conn
        self._open_head = open_
        self.writers: dict[str, Writer] = {}
        self.before: list[Head] = []
        self.refused: dict[str, Exception] = {}
        self.held: set[str] = set()

    def writer(self, domain: str) -> Writer | None:
        """Return what writes a domain, nothing if its head is held.

        Raises what refused it.
        """
        if domain in self.refused:
            raise self.refused[domain]
        return self.writers.get(domain)

    def wait_for(self, domain: str) -> None:
        """Wait for one head; only who holds none yet may, or two would wait for ever.

        Raises ``AssertionError`` for others.
        """
        if self.writers:
            raise AssertionError("who holds a head waits for no other one")
        row = self._conn.row(LOCK_HEAD, domain=domain)
        if row is None:
            self.refused[domain] = no_domain(domain)
        else:
            self._open(domain, row)

    def take(self, domains: Sequence[str]) -> None:
        """Take those heads that nobody else holds, in the order of their names."""
        missing = set(domains) - self.writers.keys() - self.refused.keys()
        if missing:
            for domain, *row in self._conn.rows(LOCK_FREE_HEADS, names=list(missing)):
                missing.remove(domain)
                self._open(domain, tuple(row))
        if missing:
            known = {name for (name,) in self._conn.rows(KNOWN, names=list(missing))}
            self.held |= known
            self.refused |= {domain: no_domain(domain) for domain in missing - known}

    def _open(self, domain: str, row: Row) -> None:
        try:
            writer = self._open_head(domain, row)
        except (LedgerError, Damaged) as refused:
            self.refused[domain] = refused
            return
        self.writers[domain] = writer
        self.before.append(writer.head)

"""What the other domains of the installation hold: ids are unique over all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property

from sqlalchemy import select

from ledger.errors import StoreUnavailable
from ledger.storage.connection import Statement
from ledger.store import Writer
from ledger.tables import domains
from projections.commit.case_statements import statements_of

_DOMAINS = Statement(select(domains.c.domain, domains.c.live_cases))


class Elsewhere:
    """The other domains, and which ids of cases belong to one of them."""

    def __init__(self, writer: Writer) -> None:
        """Ask who they are; the answer is awaited when somebody needs it."""
        self._writer = writer
        self._ask = writer.conn.ask(_DOMAINS)
        self.taken: set[str] = set()
        """The ids that were looked for and found."""

    @property
    def domains(self) -> list[str]:
        """Return the other domains."""
        return [d for domains in self._by_generation.values() for d in domains]

    def look(self, case_ids: Sequence[str]) -> None:
        """Look for ids that the domain itself does not know: a marked fan-out."""
        for generation, others in self._by_generation.items():
            if not generation:
                # A backup of it was loaded, but its read tables are not built yet.
                domain = others[0]
                raise StoreUnavailable(f"{domain} is being restored; try again")
            rows = self._writer.conn.rows(
                statements_of(generation).elsewhere,
                domains=list(others),
                case_ids=list(case_ids),
            )
            self.taken.update(case_id for (case_id,) in rows)

    @cached_property
    def _by_generation(self) -> Mapping[int, Sequence[str]]:
        """The other domains by the generation that answers for them."""
        found: dict[int, list[str]] = {}
        for domain, generation in self._ask():
            if domain != self._writer.domain:
                found.setdefault(generation, []).append(domain)
        return found

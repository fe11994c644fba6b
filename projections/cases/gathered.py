"""Point reads of cases, gathered: one query for every case asked for meanwhile.

On PostgreSQL a read costs a round trip and a thread; asking for all waiting ids at once
makes that the price of many (``rules/design.md`` 4.3). On SQLite a read is
cheaper than any of this, so it is done on the spot.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.storage.rounds import Outcome, Rounds
from ledger.store import Store
from projections.cases.with_head import HeadedReads
from projections.rule.case_row import SeenCase

_MOST_REQUESTS = 512


@dataclass(frozen=True, slots=True)
class _Ask:
    """One id and who wants its case; exactly one of the two ids is there."""

    domain: str
    future: asyncio.Future[Any]
    case_id: str | None = None
    external_id: str | None = None


class PointReads:
    """Reads single cases of any domain; one a process."""

    def __init__(self, store: Store) -> None:
        """Prepare; ``start`` begins to read."""
        self._store = store
        self._reads = HeadedReads(store)
        self._rounds: Rounds[_Ask] = Rounds(
            "caseledger-point-reads",
            self._round,
            most=_MOST_REQUESTS,
            most_bytes=_MOST_REQUESTS,
            weigh=_one,
        )

    def start(self) -> None:
        """Begin to read, unless reads are done on the spot anyway."""
        if not self._store.reads_inline:
            self._rounds.start()

    async def stop(self) -> None:
        """Answer what waits, then stop."""
        await self._rounds.stop()

    async def get_case(self, domain: str, case_id: str) -> SeenCase | None:
        """Return a live case, ``None`` when there is none; raises ``NotFound``."""
        if self._store.reads_inline:
            return self._reads.by_id(domain, [case_id]).get(case_id)
        found: SeenCase | None = await self._asked(domain, case_id=case_id)
        return found

    async def find_external(self, domain: str, external_id: str) -> list[SeenCase]:
        """Return the live cases with an external id, the one opened first first.

        Raises ``NotFound`` for an unknown domain.
        """
        if self._store.reads_inline:
            found_now = self._reads.by_external_id(domain, [external_id])
            return found_now.get(external_id, [])
        found: list[SeenCase] = await self._asked(domain, external_id=external_id)
        return found

    async def _asked(self, domain: str, **which: str) -> Any:
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._rounds.put(_Ask(domain, future, **which))
        return await future

    def _round(self, asks: list[_Ask]) -> Iterable[Outcome]:
        domains: dict[str, list[_Ask]] = {}
        for ask in asks:
            domains.setdefault(ask.domain, []).append(ask)
        return [
            outcome
            for domain, together in domains.items()
            for outcome in self._read(domain, together)
        ]

    def _read(self, domain: str, asks: Sequence[_Ask]) -> list[Outcome]:
        try:
            by_id, named = self._found(
                domain,
                _present(ask.case_id for ask in asks),
                _present(ask.external_id for ask in asks),
            )
        except Exception as error:  # noqa: BLE001 - it is handed to whoever asked
            return [(ask.future, error) for ask in asks]
        return [(ask.future, _answer(ask, by_id, named)) for ask in asks]

    def _found(
        self, domain: str, case_ids: Sequence[str], external_ids: Sequence[str]
    ) -> tuple[Mapping[str, SeenCase], Mapping[str, list[SeenCase]]]:
        """Return cases by id and by external id; a statement for what is asked."""
        by_id = self._reads.by_id(domain, case_ids) if case_ids else {}
        if not external_ids:
            return by_id, {}
        return by_id, self._reads.by_external_id(domain, external_ids)


def _present(ids: Iterable[str | None]) -> list[str]:
    return [text for text in ids if text is not None]


def _answer(
    ask: _Ask, by_id: Mapping[str, SeenCase], named: Mapping[str, list[SeenCase]]
) -> SeenCase | list[SeenCase] | None:
    """Return what was asked for: a case, or the cases with an external id."""
    if ask.case_id is not None:
        return by_id.get(ask.case_id)
    return named.get(ask.external_id or "", [])


def _one(_ask: _Ask) -> int:
    return 1

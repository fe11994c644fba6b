"""The bookkeeping of generations: which set of read tables exists and which is live.

Generations of both projections share one numbering, so a number names one set.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import MetaData, bindparam, func, select, update

from ledger.entry import Head
from ledger.errors import StoreUnavailable
from ledger.storage.connection import Connection, Statement
from ledger.storage.schema import create_indexes, create_tables
from ledger.store import Reader
from ledger.tables import checkpoints, domains, generations
from projections.names import CASES, FORMS
from projections.tables import CASES_VERSION, FORMS_VERSION, case_tables, form_tables

LIVE = "live"
"""The state of a generation that answers reads."""
VERSIONS = {CASES: CASES_VERSION, FORMS: FORMS_VERSION}

_LATEST = Statement(select(func.max(generations.c.generation)))
_USABLE = Statement(
    select(generations.c.generation)
    .where(
        generations.c.projection == bindparam("projection"),
        generations.c.version == bindparam("version"),
        generations.c.state == LIVE,
    )
    .order_by(generations.c.generation.desc())
    .limit(1)
    # Who makes a domain waits for who makes another one: both end the same list, and
    # one of two with the same name is to hear that it is taken.
    .with_for_update()
)
_VERSION = Statement(
    select(generations.c.projection, generations.c.version).where(
        generations.c.generation == bindparam("g")
    )
)
_AT_WORK = Statement(
    select(
        func.count(func.distinct(generations.c.generation)),
        func.coalesce(func.sum(checkpoints.c.position), 0),
        func.coalesce(func.sum(domains.c.position), 0),
    )
    .select_from(
        generations.join(
            checkpoints, checkpoints.c.generation == generations.c.generation
        ).join(domains, domains.c.domain == checkpoints.c.domain)
    )
    .where(generations.c.state == "building")
)
_ALL = Statement(select(*generations.columns).order_by(generations.c.generation))
_SET_STATE = Statement(
    update(generations)
    .where(generations.c.generation == bindparam("g"))
    .values(state=bindparam("state"), changed_on=bindparam("changed_on"))
)


@dataclass(frozen=True, slots=True)
class Generation:
    """One physical set of a projection's read tables."""

    generation: int
    projection: str
    version: int
    state: str
    changed_on: int


class StaleTables(StoreUnavailable):
    """The live read tables of a domain are not of this program's version."""


class VersionGuard:
    """Refuses domains whose live read tables another version of the program made.

    Set as a store's ``guard`` where reads and writes are served; a replay, which is
    the remedy, goes without.
    """

    def __init__(self) -> None:
        """Know nothing yet; a generation's version never changes, so ask once."""
        self._current: set[int] = set()

    def __call__(self, conn: Connection, head: Head) -> None:
        """Raise ``StaleTables`` unless both live generations are current."""
        for generation in head.live.values():
            if generation not in self._current:
                self._check(conn, head.domain, generation)
                self._current.add(generation)

    def _check(self, conn: Connection, domain: str, generation: int) -> None:
        found = conn.row(_VERSION, g=generation)
        projection, version = found or ("?", "?")
        if found is None or VERSIONS[projection] != version:
            raise StaleTables(
                f"the read tables of {domain} ({projection}, version {version}) are "
                f"not of this program's version: run "
                f"caseledger replay --domain {domain}"
            )


def live_faults(r: Reader) -> Iterator[str]:
    """Yield why the tables that a domain reads from cannot be compared."""
    known = {found.generation: found for found in all_generations(r.conn)}
    for projection, number in r.head.live.items():
        found = known.get(number)
        if found is None or found.projection != projection or found.state != LIVE:
            yield f"the domain names no live read tables of {projection}: {number}"
        elif found.version != VERSIONS[projection]:
            yield (
                f"the read tables of {projection} are of version {found.version} and "
                f"not of this program's: run caseledger replay --domain {r.domain}"
            )


def metadata_of(projection: str, generation: int) -> MetaData:
    """Return the tables of a generation."""
    if projection == CASES:
        return case_tables(generation).metadata
    return form_tables(generation).metadata


def ensure_live(conn: Connection, *, now: int) -> dict[str, int]:
    """Return a live generation for each projection, making those that are missing.

    Needs a write transaction. A new domain points at what this returns.
    """
    live = {}
    for projection, version in VERSIONS.items():
        found = conn.value(_USABLE, projection=projection, version=version)
        if found is None:
            found = open_generation(conn, projection, now=now, state=LIVE)
            create_indexes(conn, metadata_of(projection, found))
        live[projection] = found
    return live


def open_generation(
    conn: Connection, projection: str, *, now: int, state: str = "building"
) -> int:
    """Make the tables of the next generation, without secondary indexes."""
    generation = (conn.value(_LATEST) or 0) + 1
    conn.insert(
        generations, [(generation, projection, VERSIONS[projection], state, now)]
    )
    create_tables(conn, metadata_of(projection, generation))
    return generation


def set_state(conn: Connection, generation: int, state: str, *, now: int) -> None:
    """Record that a generation is now building, live or retired."""
    conn.run(_SET_STATE, g=generation, state=state, changed_on=now)


def all_generations(conn: Connection) -> list[Generation]:
    """Return every generation, oldest first."""
    return [Generation(*row) for row in conn.rows(_ALL)]


def replays_at_work(conn: Connection) -> tuple[int, int, int]:
    """Return how many generations are built, and how many entries of how many folded.

    A marked fan-out.
    """
    [(count, folded, entries)] = conn.rows(_AT_WORK)
    return count, int(folded), int(entries)

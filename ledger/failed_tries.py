"""How often somebody failed to sign in, counted for all processes of a database.

Calls of APIs that have rate limits are counted in the same way, by their domain.
A count belongs to a window of time and means nothing once that has ended. Nothing here
says who failed: keys are digests that the callers make. The rows belong to no domain,
since a name that is tried may be of none, and no backup has them.
"""

from __future__ import annotations

from sqlalchemy import bindparam, delete, func, select

from ledger.storage.connection import Connection, Statement
from ledger.tables import failed_tries
from ledger.times import Micros

_SECOND = 1_000_000

_FOUND = Statement(
    select(failed_tries.c.tries, failed_tries.c.ends_on).where(
        failed_tries.c.key == bindparam("of_key"),
        failed_tries.c.ends_on > bindparam("now"),
    )
)
_ENDED = Statement(
    select(func.min(failed_tries.c.ends_on)).where(
        failed_tries.c.ends_on <= bindparam("now")
    )
)
_SWEEP = Statement(
    delete(failed_tries).where(failed_tries.c.ends_on <= bindparam("now"))
)


def count_tries(conn: Connection, key: str, *, now: Micros) -> tuple[int, Micros]:
    """Return how many tries a window has that is open, and when the window ends."""
    row = conn.row(_FOUND, of_key=key, now=now)
    return (0, now) if row is None else (row[0], row[1])


def add_tries(
    conn: Connection, key: str, tries: int, *, seconds: int, now: Micros
) -> None:
    """Count tries in the window of so many seconds that is open now.

    Windows lie side by side on the clock, so that processes agree without asking.
    """
    length = seconds * _SECOND
    ends_on = (now // length + 1) * length
    conn.add(failed_tries, [(key, ends_on, tries)])


def has_ended_windows(conn: Connection, *, now: Micros) -> bool:
    """Tell whether there is anything to sweep; needs no lock."""
    return conn.value(_ENDED, now=now) is not None


def sweep_tries(conn: Connection, *, now: Micros) -> None:
    """Forget the windows that have ended."""
    conn.run(_SWEEP, now=now)

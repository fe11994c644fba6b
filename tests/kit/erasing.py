"""Erasures for tests, and a look at everything that a database holds."""

from __future__ import annotations

from typing import Any

from importers.jobs.repack import EraseAndRepack
from ledger.entry import Author
from ledger.erasure.erase import EraseCases
from ledger.erasure.repacking import Repack
from ledger.storage.compression import Codec
from ledger.store import Store
from projections.erasure.erased import tidy
from projections.rebuild.replay import replay
from projections.rebuild.verify import verify
from tests.kit import build

ADMIN = Author(user_id="root")
SECRET = "scar on the left hand"


def a_secret(case_id: str = "c1", **more: Any) -> str:
    """Return a block that makes a case and says of it what nobody may know."""
    return build.a_create(case_id, update={"mark": SECRET}, **more)


def is_gone(store: Store, *secrets: str) -> bool:
    """Tell whether the secret, and others, are in no table."""
    found = everything(store)
    return not any(secret.encode() in found for secret in (SECRET, *secrets))


def is_sound(store: Store) -> bool:
    """Prove the log and the tables; a replay makes the same ones."""
    proved = verify(store, build.DOMAIN)
    assert proved.ok, [*proved.breaks, *map(str, proved.differences)]
    before = build.derived(store)
    replay(store, build.DOMAIN)
    assert build.derived(store) == before
    return True


def erase(store: Store, *case_ids: str, reason: str = "article 17, request 12") -> Any:
    """Erase cases and return what came of it."""
    command = EraseCases(case_ids=case_ids, author=ADMIN, reason=reason)
    (outcome,) = build.write(store, command)
    return outcome


def erase_wholly(store: Store, *case_ids: str, domain: str = build.DOMAIN) -> Any:
    """Erase cases as the API does, and do here what its job would do."""
    erased = erase_and_repack(store, *case_ids, domain=domain)
    assert tidy(store)
    return erased


def erase_and_repack(
    store: Store, *case_ids: str, domain: str = build.DOMAIN, now: int = build.NOW
) -> Any:
    """Erase cases as the API does, but leave the database as untidy as it is."""
    clock = build.FixedClock(now)
    command = EraseCases(case_ids=case_ids, author=ADMIN, reason="article 17")
    whole = EraseAndRepack(command=command, clock=clock)
    (outcome,) = build.write(store, whole, domain=domain, clock=clock)
    repack(store, outcome.erased.stale, domain=domain)
    return outcome.erased


def repack(store: Store, stale: tuple[int, ...], *, domain: str = build.DOMAIN) -> None:
    """Compress everything anew that one of these dictionaries compressed."""
    after: int | None = 0
    while stale and after is not None:
        command = Repack(stale=stale, after=after, most=90)
        (after,) = build.write(store, command, domain=domain)


def everything(store: Store) -> bytes:
    """Return every value of every table, compressed bodies unpacked."""
    raw = store.connection.raw
    codecs = {
        (row[0], row[1]): Codec(row[1], bytes(row[2]))
        for row in raw.execute("SELECT * FROM dictionaries").fetchall()
    }
    plain = Codec(0, None)
    found = [codec.content or b"" for codec in codecs.values()]
    for domain, _, number, body in raw.execute("SELECT * FROM bodies").fetchall():
        codec = codecs[domain, number] if number else plain
        found.append(codec.decompress(bytes(body)))
    for table in _tables(store):
        for row in raw.execute(f"SELECT * FROM {table}").fetchall():  # noqa: S608
            found += [v if isinstance(v, bytes) else str(v).encode() for v in row]
    return b"\n".join(found)


def _tables(store: Store) -> list[str]:
    names = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if store.url.startswith("sqlite")
        else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    rows = store.connection.raw.execute(names).fetchall()
    return [name for (name,) in rows if not name.startswith("sqlite_")]

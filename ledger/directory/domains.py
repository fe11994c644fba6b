"""Domains: the project spaces, each with a log of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import NamedTuple

import orjson
from sqlalchemy import bindparam, select, update

from ledger.directory.values import NO_RATE_LIMITS
from ledger.domain_list import add_to_list
from ledger.entry import Author, Head
from ledger.errors import Conflict
from ledger.log import GENESIS, record_directory
from ledger.stated import state_row
from ledger.storage.connection import Connection, Statement
from ledger.store import Reader, Writer
from ledger.tables import domains
from ledger.times import Micros

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,98}")

_ALL = Statement(
    select(domains.c.domain, domains.c.position, domains.c.created_on).order_by(
        domains.c.domain
    )
)
_ONE = Statement(
    select(domains.c.domain, domains.c.position, domains.c.created_on).where(
        domains.c.domain == bindparam("domain")
    )
)
_CREATED_ON = Statement(
    select(domains.c.created_on).where(domains.c.domain == bindparam("domain"))
)
_SETTINGS = Statement(
    select(domains.c.settings).where(domains.c.domain == bindparam("domain"))
)
_SET_SETTINGS = Statement(
    update(domains)
    .where(domains.c.domain == bindparam("d"))
    .values(settings=bindparam("settings"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainSettings:
    """What an operator decides about a domain.

    ``secure_submissions``: devices must authenticate (``rules/submission.md`` 1.1.2).
    A domain of the time before it was there to be set is open, so that is what is
    meant where nothing is stored; a new domain is given ``OF_NEW_DOMAINS``.
    ``close_extensions``: a case that is closed takes the open cases that extend it
    along (``rules/case-xml.md`` 17).
    ``connect_usernames``: mobile workers may be made who come in by ConnectID and have
    no password (``rules/hq-apis.md`` 6.3).
    ``rate_limits``: how often its APIs may be called, as ``api/wire/rates.py`` reads
    it, and the ``unlimited_users`` who are not counted (``rules/operator.md`` 5.11).
    """

    secure_submissions: bool = False
    close_extensions: bool = False
    connect_usernames: bool = False
    rate_limits: str = NO_RATE_LIMITS
    unlimited_users: tuple[str, ...] = ()


OF_NEW_DOMAINS = DomainSettings(secure_submissions=True)


class Domain(NamedTuple):
    """A project space and how many entries its log has."""

    domain: str
    position: int
    created_on: Micros


def list_domains(conn: Connection) -> list[Domain]:
    """Return every domain by its name; a marked fan-out (``rules/design.md`` 1.2)."""
    return [Domain(*row) for row in conn.rows(_ALL)]


def find_domain(conn: Connection, name: str) -> Domain | None:
    """Return the domain of this name."""
    row = conn.row(_ONE, domain=name)
    return None if row is None else Domain(*row)


def create_domain(
    conn: Connection,
    name: str,
    *,
    live: Mapping[str, int],
    author: Author,
    now: Micros,
    settings: DomainSettings = OF_NEW_DOMAINS,
) -> Domain:
    """Add a domain whose log begins with the note that it was created, and how.

    ``live`` names the generations that answer its reads. Needs a write transaction.
    Raises ``Conflict`` when the name is taken or cannot stand in a URL.
    """
    if _NAME.fullmatch(name) is None:
        text = (
            f"'{name}' cannot be a domain: letters, digits, '-', '_' and '.' only, "
            "99 at most, a letter or digit first"
        )
        raise Conflict(text)
    if find_domain(conn, name) is not None:
        text = f"Domain '{name}' already exists"
        raise Conflict(text)
    text = orjson.dumps(asdict(settings)).decode()
    row = (name, 0, 0, GENESIS, live["cases"], live["forms"], "[]", text, now)
    conn.insert(domains, [row])
    add_to_list(conn, name, now=now)
    head = Head(domain=name, position=0, appended_on=0, digest=GENESIS, live=live)
    writer = Writer(conn, name, head)
    state_row(writer, domains, {"settings": text, "created_on": now})
    record_directory(
        writer,
        "domain created",
        asdict(settings),
        user_id=author.user_id,
        now=now,
    )
    return Domain(name, 1, now)


def get_settings(r: Reader) -> DomainSettings:
    """Return the settings of a domain."""
    stored = orjson.loads(r.conn.value(_SETTINGS, domain=r.domain))
    unlimited = tuple(stored.pop("unlimited_users", ()))
    return DomainSettings(**stored, unlimited_users=unlimited)


def save_settings(
    w: Writer, settings: DomainSettings, *, author: Author, now: Micros
) -> None:
    """Change the settings of a domain and note in its log who did."""
    text = orjson.dumps(asdict(settings)).decode()
    created_on = w.conn.value(_CREATED_ON, domain=w.domain)
    state_row(w, domains, {"settings": text, "created_on": created_on})
    w.conn.run(_SET_SETTINGS, d=w.domain, settings=text)
    record_directory(
        w,
        "domain settings changed",
        asdict(settings),
        user_id=author.user_id,
        now=now,
    )

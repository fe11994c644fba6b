"""``caseledger case list``: cases, chosen as the API chooses them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from api.cases.answers import decode_case
from api.cases.query import ListRequest, parse_list_query
from api.cli.database import opened, the_domain
from api.cli.output import Column, Output, Record
from api.config import Config
from ledger.clock import now_micros
from ledger.store import Store
from ledger.times import format_micros
from projections.lists.filter import Page
from projections.lists.pages import list_cases

_AT_ONCE = 1000
_COLUMNS = (
    Column("id", "case_id"),
    Column("type", "case_type"),
    Column("name", "case_name"),
    Column("owner", "owner_id"),
    Column("state", "closed", lambda closed: "closed" if closed else "open"),
    Column("last modified", "last_modified"),
)


def list_all(
    config: Config,
    /,
    *,
    domain: str | None,
    filters: Sequence[tuple[str, str]],
    limit: int,
    out: Output,
    **given: str | None,
) -> None:
    named = [(name, text) for name, text in given.items() if text is not None]
    now = format_micros(now_micros())
    asked = parse_list_query([*named, *filters], now=now)
    with opened(config) as store:
        found = _found(store, the_domain(store, domain), asked)
        out.rows(islice(found, limit), _COLUMNS)


def _found(store: Store, domain: str, asked: ListRequest) -> Iterator[Record]:
    """Yield the cases, page after page, as clients of the API read them.

    Nothing is held open while a page is printed. A case that changes meanwhile comes
    again, at the end, as it is then.
    """
    after = None
    while True:
        with store.snapshot(domain) as reader:
            page = list_cases(reader, asked.filter, Page(limit=_AT_ONCE, after=after))
        yield from map(decode_case, page.rows)
        after = page.after
        if after is None:
            return

"""Everything a test needs, with sensible defaults: a test names what it is about.

The XML is written here as text, by hand, so that no test of the product's reader
leans on the product's writer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

import orjson
from sqlalchemy import Table

from ledger import log
from ledger.cases.change import CaseChange, IndexRef, Intent
from ledger.commands.case_changes import ChangeCases
from ledger.commands.form_states import ChangeForms, FlagCases, RebuildCases
from ledger.commands.submissions import SubmitForm
from ledger.directory.domains import create_domain
from ledger.entry import (
    Answer,
    Author,
    Entry,
    IdempotencyKey,
    Kind,
    Receipt,
    Submission,
    Upload,
)
from ledger.errors import Malformed
from ledger.forms.form_xml import parse_form
from ledger.store import Store
from ledger.submit import Ledger
from ledger.tables import metadata as kept
from projections.commit.projector import LiveProjector
from projections.rebuild.generations import ensure_live
from projections.rule.case_row import CaseRow, to_case
from projections.tables import case_tables, form_tables

NOW = 1_709_629_200_000_000
"""2024-03-05T09:00:00Z, when tests begin."""

DOMAIN = "demo"
CASE = "http://commcarehq.org/case/transaction/v2"
XMLNS = "http://example.org/forms/visit"
USER = "u-amina"
WHEN = "2024-03-05T09:14:00.000+02:00"
WHEN_UTC = "2024-03-05T07:14:00.000000Z"

_FORM_IDS = count(1)


class FixedClock:
    """A clock that shows what the test sets; one microsecond is never skipped."""

    def __init__(self, now: int = NOW) -> None:
        """Start at ``now``."""
        self.now = now

    def __call__(self) -> int:
        """Return the time that is set."""
        return self.now


# Forms


def a_block(
    case_id: str | None = "c1",
    *,
    create: Mapping[str, str] | None = None,
    update: Mapping[str, str] | None = None,
    index: Mapping[str, Any] | None = None,
    attach: Mapping[str, Mapping[str, str]] | None = None,
    close: bool = False,
    user_id: str | None = USER,
    date_modified: str | None = WHEN,
    xmlns: str | None = CASE,
    extra: str = "",
) -> str:
    """Return a case block; an index is a target or (target, type, relationship)."""
    names = {
        "xmlns": xmlns,
        "case_id": case_id,
        "user_id": user_id,
        "date_modified": date_modified,
    }
    parts = [
        _values("create", create),
        _values("update", update),
        "<close/>" if close else "",
        _indices(index),
        _attachments(attach),
        extra,
    ]
    return f"<case{_attributes(names)}>{''.join(parts)}</case>"


def a_create(case_id: str = "c1", **more: Any) -> str:
    """Return a block that makes a case with a type, a name and an owner."""
    special = {"case_type": "patient", "case_name": "Idris", "owner_id": USER}
    special |= more.pop("create", {})
    return a_block(case_id, create=special, **more)


def an_update(case_id: str = "c1", **properties: str) -> str:
    """Return a block that sets properties."""
    return a_block(case_id, update=properties)


def a_form(
    blocks: Iterable[str] = (),
    *,
    form_id: str | None = None,
    xmlns: str = XMLNS,
    user_id: str | None = USER,
    inside: str = "",
) -> bytes:
    """Return the bytes of a form; its id is new when none is given."""
    form_id = form_id or f"form-{next(_FORM_IDS)}"
    user = "" if user_id is None else f"<n:userID>{escape(user_id)}</n:userID>"
    return (
        f'<data xmlns={quoteattr(xmlns)} name="Visit" version="7" uiVersion="1">'
        f"<question>yes</question>{''.join(blocks)}{inside}"
        f'<n:meta xmlns:n="http://openrosa.org/jr/xforms">'
        f"<n:deviceID>D-1</n:deviceID>{user}"
        f"<n:instanceID>{escape(form_id)}</n:instanceID></n:meta></data>"
    ).encode()


def a_file(name: str = "photo.jpg", content: bytes = b"\xff\xd8photo") -> Upload:
    """Return an attachment."""
    return Upload(name=name, content_type="image/jpeg", content=content)


# Commands


def a_submission(
    body: bytes | None = None,
    *,
    submit_time: int | None = None,
    attachments: Sequence[Upload] = (),
    author: Author | None = None,
    envelope: Mapping[str, Any] | None = None,
) -> SubmitForm:
    """Return the command that a receiver makes of these bytes."""
    sent = Submission(
        body=a_form([a_create()]) if body is None else body,
        author=author or Author(user_id=USER, username="amina", device_id="D-1"),
        attachments=tuple(attachments),
        envelope=envelope or {},
        submit_time=submit_time,
    )
    try:
        form = parse_form(sent.body)
    except Malformed as problem:
        return SubmitForm(submission=sent, form=None, problem=str(problem))
    return SubmitForm(submission=sent, form=form)


def a_change(intent: Intent = Intent.UPSERT, **fields: Any) -> CaseChange:
    """Return a change; one that may create is complete unless a field is given."""
    if intent in {Intent.CREATE, Intent.UPSERT}:
        defaults = {"case_type": "patient", "case_name": "Idris", "owner_id": USER}
        fields = {**defaults, **fields}
    return CaseChange(intent=intent, **fields)


def an_index(case_id: str, **fields: Any) -> IndexRef:
    """Return a wish for an index to a case."""
    return IndexRef(case_id=case_id, **{"case_type": "patient", **fields})


def changes(
    *rows: CaseChange,
    key: IdempotencyKey | None = None,
    dry_run: bool = False,
    seen: Callable[[Receipt], None] | None = None,
) -> ChangeCases:
    """Return the command that an API makes of changes; ``seen`` gets the receipt."""

    def render(receipt: Receipt) -> Answer:
        if seen is not None:
            seen(receipt)
        if receipt.kind is Kind.ERROR:
            return Answer(400, orjson.dumps({"error": receipt.problem}))
        found = [row.case_id for row in receipt.cases]
        return Answer(200, orjson.dumps({"form": receipt.form_id, "cases": found}))

    return ChangeCases(
        changes=rows,
        author=Author(user_id=USER, username="amina", device_id="tests"),
        render=render,
        idempotency=key,
        dry_run=dry_run,
    )


def a_flag(*case_ids: str, kind: Kind = Kind.CASE_DELETE) -> FlagCases:
    """Return the command that deletes or restores cases."""
    return FlagCases(case_ids=case_ids, kind=kind, author=Author(user_id=USER))


def a_rebuild(*case_ids: str) -> RebuildCases:
    """Return the command that folds cases from nothing."""
    return RebuildCases(case_ids=case_ids, author=Author(user_id=USER))


def an_act(kind: Kind, *form_ids: str, **fields: Any) -> ChangeForms:
    """Return the command that archives forms, or deletes them, or undoes that."""
    return ChangeForms(
        form_ids=form_ids, kind=kind, author=Author(user_id=USER), **fields
    )


# Domains and writing


def a_domain(store: Store, name: str = DOMAIN, *, now: int = NOW) -> str:
    """Create a domain; its log begins with the note of that."""
    with store.administering() as conn:
        live = ensure_live(conn, now=now)
        create_domain(conn, name, live=live, author=Author(user_id="root"), now=now)
    return name


def a_ledger(clock: Callable[[], int] | None = None) -> Ledger:
    """Return the write side with a clock that the test can set."""
    return Ledger(LiveProjector(), clock or FixedClock())


def write(
    store: Store,
    *commands: Any,
    domain: str = DOMAIN,
    clock: Callable[[], int] | None = None,
) -> list[Any]:
    """Run commands in one commit and return their outcomes."""
    with store.writing(domain) as writer:
        return a_ledger(clock).process(writer, commands)


def submit(store: Store, body: bytes, **options: Any) -> Receipt:
    """Submit one form alone and return its receipt."""
    where = {n: options.pop(n) for n in ("domain", "clock") if n in options}
    receipt: Receipt = write(store, a_submission(body, **options), **where)[0]
    return receipt


def act(store: Store, kind: Kind, *form_ids: str, **options: Any) -> Any:
    """Archive forms, or delete them, or undo that; return what became of each."""
    where = {n: options.pop(n) for n in ("domain", "clock") if n in options}
    return write(store, an_act(kind, *form_ids, **options), **where)[0]


# Looking


class FormState(NamedTuple):
    """What the table of forms says of one form."""

    position: int
    form_position: int
    version: int
    state: str
    orig_form_id: str | None


def forms_of(store: Store, domain: str = DOMAIN) -> dict[str, FormState]:
    """Return every form of a domain by its id."""
    rows = dump(store, domain)["forms"]
    return {row[1]: FormState._make(row[2:7]) for row in rows}


def entries_of_forms(store: Store, domain: str = DOMAIN) -> list[Entry]:
    """Return what was appended beside notes of the directory and of jobs."""
    return [e for e in entries_of(store, domain) if e.kind is not Kind.DIRECTORY]


def entries_of(store: Store, domain: str = DOMAIN) -> list[Entry]:
    """Return the log of a domain."""
    with store.snapshot(domain) as reader:
        return [entry for entry, _ in log.entries_after(reader, 0, limit=10_000)]


LOG_TABLES = ("entries", "bodies", "dictionaries", "blobs", "blob_parts")
"""The tables that the database itself refuses to change."""


def dump(store: Store, domain: str = DOMAIN) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of a domain's log and live read tables, in key order.

    Tables of a generation go by their name without its number.
    """
    with store.snapshot(domain) as reader:
        live = reader.head.live
        read = (
            *case_tables(live["cases"]).metadata.sorted_tables,
            *form_tables(live["forms"]).metadata.sorted_tables,
        )
        tables = [*(kept.tables[n] for n in ("entries", "bodies", "blobs")), *read]
        return {_plain(t): rows_of(reader.conn.raw, t, domain) for t in tables}


def derived(store: Store, domain: str = DOMAIN) -> dict[str, list[tuple[Any, ...]]]:
    """Return the rows of the read tables, without counters of nothing."""
    found = dump(store, domain)
    for name in ("entries", "bodies", "blobs"):
        del found[name]
    found["case_counts"] = [row for row in found["case_counts"] if row[3]]
    return found


def rows_of(raw: Any, table: Table, domain: str) -> list[tuple[Any, ...]]:
    """Return a table's rows of one domain, sorted as Python sorts."""
    quoted = domain.replace("'", "''")
    found = raw.execute(
        f"SELECT * FROM {table.name} WHERE domain = '{quoted}'"  # noqa: S608
    )
    return sorted(found.fetchall(), key=repr)


def cases_of(store: Store, domain: str = DOMAIN) -> dict[str, Any]:
    """Return every case of a domain, deleted ones included, by id."""
    found = map(to_case, map(CaseRow._make, dump(store, domain)["cases"]))
    return {case.case_id: case for case in found}


def case_of(store: Store, case_id: str = "c1", domain: str = DOMAIN) -> Any:
    """Return one case; raises ``KeyError`` when there is none."""
    return cases_of(store, domain)[case_id]


def _plain(table: Table) -> str:
    name: str = table.name
    stem, _, number = name.rpartition("_")
    return stem if number.isdigit() else name


def _attributes(values: Mapping[str, str | None]) -> str:
    given = ((name, value) for name, value in values.items() if value is not None)
    return "".join(f" {name}={quoteattr(value)}" for name, value in given)


def _values(action: str, values: Mapping[str, str] | None) -> str:
    if values is None:
        return ""
    inner = "".join(f"<{n}>{escape(v)}</{n}>" for n, v in values.items())
    return f"<{action}>{inner}</{action}>"


def _indices(indices: Mapping[str, Any] | None) -> str:
    if indices is None:
        return ""
    parts = []
    for name, wish in indices.items():
        target, case_type, relationship = (
            (wish, "patient", None) if isinstance(wish, str) else wish
        )
        names = {"case_type": case_type, "relationship": relationship}
        parts.append(f"<{name}{_attributes(names)}>{escape(target)}</{name}>")
    return f"<index>{''.join(parts)}</index>"


def _attachments(found: Mapping[str, Mapping[str, str]] | None) -> str:
    if found is None:
        return ""
    parts = (f"<{name}{_attributes(named)}/>" for name, named in found.items())
    return f"<attachment>{''.join(parts)}</attachment>"

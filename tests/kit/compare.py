"""What the ledger holds, in the words of the naive model, to be compared with it."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy import select

from ledger import log
from ledger.errors import NotFound
from ledger.forms.form_xml import parse_form
from ledger.proof import chain as proof
from ledger.storage.connection import Statement
from ledger.storage.schema import create_tables
from ledger.store import Reader, Store, open_store
from projections.feed.changed import changed_cases
from projections.names import CASES
from projections.past.timeline import as_of
from projections.rebuild.fresh import Rebuild
from projections.rebuild.parsing import FormParser
from projections.rule.case_row import CaseRow, to_case
from projections.rule.hashing import CASE_TYPE, CLOSED, OWNER, TOTAL, value_hash
from projections.tables import case_tables
from tests.kit import build
from tests.kit.model import Model

_FIELDS = (
    "case_type",
    "case_name",
    "owner_id",
    "external_id",
    "opened_on",
    "opened_by",
    "modified_on",
    "modified_by",
    "closed",
    "closed_on",
    "closed_by",
    "location_id",
    "deleted_on",
    "flagged",
    "position",
    "indexed_on",
    "server_modified_on",
)


def plain(case: Any) -> dict[str, Any]:
    """Return a case in the words of the model."""
    indices = {
        name: (index.case_id, index.case_type, index.relationship)
        for name, index in case.indices.items()
    }
    return {
        **{name: getattr(case, name) for name in _FIELDS},
        "key": (case.folded_to.received_on, case.folded_to.position),
        "properties": dict(case.properties),
        "indices": {name: index for name, index in indices.items() if index[0]},
        "cleared": {name: index[1:] for name, index in indices.items() if not index[0]},
        "attachments": {
            name: (found.form_id, found.source)
            for name, found in case.attachments.items()
        },
    }


def case_ids_in(store: Store, domain: str, position: int) -> list[str]:
    """Return the cases that a stored form names, each once, in document order."""
    with store.snapshot(domain) as reader:
        body = log.bodies_at(reader, [position])[position]
    return list(dict.fromkeys(block.case_id for block in parse_form(body).blocks))


def learn_ids(rows: list[tuple[Any, ...]], model: Model) -> None:
    """Tell the model the random ids that were decided, by where the bytes stand."""
    nameless = {
        form["version"]["position"]: form
        for form in model.forms
        if form["form_id"] is None
    }
    for _, form_id, _, _, version, *_ in rows:
        if form_id not in model.held and version in nameless:
            model.name(nameless[version], form_id)


def check_forms(rows: list[tuple[Any, ...]], model: Model) -> None:
    """Check every row of the table of forms."""
    wanted = {
        form["form_id"]: (
            form["position"],
            form["key"][1],
            form["version"]["position"],
            form["state"],
            form["orig"],
        )
        for form in model.forms
    }
    # What is behind these is copied from the entry of the version, for lists.
    assert {row[1]: row[2:7] for row in rows} == wanted


def check_log(store: Store, domain: str, model: Model) -> None:
    """Check positions_are_gapless_and_times_rise and chain_verifies.

    Also that each entry is known to have changed the cases that it changed.
    """
    kinds = model.kinds
    with store.snapshot(domain) as reader:
        items = log.entries_after(reader, 0, limit=10_000)
        entries = [entry for entry, _ in items]
        assert changed_cases(reader, items) == model.changed
        assert [entry.kind for entry in entries] == kinds
        assert [entry.position for entry in entries] == list(range(1, len(kinds) + 1))
        times = [entry.appended_on for entry in entries]
        assert times == sorted(set(times))
        assert reader.head.appended_on >= times[-1]
        assert list(proof.verify_chain(reader)) == []
    caused = {e.position: e.details["cause"] for e in entries if "cause" in e.details}
    assert caused == {at: form["form_id"] for at, form in model.causes.items()}


def check_beside(found: dict[str, list[tuple[Any, ...]]], model: Model) -> None:
    """Check counters, external ids and references against the model."""
    cases = model.cases()
    live = {i: case for i, case in cases.items() if case["deleted_on"] is None}
    counts: Counter[tuple[int, int]] = Counter()
    for case in live.values():
        counts[TOTAL, 0] += 1
        counts[CASE_TYPE, value_hash(case["case_type"])] += 1
        counts[OWNER, value_hash(case["owner_id"])] += 1
        counts[CLOSED, int(case["closed"])] += 1
    assert {(r[1], r[2]): r[3] for r in found["case_counts"] if r[3]} == dict(counts)
    assert {row[1:] for row in found["external_ids"]} == {
        (case["external_id"], i) for i, case in cases.items() if case["external_id"]
    }
    assert {row[1:] for row in found["case_indices"]} == {
        (target, name, i, relationship)
        for i, case in cases.items()
        for name, (target, _, relationship) in case["indices"].items()
    }
    positions = [row[2] for row in found["cases"]]
    assert len(set(positions)) == len(positions)


def check_past(
    store: Store, domain: str, when: int, wanted: dict[str, dict[str, Any]]
) -> None:
    """Check that both see the past as it was: time travel, and a replay cut then."""
    with store.snapshot(domain) as reader:
        known = [case_id for (case_id,) in _case_ids(reader)]
        seen = {case_id: _seen(reader, case_id, when) for case_id in known}
        assert {i: case for i, case in seen.items() if case is not None} == wanted
        assert replayed_to(reader, when) == wanted


def _case_ids(reader: Reader) -> list[tuple[str]]:
    cases = case_tables(reader.head.live[CASES]).cases
    query = select(cases.c.case_id).where(cases.c.domain == reader.domain)
    return reader.conn.rows(Statement(query))


def _seen(reader: Reader, case_id: str, when: int) -> dict[str, Any] | None:
    try:
        return plain(as_of(reader, case_id, when))
    except NotFound:
        return None


def replayed_to(reader: Reader, when: int) -> dict[str, dict[str, Any]]:
    """Fold the log from its beginning up to a time; return every case."""
    tables = case_tables(1)
    items = log.entries_after(reader, 0, limit=10_000)
    items = [(entry, body) for entry, body in items if entry.appended_on <= when]
    with tempfile.TemporaryDirectory() as folder, FormParser(1) as parser:
        scratch = open_store(f"sqlite:///{Path(folder) / 'cut.db'}")
        fresh = scratch.connection
        create_tables(fresh, tables.metadata)
        rebuild = Rebuild(reader, fresh, cases=tables, forms=None)
        rebuild.fold(items, parser.parse(items))
        fresh.execute("BEGIN")
        rebuild.save()
        fresh.execute("COMMIT")
        found = build.rows_of(fresh.raw, tables.cases, reader.domain)
        scratch.close()
    cases = map(to_case, map(CaseRow._make, found))
    return {case.case_id: plain(case) for case in cases}

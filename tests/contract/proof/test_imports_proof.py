"""What became of the records of imports is proved by the forms in the log.

The page is docs/operating/verify.md.
"""

from __future__ import annotations

import orjson
import pytest

from ledger.proof.imports import import_differences
from ledger.proof.unproved import UNPROVED
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.alterations import Table, another
from tests.kit.erasing import erase
from tests.kit.haplo.batches import NAME, a_control, imported, outcomes, upsert
from tests.kit.sunbird.uploads import places


def findings(store):
    """Return what the proof says, and how many rows it compared."""
    with store.snapshot(build.DOMAIN) as reader:
        counted = {}
        found = [str(wrong) for wrong in import_differences(reader, counted)]
    return found, counted["import_rows"]


@pytest.fixture
async def table(store, monkeypatch):
    """Import records that became forms, were rejected and changed nothing."""
    build.a_domain(store)
    # No record gets so far by itself that its form is rejected.
    monkeypatch.setattr("ledger.forms.case_xml.MAX_LENGTH", 40)
    control = a_control(*upsert(), NAME)
    people = [{"id": str(n), "name": f"n{n}"} for n in range(3)]
    rejected = {"id": "4", "name": "x" * 41}
    _, rows = await imported(store, control, *people, rejected, 7)
    assert outcomes(rows) == ["applied"] * 3 + ["failed", "aborted"]
    assert rows[3].error_id
    await imported(store, control, {"id": "9", "name": "nine"}, dry_run=True)
    await places(store, "state", ["s1", "North", "", ""], ["", "", "", ""])
    assert findings(store) == ([], 5)
    assert verify(store, build.DOMAIN).ok
    return Table(store, "import_rows")


def rows_of_forms(table, outcome, api="haplo"):
    """Return rows that tell of forms, by record."""
    found = [row for row in table.rows() if row[1] == api and (row[7] or row[9])]
    return [row for row in found if row[6] == outcome]


@pytest.mark.parametrize("outcome", ["applied", "failed"])
def test_each_column_that_is_altered_is_named(store, table, outcome):
    """One value of a row that tells of a form."""
    row = rows_of_forms(table, outcome)[-1]
    for column in table.columns:
        if column.name in {"domain", *UNPROVED["import_rows"]}:
            continue
        old = row[table.columns.index(column)]
        changed = table.set(
            row, column, "[1]" if column.name == "case_ids" else another(column, old)
        )
        assert findings(store)[0], column.name
        table.set(changed, column, old)
    assert findings(store) == ([], 5)


def test_rows_that_are_deleted_or_planted_are_named(store, table):
    """A record that a form names is missed; one that no form names is too much."""
    row = rows_of_forms(table, "applied")[0]
    key = " ".join(map(str, row[1:4]))
    table.delete(row)
    assert findings(store)[0] == [f"import_rows {key}: missing"]
    assert not verify(store, build.DOMAIN).ok
    table.insert(row)
    planted = (*row[:3], 99, *row[4:])
    table.insert(planted)
    assert findings(store)[0] == [
        f"import_rows {' '.join(map(str, planted[1:4]))}: not in the log's fold"
    ]


def test_rows_in_each_others_place_are_named(store, table):
    """Two records of one job, each with what became of the other."""
    first, second, *_ = rows_of_forms(table, "applied")
    for row in (first, second):
        table.delete(row)
    table.insert((*first[:4], *second[4:]))
    table.insert((*second[:4], *first[4:]))
    assert len(findings(store)[0]) >= len((first, second))


def test_an_erasure_is_no_fault(store, table):
    """It takes out of a form what a row tells of it; ids stay."""
    case_id = orjson.loads(rows_of_forms(table, "applied")[0][8])[0]
    erase(store, case_id)
    assert findings(store)[0] == []
    assert verify(store, build.DOMAIN).ok

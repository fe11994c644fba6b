"""Any table imports, every row is counted once, and a dry run tells the truth."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from importers.excel_options import SearchField
from ledger.ids import new_id
from ledger.jobs import JobState
from tests import build
from tests.importers.spreadsheets import a_csv, imported

HEADERS = (
    "external_id",
    "name",
    "age",
    "owner_name",
    "parent_external_id",
    "parent_relationship_type",
    "parent_identifier",
    "close",
    "case_type",
    "hq_user_id",
)
TEXTS = st.one_of(
    st.sampled_from(
        ["", "---", "a", "b", "c", "yes", "patient", "extension", "amina", "#N/A"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.integers().map(str),
    st.just("x" * 300),
)
TABLES = st.lists(
    st.lists(TEXTS, min_size=len(HEADERS), max_size=len(HEADERS)), max_size=12
)


def total(report):
    names = ("created", "updated", "failed", "blank", "unmatched")
    return sum(report[name] for name in names)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=TABLES, create=st.booleans())
async def test_every_row_ends_once_and_a_dry_run_predicts_it(store, rows, create):
    """Section 18: the same account, and everything known the second time."""
    rows = [[text.replace("\0", "") for text in row] for row in rows]
    content = a_csv(HEADERS, *rows)
    wish = {"create": create, "search_field": SearchField.EXTERNAL_ID}
    old, build.DOMAIN = build.DOMAIN, f"d-{new_id()}"
    try:
        build.a_domain(store, build.DOMAIN)
        dry = await imported(store, content, dry_run=True, **wish)
        real = await imported(store, content, **wish)
    finally:
        build.DOMAIN = old
    assert (dry.state, real.state) == (JobState.DONE, JobState.DONE), real.problem
    report = real.progress["report"]
    assert dry.progress["report"] == report
    assert total(report) == real.progress["done"]

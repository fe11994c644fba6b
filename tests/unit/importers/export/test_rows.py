"""What an export says of a case and of a form."""

from __future__ import annotations

import orjson
from hypothesis import given
from hypothesis import strategies as st

from api.cases.answers import render_case
from importers.export.rows import (
    case_cells,
    case_columns,
    case_line,
    form_cells,
    form_columns,
    form_line,
    leaves,
)
from ledger.cases.case import Case, CaseIndex
from ledger.entry import Attachment, Entry, Kind
from projections.rule.case_row import seen, to_row
from projections.rule.form_json import METADATA, StoredForm
from tests.kit.build import NOW, WHEN_UTC, XMLNS, a_create, a_form

ROW = seen(
    to_row(
        Case(
            domain="demo",
            case_id="c1",
            case_type="patient",
            case_name='"Beth"\n😀',
            external_id=None,
            owner_id="o1",
            opened_on=WHEN_UTC,
            modified_on=WHEN_UTC,
            server_modified_on=WHEN_UTC,
            indexed_on=NOW,
            closed=True,
            closed_on=WHEN_UTC,
            properties={"village": "é", "dob": ""},
            indices={
                "parent": CaseIndex(case_id="p1", case_type="h", relationship="child")
            },
        )
    )
)
_KEYS = st.text("ab.[]\"'@#", min_size=1, max_size=3)
_TREES = st.dictionaries(
    _KEYS,
    st.recursive(
        st.text(max_size=2),
        lambda inner: (
            st.lists(inner, min_size=2, max_size=3)
            | st.dictionaries(_KEYS, inner, min_size=1, max_size=3)
        ),
        max_leaves=8,
    ),
)


def stored(body: bytes | None = None, **changes):
    """Return a normal form as a stream has it."""
    entry = Entry(
        domain="demo",
        position=2,
        kind=Kind.NORMAL,
        form_id="f1",
        form_position=2,
        xmlns=XMLNS,
        user_id="u1",
        received_on=NOW,
        appended_on=NOW + 1,
        attachments=changes.pop("attachments", ()),
    )
    known = {"state": "normal", "decided_on": NOW + 5, "problem": None}
    return StoredForm(form_id="f1", version=entry, body=body, **{**known, **changes})


def test_a_line_of_a_case_is_the_object_of_the_case_api():
    """The fourteen keys, in the order and the shape of ``rules/case-api-v2.md`` 3."""
    assert case_line(ROW) == render_case(ROW).encode() + b"\n"


def test_cells_of_a_case_are_the_texts_of_its_object():
    """Booleans are words, and what is null is an empty cell."""
    cells = case_cells(ROW)
    assert cells["closed"] == "true"
    assert cells["external_id"] == ""
    assert cells["case_name"] == '"Beth"\n😀'
    assert {name: text for name, text in cells.items() if "." in name} == {
        "properties.village": "é",
        "properties.dob": "",
        "indices.parent.case_id": "p1",
        "indices.parent.case_type": "h",
        "indices.parent.relationship": "child",
    }


def test_columns_of_cases_do_not_depend_on_the_order_of_cases():
    """Fixed columns as in the object, then properties, then indices, by name."""
    seen = [*case_cells(ROW), "properties.indices.x"]
    columns = case_columns(reversed(seen))
    assert columns == case_columns(seen)
    assert columns[:2] == ["domain", "case_id"]
    assert columns[12:] == [
        "properties.dob",
        "properties.indices.x",
        "properties.village",
        "indices.parent.case_id",
        "indices.parent.case_type",
        "indices.parent.relationship",
    ]
    assert len(case_columns(())) == 12


def test_a_line_of_a_form_has_its_content_and_what_the_log_says():
    """The keys of ``rules/hq-apis.md`` 3.1 that need no server."""
    photo = Attachment(name="p.jpg", content_type="image/jpeg", sha256="x", length=7)
    found = orjson.loads(
        form_line(stored(a_form([a_create("c1")], form_id="f1"), attachments=(photo,)))
    )
    form, metadata = found.pop("form"), found.pop("metadata")
    assert found == {
        "id": "f1",
        "domain": "demo",
        "xmlns": XMLNS,
        "type": "data",
        "version": "7",
        "uiversion": "1",
        "received_on": "2024-03-05T09:00:00.000000Z",
        "indexed_on": "2024-03-05T09:00:00.000005Z",
        "user_id": "u1",
        "state": "normal",
        "problem": None,
        "attachments": {"p.jpg": {"content_type": "image/jpeg", "length": 7}},
    }
    assert form["question"] == "yes"
    assert form["case"]["create"]["case_type"] == "patient"
    assert metadata["deviceID"] == "D-1"


def test_cells_of_a_form_are_the_leaves_of_its_line():
    """A column for each leaf of ``form`` and each key of ``metadata``."""
    one = stored(a_form([a_create("c1"), a_create("c2")], form_id="f1"))
    cells, found = form_cells(one), orjson.loads(form_line(one))
    assert cells["form.case[1].@case_id"] == found["form"]["case"][1]["@case_id"]
    assert cells["form.meta.deviceID"] == cells["metadata.deviceID"] == "D-1"
    assert {n for n in cells if n.startswith("metadata.")} == {
        f"metadata.{name}" for name in METADATA
    }
    assert "attachments" not in cells


def test_columns_of_forms_keep_the_order_of_the_documents():
    """Fixed columns first; leaves as they first occurred."""
    columns = form_columns(["form.z", "id", "form.a", "metadata.userID"])
    assert columns[0] == "id"
    assert columns[-2:] == ["form.z", "form.a"]
    assert len(columns) == len(set(columns)) == len(form_columns(())) + 2


def test_a_form_whose_bytes_are_gone_is_still_told():
    """Its row says what the log says; there is no content."""
    gone = stored(None)
    found = orjson.loads(form_line(gone))
    assert (found["form"], found["metadata"], found["type"]) == (None, None, None)
    assert found["id"] == form_cells(gone)["id"] == "f1"
    assert not any(name.startswith(("form.", "metadata.")) for name in form_cells(gone))


def test_a_form_without_a_meta_block_has_no_metadata():
    """Null, not an object full of nulls."""
    bare = stored(b'<data xmlns="http://example.org/x"><q>1</q></data>')
    assert orjson.loads(form_line(bare))["metadata"] is None
    assert form_cells(bare)["form.q"] == "1"


@given(_TREES)
def test_no_two_leaves_share_a_column(tree):
    """Whatever the names of elements are, every text has a path of its own."""
    paths = [path for path, _ in leaves(tree, "form")]
    assert len(paths) == len(set(paths))

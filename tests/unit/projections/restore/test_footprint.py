"""What a device holds after its own forms, against a phone that does it naively.

Numbers of rules are those of ``rules/restore.md``.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ledger.cases.case import CaseIndex, FoldKey
from ledger.forms.form_xml import parse_form
from projections.restore.footprint import (
    Held,
    after_forms,
    footprint_text,
    graph_of,
    read_footprint,
)
from projections.restore.scope import live
from projections.rule.fold import Stamp
from tests.kit.model_phone import live_cases
from tests.kit.phone import a_form, block

IDS = "abcdef"
OWNERS = ["me", "group"]
AT = "2024-03-05T07:14:00.000000Z"

edits = st.fixed_dictionaries(
    {
        "case_id": st.sampled_from(IDS),
        "owner": st.sampled_from(["", "me", "group", "other"]),
        "index": st.dictionaries(
            st.sampled_from(["p", "q"]),
            st.tuples(
                st.sampled_from(["", *IDS]),
                st.just("kind"),
                st.sampled_from(["child", "extension"]),
            ),
        ),
        "close": st.booleans(),
    }
)


def version_of(edit):
    """Return an edit as a form of the device, and as its phone sees it."""
    owner = {"owner_id": edit["owner"]} if edit["owner"] else {}
    written = block(
        edit["case_id"], update=owner, index=edit["index"], close=edit["close"]
    )
    stamp = Stamp("demo", "f", 1, 1, FoldKey(1, 1), AT)
    return parse_form(a_form(written, user="me")), stamp


def applied(phone, edit):
    """Do to a naive phone what an edit says, then purge it."""
    found = phone.get(edit["case_id"], {"owner": "me", "closed": False, "index": {}})
    index = dict(found["index"])
    for name, (target, _, how) in edit["index"].items():
        index.pop(name, None)
        if target:
            index[name] = (target, how)
    phone[edit["case_id"]] = {
        "owner": edit["owner"] or found["owner"],
        "closed": found["closed"] or edit["close"],
        "index": index,
    }
    graph = {
        case_id: {
            "owner": case["owner"],
            "closed": case["closed"],
            "parents": [t for t, how in case["index"].values() if how == "child"],
            "hosts": [t for t, how in case["index"].values() if how == "extension"],
        }
        for case_id, case in phone.items()
    }
    kept = live_cases(graph, set(OWNERS))
    return {case_id: case for case_id, case in phone.items() if case_id in kept}


@given(st.lists(edits, max_size=8))
def test_forms_do_to_a_footprint_what_they_do_to_a_phone(made):
    """Rule 6.4: the same cases are left, whatever was closed, given away or moved."""
    phone: dict = {}
    for edit in made:
        phone = applied(phone, edit)
    after = after_forms({}, OWNERS, map(version_of, made))
    assert set(after) == set(phone)


@given(st.lists(edits, max_size=6), st.lists(edits, max_size=4))
def test_a_footprint_that_was_kept_goes_on_as_if_it_had_not_been(before, behind):
    """Rule 6.2: what a log keeps is enough to fold what comes later."""
    made = after_forms({}, OWNERS, map(version_of, before))
    # A restore tells a device of no index to a case that it does not get (4.8).
    held = {
        case_id: case._replace(
            indices={n: i for n, i in case.indices.items() if i.case_id in made}
        )
        for case_id, case in made.items()
    }
    kept = read_footprint(footprint_text(held, OWNERS), OWNERS)
    assert set(kept) == set(held)
    assert set(live(graph_of(kept), OWNERS)) == set(held)
    for case_id, case in kept.items():
        assert case.closed is held[case_id].closed
        assert (case.owner_id in OWNERS) is (held[case_id].owner_id in OWNERS)
    forms = list(map(version_of, behind))
    assert set(after_forms(kept, OWNERS, forms)) == set(
        after_forms(held, OWNERS, forms)
    )


def test_ten_thousand_cases_are_kept_small():
    """Ids, a mark each, and only the indices that lead to a case of the device."""
    held = {f"case-{n}": Held("me", closed=False) for n in range(10_000)}
    index = CaseIndex("case-0", "household", "child")
    gone = CaseIndex("gone", "household", "child")
    held["case-1"] = Held("-", closed=True, indices={"parent": index, "other": gone})
    text = footprint_text(held, ["me"])
    assert len(text) < 20 * len(held)
    kept = read_footprint(text, ["me"])
    assert list(kept) == list(held)
    assert kept["case-1"].indices == {"parent": index._replace(case_type="")}

"""The rule, row by row: case-xml.md sections 6 to 11."""

from __future__ import annotations

import pytest

from ledger.case import CaseIndex, FoldKey
from ledger.entry import Attachment
from ledger.errors import Rejected
from ledger.formxml import parse_form
from ledger.times import format_micros
from projections.fold import (
    ATTACHMENT,
    CLOSE,
    CREATE,
    FORM,
    INDEX,
    LEDGER,
    Stamp,
    apply_form,
    blocks_by_case,
    fold,
    new_targets,
    touched,
)
from tests import build

RECEIVED = format_micros(build.NOW)


def stamp(position=1, **fields):
    """Return the stamp of a form that arrived as the ``position``th."""
    received = build.NOW + position - 1
    defaults = {
        "domain": build.DOMAIN,
        "form_id": f"f{position}",
        "position": position,
        "appended_on": received,
        "key": FoldKey(received_on=received, position=position),
        "received_on": format_micros(received),
        "attachments": {},
    }
    return Stamp(**{**defaults, **fields})


def folded(*forms, case_id="c1", attachments=()):
    """Fold forms that arrive one after the other."""
    files = {name: a_file(name) for name in attachments}
    return fold(
        case_id,
        [
            (parse_form(body), stamp(place, attachments=files))
            for place, body in enumerate(forms, 1)
        ],
    )


def of_blocks(*blocks, user_id=build.USER, **options):
    return folded(build.a_form(blocks, user_id=user_id), **options)


def actions_of(*blocks, inside=""):
    form = parse_form(build.a_form(blocks, inside=inside))
    mine = blocks_by_case(form).get("c1", [])
    return apply_form(None, mine, form, stamp())[1]


def a_file(name):
    return Attachment(name=name, content_type="image/jpeg", sha256="00", length=3)


def problem(*blocks, **options):
    with pytest.raises(Rejected) as refused:
        of_blocks(*blocks, **options)
    return refused.value.problem


# Section 6: names with a meaning


@pytest.mark.parametrize("action", ["create", "update"])
@pytest.mark.parametrize(
    ("name", "field", "label"),
    [
        ("case_type", "case_type", "type"),
        ("case_name", "case_name", "name"),
        ("owner_id", "owner_id", "owner_id"),
        ("external_id", "external_id", "external_id"),
    ],
)
def test_a_special_name_sets_its_field(action, name, field, label):
    """6: in create and in update alike, up to 255 characters, never a property."""
    case = of_blocks(build.a_block(**{action: {name: "é" * 255}}))
    assert getattr(case, field) == "é" * 255
    assert case.properties == {}
    assert problem(build.a_block(**{action: {name: "é" * 256}})) == (
        f"CaseValueError: Error processing case update: Field: {label}, "
        "Error: Value exceeds allowed length: 255"
    )


@pytest.mark.parametrize("action", ["create", "update"])
@pytest.mark.parametrize(
    ("text", "opened_on"),
    [
        ("2024-03-05", "2024-03-05T00:00:00.000000Z"),
        ("2024-03-05T09:14:00+02:00", "2024-03-05T07:14:00.000000Z"),
        ("2024-03-05T09:14:00", "2024-03-05T09:14:00.000000Z"),
        ("1985", "1985-01-01T00:00:00.000000Z"),
    ],
)
def test_date_opened_sets_opened_on(action, text, opened_on):
    """6 and 9: converted to UTC; no offset is UTC, a date midnight, a year its day."""
    case = of_blocks(build.a_block(**{action: {"date_opened": text}}))
    assert case.opened_on == opened_on
    assert case.properties == {}


@pytest.mark.parametrize("text", ["", "soon", "2024-13-01", "2024-02-30T00:00:00Z"])
def test_a_date_opened_that_is_no_date_is_refused(text):
    """6 and 9: anything else, also empty text."""
    assert problem(build.a_block(create={"date_opened": text})) == (
        "CaseValueError: Error processing case update: Field: opened_on, "
        f"Error: Unable to parse date string '{text}'"
    )


@pytest.mark.parametrize("action", ["create", "update"])
def test_user_id_has_no_lasting_effect(action):
    """6: overwritten by the acting user at the end of the block."""
    case = of_blocks(build.a_block(**{action: {"user_id": "somebody"}}))
    assert case.modified_by == case.opened_by == build.USER
    assert case.properties == {}


def test_other_names_of_a_create_are_ignored():
    """5: silently, and they do not become properties."""
    case = of_blocks(build.a_block(create={"color": "red", "case_type": "t"}))
    assert (case.properties, case.case_type) == ({}, "t")


def test_name_in_an_update_is_the_case_name_without_a_limit():
    """6: legacy, no property, no length check."""
    case = of_blocks(build.a_block(update={"name": "n" * 300}))
    assert case.case_name == "n" * 300
    assert case.properties == {}


def test_location_id_has_its_own_column():
    """6: not among the properties."""
    case = of_blocks(build.a_block(update={"location_id": "here"}))
    assert (case.location_id, case.properties) == ("here", {})


def test_hq_user_id_is_a_property_and_the_external_id():
    """6: stored as property and copied."""
    case = of_blocks(build.a_block(update={"hq_user_id": "u1"}))
    assert case.properties == {"hq_user_id": "u1"}
    assert case.external_id == "u1"


def test_reserved_names_of_an_update_are_ignored():
    """6: case_id, date_modified, supply_point_location_id."""
    names = ("case_id", "date_modified", "supply_point_location_id")
    case = of_blocks(build.a_block(update=dict.fromkeys(names, "x")))
    assert case.properties == {}


@pytest.mark.parametrize("name", ["type", "closed", "status", "doc_type", "p-1.é"])
@pytest.mark.parametrize("value", ["", "x", " x ", "2015-04-17T16:04:54.950-04", "😀"])
def test_any_other_name_is_a_property_kept_as_sent(name, value):
    """6 and D-14: empty text is stored, nothing is trimmed or rewritten."""
    case = of_blocks(build.a_block(update={name: value}))
    assert case.properties == {name: value}
    assert not case.closed


def test_an_empty_value_does_not_remove_a_property():
    """6: properties can only be set to empty."""
    case = of_blocks(build.an_update(p="1"), build.an_update(p=""))
    assert case.properties == {"p": ""}


def test_of_several_values_the_last_one_counts():
    """6 and D-6: in one block, user properties and special names alike."""
    extra = (
        "<update><p>1</p><case_name>A</case_name><p>2</p></update>"
        "<update><case_name>B</case_name></update>"
    )
    case = of_blocks(build.a_block(extra=extra))
    assert (case.properties, case.case_name) == ({"p": "2"}, "B")


def test_a_property_with_elements_or_attributes_is_its_own_text():
    """D-7: no JSON object, no @-properties."""
    extra = '<update a="1">loose<p b="2">text<c>inner</c>tail</p></update>'
    assert of_blocks(build.a_block(extra=extra)).properties == {"p": "text"}


# Section 7: order of application


def test_a_create_comes_before_an_update_wherever_it_stands():
    """7 rule 3: so an update beside it wins."""
    case = of_blocks(
        build.a_block(update={"case_name": "later", "p": "1"}),
        build.a_create(),
    )
    assert case.case_name == "later"


def test_equal_ranks_keep_document_order():
    """7 rule 3 and the table of 8: two creates are both applied."""
    case = of_blocks(
        build.a_create(create={"case_name": "first"}),
        build.a_create(create={"case_name": "second"}),
    )
    assert case.case_name == "second"


def test_blocks_are_ranked_by_their_best_action():
    """7 rule 3: create, update or touch, index, close, attachment."""
    blocks = {
        "attachment": build.a_block(attach={"a": {"from": "local"}}, user_id="5"),
        "close": build.a_block(close=True, user_id="4"),
        "index": build.a_block(index={"i": ""}, user_id="3"),
        "touch": build.a_block(user_id="2"),
        "update": build.a_block(update={"p": "1"}, user_id="2b"),
        "create": build.a_create(user_id="1", close=True),
    }
    form = parse_form(build.a_form(blocks.values()))
    ordered = [block.user_id for block in blocks_by_case(form)["c1"]]
    assert ordered == ["1", "2", "2b", "3", "4", "5"]


def test_actions_inside_a_block_have_a_fixed_order():
    """7 rule 4: create, update, close, index, attachment."""
    extra = (
        "<close/><update><case_name>updated</case_name></update>"
        "<create><case_name>created</case_name></create>"
    )
    case = of_blocks(build.a_block(extra=extra))
    assert (case.case_name, case.closed) == ("updated", True)


def test_groups_go_by_case_id_in_code_point_order():
    """7 rule 2."""
    ids = ["b", "a", "Z", "é", "😀", "\uffee"]
    form = parse_form(build.a_form([build.a_block(i) for i in ids]))
    assert list(blocks_by_case(form)) == ["Z", "a", "b", "é", "\uffee", "😀"]


def test_one_form_is_one_transaction_with_all_its_actions():
    """7 and 16: the type is the union of the actions."""
    assert actions_of(build.a_block()) == FORM
    assert actions_of(build.an_update(p="1")) == FORM
    assert actions_of(build.a_create(), build.a_block(close=True)) == (
        FORM | CREATE | CLOSE
    )
    everything = build.a_create(
        close=True, index={"i": "c2"}, attach={"a": {"from": "local"}}
    )
    assert actions_of(everything) == FORM | CREATE | CLOSE | INDEX | ATTACHMENT


def test_a_ledger_block_marks_its_case_as_touched():
    """18: bit 64, no quantities; an unknown case is not made."""
    balance = (
        '<balance xmlns="http://commcarehq.org/ledger/v1" entity-id="c1" date="2024"/>'
    )
    assert actions_of(build.a_create(), inside=balance) == FORM | CREATE | LEDGER
    body = build.a_form(inside=balance)
    assert folded(body) is None
    assert touched(parse_form(body)) == ["c1"]
    case = folded(build.a_form([build.an_update(p="1")]), body)
    assert case.properties == {"p": "1"}
    assert case.position == 2


# Section 8: applying a block


@pytest.mark.parametrize(
    "options",
    [
        {"update": {"p": "1"}},
        {"close": True},
        {"index": {"i": "c2"}},
        {},
        {"extra": "<create/>"},
    ],
)
def test_any_block_makes_an_unknown_case(options):
    """8 rule 1: update, close, index and touch included."""
    case = of_blocks(build.a_block(**options))
    assert (case.case_type, case.case_name, case.owner_id) == ("", "", build.USER)
    assert case.opened_on == case.modified_on == build.WHEN_UTC


def test_a_create_of_a_known_case_overwrites_what_it_names():
    """8 rule 5: other state and opened_on and opened_by stay."""
    case = folded(
        build.a_form([build.a_create(update={"p": "1"}, close=True)]),
        build.a_form(
            [
                build.a_block(
                    create={"case_name": "New"},
                    user_id="u-omar",
                    date_modified="2024-04-01",
                )
            ],
        ),
    )
    assert (case.case_name, case.case_type) == ("New", "patient")
    assert (case.properties, case.closed) == ({"p": "1"}, True)
    assert (case.opened_on, case.opened_by) == (build.WHEN_UTC, build.USER)
    assert case.modified_by == "u-omar"


def test_a_close_notes_when_and_by_whom_and_a_second_overwrites_both():
    """8 rule 6."""
    first = build.a_form([build.a_block(close=True)])
    case = folded(first)
    assert (case.closed, case.closed_on, case.closed_by) == (
        True,
        build.WHEN_UTC,
        build.USER,
    )
    again = build.a_block(close=True, user_id="u2", date_modified="2024-01-01")
    case = folded(first, build.a_form([again]))
    assert (case.closed_on, case.closed_by) == ("2024-01-01T00:00:00.000000Z", "u2")


def test_no_block_reopens_a_case():
    """8 rule 4: it is applied, and the case stays closed."""
    case = folded(
        build.a_form([build.a_block(close=True)]),
        build.a_form([build.a_create(update={"closed": "false", "p": "1"})]),
    )
    assert case.closed
    assert case.properties == {"closed": "false", "p": "1"}


def test_modified_on_never_moves_back_but_values_do():
    """8 rules 7 and 9: arrival decides values, modified_on is the maximum."""
    case = folded(
        build.a_form([build.a_block(update={"p": "1"}, date_modified="2031-01-01")]),
        build.a_form([build.a_block(update={"p": "2"}, date_modified="2020-01-01")]),
    )
    assert case.modified_on == "2031-01-01T00:00:00.000000Z"
    assert case.properties == {"p": "2"}


def test_modified_by_stays_when_nobody_is_named():
    """8 rule 7: uid is the block's user, else the form's, else nobody."""
    nobody = build.a_form([build.a_block(user_id=None)], user_id=None)
    case = folded(build.a_form([build.a_block(user_id="u2")]), nobody)
    assert case.modified_by == "u2"
    case = of_blocks(build.a_block(user_id=None), user_id="of-form")
    assert case.modified_by == "of-form"
    case = of_blocks(build.a_block(user_id=""), user_id="of-form")
    assert case.modified_by == "of-form"


@pytest.mark.parametrize(
    ("owner", "user", "expected"),
    [
        ({}, "u1", "u1"),
        ({}, None, ""),
        ({"owner_id": ""}, "u1", "u1"),
        ({"owner_id": "g"}, "u1", "g"),
        ({"owner_id": "-"}, "u1", "-"),
    ],
)
def test_an_empty_owner_becomes_the_acting_user(owner, user, expected):
    """8 rule 7 and its table: only with no user does it stay empty."""
    block = build.a_block(create={"case_type": "t", **owner}, user_id=user)
    assert of_blocks(block, user_id=None).owner_id == expected


def test_sending_an_empty_owner_hands_the_case_over():
    """8 rule 7, consequence."""
    case = folded(
        build.a_form([build.a_create(create={"owner_id": "g-north"})]),
        build.a_form([build.a_block(update={"owner_id": ""}, user_id="u2")]),
    )
    assert case.owner_id == "u2"


def test_without_a_date_the_receive_time_counts():
    """8 and D-1."""
    case = of_blocks(build.a_block(date_modified=None, close=True))
    assert case.opened_on == case.modified_on == case.closed_on == RECEIVED


def test_server_modified_on_is_the_receive_time():
    """8 rule 8."""
    assert of_blocks(build.a_block()).server_modified_on == RECEIVED


def test_a_late_create_fills_in_and_keeps_the_first_date():
    """8, table: update arrives before create."""
    case = folded(
        build.a_form([build.a_block(update={"p": "1", "q": "1"})]),
        build.a_form([build.a_create(update={"p": "2"}, date_modified="2024-04-01")]),
    )
    assert (case.case_type, case.case_name) == ("patient", "Idris")
    assert case.properties == {"p": "2", "q": "1"}
    assert case.opened_on == build.WHEN_UTC


def test_create_and_close_in_one_block_make_a_closed_case():
    """8, table."""
    assert of_blocks(build.a_create(close=True)).closed


# Section 10: indices


def index(case_id, case_type="patient", relationship="child"):
    return CaseIndex(case_id=case_id, case_type=case_type, relationship=relationship)


@pytest.mark.parametrize(
    ("given", "kept"), [(None, "child"), ("", "child"), ("extension", "extension")]
)
def test_an_index_is_a_child_unless_it_says_otherwise(given, kept):
    """10: missing or empty relationship."""
    case = of_blocks(build.a_block(index={"parent": ("c2", "t", given)}))
    assert case.indices == {"parent": index("c2", "t", kept)}


def test_an_index_is_known_by_its_name():
    """10: set again it replaces type, target and relationship."""
    case = of_blocks(
        build.a_block(index={"parent": "c2", "host": "c3"}),
        build.a_block(index={"parent": ("c4", "t", "extension")}),
    )
    assert case.indices == {
        "parent": index("c4", "t", "extension"),
        "host": index("c3"),
    }


def test_a_cleared_index_leaves_a_tombstone():
    """10: kept for the restore, not among the live ones; can be set again."""
    forms = [
        build.a_form([build.a_block(index={"parent": ("c2", "t", "extension")})]),
        build.a_form([build.a_block(index={"parent": ("", None, None)})]),
    ]
    case = folded(*forms)
    assert case.indices == {"parent": index("", "t", "extension")}
    assert case.live_indices == {}
    again = build.a_form([build.a_block(index={"parent": "c3"})])
    assert folded(*forms, again).live_indices == {"parent": index("c3")}


def test_clearing_what_is_not_there_does_nothing():
    """10: a no-op, and still an index action."""
    block = build.a_block(index={"parent": ""})
    assert of_blocks(block).indices == {}
    assert actions_of(block) == FORM | INDEX


def test_a_case_may_point_at_itself():
    """10: stored."""
    assert of_blocks(build.a_block(index={"i": "c1"})).live_indices == {
        "i": index("c1")
    }


def test_what_must_exist_is_what_the_form_leaves_set():
    """10: targets are validated after the whole form."""
    form = parse_form(
        build.a_form(
            [
                build.a_block("c2", index={"i": "x", "j": "y"}),
                build.a_block("c1", index={"i": "gone"}),
                build.a_block("c1", index={"i": "here"}),
                build.a_block("c2", index={"j": ""}),
            ]
        )
    )
    assert new_targets(form) == [("c1", "here"), ("c2", "x")]


# Section 11: attachments


def test_an_attachment_points_at_a_file_of_the_form():
    """11, set: under its own name, at the part that src names."""
    block = build.a_block(attach={"photo": {"src": "a.jpg", "from": "local"}})
    (kept,) = of_blocks(block, attachments=["a.jpg"]).attachments.items()
    assert kept[0] == "photo"
    assert (kept[1].form_id, kept[1].source) == ("f1", "a.jpg")


def test_an_attachment_without_source_is_deleted():
    """11, delete: neither src nor from."""
    first = build.a_form([build.a_block(attach={"photo": {"src": "a.jpg"}})])
    gone = build.a_form([build.a_block(attach={"photo": {}})])
    assert folded(first, gone, attachments=["a.jpg"]).attachments == {}


def test_from_without_src_is_ignored():
    """11."""
    first = build.a_form([build.a_block(attach={"photo": {"src": "a.jpg"}})])
    other = build.a_form([build.a_block(attach={"photo": {"from": "remote"}})])
    assert list(folded(first, other, attachments=["a.jpg"]).attachments) == ["photo"]


def test_a_file_that_did_not_come_is_refused():
    """11 and 12, D-4."""
    block = build.a_block(attach={"photo": {"src": "a.jpg"}})
    assert problem(block, attachments=["b.jpg"]) == "AttachmentNotFound: f1: 'a.jpg'"


# The whole


def test_the_example_of_the_spec():
    """21: three open cases, the parent standing after the child."""
    body = build.a_form(
        [
            build.a_create(
                "pt-001",
                update={"dob": "2019-06-01", "external_id": "P-17"},
                index={"parent": ("hh-001", "household", None)},
            ),
            build.a_create(
                "ref-001",
                create={"owner_id": "-"},
                index={"host": ("pt-001", "patient", "extension")},
            ),
            build.a_create("hh-001", create={"owner_id": "g-north"}),
        ]
    )
    patient = folded(body, case_id="pt-001")
    assert (patient.properties, patient.external_id) == ({"dob": "2019-06-01"}, "P-17")
    assert patient.indices == {"parent": index("hh-001", "household")}
    referral = folded(body, case_id="ref-001")
    assert referral.indices == {"host": index("pt-001", "patient", "extension")}
    assert folded(body, case_id="hh-001").owner_id == "g-north"
    assert touched(parse_form(body)) == ["hh-001", "pt-001", "ref-001"]

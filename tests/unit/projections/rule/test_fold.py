"""How blocks become a case, row by row: rules/case-xml.md 7, 8, 18 and 21."""

from __future__ import annotations

import pytest

from ledger.forms.form_xml import parse_form
from projections.rule.fold import (
    ATTACHMENT,
    CLOSE,
    CREATE,
    FORM,
    INDEX,
    LEDGER,
    blocks_by_case,
    touched,
)
from tests.kit import build
from tests.kit.folding import RECEIVED, actions_of, folded, index, of_blocks

# Rule 7: order of application


def test_a_create_comes_before_an_update_wherever_it_stands():
    """Rule 7.3: so an update beside it wins."""
    case = of_blocks(
        build.a_block(update={"case_name": "later", "p": "1"}),
        build.a_create(),
    )
    assert case.case_name == "later"


def test_equal_ranks_keep_document_order():
    """Rules 7.3 and 8.5: two creates are both applied."""
    case = of_blocks(
        build.a_create(create={"case_name": "first"}),
        build.a_create(create={"case_name": "second"}),
    )
    assert case.case_name == "second"


def test_blocks_are_ranked_by_their_best_action():
    """Rule 7.3: create, update or touch, index, close, attachment."""
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
    """Rule 7.4: create, update, close, index, attachment."""
    extra = (
        "<close/><update><case_name>updated</case_name></update>"
        "<create><case_name>created</case_name></create>"
    )
    case = of_blocks(build.a_block(extra=extra))
    assert (case.case_name, case.closed) == ("updated", True)


def test_groups_go_by_case_id_in_code_point_order():
    """Rule 7.2."""
    ids = ["b", "a", "Z", "é", "😀", "\uffee"]
    form = parse_form(build.a_form([build.a_block(i) for i in ids]))
    assert list(blocks_by_case(form)) == ["Z", "a", "b", "é", "\uffee", "😀"]


def test_one_form_is_one_transaction_with_all_its_actions():
    """Rules 7.6 and 16.2: the type is the union of the actions."""
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
    """Rules 18.2 and 18.3: bit 64, no quantities; an unknown case is not made."""
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


# Rule 8: applying a block


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
    """Rule 8.1: update, close, index and touch included."""
    case = of_blocks(build.a_block(**options))
    assert (case.case_type, case.case_name, case.owner_id) == ("", "", build.USER)
    assert case.opened_on == case.modified_on == build.WHEN_UTC


def test_a_create_of_a_known_case_overwrites_what_it_names():
    """Rule 8.5: other state and opened_on and opened_by stay."""
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
    """Rule 8.6."""
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
    """Rule 8.4: it is applied, and the case stays closed."""
    case = folded(
        build.a_form([build.a_block(close=True)]),
        build.a_form([build.a_create(update={"closed": "false", "p": "1"})]),
    )
    assert case.closed
    assert case.properties == {"closed": "false", "p": "1"}


def test_modified_on_never_moves_back_but_values_do():
    """Rules 8.7 and 8.9: arrival decides values, modified_on is the maximum."""
    case = folded(
        build.a_form([build.a_block(update={"p": "1"}, date_modified="2031-01-01")]),
        build.a_form([build.a_block(update={"p": "2"}, date_modified="2020-01-01")]),
    )
    assert case.modified_on == "2031-01-01T00:00:00.000000Z"
    assert case.properties == {"p": "2"}


def test_modified_by_stays_when_nobody_is_named():
    """Rule 8.7: uid is the block's user, else the form's, else nobody."""
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
    """Rule 8.7: only with no user does it stay empty."""
    block = build.a_block(create={"case_type": "t", **owner}, user_id=user)
    assert of_blocks(block, user_id=None).owner_id == expected


def test_sending_an_empty_owner_hands_the_case_over():
    """Rule 8.7."""
    case = folded(
        build.a_form([build.a_create(create={"owner_id": "g-north"})]),
        build.a_form([build.a_block(update={"owner_id": ""}, user_id="u2")]),
    )
    assert case.owner_id == "u2"


def test_without_a_date_the_receive_time_counts():
    """Rules 5.1 and D-1."""
    case = of_blocks(build.a_block(date_modified=None, close=True))
    assert case.opened_on == case.modified_on == case.closed_on == RECEIVED


def test_server_modified_on_is_the_receive_time():
    """Rule 8.8."""
    assert of_blocks(build.a_block()).server_modified_on == RECEIVED


def test_a_late_create_fills_in_and_keeps_the_first_date():
    """Rule 8.10: update arrives before create."""
    case = folded(
        build.a_form([build.a_block(update={"p": "1", "q": "1"})]),
        build.a_form([build.a_create(update={"p": "2"}, date_modified="2024-04-01")]),
    )
    assert (case.case_type, case.case_name) == ("patient", "Idris")
    assert case.properties == {"p": "2", "q": "1"}
    assert case.opened_on == build.WHEN_UTC


def test_create_and_close_in_one_block_make_a_closed_case():
    """Rule 7.4."""
    assert of_blocks(build.a_create(close=True)).closed


# The whole


def test_the_example_of_the_spec():
    """Rule 21: three open cases, the parent standing after the child."""
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

"""Uploads of users, row by row (``rules/batch-imports.md`` 2.4 to 2.6)."""

from __future__ import annotations

import orjson
import pytest

from importers.sunbird.rules.masks import mask_email, mask_phone
from importers.sunbird.rules.settings import ROLES, Rules, SunbirdSettings
from ledger.directory import locations
from ledger.directory.users import list_users
from ledger.imports.values import Outcome
from tests.kit import build
from tests.kit.sunbird.uploads import (
    cases,
    kept,
    messages,
    places,
    shown,
    the_case,
    uploaded,
)

COLUMNS = [
    "NAME",
    "USER_TYPE",
    "ROLES",
    "MOBILE PHONE",
    "EMAIL",
    "SCHOOL ID",
    "SCHOOL EXTERNAL ID",
    "USER ID",
]
NAMES = [
    "firstName",
    "userType",
    "roles",
    "phone",
    "email",
    "orgId",
    "orgExternalId",
    "userId",
]
ORG = ["SCHOOL NAME", "BLOCK CODE", "STATUS", "EXTERNAL ID"]
PHONE, EMAIL = "9876543210", "asha@example.org"
EMAIL_TAKEN = "Email already exists."
PHONE_TAKEN = "Phone already in use. Please provide different phone number."
GOOD = ["Asha", "teacher", "PUBLIC"]


@pytest.fixture(autouse=True)
def domain(store):
    return build.a_domain(store)


async def organisation(store, name="Shala", external_id="e1", status="active"):
    """Upload an organisation and return its id."""
    await places(store, "state", ["KA", "Karnataka"])
    row = [name, "KA", status, external_id]
    job = await uploaded(store, "organisation", ORG, row)
    [told] = shown(store, job)
    return told["organisationId"]


async def users(store, *rows, **options):
    return await uploaded(store, "user", COLUMNS, *rows, **options)


async def why(store, *rows, **options):
    """Return what is wrong with each row."""
    return messages(store, await users(store, *rows, **options))


async def made(store, *row):
    """Upload one user and return the id."""
    job = await users(store, row)
    [told] = shown(store, job)
    assert "err_msg" not in told, told
    return told["id"]


async def test_a_user_becomes_a_case_and_no_login(store):
    """Rules 2.5 and 2.6: properties, index, the keys of the result."""
    org = await organisation(store)
    job = await users(
        store, ["Asha", "Teacher", "PUBLIC, ORG_ADMIN,BOOK_CREATOR", PHONE, EMAIL, org]
    )
    case = the_case(store, "user")
    assert (case.case_name, case.external_id) == ("Asha", None)
    assert case.owner_id == build.USER
    assert dict(case.properties) == {
        "firstName": "Asha",
        "phone": PHONE,
        "email": EMAIL,
        "userType": "teacher",
        "roles": "ORG_ADMIN BOOK_CREATOR",
        "orgId": org,
        "orgExternalId": "e1",
        "orgName": "Shala",
    }
    assert case.indices["parent"].case_id == org
    assert case.indices["parent"].case_type == "organisation"
    assert shown(store, job) == [
        {
            "firstName": "Asha",
            "userType": "Teacher",
            "roles": ["ORG_ADMIN", "BOOK_CREATOR"],
            "phone": "******3210",
            "email": "as**@example.org",
            "orgId": org,
            "id": case.case_id,
            "userId": case.case_id,
            "orgName": "Shala",
            "organisationId": org,
            "createdBy": build.USER,
            "operation": "create",
        }
    ]
    with store.snapshot(build.DOMAIN) as reader:
        assert list(list_users(reader)) == []
        assert locations.get_location(reader, case.case_id) is None


async def test_a_user_without_an_organisation(store):
    """Rule 2.5: ``orgName`` is empty, ``organisationId`` is not there."""
    job = await users(store, [*GOOD, PHONE])
    [told] = shown(store, job)
    assert told["orgName"] == ""
    assert told["roles"] == []
    assert "organisationId" not in told
    case = the_case(store, "user")
    assert case.indices == {}
    assert set(case.properties) == {"firstName", "userType", "phone"}


async def test_the_case_keeps_what_every_answer_masks(store):
    """Rule 2.5: of rows that succeed and of rows that fail; nothing kept tells more."""
    job = await users(
        store,
        [*GOOD, PHONE, "Asha@Example.org"],
        [*GOOD, "9876543211", "asha@example.ORG"],
        ["", "", "", "98-7654-3212", "no address"],
    )
    case = the_case(store, "user")
    assert (case.properties["phone"], case.properties["email"]) == (
        PHONE,
        "Asha@Example.org",
    )
    told = shown(store, job)
    assert [row["phone"] for row in told] == ["******3210", "******3211", "******3212"]
    assert [row["email"] for row in told] == [
        "As**@Example.org",
        "as**@example.ORG",
        "no********",
    ]
    text = orjson.dumps([row.shown for row in kept(store, job)]).decode()
    assert "98765" not in text
    assert "sha@" not in text


@pytest.mark.parametrize(
    ("phone", "shown_as"),
    [
        ("9876543210", "******3210"),
        ("98765-43210", "******3210"),
        ("+91-9876543210", "*********3210"),
        ("987654321", "987654321"),
        ("", ""),
    ],
)
def test_phones_of_ten_digits_are_masked(phone, shown_as):
    """Rule 2.5: dashes are removed, and all but the last four are stars."""
    assert mask_phone(phone) == shown_as


@pytest.mark.parametrize(
    ("email", "shown_as"),
    [
        ("asha@example.org", "as**@example.org"),
        ("a@example.org", "a@example.org"),
        ("ab@x@y", "ab@x@y"),
        ("abc", "ab*"),
        ("", ""),
    ],
)
def test_emails_are_masked(email, shown_as):
    """Rule 2.5: the first two characters and everything from the @ on are kept."""
    assert mask_email(email) == shown_as


@pytest.mark.parametrize("header", ["title", "internal", "mixed", "as the seed has it"])
async def test_headers_may_be_titles_or_internal_names(store, header):
    """Rule 2.4: in any case of letters; ``EXTERNAL ID`` is the school's, too."""
    org = await organisation(store)
    columns = {
        "title": COLUMNS,
        "internal": NAMES,
        "mixed": [name.swapcase() for name in NAMES],
        "as the seed has it": [
            "EXTERNAL ID" if c == "SCHOOL EXTERNAL ID" else c for c in COLUMNS
        ],
    }[header]
    job = await uploaded(store, "user", columns, [*GOOD, PHONE, EMAIL, "", "E1", ""])
    assert messages(store, job) == [None]
    assert the_case(store, "user").properties["orgId"] == org


async def test_of_two_columns_with_one_meaning_the_first_with_a_value_counts(store):
    """Rule 2.4a: a row must mean one thing."""
    job = await uploaded(
        store,
        "user",
        ["NAME", "firstName", "USER_TYPE", "ROLES", "EMAIL"],
        ["", "Second", "other", "PUBLIC", "a@example.org"],
        ["First", "", "other", "PUBLIC", "b@example.org"],
    )
    assert messages(store, job) == [None, None]
    assert [case.case_name for case in cases(store, "user")] == ["Second", "First"]


def row(**fields):
    """Return a good row with other values in some columns."""
    good = dict(zip(NAMES, [*GOOD, PHONE, EMAIL], strict=False)) | fields
    return [good.get(name, "") for name in NAMES]


ROW_ERRORS = [
    pytest.param(
        row(firstName="", userType="", roles=""),
        "Mandatory parameter firstName is missing.",
        id="no name",
    ),
    pytest.param(
        row(userType="", roles=""),
        "Mandatory parameter userType is missing.",
        id="no type",
    ),
    pytest.param(
        row(roles="", email="bad"),
        "Mandatory parameter roles is missing.",
        id="no roles",
    ),
    pytest.param(
        row(roles="KING", userType="odd"),
        "Invalid role value provided in request.",
        id="role",
    ),
    pytest.param(
        row(roles="org_admin"),
        "Invalid role value provided in request.",
        id="role in small letters",
    ),
    pytest.param(
        row(userType="odd", orgId="nope"),
        "Invalid value odd for parameter userType. Please provide a valid value.",
        id="type",
    ),
    pytest.param(row(orgId="nope", email=""), "INVALID_ORG_ID", id="org id"),
    pytest.param(row(orgExternalId="no"), "INVALID_ORG_ID", id="org external id"),
    pytest.param(
        row(orgId="@active", orgExternalId="e2"),
        "Conflicting values for organisationId (@active) and orgExternalId (e2).",
        id="conflict",
    ),
    pytest.param(
        row(orgExternalId="E2", email="bad"), "INVALID_ORG_STATUS", id="inactive"
    ),
    pytest.param(
        row(email="", phone=""), "Please provide either email or phone.", id="neither"
    ),
    pytest.param(row(email="bad", phone="+1"), "Email is invalid.", id="email"),
    pytest.param(row(email="a@b"), "Email is invalid.", id="email without a domain"),
    pytest.param(
        row(phone="+919876543210"),
        "Please send Phone and country code seprately.",
        id="country code",
    ),
    pytest.param(
        row(phone="12345"), "Please provide a valid phone number.", id="phone"
    ),
    pytest.param(
        row(phone="5876543210", email="taken@example.org"),
        "Please provide a valid phone number.",
        id="phone of no mobile",
    ),
    pytest.param(
        row(email="TAKEN@example.ORG", phone="9999999999"),
        EMAIL_TAKEN,
        id="email taken",
    ),
    pytest.param(row(phone="9999999999", userId="nope"), PHONE_TAKEN, id="phone taken"),
    pytest.param(
        row(userId="nope"), "User Id does not exists in our records", id="user id"
    ),
    pytest.param(
        row(firstName="n" * 256), "Value of firstName is too long.", id="long name"
    ),
    pytest.param(
        row(email="a\x07@example.org"), "Invalid character in email.", id="character"
    ),
]


@pytest.mark.parametrize(("given", "message"), ROW_ERRORS)
async def test_why_a_row_fails(store, given, message):
    """Rule 2.5.1 in its order, after the mandatory values."""
    active = await organisation(store)
    await organisation(store, "Closed", "e2", "inactive")
    await made(store, *GOOD, "9999999999", "Taken@example.org")
    given = [text.replace("@active", active) for text in given]
    job = await users(store, given)
    [told] = shown(store, job)
    assert told["err_msg"] == message.replace("@active", active)
    doing = {"userId": "assignRoles"}.get("userId" if given[-1] else "", "create")
    assert told["operation"] == doing
    assert "id" not in told
    assert len(cases(store, "user")) == 1


async def test_an_inactive_organisation_is_told_before_what_is_behind_it(store):
    """Rule 2.5.1: a conflict comes before the status of either organisation."""
    active = await organisation(store)
    closed = await organisation(store, "Closed", "e2", "inactive")
    assert await why(store, row(orgId=closed, orgExternalId="e1")) == [
        f"Conflicting values for organisationId ({closed}) and orgExternalId (e1)."
    ]
    assert await why(store, row(orgId=closed)) == ["INVALID_ORG_STATUS"]
    assert await why(store, row(orgId=active, orgExternalId="E1")) == [None]


@pytest.mark.parametrize("role", ROLES)
async def test_every_role_of_the_list_is_known(store, role):
    """Rule 2.4: and ``PUBLIC`` is dropped."""
    job = await users(store, row(roles=role))
    assert shown(store, job)[0]["roles"] == ([] if role == "PUBLIC" else [role])


@pytest.mark.parametrize(
    "email",
    [
        "a@example.org",
        "first.last@mail.example.org",
        "a-b+c_d@ex-ample.co.in",
        "-@a.bc",
    ],
)
async def test_emails_of_the_pattern_are_valid(store, email):
    """Rule 2.5.1."""
    assert await why(store, row(email=email)) == [None]


@pytest.mark.parametrize(
    "email",
    [
        "a@b.c",
        "a..b@example.org",
        ".a@example.org",
        "a b@example.org",
        "a@b@c.org",
        "é@example.org",
        "a@example.o1",
        "a@-.x",
    ],
)
async def test_other_emails_are_not(store, email):
    """Rule 2.5.1."""
    assert await why(store, row(email=email)) == ["Email is invalid."]


async def test_types_roles_and_phones_are_settings(store):
    """Rules 2.4 and 2.5.1."""
    rules = Rules(user_types=("nurse",), roles=("MATRON",), phone_pattern="^[0-9]{3}$")
    options = {"settings": SunbirdSettings(rules=rules)}
    good = row(userType="Nurse", roles="MATRON,PUBLIC", phone="123")
    assert await why(store, good, **options) == [None]
    assert await why(store, row(), **options) == [
        "Invalid value teacher for parameter userType. Please provide a valid value."
    ]


async def test_a_user_id_is_an_update(store):
    """Rules 2.5 and 2.6: reported as ``assignRoles``; what has no value stays."""
    org = await organisation(store)
    user = await made(store, *GOOD, PHONE, EMAIL, org)
    job = await users(store, ["Asha Rao", "other", "ORG_ADMIN", "", "", "", "", user])
    [told] = shown(store, job)
    assert told == {
        "firstName": "Asha Rao",
        "userType": "other",
        "roles": ["ORG_ADMIN"],
        "userId": user,
        "id": user,
        "orgName": "Shala",
        "organisationId": org,
        "createdBy": build.USER,
        "operation": "assignRoles",
    }
    case = build.case_of(store, user)
    assert case.case_name == "Asha Rao"
    assert dict(case.properties) == {
        "firstName": "Asha Rao",
        "phone": PHONE,
        "email": EMAIL,
        "userType": "other",
        "roles": "ORG_ADMIN",
        "orgId": org,
        "orgExternalId": "e1",
        "orgName": "Shala",
    }


async def test_an_update_may_keep_its_own_email_and_phone(store):
    """Rule 2.5.1: another user's are meant; nothing changes, so there is no form."""
    user = await made(store, *GOOD, PHONE, EMAIL)
    job = await users(store, row(userId=user))
    [result] = kept(store, job)
    assert (result.outcome, result.form_id) == (Outcome.UNCHANGED, None)
    assert shown(store, job)[0]["operation"] == "assignRoles"


async def test_a_user_can_move_to_an_organisation_without_external_id(store):
    """Rule 2.6: what belonged to the one before goes with it."""
    first = await organisation(store)
    second = await organisation(store, "Other", "")
    user = await made(store, *GOOD, PHONE, "", first)
    await users(store, row(userId=user, email="", orgId=second))
    case = build.case_of(store, user)
    assert case.indices["parent"].case_id == second
    assert case.properties["orgName"] == "Other"
    assert case.properties["orgExternalId"] == ""


async def test_rows_of_a_file_see_those_before(store):
    """Rule 2.6: an email is taken by the row above, in whatever case."""
    assert await why(
        store,
        row(phone=""),
        row(phone="", email=EMAIL.upper()),
        row(email="", phone=PHONE),
        row(email="other@example.org"),
        row(roles="KING", email="free@example.org", phone=""),
        row(email="free@example.org", phone=""),
    ) == [None, EMAIL_TAKEN, None, PHONE_TAKEN, ROLE, None]


ROLE = "Invalid role value provided in request."


async def test_who_gives_an_email_up_frees_it(store):
    """Rule 2.5.1: also within one file."""
    user = await made(store, *GOOD, PHONE, EMAIL)
    assert await why(
        store,
        row(userId=user, email="new@example.org"),
        row(phone=""),
        row(phone="", email="NEW@example.org"),
    ) == [None, None, EMAIL_TAKEN]


async def test_only_open_users_hold_what_is_unique(store):
    """Rule 2.5.1: a closed or deleted user does not, nor a case of another type."""
    first = await made(store, *GOOD, PHONE)
    build.submit(store, build.a_form([build.a_block(first, close=True)]))
    assert await why(store, row(email="")) == [None]
    second = cases(store, "user")[-1].case_id
    build.write(store, build.a_flag(second))
    other = build.a_create("p1", update={"phone": PHONE, "email": EMAIL})
    build.submit(store, build.a_form([other]))
    assert await why(store, row()) == [None]
    assert await why(store, row()) == [EMAIL_TAKEN]


async def test_users_that_others_made_are_seen(store):
    """Rule 2.5.1: a form of a phone makes a user whose email is taken, too."""
    special = {"case_type": "user", "case_name": "By phone"}
    block = build.a_create("u1", create=special, update={"email": "ASHA@EXAMPLE.ORG"})
    build.submit(store, build.a_form([block]))
    assert await why(store, row()) == [EMAIL_TAKEN]
    build.submit(store, build.a_form([build.an_update("u1", email="gone@x.org")]))
    assert await why(store, row()) == [None]

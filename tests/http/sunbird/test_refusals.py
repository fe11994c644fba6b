"""What Sunbird's upload refuses at once (``rules/batch-imports.md`` 2.3.2)."""

from __future__ import annotations

import dataclasses

import pytest

from api.config import Config
from importers.sunbird.rules.settings import SunbirdSettings
from tests.http.conftest import DOMAIN
from tests.kit.spreadsheets import a_csv
from tests.kit.sunbird.client import (
    LOCATION_UPLOAD,
    NOBODY,
    ORG_UPLOAD,
    PEOPLE,
    STATES,
    USER_UPLOAD,
    bearer,
    ended,
    process_of,
    refusal,
    refused,
    send,
    send_states,
)
from tests.kit.sunbird.uploads import ORGS, PLACES, USERS

MB = 1_000_000
NO_DATA = refused("INVALID_DATA", "Incorrect data.")
NO_FILE = refused("MISSING_FILE_ATTACHMENT", "Missing file attachment.")
TOO_LARGE = refused("MAX_ALLOWED_SIZE_LIMIT_EXCEED", "Max allowed size is 1MB")
EMPTY = refused("EMPTY_CSV_FILE", "CSV file is Empty.")
NO_ROWS = refused("ERROR_CSV_NO_DATA_ROWS", "No data rows in CSV.")
_REMEDY = 'Save the file as "CSV UTF-8" and send that.'
_NO_TEXT = f"Row 3 is neither UTF-8 nor text of one known code page. {_REMEDY}"
_OPEN = "Row 2 has a quote that is not closed"
_ZERO = f"Row 2 holds a zero byte, which no text has. {_REMEDY}"


def no_csv(why):
    """Return the refusal of a file that is no table."""
    return refused("INVALID_CSV_FILE", f"Please provide valid csv file. {why}")


JSON = {"Content-Type": "application/json"}
URLENCODED = {"Content-Type": "application/x-www-form-urlencoded"}


def missing(name):
    return refused(
        "MANDATORY_PARAMETER_MISSING", f"Mandatory parameter {name} is missing."
    )


def unknown_column(column, *columns):
    text = f"Invalid column: {column}. Valid columns are: {', '.join(columns)}."
    return refused("INVALID_COLUMNS", text)


USER_COLUMNS = (
    *("name", "firstName", "user_type", "userType", "roles", "roles"),
    *("mobile phone", "phone", "email", "email", "school id", "orgId"),
    *("school external id", "external id", "orgExternalId", "user id", "userId"),
)
ORG_COLUMNS = (
    *("school name", "orgName", "block code", "locationCode", "status", "status"),
    *("school id", "organisationId", "external id", "externalId"),
    *("description", "description", "organisation type", "organisationType"),
)


@pytest.fixture
def config(url):
    """Serve with a small limit of the size and of the rows."""
    settings = SunbirdSettings(
        file_limit_mb=1, user_rows=2, organisation_rows=1, location_rows=3
    )
    return Config(database=url, access_log=False, sunbird=settings)


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        pytest.param(b"user", {"Content-Type": "text/plain"}, id="2 text"),
        pytest.param(b"a,b", {"Content-Type": "text/csv"}, id="2 bare csv"),
        pytest.param(b"", {}, id="2 nothing"),
        pytest.param(b"x", {"Content-Type": "multipart/form-data"}, id="2 boundary"),
        pytest.param(
            b"--x\r\nbroken",
            {"Content-Type": "multipart/form-data; boundary=x"},
            id="2 broken form",
        ),
        pytest.param(b"{", JSON, id="2 no json"),
        pytest.param(b"[]", JSON, id="2 no object"),
        pytest.param(b'{"data": "x"}', JSON, id="2 no request"),
        pytest.param(b'{"request": []}', JSON, id="2 no object in it"),
        pytest.param(b"&a=1" * 2000, URLENCODED, id="2 too many fields"),
    ],
)
async def test_a_body_of_no_known_form(api, body, headers):
    """Check 2."""
    answer = await api.post(USER_UPLOAD, data=body, headers=headers | bearer(api))
    assert refusal(answer) == NO_DATA


async def test_an_upload_without_a_file(api):
    """Check 3, in each form; a text part is no file."""
    text = (
        b'--x\r\nContent-Disposition: form-data; name="user"\r\n\r\nNAME\r\n--x--\r\n'
    )
    for body, headers in (
        (text, {"Content-Type": "multipart/form-data; boundary=x"}),
        (b"type=state&csv=x", URLENCODED),
        (b'{"request": {}}', JSON),
        (b'{"request": {"data": 7}}', JSON),
    ):
        answer = await api.post(USER_UPLOAD, data=body, headers=headers | bearer(api))
        assert refusal(answer) == NO_FILE


async def test_a_file_that_is_too_large(api):
    """Check 4: a MB are 1,000,000 bytes, and so many are allowed."""
    header, row = ",".join(USERS).encode() + b"\n", b"x,teacher,PUBLIC,,\n"
    fits = header + row + b"\n" * (MB - len(header) - len(row))
    assert (await send(api, USER_UPLOAD, fits)).status == 200
    assert refusal(await send(api, USER_UPLOAD, fits + b"\n")) == TOO_LARGE


async def test_a_body_that_is_announced_far_too_large_is_not_read(api):
    """Check 4, before there is anything to check."""
    headers = bearer(api) | URLENCODED
    answer = await api.post(USER_UPLOAD, data=b"a" * 8 * MB, headers=headers)
    assert refusal(answer) == TOO_LARGE


CHECKS = [
    pytest.param("location", None, STATES, missing("type"), id="5"),
    pytest.param("location", "", STATES, missing("type"), id="5 empty"),
    pytest.param("location", " ", b"", missing("type"), id="5 before 6"),
    pytest.param("user", None, b"", EMPTY, id="6"),
    pytest.param("user", None, b"\xef\xbb\xbf", EMPTY, id="6 only a mark"),
    pytest.param("org", None, b"\n,, ,\n \n", EMPTY, id="6 blank cells"),
    pytest.param("location", "state", b"", EMPTY, id="6 location"),
    *(
        pytest.param(
            "location",
            "state",
            a_csv([c for c in PLACES if PLACES.index(c) > PLACES.index(column)]),
            missing("code"),
            id=f"7 code, without {column} too",
        )
        for column in PLACES[:-1]
    ),
    *(
        pytest.param(
            "location",
            "state",
            a_csv([*(c for c in PLACES if c != column), "odd"], ["x"]),
            missing(column),
            id=f"7 {column} before 8",
        )
        for column in PLACES
    ),
    pytest.param(
        "location",
        "state",
        a_csv([*PLACES, "Odd", "worse"]),
        unknown_column("Odd", *PLACES),
        id="8 location",
    ),
    pytest.param(
        "user",
        None,
        a_csv([*USERS, "Odd", "worse"]),
        unknown_column("odd", *USER_COLUMNS),
        id="8 user",
    ),
    pytest.param(
        "user",
        None,
        a_csv(["Odd"]),
        unknown_column("odd", *USER_COLUMNS),
        id="8 before 9",
    ),
    pytest.param(
        "org",
        None,
        a_csv([*ORGS, "ODD"]),
        unknown_column("odd", *ORG_COLUMNS),
        id="8 org",
    ),
    pytest.param("user", None, a_csv(["EMAIL"]), missing("firstName"), id="9 name"),
    pytest.param("user", None, a_csv(["NAME"]), missing("userType"), id="9 type"),
    pytest.param(
        "user", None, a_csv(["NAME", "USER_TYPE"]), missing("roles"), id="9 roles"
    ),
    pytest.param("org", None, a_csv(["STATUS"]), missing("orgName"), id="9 org name"),
    pytest.param(
        "org", None, a_csv(["SCHOOL NAME"]), missing("locationCode"), id="9 code"
    ),
    pytest.param(
        "org", None, a_csv(ORGS[:2], ["x"]), missing("status"), id="9 before 10"
    ),
    pytest.param("user", None, a_csv(USERS), NO_ROWS, id="10 user"),
    pytest.param("org", None, a_csv(ORGS, ["", " "]), NO_ROWS, id="10 blank rows"),
    pytest.param("location", "state", a_csv(PLACES), NO_ROWS, id="10 location"),
    pytest.param(
        "user",
        None,
        a_csv(USERS, *[["x"]] * 3),
        refused("DATA_SIZE_EXCEEDED", "Maximum upload data size should be 2"),
        id="11 user",
    ),
    pytest.param(
        "org",
        None,
        a_csv(ORGS, *[["x"]] * 2),
        refused("DATA_SIZE_EXCEEDED", "Maximum upload data size should be 1"),
        id="11 org",
    ),
    pytest.param(
        "location",
        "state",
        a_csv(PLACES, *[["x"]] * 4),
        refused("DATA_SIZE_EXCEEDED", "Maximum upload data size should be 3"),
        id="11 location",
    ),
    pytest.param(
        "user", None, b"NAME\n\xc3\xa9\n\xe9", no_csv(_NO_TEXT), id="no utf-8"
    ),
    pytest.param(
        "user", None, b'NAME\n"x', no_csv(_OPEN), id="a quote that stays open"
    ),
    pytest.param("user", None, b"NAME\n\0", no_csv(_ZERO), id="a zero byte"),
]


@pytest.mark.parametrize(("kind", "location_type", "content", "expected"), CHECKS)
async def test_what_is_refused(api, kind, location_type, content, expected):
    """Checks 5 to 11 in their order, and a file that is no CSV."""
    path = {"user": USER_UPLOAD, "org": ORG_UPLOAD, "location": LOCATION_UPLOAD}[kind]
    fields = {} if location_type is None else {"type": location_type}
    assert refusal(await send(api, path, content, **fields)) == expected


async def test_who_asks_comes_first(api):
    """Check 1 before all others."""
    answer = await api.post(USER_UPLOAD, data=b"", anonymous=True)
    assert refusal(answer) == NOBODY


async def test_as_many_rows_as_the_limit_are_taken(api):
    """Check 11: a blank row is no row."""
    good = a_csv(PLACES, ["1", "a"], ["2", "b"], [""], ["3", "c"])
    assert (await send_states(api, good)).status == 200


async def test_a_wrong_type_is_no_error_of_the_upload(api):
    """Rule 2.3.2: the answer is 200, and every row fails."""
    answer = await send(api, LOCATION_UPLOAD, STATES, type="continent")
    process = await ended(api, answer)
    [row] = process["failureResult"]
    assert row["err_msg"] == (
        "Invalid type: continent. "
        "Valid values are: [state, district, block, cluster, school]."
    )
    assert process["successResult"] == []


async def test_nothing_of_a_refused_upload_is_kept(api):
    """No job, so nothing to be asked for."""
    await send(api, USER_UPLOAD, b"")
    answer = await api.get(f"/a/{DOMAIN}/api/ledger/v1/jobs")
    assert answer.json["jobs"] == []


class TestOtherSettings:
    """Settings of docs/configuration.md."""

    @pytest.fixture
    def config(self, url):
        """Serve with ids as texts and the limits as they are."""
        settings = dataclasses.replace(SunbirdSettings(), as_text=True)
        return Config(database=url, access_log=False, sunbird=settings)

    async def test_process_ids_can_be_texts(self, api):
        """Rule 2.3.1: in both answers."""
        answer = await send_states(api)
        assert isinstance(process_of(answer), str)
        assert (await ended(api, answer))["processId"] == process_of(answer)

    async def test_rows_have_no_limit_of_their_own(self, api):
        """Rule 2.3.2: the size alone counts, where nothing is said."""
        rows = [[f"n{n}", "teacher", "PUBLIC", "", ""] for n in range(1200)]
        assert (await send(api, USER_UPLOAD, a_csv(USERS, *rows))).status == 200

    async def test_ten_mb_are_the_limit(self, api):
        """Check 4 with its usual text."""
        answer = await send(api, USER_UPLOAD, PEOPLE + b"\n" * 10 * MB)
        assert answer.json["params"]["errmsg"] == "Max allowed size is 10MB"

"""Time travel over HTTP: cases, lists, histories, reasons and differences."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from api.http.keys import PAST, WRITER
from ledger.entry import Kind
from tests.kit import build

FAR = "2199-01-01"
LONG_AGO = "2001-02-03T04:05:06+01:00"


@pytest.fixture
async def moments(api):
    """Make a case, change it twice; return the times at which that was done."""
    case = await make(api, "c1", properties={"risk": "low"})
    found = [case["indexed_on"]]
    for risk in ("high", "none"):
        answer = await api.put(
            f"{api.cases}/c1/", {"properties": {"risk": risk}, "owner_id": "north"}
        )
        assert answer.status == 200
        found.append(answer.json["case"]["indexed_on"])
    return found


async def run(api, command):
    """Run a command as a handler would."""
    outcome = await api.app[WRITER].submit(api.domain, command)
    assert not isinstance(outcome, Exception), outcome
    return outcome


async def make(api, case_id, *, properties=None):
    """Make a case with an id of the test's own; return it as the wire has it."""
    special = {"case_type": "patient", "case_name": "Ada", "owner_id": "team"}
    block = build.a_create(case_id, create=special, update=properties)
    await run(api, build.a_submission(build.a_form([block])))
    answer = await api.get(f"{api.cases}/{quote(case_id, safe='')}/")
    assert answer.status == 200, answer.body
    return answer.json


async def case(api, when, *, case_id="c1", more=""):
    """Ask for a case as it was."""
    return await api.get(f"{api.cases}/{case_id}/?as_of={quote(when)}{more}")


def field(answer):
    """Return the parameter that a 400 names."""
    assert answer.status == 400, answer.body
    [place] = answer.json["errors"]
    return place["field"]


# As of


async def test_a_case_is_shown_as_it_was(api, moments):
    """With the fourteen keys, and as the answers of then showed it."""
    shown = [(await case(api, when)).json for when in moments]
    assert [one["properties"]["risk"] for one in shown] == ["low", "high", "none"]
    assert [one["owner_id"] for one in shown] == ["team", "north", "north"]
    assert [one["indexed_on"] for one in shown] == moments
    assert (await api.get(f"{api.cases}/c1/")).json == shown[-1]
    assert [len(one) for one in shown] == [14, 14, 14]


async def test_the_future_is_the_present(api, moments):
    """Nothing has happened since."""
    assert (await case(api, FAR)).json == (await api.get(f"{api.cases}/c1/")).json


async def test_keys_can_be_chosen(api, moments):
    """``fields`` and ``exclude`` work as on every read; the last time counts."""
    answer = await case(api, moments[0], more="&fields=properties.risk")
    assert answer.json == {"properties": {"risk": "low"}}
    assert (
        "properties"
        not in (
            await case(api, FAR, more=f"&as_of={moments[0]}&exclude=properties")
        ).json
    )


@pytest.mark.parametrize("text", ["soon", "", "2024-13-01", "2024-01-01T25:00"])
async def test_an_unreadable_time_is_named(api, text):
    """A 400 with the parameter at fault."""
    for path, name in {
        f"c1/?as_of={text}": "as_of",
        f"as_of/?time={text}": "time",
        f"c1/diff/?from={text}": "from",
        f"c1/diff/?from=2024-01-01&to={text}": "to",
    }.items():
        answer = await api.get(f"{api.cases}/{path}")
        assert field(answer) == name
        assert answer.error == f"Cannot parse datetime '{text}'"


async def test_times_are_taken_in_every_shape_of_iso_8601(api, moments):
    """Also where nobody has encoded the plus of an offset."""
    for text in (
        "2024-05-01",
        "2024-05-01T10:00:00+02:00",
        "2024-05-01 10:00",
        "2024-05-01%2010:00",
        "2024-05-01T10:00:00%2B0200",
    ):
        answer = await api.get(f"{api.cases}/c1/?as_of={text.replace(' ', '+')}")
        assert (answer.status, answer.error.partition(" at ")[0]) == (
            404,
            "Case 'c1' did not exist",
        )


async def test_a_case_that_was_not_there_is_not_found(api, moments):
    """Not yet, or never."""
    for case_id in ("c1", "nobody", "%00", "a%0Bb"):
        answer = await case(api, LONG_AGO, case_id=case_id)
        assert answer.status == 404
        assert answer.error.endswith("did not exist at 2001-02-03T03:05:06.000000Z")


async def test_a_case_that_was_deleted_is_not_found_then(api, moments):
    """But it is before that, and again after it was restored."""
    await run(api, build.a_flag("c1"))
    assert (await api.get(f"{api.cases}/c1/")).status == 404
    answer = await case(api, FAR)
    assert answer.status == 404
    assert answer.error == ("Case 'c1' had been deleted by 2199-01-01T00:00:00.000000Z")
    assert (await case(api, moments[-1])).status == 200
    await run(api, build.a_flag("c1", kind=Kind.CASE_RESTORE))
    assert (await case(api, FAR)).status == 200


async def test_several_cases_are_shown_as_they_were(api, moments):
    """In the envelope of a fetch, with stubs for those that were not there."""
    await make(api, "c2")
    answer = await case(api, moments[0], case_id="c1,c2,nobody,c1")
    body = answer.json
    assert (body["matching_records"], body["missing_records"]) == (2, 2)
    assert [found.get("error") for found in body["cases"]] == [
        None,
        "not found",
        "not found",
        None,
    ]
    assert body["cases"][0]["properties"] == {"risk": "low"}
    many = ",".join(f"c{n}" for n in range(101))
    refused = await case(api, moments[0], case_id=many)
    assert refused.error == "You cannot request more than 100 cases per request."


async def test_only_ids_can_be_asked_for_as_of_a_time(api, moments):
    """An external id may have moved on: nobody is shown the present instead."""
    for answer in (
        await api.get(f"{api.cases}/ext/x1/?as_of={moments[0]}"),
        await api.post(f"{api.cases}/bulk-fetch/?as_of={FAR}", {"case_ids": ["c1"]}),
    ):
        assert field(answer) == "as_of"
    assert (await api.get(f"{api.cases}/?as_of={FAR}")).status == 400


# Lists


async def test_lists_are_of_a_time(api, moments):
    """Filters, totals and keys as in every list."""
    await make(api, "c2", properties={"risk": "high"})
    for when, total in ((moments[0], 0), (moments[1], 1), (moments[2], 0), (FAR, 1)):
        answer = await api.get(
            f"{api.cases}/as_of/?time={when}&properties.risk=high&fields=case_id"
        )
        assert answer.json["matching_records"] == total
    assert answer.json["cases"] == [{"case_id": "c2"}]


async def test_a_list_of_the_past_says_what_the_list_said_then(api, moments):
    """The same body, byte for byte but for the address of the next page."""
    for number in range(5):
        await make(api, f"n{number}")
    then = await api.get(f"{api.cases}/?limit=10")
    when = then.json["cases"][-1]["indexed_on"]
    for number in range(5):
        await api.put(f"{api.cases}/n{number}/", {"close": True})
    again = await api.get(f"{api.cases}/as_of?limit=10&time={when}")
    assert again.body == then.body
    query = "closed=false&query=case_name%3D'Ada'"
    assert (await api.get(f"{api.cases}/?{query}")).json["matching_records"] == 1
    past = await api.get(f"{api.cases}/as_of/?time={when}&{query}")
    assert past.json["matching_records"] == 6


async def test_a_cursor_stays_at_its_time(api, moments):
    """Its pages give every case of then once, whatever is written meanwhile."""
    for number in range(5):
        last = await make(api, f"n{number}")
    await make(api, "later")
    url = f"{api.cases}/as_of/?time={last['indexed_on']}&limit=2&owner_id=team"
    seen = []
    while url is not None:
        page = (await api.get(url)).json
        assert page["matching_records"] == 5
        seen += [found["case_id"] for found in page["cases"]]
        await api.put(f"{api.cases}/n{len(seen)}/", {"owner_id": "south"})
        following = page.get("next")
        url = following and following.removeprefix(api.base)
    assert seen == [f"n{number}" for number in range(5)]


async def test_deleted_cases_of_a_time_are_listed_for_who_asks(api, moments):
    """Those that had been deleted by then."""
    await run(api, build.a_flag("c1"))
    deleted = await make(api, "c2")
    await run(api, build.a_flag("c2"))
    await make(api, "c3")
    url = f"{api.cases}/as_of/?time={deleted['indexed_on']}&include_deleted=true"
    body = (await api.get(f"{url}&fields=case_id")).json
    assert body["cases"] == [{"case_id": "c1"}, {"case_id": "c2"}]
    assert body["deleted"] == ["c1"]


async def test_a_list_needs_a_time(api, moments):
    """And refuses what other lists refuse."""
    answer = await api.get(f"{api.cases}/as_of/")
    assert field(answer) == "time"
    assert answer.error == "The parameter 'time' is needed"
    listed = await api.get(f"{api.cases}/?limit=0")
    assert listed.status == 200
    assert field(await api.get(f"{api.cases}/as_of/?time={FAR}&colour=1")) == "colour"
    assert field(await api.get(f"{api.cases}/as_of/?cursor=abc")) == "cursor"


async def test_a_log_that_is_too_long_is_not_folded(api, config, moments):
    """The limit is a setting; the present is answered all the same."""
    assert api.app[PAST].most_entries == config.as_of_limit
    api.app[PAST].most_entries = 2
    answer = await api.get(f"{api.cases}/as_of/?time={moments[1]}")
    assert field(answer) == "time"
    assert re.fullmatch(
        r"The log had \d entries by then: lists of the past are made of at most 2",
        answer.error,
    )
    assert (await api.get(f"{api.cases}/as_of/?time={FAR}")).status == 200


async def test_as_of_is_no_case(api, moments):
    """The word is taken: a case of that name is fetched otherwise."""
    answer = await api.put(f"{api.cases}/as_of/", {"case_name": "x"})
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, OPTIONS")
    await run(api, build.a_submission(build.a_form([build.a_create("as_of")])))
    fetched = await api.post(f"{api.cases}/bulk-fetch/", {"case_ids": ["as_of"]})
    assert fetched.json["matching_records"] == 1


# Histories


async def test_a_history_tells_what_every_form_changed(api, moments):
    """When, who, which form, and each value from what to what."""
    body = (await api.get(f"{api.cases}/c1/history/")).json
    assert (body["case_id"], body["matching_records"]) == ("c1", 3)
    assert "next" not in body
    first, second, third = body["history"]
    assert [step["appended_on"] for step in body["history"]] == moments
    assert {step["kind"] for step in body["history"]} == {"normal"}
    assert first["user_id"] == build.USER != second["user_id"] == third["user_id"]
    assert first["position"] < second["position"] < third["position"]
    assert second["changes"] == [
        {"name": "owner_id", "from": "team", "to": "north"},
        {"name": "properties.risk", "from": "low", "to": "high"},
    ]
    assert {"name": "closed", "from": None, "to": False} in first["changes"]
    assert second["form"] == (
        f"{api.base}/a/demo/api/ledger/v1/forms/{second['form_id']}/"
    )


async def test_indices_archives_and_deletions_are_in_a_history(api, moments):
    """An index with all its parts; entries without a form have no link."""
    await make(api, "c2")
    index = {"case_id": "c2", "case_type": "patient", "relationship": "child"}
    written = await api.put(f"{api.cases}/c1/", {"indices": {"parent": index}})
    form_id = written.json["form_id"]
    await run(api, build.an_act(Kind.ARCHIVE, form_id))
    await run(api, build.a_flag("c2"))
    *_, last = (await api.get(f"{api.cases}/c1/history/")).json["history"]
    assert (last["kind"], last["form_id"]) == ("archive", form_id)
    assert last["changes"] == [{"name": "indices.parent", "from": index, "to": None}]
    admin = api.members.join("admin@example.org", role="admin")
    answer = await api.get(f"{api.cases}/c2/history/", headers=admin)
    *_, last = answer.json["history"]
    assert (last["kind"], last["form_id"], last["form"]) == ("case_delete", None, None)


async def test_a_long_history_is_paged(api, moments):
    """By the position of the last entry; what comes meanwhile is on a later page."""
    url, seen = f"{api.cases}/c1/history/?limit=2", []
    while url is not None:
        body = (await api.get(url)).json
        seen += [step["appended_on"] for step in body["history"]]
        if len(seen) == 2:
            answer = await api.put(f"{api.cases}/c1/", {"close": True})
            moments.append(answer.json["case"]["indexed_on"])
        following = body.get("next")
        url = following and following.removeprefix(api.base)
    assert seen == moments
    assert body["matching_records"] == 4


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=x", "limit"),
        ("limit=", "limit"),
        ("cursor=-1", "cursor"),
        ("cursor=abc", "cursor"),
        (f"cursor={'9' * 40}", "cursor"),
        ("colour=1", "colour"),
    ],
)
async def test_bad_parameters_of_a_history_are_named(api, moments, query, name):
    """Never a 500."""
    assert field(await api.get(f"{api.cases}/c1/history/?{query}")) == name


# Why


async def test_the_form_that_set_a_value_is_told(api, moments):
    """With the earlier ones and the entries of the log."""
    body = (await api.get(f"{api.cases}/c1/why/?property=risk")).json
    assert (body["property"], body["value"]) == ("properties.risk", "none")
    assert (body["set_by"]["from"], body["set_by"]["to"]) == ("high", "none")
    assert body["set_by"]["appended_on"] == moments[2]
    assert [step["to"] for step in body["earlier"]] == ["high", "low"]
    assert [step["to"] for step in body["entries"]] == ["none", "high", "low"]


async def test_an_archived_form_set_no_value(api, moments):
    """What it had set comes from the form before."""
    body = (await api.get(f"{api.cases}/c1/why/?property=risk")).json
    await run(api, build.an_act(Kind.ARCHIVE, body["set_by"]["form_id"]))
    body = (await api.get(f"{api.cases}/c1/why/?property=risk")).json
    assert (body["value"], body["set_by"]["appended_on"]) == ("high", moments[1])
    assert [step["kind"] for step in body["entries"]][:2] == ["archive", "normal"]


async def test_keys_of_a_case_have_the_names_of_the_case_object(api, moments):
    """What the fold calls otherwise is a property here."""
    for name in ("owner_id", "case_name", "date_opened", "closed"):
        body = (await api.get(f"{api.cases}/c1/why/?property={name}")).json
        present = (await api.get(f"{api.cases}/c1/")).json
        assert (body["property"], body["value"]) == (name, present[name])
    answer = await api.get(f"{api.cases}/c1/why/?property=opened_on")
    assert answer.status == 404


async def test_a_property_that_never_was_is_not_found(api, moments):
    """And one that is not named is asked for."""
    answer = await api.get(f"{api.cases}/c1/why/?property=colour")
    assert (answer.status, answer.error) == (
        404,
        "Case 'c1' never had a property 'colour'",
    )
    assert (await api.get(f"{api.cases}/c1/why/?property=%00%ff")).status == 404
    for query in ("", "?property=", "?property="):
        answer = await api.get(f"{api.cases}/c1/why/{query}")
        assert field(answer) == "property"
    assert field(await api.get(f"{api.cases}/c1/why/?property=a&b=1")) == "b"


# Diff


async def test_two_times_are_compared(api, moments):
    """The second is the present unless it is said."""
    body = (await api.get(f"{api.cases}/c1/diff/?from={moments[1]}")).json
    risk = {"name": "properties.risk", "from": "high", "to": "none"}
    assert body["changes"] == [risk]
    assert (body["case_id"], body["from"]) == ("c1", moments[1])
    url = f"{api.cases}/c1/diff/?from={moments[0]}&to={moments[1]}"
    assert [c["name"] for c in (await api.get(url)).json["changes"]] == [
        "owner_id",
        "properties.risk",
    ]
    back = f"{api.cases}/c1/diff/?from={moments[2]}&to={moments[1]}"
    risk = {"name": "properties.risk", "from": "none", "to": "high"}
    assert (await api.get(back)).json["changes"] == [risk]
    same = f"{api.cases}/c1/diff/?from={moments[2]}&to={FAR}"
    assert (await api.get(same)).json["changes"] == []


async def test_a_diff_from_before_a_case_shows_all_of_it(api, moments):
    """And one between two times before it finds nothing."""
    body = (await api.get(f"{api.cases}/c1/diff/?from={quote(LONG_AGO)}")).json
    assert {change["from"] for change in body["changes"]} == {None}
    url = f"{api.cases}/c1/diff/?from={quote(LONG_AGO)}&to=2002-01-01"
    answer = await api.get(url)
    assert answer.status == 404
    assert answer.error == "Case 'c1' did not exist at 2002-01-01T00:00:00.000000Z"


async def test_a_diff_needs_a_time(api, moments):
    """The parameter at fault is named."""
    assert field(await api.get(f"{api.cases}/c1/diff/")) == "from"
    url = f"{api.cases}/c1/diff/?from={FAR}&until={FAR}"
    assert field(await api.get(url)) == "until"


# Who may see what


TOLD = ("history/", "why/?property=risk", "diff/?from=2001-01-01")


async def test_a_deleted_case_has_a_history_for_admins_alone(api, moments):
    """Others hear what they hear of the case itself."""
    await run(api, build.a_flag("c1"))
    admin = api.members.join("admin@example.org", role="admin")
    reading = api.members.join("admin@example.org", role="admin", read_only=True)
    for path in TOLD:
        answer = await api.get(f"{api.cases}/c1/{path}")
        assert (answer.status, answer.error) == (404, "Case 'c1' not found")
        assert (await api.get(f"{api.cases}/c1/{path}", headers=reading)).status == 404
        assert (await api.get(f"{api.cases}/c1/{path}", headers=admin)).status == 200


async def test_viewers_travel_and_phones_do_not(api, moments):
    """Everything here only reads."""
    viewer = api.members.join("viewer@example.org", role="viewer", read_only=True)
    mobile = api.members.join("phone", role="mobile")
    paths = [f"c1/{path}" for path in TOLD]
    for path in (*paths, f"c1/?as_of={FAR}", f"as_of/?time={moments[0]}"):
        url = f"{api.cases}/{path}"
        assert (await api.get(url, headers=viewer)).status == 200
        assert (await api.get(url, headers=mobile)).status == 403
        assert (await api.get(url, anonymous=True)).status == 401


async def test_unknown_cases_have_no_history(api):
    """Also under ids that no case can have."""
    for case_id in ("nobody", "%00", "a%0Bb", "a,b", "%F0%9F%98%80"):
        for path in TOLD:
            answer = await api.get(f"{api.cases}/{case_id}/{path}")
            assert answer.status == 404
            assert answer.error.endswith("not found")


async def test_ids_with_slashes_have_histories(api):
    """Percent-encoded, as everywhere in the case API, and under both prefixes."""
    await make(api, "a/b c")
    for prefix in (api.cases, "/a/demo/api/v0.6/case"):
        answer = await api.get(f"{prefix}/a%2Fb%20c/history")
        assert answer.json["case_id"] == "a/b c"


async def test_pages_of_other_origins_may_ask(api):
    """Preflights are open, and tell what may be asked."""
    for path in ("as_of", "c1/history", "c1/why", "c1/diff"):
        answer = await api.request("OPTIONS", f"{api.cases}/{path}/", anonymous=True)
        assert answer.status == 200
        assert answer.headers["Access-Control-Allow-Methods"] == "OPTIONS, GET"

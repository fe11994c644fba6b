"""rules/case-api-v2.md 4, 6 and 9, row by row: what lists promise."""

from __future__ import annotations

import gzip
from urllib.parse import quote

import pytest

from api.http.keys import WRITER
from tests.kit.build import a_create, a_form, a_submission

TOO_MANY = "You cannot request more than 5000 cases per request."


async def listed(api, query: str):
    """Return the whole answer to a list request; the query is sent as it stands."""
    answer = await api.get(f"{api.cases}/?{query}")
    assert answer.status == 200, answer.body
    return answer.json


async def names(api, query: str) -> list[str]:
    """Return the names of the cases that a list request answers."""
    return [case["case_name"] for case in (await listed(api, query))["cases"]]


async def follow(api, url: str | None):
    """Return the pages from an address on."""
    pages = []
    while url is not None:
        pages.append((await api.get(url.removeprefix(api.base))).json)
        url = pages[-1].get("next")
    return pages


async def opened(api, *moments: str) -> None:
    """Make a case for each moment by a form of a device, named by its day."""
    blocks = [
        a_create(f"c{n}", date_modified=moment, create={"case_name": moment[8:10]})
        for n, moment in enumerate(moments)
    ]
    await api.app[WRITER].submit(api.domain, a_submission(a_form(blocks)))


# -- rule 4 ------------------------------------------------------------------


async def test_an_unknown_case_is_named_as_it_was_asked_for(api):
    """The text of the 404, percent signs decoded (rules 4.1 and 4.3)."""
    for path in ("%C3%A9%22%3C", "ext/%C3%A9%22%3C"):
        answer = await api.get(f"{api.cases}/{path}/")
        assert (answer.status, answer.error) == (404, "Case 'é\"<' not found")


async def test_no_id_that_is_missing_makes_a_fetch_fail(api):
    """200 with stubs and counts that sum to the entries (rule 4.2.2)."""
    fetch = {"case_ids": ["a", "a", ""], "external_ids": ["b"]}
    found = (await api.post(f"{api.cases}/bulk-fetch/", fetch)).json
    assert found == {
        "cases": [
            *({"case_id": name, "error": "not found"} for name in ("a", "a", "")),
            {"external_id": "b", "error": "not found"},
        ],
        "matching_records": 0,
        "missing_records": 4,
    }


async def test_5000_commas_are_one_id_too_many(api):
    """Rule 4.2.4: more than 5000 ids, with its text, by URL and by body."""
    by_url = await api.get(f"{api.cases}/{',' * 5000}")
    body = {"case_ids": ["x"] * 2500, "external_ids": ["x"] * 2501}
    by_body = await api.post(f"{api.cases}/bulk-fetch", body)
    for answer in (by_url, by_body):
        assert (answer.status, answer.error) == (400, TOO_MANY)


# -- rule 6 ------------------------------------------------------------------


async def test_filters_are_exact_and_combine(api):
    """AND between names, OR between values, with case (rules 6.0.1 and 6.0.2)."""
    await api.create(case_name="a", owner_id="o1", external_id="x y")
    await api.create(case_name="A", owner_id="o1", close=True)
    await api.create(case_name="b", owner_id="o2", properties={"p": " v, "})
    assert await names(api, "case_name=a") == ["a"]
    assert await names(api, "case_name=a&case_name=b") == ["a", "b"]
    assert await names(api, "case_name=a&case_name=b&owner_id=o2") == ["b"]
    assert await names(api, "external_id=x%20y") == ["a"]
    assert await names(api, "external_id=x") == []
    assert await names(api, "case_type=Patient") == []
    assert await names(api, "properties.p=%20v,%20") == ["b"]
    assert await names(api, "properties.p=v,") == []
    assert await names(api, "properties.p=") == ["a", "A"]
    assert await names(api, "properties.no%20such=") == ["a", "A", "b"]
    assert await names(api, "properties.no%20such=1") == []
    assert await names(api, "properties.@status=open") == ["a", "b"]
    assert await names(api, "include_deprecated=false&case_name=b") == ["b"]
    assert await names(api, "query=case_name%3D'A'&owner_id=o1") == ["A"]


async def test_any_word_but_a_refusal_is_true(api):
    """Rule 6.0.3."""
    await api.create(case_name="open")
    await api.create(case_name="closed", close=True)
    for value in ("", "false", "F", "No", "n", "0"):
        assert await names(api, f"closed={value}") == ["open"]
    for value in ("true", "maybe", "2", "1"):
        assert await names(api, f"closed={value}") == ["closed"]
    assert await names(api, "") == ["open", "closed"]


async def test_cases_are_listed_by_what_they_point_at(api):
    """Rule 6.0.2: ``indices.<name>``."""
    target = await api.create(case_name="target")
    index = {"case_type": "t", "case_id": target["case_id"], "relationship": "child"}
    await api.create(case_name="child", indices={"parent": index})
    case_id = target["case_id"]
    assert await names(api, f"indices.parent={case_id}") == ["child"]
    assert await names(api, f"indices.host={case_id}") == []
    assert await names(api, f"indices.parent=nope&indices.parent={case_id}") == [
        "child"
    ]


async def test_properties_called_like_pseudo_ones_can_be_asked_for(api):
    """What is shown can be filtered (rules 3.4, 6.0.2 and 9.11)."""
    called = ["name", "closed_on", "last_modified", "location_id", "hq_user_id"]
    called += ["case_id", "date_modified", "supply_point_location_id", "user_id"]
    await api.create(case_name="one", properties=dict.fromkeys(called, "v"))
    await api.create(case_name="two")
    for name in called:
        assert await names(api, f"properties.{name}=v") == ["one"]
        assert await names(api, f"properties.{name}=") == ["two"]


async def test_a_bad_request_is_named(api):
    """Every text of the bad requests; no error of ours (rules 6.0.5 and 9.7)."""
    unknown = ["last_case_id", "offset", "page", "properties", "date_opened"]
    unknown += ["indices", "case_name.gte", "nope"]
    expected = {f"{name}=1": f"'{name}' is not a valid parameter." for name in unknown}
    for value in ("x", "-1", "1.5", "", "%C2%B2"):
        shown = value.replace("%C2%B2", "²")
        expected[f"limit={value}"] = f"'{shown}' is not a valid value for 'limit'"
    expected |= {
        "limit=5001": TOO_MANY,
        f"limit={'9' * 400}": TOO_MANY,
        "date_opened.gt=": "Cannot parse datetime ''",
        "last_modified.lt=soon": "Cannot parse datetime 'soon'",
        "date_opened.eq=2020-01-01": "'eq' is not a valid type of date range.",
        "query=gibberish": "Bad query: Your search query is required to have at least "
        "one boolean operator (=, !=, >, >=, <, <=)",
    }
    for query, text in expected.items():
        answer = await api.get(f"{api.cases}/?{query}")
        assert (answer.status, answer.error) == (400, text), query
    for cursor in ("", "x", "%00", "%FF", "bm9uc2Vuc2U="):
        answer = await api.get(f"{api.cases}/?cursor={cursor}")
        assert answer.status == 400
        assert "cursor" in answer.error or cursor == "%FF"


async def test_a_limit_of_nothing_counts(api):
    """Rule 6.0.4: a limit of 0, and the default of 20."""
    rows = [
        {"create": True, "case_type": "t", "case_name": str(n), "owner_id": "o"}
        for n in range(21)
    ]
    await api.post(api.cases, rows)
    assert await listed(api, "limit=0") == {"matching_records": 21, "cases": []}
    assert len((await listed(api, ""))["cases"]) == 20
    assert len((await listed(api, "limit=5000"))["cases"]) == 21


@pytest.mark.parametrize(
    "name",
    [
        *("case_type", "case_name", "owner_id", "external_id", "indices.p"),
        *("properties.p", "properties.@status", "properties.@case_id", "closed"),
    ],
)
async def test_a_nul_in_a_filter_is_no_error_of_the_server(api, name):
    """Nothing matched, or 400 for a name (rule 5.7)."""
    await api.create(external_id="e1", properties={"p": "a"})
    for value in ("%00", "a%00", "%00a", "%01", "%EF%BF%BF"):
        found = (await listed(api, f"{name}={value}"))["matching_records"]
        assert found == 0
        twice = await listed(api, f"{name}={value}&limit=5&{name}={value}")
        assert twice["cases"] == []
    assert (await api.get(f"{api.cases}/?{name}%00=a")).status == 400


@pytest.mark.parametrize(
    "query",
    [
        "query=p%3D'%00'",
        "query=%00",
        "query=" + "(" * 3000,
        "query=" + "(" * 3000 + "a%3D1" + ")" * 3000,
        "query=" + "not(" * 2000 + "a%3D1" + ")" * 2000,
        "date_opened.lt=%00",
        "date_opened.lte=0000-01-01",
        "last_modified.gt=10000000000000000000",
    ],
)
async def test_a_hostile_filter_is_a_400_with_a_text(api, query):
    """Rules 5.7 and 9.7: parentheses, NULs, a huge integer as a date."""
    answer = await api.get(f"{api.cases}/?{query}")
    assert answer.status == 400
    assert answer.error


async def test_very_deep_paths_of_fields_are_ignored(api):
    """Rule 5.7: very deep ``fields`` paths."""
    made = await api.create()
    deep = ".".join(["properties"] * 700)
    assert (await listed(api, f"exclude={deep}"))["cases"] == [made]
    assert len((await listed(api, f"fields={deep}"))["cases"]) == 1


# -- rule 6.3 ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("edd = '2020-01-02'", "kid"),
        ("edd != '2020-01-02'", "mother other"),
        ("edd = ''", "mother other"),
        ("edd != ''", "kid"),
        ("age > 3", "mother"),
        ("age <= 3", "other"),
        ("edd <= '2020-01-31'", "kid"),
        ("age > 3 or edd != ''", "mother kid"),
        ("age > 3 and edd != ''", ""),
        ("not(age > 3)", "kid other"),
        ("not(age > 3 or age <= 3)", "kid"),
        ("selected(tags, 'red blue')", "mother other"),
        ("selected-any(tags, 'red blue')", "mother other"),
        ("selected-all(tags, 'red blue')", "mother"),
        ("starts-with(case_name, 'mo')", "mother"),
        ("starts-with(case_name, 'Mo')", ""),
        ("fuzzy-match(case_name, 'mothr')", "mother"),
        ("phonetic-match(case_name, 'mothar')", "mother"),
        ("within-distance(place, '0 0', 200, 'kilometers')", "mother"),
        ("match-all()", "mother kid other"),
        ("match-none()", ""),
        ("edd = date('2020-01-02')", "kid"),
        ("edd = date(18263)", "kid"),
        ("last_modified >= today()", "mother kid other"),
        ("parent/age = '30'", "kid"),
        ("ancestor-exists(parent, case_name = 'mother')", "kid"),
        ("subcase-exists('parent', case_name = 'kid')", "mother"),
        ("subcase-count('parent', @status = 'open') > 0", "mother"),
        ("name = 'kid' or external_id = 'e1'", "kid other"),
        ("@owner_id = 'team' and @case_type = 'patient'", "mother kid other"),
        ("date_opened > '2000-01-01' and closed_on = ''", "mother kid other"),
        ('(case_name = "kid")', "kid"),
    ],
)
async def test_a_query_means_the_same_on_both_databases(api, query, found):
    """Every operator and construct of rule 6.3, over HTTP."""
    properties = {"age": "30", "tags": "blue red", "place": "1 1 0 0"}
    mother = await api.create(case_name="mother", properties=properties)
    index = {"case_type": "patient", "relationship": "child"}
    index["case_id"] = mother["case_id"]
    kid = {"properties": {"edd": "2020-01-02"}, "indices": {"parent": index}}
    await api.create(case_name="kid", **kid)
    other = {"age": "3", "tags": "red"}
    await api.create(case_name="other", external_id="e1", properties=other)
    assert await names(api, f"query={quote(query)}") == found.split()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("a = ", "Malformed search query"),
        ("a = b", "You cannot reference a case property on the right side"),
        ("nope(a)", "'nope' is not a valid standalone function"),
        (
            "a > 'b'",
            "The right hand side of a comparison must be a number or date. Dates",
        ),
    ],
)
async def test_a_query_that_cannot_be_understood_is_refused(api, query, text):
    """Rules 6.0.5 and 6.3.5: every kind of bad query."""
    answer = await api.get(f"{api.cases}/?query={quote(query)}")
    assert answer.status == 400
    assert answer.error.startswith(f"Bad query: {text}")


# -- rule 6.1 ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "days"),
    [
        ("lt=2024-05-19", "17 18"),
        ("lte=2024-05-19", "17 18 19"),
        ("lte=2024-05-19T00:00:00", "17 18"),
        ("gt=2024-05-18&lt=2024-05-20", "19"),
        ("gt=2024-05-19T11:00:00&lt=2024-05-19T13:00:00", "19"),
        ("gt=2024-05-19T08:00:00-03:00&lt=2024-05-19T10:00:00-03:00", "19"),
        ("gte=2024-05-20", "20 21"),
        ("gt=2024-05-20", "21"),
        ("gte=2024-05-21T12:00:00.000000Z", "21"),
        ("gt=2024-05-21T12:00:00.000000Z", ""),
        ("gte=2024-05-21T12:00:00.000001Z", ""),
        ("gte=2024-05-21 12:00", "21"),
        ("gte=2024-05-21T15:00:00+03:00", "21"),
        ("gt=2024-05-21T15:00:00%2B03:00", ""),
        ("gt=2024-05-21T14:59:00%2B0300", "21"),
        ("gt=2024-05-21T14:59:00%2B03", "21"),
        ("lt=2024-05-18&lt=2024-05-19", "17 18"),
        ("lte=9999-12-31", "17 18 19 20 21"),
        ("gt=9999-12-31", ""),
    ],
)
async def test_the_proof_vectors_of_dates_hold(api, query, days):
    """Rules 6.1.2 and 9.16: what is accepted, how precise it is, and the lost ``+``."""
    await opened(api, *(f"2024-05-{day}T12:00:00.000000Z" for day in range(17, 22)))
    query = "&".join(f"date_opened.{part}" for part in query.split("&"))
    assert await names(api, query.replace(" ", "%20")) == days.split()


@pytest.mark.parametrize(
    "value",
    ["2020-02", "12", "2020", "2020-02-30", "20200230", "2020-13-01", "0000-01-01"],
)
async def test_a_date_that_is_only_a_part_is_refused(api, value):
    """Rules 6.1.2 and 9.16: parts of dates and impossible ones."""
    answer = await api.get(f"{api.cases}/?date_opened.gte={value}")
    text = f"Cannot parse datetime '{value}'"
    assert (answer.status, answer.error) == (400, text)


async def test_a_time_of_an_answer_is_an_exact_boundary(api):
    """Rule 6.1.1: to the microsecond, in every time; open cases have no end."""
    made = await api.create(close=True)
    await api.create()
    keys = ["date_opened", "last_modified", "server_last_modified", "indexed_on"]
    for key in [*keys, "date_closed"]:
        at = quote(made[key], safe="")
        both = f"{key}.gte={at}&{key}.lte={at}"
        ids = [case["case_id"] for case in (await listed(api, both))["cases"]]
        assert ids == [made["case_id"]]
        assert await names(api, f"{key}.lt={at}") == []
    assert len(await names(api, "date_closed.gte=1900-01-01")) == 1
    assert len(await names(api, "date_closed.lte=9999-12-31")) == 1


# -- rule 6.2 ----------------------------------------------------------------


async def test_what_changes_between_pages_comes_again_or_later(api):
    """Nothing lost, nothing twice unless changed (rule 6.2.4)."""
    made = [await api.create(case_name=name) for name in "abcdef"]
    url = {case["case_name"]: f"{api.cases}/{case['case_id']}" for case in made}
    first = await listed(api, "limit=2")
    await api.put(url["a"], {"properties": {"p": "served"}})
    await api.put(url["d"], {"properties": {"p": "not yet"}})
    await api.create(case_name="g")
    rest = await follow(api, first["next"])
    cases = [case for page in rest for case in page["cases"]]
    assert [case["case_name"] for case in first["cases"]] == ["a", "b"]
    assert [case["case_name"] for case in cases] == list("cefadg")
    shown = {case["case_name"]: case["properties"].get("p") for case in cases}
    assert (shown["a"], shown["d"]) == ("served", "not yet")
    totals = {page["matching_records"] for page in rest}
    assert totals == {7}


async def test_the_total_is_whole_on_every_page(api):
    """Of all that matches, not of what is left (rules D11 and 6.2.2)."""
    for n in range(5):
        await api.create(case_type="x" if n else "y")
    pages = await follow(api, f"{api.cases}/?limit=2&case_type=x")
    assert [page["matching_records"] for page in pages] == [4, 4]


async def test_an_exactly_full_last_page_is_the_last(api):
    """No next that leads to an empty page (rules D12 and 9.15)."""
    for _ in range(4):
        await api.create()
    pages = await follow(api, f"{api.cases}/?limit=2")
    assert [len(page["cases"]) for page in pages] == [2, 2]
    assert "next" not in pages[-1]
    assert "next" not in await listed(api, "limit=4")


async def test_a_hundred_cases_of_one_form_are_paged_without_loss(api):
    """Rule 6.2.1: the order, also of cases that one form touched."""
    rows = [
        {"create": True, "case_type": "t", "case_name": str(n), "owner_id": "o"}
        for n in range(100)
    ]
    written = (await api.post(api.cases, rows)).json["cases"]
    pages = await follow(api, f"{api.cases}/?limit=7")
    cases = [case for page in pages for case in page["cases"]]
    assert sorted(case["case_id"] for case in cases) == sorted(
        case["case_id"] for case in written
    )
    keys = [(case["indexed_on"], case["case_id"]) for case in cases]
    assert keys == sorted(keys)
    assert len({key for key, _ in keys}) == 100


async def test_a_filter_by_position_and_pages_are_kept_apart(api):
    """Rules 6.2.3 and 9.14: a filter by ``indexed_on`` together with paging."""
    made = [await api.create(case_name=name) for name in "abcde"]
    since = quote(made[1]["indexed_on"], safe="")
    pages = await follow(api, f"{api.cases}/?indexed_on.gte={since}&limit=1")
    found = [case["case_name"] for page in pages for case in page["cases"]]
    assert found == list("bcde")
    assert {page["matching_records"] for page in pages} == {4}


async def test_a_cursor_carries_everything_and_hears_nothing_else(api):
    """Filters, limit and fields travel in it; others are ignored (rule 6.2.3)."""
    for name in "abcd":
        await api.create(case_name=name)
    query = "case_name=a&case_name=b&case_name=d&limit=1&fields=case_name"
    first = await listed(api, query)
    assert first["cases"] == [{"case_name": "a"}]
    assert first["next"].partition("?")[2].startswith("cursor=")
    assert "&" not in first["next"]
    [second, third] = await follow(api, f"{first['next']}&case_name=c&limit=x&no=1")
    assert second["cases"] == [{"case_name": "b"}]
    assert third["cases"] == [{"case_name": "d"}]


async def test_an_address_of_the_old_prefix_leads_to_it(api):
    """The old prefix pages under itself (rules 1.1 and 6.2.2)."""
    for name in "ab":
        await api.create(case_name=name)
    pages = await follow(api, "/a/demo/api/v0.6/case/?limit=1")
    assert pages[0]["next"].startswith(f"{api.base}/a/demo/api/v0.6/case/?cursor=")
    assert [page["cases"][0]["case_name"] for page in pages] == ["a", "b"]


# -- rules 7 and 10 ----------------------------------------------------------


async def test_exclude_removes_from_cases_and_travels(api):
    """On pages behind a cursor, fetches and writes, never from stubs (rule 7.1)."""
    for name in "ab":
        await api.create(case_name=name, properties={"p": "1", "q": "2"})
    query = "exclude=indices,%20domain&exclude.properties=p"
    for page in await follow(api, f"{api.cases}/?limit=1&{query}"):
        [case] = page["cases"]
        assert len(case) == 12
        assert case["properties"] == {"q": "2"}
    body = {"case_ids": ["no"]}
    stub = (await api.post(f"{api.cases}/bulk-fetch?exclude=case_id", body)).json
    assert stub["cases"] == [{"case_id": "no", "error": "not found"}]
    empty = (await api.put(f"{api.cases}/{case['case_id']}?fields=", {})).json
    assert empty["case"] == {}


async def test_every_long_answer_is_compressed_for_who_asks(api):
    """Rule 10.5: single, fetched and written cases."""
    made = await api.create(properties={"long": "x" * 5000})
    url, headers = f"{api.cases}/{made['case_id']}", {"Accept-Encoding": "gzip"}
    fetch = {"case_ids": [made["case_id"]]}
    answers = [
        await api.get(url, headers=headers),
        await api.put(url, {}, headers=headers),
        await api.post(f"{api.cases}/bulk-fetch", fetch, headers=headers),
    ]
    for answer in answers:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert b"x" * 5000 in gzip.decompress(answer.body)


async def test_a_dry_run_does_not_use_up_its_key(api):
    """Rules 10.1 and 10.2: nothing is stored by one."""
    headers = {"Idempotency-Key": "k"}
    rows = [{"create": True, "case_type": "t", "case_name": "n", "owner_id": "o"}]
    dry = await api.post(f"{api.cases}?dry_run=true", rows, headers=headers)
    assert dry.json == {"dry_run": True, "errors": []}
    first = await api.post(api.cases, rows, headers=headers)
    second = await api.post(api.cases, rows, headers=headers)
    assert (first.status, first.body) == (200, second.body)
    assert (await listed(api, ""))["matching_records"] == 1

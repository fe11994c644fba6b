"""HQ's older case APIs over HTTP (``rules/hq-cases.md``)."""

from __future__ import annotations

import json
from urllib.parse import quote

from lxml import etree

OLD = "/a/demo/api/v0.5/case/"
NEW = "/a/demo/api/case/v1/"
KEYS = {
    *("id", "case_id", "domain", "user_id", "closed", "date_closed", "opened_by"),
    *("closed_by", "date_modified", "server_date_modified", "server_date_opened"),
    *("indexed_on", "xform_ids", "properties", "indices", "resource_uri"),
}
CASE = "{http://commcarehq.org/case/transaction/v2}"
MISSING = {
    "missing": {"field": "server_modified_on", "null_value": True, "existence": True}
}


async def a_family(api):
    """Make a household, two of its people and a visit; the second person is closed."""
    home = await api.create(case_type="Household", case_name="Éva's home")
    parent = {"case_type": "Household", "relationship": "child"}
    index = {"parent": {"case_id": home["case_id"], **parent}}
    ada = await api.create(
        case_name="Ada L", external_id="X-1", properties={"age": "31"}, indices=index
    )
    bob = await api.create(case_name="Bob", owner_id="other", indices=index)
    path = f"{api.cases}/{bob['case_id']}"
    closed = await api.put(path, {"close": True, "properties": {"a": "<1>"}})
    assert closed.status == 200
    visit = await api.create(case_type="home-visit", case_name="V")
    return home["case_id"], ada["case_id"], bob["case_id"], visit["case_id"]


async def ids(api, query: str) -> list[str]:
    answer = await api.get(f"{OLD}?{query}")
    assert answer.status == 200, (query, answer.body)
    assert answer.json["meta"]["total_count"] == len(answer.json["objects"]), query
    return [found["id"] for found in answer.json["objects"]]


async def test_a_case_has_sixteen_keys(api):
    """Rules 1.1 and 1.2: the same in the list and alone, under both kinds of path."""
    home, ada, bob, _ = await a_family(api)
    listed = {c["id"]: c for c in (await api.get(OLD)).json["objects"]}
    for case_id, shown in listed.items():
        assert set(shown) == KEYS
        for path in (OLD, NEW, "/a/demo/api/v0.3/case/", "/a/demo/api/v0.4/case/"):
            assert (await api.get(path + case_id)).json == shown
    v2 = (await api.get(f"{api.cases}/{ada}")).json
    shown = listed[ada]
    assert shown["properties"] == {
        "age": "31",
        "case_name": "Ada L",
        "case_type": "patient",
        "external_id": "X-1",
        "owner_id": "team",
        "date_opened": v2["date_opened"],
    }
    assert shown["indices"] == {
        "parent": {"case_type": "Household", "case_id": home, "relationship": "child"}
    }
    assert (shown["id"], shown["domain"], shown["resource_uri"]) == (ada, "demo", "")
    assert shown["indexed_on"] == v2["indexed_on"]
    assert shown["server_date_modified"] == v2["server_last_modified"]
    assert shown["server_date_opened"] == shown["server_date_modified"]
    assert (shown["closed"], shown["date_closed"], shown["closed_by"]) == (
        *(False, None, None),
    )
    assert shown["user_id"] == shown["opened_by"] != ""
    shut = listed[bob]
    assert shut["closed"] is True
    assert shut["closed_by"] == shut["user_id"]
    assert shut["date_closed"]
    assert len(shut["xform_ids"]) == 2
    assert shut["server_date_opened"] < shut["server_date_modified"]
    assert shut["properties"]["external_id"] is None
    assert listed[home]["indices"] == {}


async def test_the_list_has_what_is_asked_for(api, members):
    """Rule 2.2: every parameter, alone and together, and what is refused."""
    home, ada, bob, visit = await a_family(api)
    by_id = {c["id"]: c for c in (await api.get(OLD)).json["objects"]}
    user = by_id[ada]["user_id"]
    first, last = by_id[ada], by_id[visit]
    for query, found in {
        "type=HOUSEHOLD": [home],
        "case_type=home-Visit": [visit],
        "type.exact=household": [],
        "type.exact=Household": [home],
        "name=ada%20l": [ada],
        "case_name=%C3%89VA%27s%20HOME": [home],
        "name.exact=ada+l": [],
        "name.exact=Ada+L": [ada],
        "external_id=x-1": [ada],
        "external_id.exact=x-1": [],
        "external_id.exact=X-1&type=Patient": [ada],
        "owner_id=other": [bob],
        f"user_id={user}": [home, ada, bob, visit],
        f"opened_by={user}&case_type=patient": [ada, bob],
        f"closed_by={user}": [bob],
        "closed_by=": [home, ada, visit],
        f"case_id={ada}": [ada],
        "closed=True": [bob],
        "closed=no": [home, ada, visit],
        "closed=1&type=patient&owner_id=team": [],
        "type=household&type=home-visit": [visit],
        f"indexed_on_start={first['indexed_on']}": [ada, bob, visit],
        f"indexed_on_end={first['indexed_on']}": [home, ada],
        f"server_date_modified_start={last['server_date_modified']}": [visit],
        f"server_modified_on_end={first['server_date_modified']}": [home, ada],
        f"date_modified_start={last['date_modified']}": [visit],
        "date_modified_end=2001-01-01": [],
        "any__full=true&format=json&_=1": [home, ada, bob, visit],
    }.items():
        asked = await ids(api, f"{query}&order_by=indexed_on")
        assert asked == [i for i in (home, ada, bob, visit) if i in found], query
        assert sorted(await ids(api, query)) == sorted(found), query
    assert await ids(api, "order_by=-indexed_on") == [visit, bob, ada, home]
    for query, name in {
        "closed=maybe": "'maybe' is not a valid value for 'closed': true, false",
        "indexed_on_start=soon": "Cannot parse datetime 'soon'",
        "q=name:x": "'q' is not a valid parameter.",
        "owner=x": "'owner' is not a valid parameter.",
        "order_by=owner_id": "No matching 'owner_id' field for ordering on.",
        "order_by=user_id": "The 'user_id' field does not allow ordering.",
    }.items():
        answer = await api.get(f"{OLD}?{query}")
        assert (answer.status, answer.json) == (400, {"error": name})


async def test_a_search_is_one_of_two_shapes(api):
    """Rule 2.6: a range of the time of the list, or of the time of the server."""
    home, ada, bob, visit = await a_family(api)
    shown = (await api.get(OLD + ada)).json
    when = shown["indexed_on"]

    def indexed(**asked):
        return {"filter": {"range": {"inserted_at": asked}}}

    def changed(**asked):
        first = {"and": [{"not": MISSING}, {"range": {"server_modified_on": asked}}]}
        second = {"and": [MISSING, {"range": {"received_on": asked}}]}
        return {"filter": {"or": [first, second]}}

    at = shown["server_date_modified"]
    for search, found in (
        (indexed(gt=when), [bob, visit]),
        (indexed(gte=when, lt="2999-01-01"), [ada, bob, visit]),
        (indexed(lte=when), [home, ada]),
        (changed(gte=at), [ada, bob, visit]),
        (changed(lte=at), [home, ada]),
    ):
        query = f"_search={quote(json.dumps(search))}&order_by=indexed_on"
        assert await ids(api, query) == found, search
    for search in (
        *('{"filter"', "[]", "{}", '{"filter": {"range": {"inserted_at": 1}}}'),
        json.dumps({**indexed(gte=at), "size": 1}),
        json.dumps(indexed(gte="soon")),
        json.dumps(indexed(eq=at)),
        json.dumps(indexed()),
        json.dumps(changed(gt=at)),
        json.dumps({"query": {"match_all": {}}}),
    ):
        answer = await api.get(f"{OLD}?_search={quote(search)}")
        assert (answer.status, list(answer.json)) == (400, ["error"]), search


async def test_cases_around_a_case_come_along(api):
    """Rule 3.1: only ``true`` switches them on, and they are plain cases."""
    home, ada, bob, _ = await a_family(api)
    plain = {c["id"]: c for c in (await api.get(OLD)).json["objects"]}
    both = "?child_cases__full=True&parent_cases__full=true"
    listed = {c["id"]: c for c in (await api.get(OLD + both)).json["objects"]}
    for case_id, shown in listed.items():
        parents = {"parent": plain[home]} if case_id in {ada, bob} else {}
        around = {ada: plain[ada], bob: plain[bob]} if case_id == home else {}
        more = {"parent_cases": parents, "child_cases": around}
        assert shown == {**plain[case_id], **more}
        assert (await api.get(f"{OLD}{case_id}/{both}")).json == shown
    query = "?child_cases__full=False&parent_cases__full=1"
    assert (await api.get(f"{OLD}{home}/{query}")).json == plain[home]


async def test_forms_of_a_case_come_along(api):
    """Rule 3.2: in the order of ``xform_ids``, by their name and by their xmlns."""
    home, *_ = await a_family(api)
    assert (
        await api.put(f"{api.cases}/{home}", {"properties": {"a": "1"}})
    ).status == 200
    query = "?xforms_by_name__full=true&xforms_by_xmlns__full=TRUE"
    case = (await api.get(f"{OLD}{home}/{query}")).json
    forms = [
        (await api.get(f"/a/demo/api/form/v1/{form_id}/")).json
        for form_id in case["xform_ids"]
    ]
    assert len(forms) > 1
    [(name, by_name)] = case["xforms_by_name"].items()
    [(xmlns, by_xmlns)] = case["xforms_by_xmlns"].items()
    assert by_name == by_xmlns == forms
    assert {form["form"].get("@name", "") for form in forms} == {name}
    assert {form["form"]["@xmlns"] for form in forms} == {xmlns}
    for query in ("", "?xforms_by_name__full=1"):
        assert "xforms_by_name" not in (await api.get(f"{OLD}{home}/{query}")).json


async def test_a_case_as_xml_is_what_a_phone_gets(api):
    """Rule 4.1: case blocks in the envelope, or one alone."""
    home, ada, bob, _ = await a_family(api)
    answer = await api.get(f"{OLD}?format=xml&order_by=indexed_on")
    assert answer.headers["Content-Type"] == "application/xml; charset=utf-8"
    assert answer.body.splitlines()[0] == b"<?xml version='1.0' encoding='utf-8'?>"
    root = etree.fromstring(answer.body)
    assert root.findtext("meta/total_count") == "4"
    blocks = {found.get("case_id"): found for found in root.find("objects")}
    assert set(blocks) >= {home, ada, bob}
    assert blocks[ada].tag == f"{CASE}case"
    assert blocks[ada].get("user_id")
    assert blocks[ada].get("date_modified")
    assert [found.text for found in blocks[ada].find(f"{CASE}create")] == [
        *("patient", "Ada L", "team")
    ]
    told = {e.tag.removeprefix(CASE): e.text for e in blocks[ada].find(f"{CASE}update")}
    assert (told["external_id"], told["age"]) == ("X-1", "31")
    assert len(told["date_opened"]) == 10
    parent = blocks[ada].find(f"{CASE}index/{CASE}parent")
    assert (parent.text, parent.get("case_type")) == (home, "Household")
    assert blocks[ada].find(f"{CASE}close") is None
    assert blocks[bob].find(f"{CASE}close") is not None
    assert blocks[bob].findtext(f"{CASE}update/{CASE}a") == "<1>"
    accept = {"Accept": "text/xml"}
    alone = etree.fromstring((await api.get(OLD + ada, headers=accept)).body)
    assert etree.tostring(alone) == etree.tostring(blocks[ada])


async def test_what_is_not_there_is_404(api):
    """Rule 2.7: unknown cases, deleted ones, and those of other domains."""
    _, ada, *_ = await a_family(api)
    path = f"/a/demo/api/ledger/v1/cases/{ada}/delete/"
    assert (await api.post(path)).status == 200
    for case_id in (ada, "nobody", "a%2Fb", "%00"):
        answer = await api.get(OLD + case_id)
        assert (answer.status, list(answer.json)) == (404, ["error"]), case_id
    assert ada not in await ids(api, "")


async def test_clients_ask_as_they_always_did(api):
    """Their requests letter for letter, with what each of them needs."""
    home, ada, bob, visit = await a_family(api)
    every = [home, ada, bob, visit]
    start = (await api.get(OLD + bob)).json["indexed_on"]
    for path, found in {
        # commcare-export
        "/a/demo/api/v0.5/case/?limit=1000&order_by=indexed_on": every,
        "/a/demo/api/v0.5/case/?limit=1000&order_by=indexed_on&type=patient"
        f"&indexed_on_start={start.removesuffix('Z')}": [bob],
        "/a/demo/api/v0.5/case/?limit=1000&order_by=server_date_modified"
        "&server_date_modified_start=2001-01-01T00%3A00%3A00": every,
        # OpenFn
        "/a/demo/api/v0.5/case": every,
        "/a/demo/api/case/v1": every,
        "/a/demo/api/v0.5//case?limit=4&offset=0": every,
        # Airbyte
        "/a/demo/api/v0.5/case?format=json&indexed_on_start=2001-01-01T00:00:00.000000"
        "&order_by=indexed_on&limit=5000": every,
        # scripts
        "/a/demo/api/v0.5/case/?type=patient&closed=False&owner_id=team"
        "&external_id=X-1&limit=5000&offset=0&format=json": [ada],
        "/a/demo/api/v0.5/case/?server_date_modified_start=2001-01-01"
        "&server_date_modified_end=2999-01-01&type=patient&closed=True&limit=100": [
            bob
        ],
    }.items():
        answer = await api.get(path)
        assert answer.status == 200, path
        assert sorted(c["id"] for c in answer.json["objects"]) == sorted(found), path
        meta = answer.json["meta"]
        assert (meta["next"], meta["total_count"]) == (None, len(found))
        assert meta["limit"] > 0 == meta["offset"]
    for path in (
        f"/a/demo/api/v0.5/case/{ada}?child_cases__full=False&parent_cases__full=True",
        f"/a/demo/api/v0.5/case/{home}/?format=json&child_cases__full=true",
    ):
        assert (await api.get(path)).status == 200


async def test_a_reader_by_time_meets_every_case_of_one_form(api):
    """As commcare-export goes on from the last time, even with a page of one."""
    rows = [
        {"create": True, "case_type": "t", "case_name": f"{n}", "owner_id": "o"}
        for n in range(5)
    ]
    assert (await api.post(api.cases, rows)).status == 200
    seen: list[str] = []
    query = "?limit=2&order_by=indexed_on"
    for _ in range(9):
        page = (await api.get(OLD + query)).json
        seen += [c["id"] for c in page["objects"] if c["id"] not in seen]
        if page["meta"]["next"] is None:
            break
        last = page["objects"][-1]["indexed_on"]
        query = f"?limit=2&order_by=indexed_on&indexed_on_start={last}"
    assert len(seen) == 5

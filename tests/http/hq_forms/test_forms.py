"""HQ's form APIs over HTTP, and what clients of HQ ask of them: rules/hq-forms.md."""

from __future__ import annotations

import json
from datetime import datetime
from urllib.parse import parse_qsl, quote, urlencode

import pytest

from api.cli.domain import add_domain
from api.wire.hq_form import KEYS
from ledger.entry import Kind
from projections.rule.form_json import METADATA
from tests.kit.build import (
    USER,
    XMLNS,
    a_block,
    a_create,
    a_file,
    a_form,
    a_submission,
    act,
    an_update,
    submit,
    write,
)

OLD = "/a/demo/api/v0.5/form"
DEATH = "http://example.org/death"
OPENROSA = {"X-OpenRosa-Version": "1.0"}


async def send(api, form_id, *blocks, app="", headers=None, **form):
    """Submit a form as a phone does."""
    answer = await api.post(
        f"/a/{api.domain}/receiver/{app}",
        data=a_form(blocks, form_id=form_id, **form),
        headers={"Content-Type": "text/xml", **(headers or {})},
    )
    assert answer.status in {201, 422}, answer.body


async def listed(api, **query):
    """Return the ids of a list, and what its envelope says."""
    answer = await api.get(f"{OLD}/?{urlencode(query, doseq=True)}")
    assert answer.status == 200, answer.body
    return [form["id"] for form in answer.json["objects"]], answer.json["meta"]


async def test_a_form_is_shown_as_hq_shows_it(api):
    """Rule 1: every key, in a list and alone, under each spelling."""
    await send(api, "f1", a_create(), app="app-1/", headers=OPENROSA)
    answer = await api.get(f"{OLD}/?format=xml", headers={"Accept": "application/xml"})
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    [form] = answer.json["objects"]
    for path in (f"{OLD}/f1/", "/a/demo/api/v0.4/form/f1", "/a/demo/api/form/v1/f1/"):
        assert (await api.get(path)).json == form
    assert set(form) == set(KEYS)
    body = a_form([a_create()], form_id="f1")
    url = f"{api.base}/a/demo/api/form/attachment/f1/form.xml"
    assert form["attachments"] == {
        "form.xml": {"content_type": "text/xml", "length": len(body), "url": url}
    }
    assert form["received_on"] == form["indexed_on"] == form["server_modified_on"]
    assert datetime.fromisoformat(form["indexed_on"]).microsecond >= 0
    assert {name: form[name] for name in KEYS[:2]} == {"id": "f1", "domain": "demo"}
    assert form["form"]["#type"] == form["type"] == "data"
    assert form["form"]["@xmlns"] == XMLNS
    assert form["form"]["case"]["create"]["case_name"] == "Idris"
    assert (form["version"], form["uiversion"]) == ("7", "1")
    assert set(form["metadata"]) == {*METADATA, "doc_type"}
    assert form["metadata"]["userID"] == form["form"]["meta"]["userID"] == USER
    assert form["metadata"]["doc_type"] == "Metadata"
    assert (form["app_id"], form["build_id"]) == ("app-1", None)
    assert form["submit_ip"] == "127.0.0.1"
    told = ("is_phone_submission", "initial_processing_complete", "archived")
    assert [form[name] for name in told] == [True, True, False]
    unset = ("edited_on", "edited_by_user_id", "problem")
    assert [form[name] for name in unset] == [None, None, None]
    assert form["resource_uri"] == ""


async def test_what_becomes_of_forms_is_told(api, store):
    """Rules 1.3, 1.4, 2.1 and 3: edits, archives, errors, duplicates, deletions."""
    await api.create()
    for form_id in ("f1", "archived", "gone"):
        await send(api, form_id, a_create(f"c-{form_id}"), headers=api.credentials)
    edit = an_update("c-f1", p="2")
    await send(api, "f1", edit, app="secure/", headers=api.credentials)
    await send(api, "broken", a_block("c-f1", index={"parent": "nobody"}))
    await send(api, "gone", a_create("c-gone"), headers=api.credentials)
    act(store, Kind.ARCHIVE, "archived")
    act(store, Kind.FORM_DELETE, "gone")
    shown, meta = await listed(api)
    assert (shown[0], len(shown), meta["total_count"]) == ("f1", 2, 2)
    more, _ = await listed(api, include_archived="false", order_by="-indexed_on")
    assert more[:2] == ["archived", "f1"]
    forms = {i: (await api.get(f"{OLD}/{i}/")).json for i in (*more, "broken")}
    edited, archived, broken = (forms[i] for i in ("f1", "archived", "broken"))
    assert edited["received_on"] < edited["edited_on"] == edited["indexed_on"]
    assert edited["edited_by_user_id"] is not None
    assert archived["archived"]
    assert archived["received_on"] < archived["indexed_on"]
    assert archived["edited_on"] is None
    assert not broken["initial_processing_complete"]
    assert broken["problem"].startswith("InvalidCaseIndex")
    answer = await api.get("/a/demo/api/ledger/v1/forms/f1/")
    old = answer.json["deprecated_form_id"]
    assert (await api.get(f"{OLD}/{old}/")).json["initial_processing_complete"]
    for form_id in ("gone", "unknown", "a%2Fb", "%00"):
        answer = await api.get(f"{OLD}/{form_id}/")
        assert answer.status == 404
        assert set(answer.json) == {"error"}


async def test_nobody_reads_forms_that_are_not_theirs(api, members):
    """No credentials 401; another domain, a mobile worker 403; nothing is written."""
    add_domain(members.store, "other")
    submit(members.store, a_form([a_create()], form_id="f1"))
    stranger = members.join("stranger@example.org", domain="other")
    worker = members.join("worker@example.org", role="mobile")
    viewer = members.join("viewer@example.org", role="viewer")
    files = "/a/demo/api/form/attachment/f1/form.xml"
    for path in (f"{OLD}/", f"{OLD}/f1/", files):
        assert (await api.get(path, anonymous=True)).status == 401
        assert (await api.get(path, headers=stranger)).status == 403
        assert (await api.get(path, headers=worker)).status == 403
        assert (await api.get(path, headers=viewer)).status == 200
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = await api.request(method, path)
            assert (answer.status, answer.headers["Allow"]) == (405, "GET, OPTIONS")
    others = (await api.get("/a/other/api/v0.5/form/", headers=stranger)).json
    assert others["objects"] == []
    for path in ("form/attachment/f1/form.xml", "v0.5/form/f1/"):
        assert (await api.get(f"/a/other/api/{path}", headers=stranger)).status == 404


NAME = "räume/plan 1.svg"


async def test_files_come_as_they_were_sent(api, store):
    """Rule 4: every byte, the type that came, any name, and no page of this server."""
    body = a_form([a_create()], form_id="f/1")
    odd = a_file(NAME, b"<svg/>")
    write(store, a_submission(body, attachments=[a_file(), odd]))
    form = (await api.get(f"{OLD}/f%2F1/")).json
    assert set(form["attachments"]) == {"form.xml", "photo.jpg", NAME}
    sent = {"form.xml": body, "photo.jpg": a_file().content, NAME: b"<svg/>"}
    for name, file in form["attachments"].items():
        answer = await api.get(file["url"].removeprefix(api.base))
        assert (answer.status, answer.body) == (200, sent[name])
        assert answer.headers["Content-Type"] == file["content_type"]
        assert int(answer.headers["Content-Length"]) == file["length"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "Content-Disposition" not in answer.headers
    place = "/a/demo/api/form_attachment/v1/f%2F1"
    assert (await api.get(f"{place}/{quote(NAME)}")).body == b"<svg/>"
    assert (await api.get(f"{place}/form.xml/")).status == 404
    for path in (f"{place}/none.jpg", "/a/demo/api/form/attachment/f2/form.xml"):
        assert (await api.get(path)).status == 404


@pytest.fixture
async def visits(api, store):
    """Fill the domain with a few forms of two kinds; return their ids in order."""
    ids = [f"v{n}" for n in range(7)]
    for n, form_id in enumerate(ids):
        xmlns = DEATH if n == 3 else XMLNS
        await send(api, form_id, a_create(f"c{n}"), app="a1/", xmlns=xmlns)
    return ids


async def test_commcare_export_reads_everything_by_dates(api, visits):
    """commcare-export: pages by indexed_on, the last one seen comes again each time."""
    key = api.credentials["Authorization"].replace("ApiKey", "apikey")
    found, since = [], {}
    for _ in range(20):
        query = urlencode({"limit": 3, "order_by": "indexed_on", **since})
        answer = await api.get(f"{OLD}/?{query}", headers={"Authorization": key})
        page = answer.json
        found += [f["id"] for f in page["objects"] if f["id"] not in found]
        assert page["objects"][0]["metadata"]["userID"] == USER
        if page["meta"]["next"] is None:
            break
        last = datetime.fromisoformat(page["objects"][-1]["indexed_on"])
        since = {"indexed_on_start": last.replace(tzinfo=None).isoformat()}
    assert found == visits


async def test_commcare_export_in_its_other_manners(api, visits):
    """Its filters, the order that its old mode sends twice, and its ``_search``."""
    since = (await api.get(f"{OLD}/v2/")).json["received_on"]
    until = (await api.get(f"{OLD}/v5/")).json["received_on"]
    shown, _ = await listed(
        api, **{"xmlns.exact": XMLNS, "app_id": "a1", "received_on_start": since}
    )
    assert shown == ["v6", "v5", "v4", "v2"]
    missing = {
        "missing": {
            "field": "server_modified_on",
            "null_value": True,
            "existence": True,
        }
    }
    span = {"gte": since, "lte": until}
    search = {
        "filter": {
            "or": [
                {"and": [{"not": missing}, {"range": {"server_modified_on": span}}]},
                {"and": [missing, {"range": {"received_on": span}}]},
            ]
        }
    }
    orders = ["server_modified_on", "received_on"]
    shown, meta = await listed(
        api, limit=1000, _search=json.dumps(search), order_by=orders
    )
    assert (shown, meta["total_count"]) == (["v2", "v3", "v4", "v5"], 4)


async def test_airbyte_follows_the_query_of_the_next_page(api, visits):
    """Airbyte: no slash, the first character of ``next`` cut, the rest parsed."""
    query = {
        "format": "json",
        "app_id": "a1",
        "indexed_on_start": "2012-01-01T00:00:00.000000",
        "order_by": "indexed_on",
        "limit": "2",
        "xmlns": XMLNS,
    }
    found: list[str] = []
    while query:
        page = (await api.get(f"{OLD}?{urlencode(query)}")).json
        assert all(isinstance(form["form"], dict) for form in page["objects"])
        found += [form["id"] for form in page["objects"]]
        told = page["meta"]["next"]
        assert told is None or told.startswith("?")
        query = dict(parse_qsl((told or "?")[1:]))
    assert found == [form_id for form_id in visits if form_id != "v3"]


async def test_openfn_counts_its_way_through(api, visits):
    """OpenFn: the next offset is that of the page and its limit, while there is one."""
    found, offset = [], 0
    while True:
        page = (await api.get(f"{OLD}?limit=3&offset={offset}")).json
        found += [form["id"] for form in page["objects"]]
        if not page["meta"]["next"]:
            break
        offset = page["meta"]["offset"] + page["meta"]["limit"]
    assert found == visits[::-1]


async def test_conditions_on_what_forms_say(api, visits):
    """Rule 2.2: a case that is named, a user, a path; what is not known is a 400."""
    assert (await listed(api, case_id="c4"))[0] == ["v4"]
    assert (await listed(api, user_id=USER, limit=1))[1]["total_count"] == 7
    path = {"form.meta.instanceID": "V5"}
    assert (await listed(api, **path))[0] == ["v5"]
    assert (await listed(api, appVersion="none", build_id="b"))[0] == []
    answer = await api.get(f"{OLD}/?colour=red")
    assert answer.status == 400
    assert answer.error == "'colour' is not a valid parameter."


async def test_cases_of_a_form_come_along(api):
    """Rule 1.7: those that its blocks name, as the case API shows them."""
    await send(api, "f1", a_create("c2"), a_create("c1"))
    await send(api, "f2", a_create("x", update={"a": "1"}))
    shown = [
        (await api.get(f"/a/demo/api/case/v1/{case_id}/")).json
        for case_id in ("c1", "c2")
    ]
    found = (await api.get(f"{OLD}/?cases__full=true&order_by=indexed_on")).json
    first = found["objects"][0]
    assert first["id"] == "f1"
    assert first["cases"] == shown
    alone = (await api.get(f"{OLD}/f1/?cases__full=true")).json
    assert alone == first
    assert "cases" not in (await api.get(f"{OLD}/f1/?cases__full=1")).json

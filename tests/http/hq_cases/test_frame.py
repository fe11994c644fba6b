"""What HQ's APIs share, as the list of cases shows it (``rules/hq-frame.md``)."""

from __future__ import annotations

import logging
from base64 import b64encode
from urllib.parse import parse_qsl

from api.cli.domain import add_domain
from tests.http.conftest import PASSWORD

OLD = "/a/demo/api/v0.5/case/"
NEW = "/a/demo/api/case/v1/"
SPELLED = (
    *(OLD, OLD[:-1], "/a/demo/api/v0.5//case", "/a/demo/api/v0.5///case/"),
    *("/a/demo/api/v0.4/case/", "/a/demo/api/v0.3/case", "/a/demo/api/v0.4//case"),
    *(NEW, NEW[:-1], "/a/demo/api/case/v1//"),
)
"""One list in each of its spellings (rule 1.1)."""


def key_of(header: dict[str, str]) -> str:
    return header["Authorization"].rpartition(":")[2]


def basic(username: str, secret: str) -> dict[str, str]:
    coded = b64encode(f"{username}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {coded}"}


async def test_one_list_is_found_under_every_spelling(api):
    """Both families of paths, with and without slashes, and never by a redirect."""
    case = await api.create()
    for path in SPELLED:
        answer = await api.get(path)
        assert answer.status == 200, path
        assert [found["id"] for found in answer.json["objects"]] == [case["case_id"]]
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    for path in ("/a/demo/api/v0.5/", "/a/demo/api/v0.6/case/v1", "/a/demo/api/v0.5"):
        assert (await api.get(path)).status == 404, path


async def test_who_may_read_and_who_may_not(api, members, caplog):
    """Rules 1.2 and 1.3: every credential that there is, with what it is answered."""
    caplog.set_level(logging.DEBUG)
    add_domain(members.store, "other")
    viewer = members.join("viewer@example.org", role="viewer", password=PASSWORD)
    key = key_of(viewer)
    lower = {"Authorization": f"apikey viewer@example.org:{key}"}
    in_query = f"?username=viewer%40example.org&api_key={key}&limit=1"
    for headers, path in (
        (viewer, OLD),
        (lower, OLD),
        (basic("viewer@example.org", PASSWORD), OLD),
        (basic("viewer@example.org", key), NEW),
        ({}, OLD + in_query),
        (members.join("admin@example.org", role="admin"), OLD),
        (members.join("reader@example.org", read_only=True), OLD),
    ):
        answer = await api.get(path, headers=headers, anonymous=True)
        assert answer.status == 200, (headers, path)
        # A key in the query is not handed on, and is no filter either.
        assert "api_key" not in str(answer.json["meta"])
    assert key not in caplog.text

    for headers, path in (
        ({}, OLD),
        ({}, f"{OLD}?username=viewer@example.org&api_key=wrong"),
        ({}, f"{OLD}?username=viewer@example.org"),
        ({"Authorization": "ApiKey viewer@example.org:wrong"}, OLD),
        ({"Authorization": f"ApiKey nobody@example.org:{key}"}, OLD),
        (basic("viewer@example.org", "wrong"), OLD),
    ):
        answer = await api.get(path, headers=headers, anonymous=True)
        assert answer.status == 401, (headers, path)
        assert answer.headers["WWW-Authenticate"]
        assert list(answer.json) == ["error"]
    stranger = members.join("other@example.org", domain="other")
    worker = members.join("amina", role="mobile")
    for headers in (stranger, worker):
        answer = await api.get(OLD, headers=headers, anonymous=True)
        assert (answer.status, list(answer.json)) == (403, ["error"])
    # Only a GET may bring its key that way.
    refused = await api.post(OLD + in_query, anonymous=True)
    assert refused.status == 401


async def test_methods_are_told_and_refused(api):
    """Rule 1.4: 405 with ``Allow``, OPTIONS for anybody, CORS on every answer."""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        answer = await api.request(method, OLD)
        assert (answer.status, answer.headers["Allow"]) == (405, "GET, OPTIONS")
        assert list(answer.json) == ["error"]
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
    told = await api.request("OPTIONS", NEW, anonymous=True)
    assert told.status == 200
    for name in ("Allow", "Access-Control-Allow-Methods"):
        assert told.headers[name] == "GET, OPTIONS"
    for answer in (told, await api.get(OLD), await api.get(OLD, anonymous=True)):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        allowed = answer.headers["Access-Control-Allow-Headers"]
        assert allowed == "Content-Type, Authorization"


async def test_the_envelope_leads_from_page_to_page(api):
    """Rules 2.1 to 2.4: every case once, by the addresses of the pages."""
    made = {(await api.create())["case_id"] for _ in range(5)}
    query, seen, pages = "?format=json&limit=2", [], []
    while query:
        meta, objects = (await api.get(OLD + query)).json.values()
        seen += [found["id"] for found in objects]
        pages.append(meta)
        query = meta["next"]
    assert (sorted(seen), len(seen)) == (sorted(made), 5)
    assert [page["offset"] for page in pages] == [0, 2, 4]
    assert {page["total_count"] for page in pages} == {5}
    assert parse_qsl(pages[0]["next"][1:]) == [
        *(("format", "json"), ("limit", "2"), ("offset", "2"))
    ]
    assert [page["previous"] for page in pages] == [
        *(None, "?format=json&limit=2&offset=0", "?format=json&limit=2&offset=2")
    ]
    past = (await api.get(f"{OLD}?offset=99")).json
    assert (past["objects"], past["meta"]["next"]) == ([], None)
    assert past["meta"]["previous"] == "?limit=20&offset=79"
    for limit, used in (("", 20), ("?limit=0", 5000), ("?limit=9999", 5000)):
        assert (await api.get(OLD + limit)).json["meta"]["limit"] == used


async def test_what_is_wrong_is_named(api):
    """Rules 1.8, 2.2 and 2.5, in HQ's words."""
    for query, text in {
        "limit=x": "Invalid limit 'x' provided. Please provide a positive integer.",
        "limit=": "Invalid limit '' provided. Please provide a positive integer.",
        "limit=-1": "Invalid limit '-1' provided. "
        "Please provide a positive integer >= 0.",
        "offset=x": "Invalid offset 'x' provided. Please provide an integer.",
        "offset=-1": "Invalid offset '-1' provided. "
        "Please provide a positive integer >= 0.",
        "offset=" + "9" * 400: f"Invalid offset '{'9' * 400}' provided. "
        "Please provide an integer.",
        "colour=red": "'colour' is not a valid parameter.",
        "order_by=colour": "No matching 'colour' field for ordering on.",
        "order_by=-domain": "The 'domain' field does not allow ordering.",
    }.items():
        answer = await api.get(f"{OLD}?{query}")
        assert (answer.status, answer.json) == (400, {"error": text}), query
    assert (await api.get(f"{OLD}?callback=f&_=1&format=pdf")).status == 200

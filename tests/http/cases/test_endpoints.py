"""rules/case-api-v2.md 1: addresses, methods, sizes."""

from __future__ import annotations

import gzip

import pytest

PREFIXES = ["/a/demo/api/case/v2", "/a/demo/api/v0.6/case"]
SLASHES = ["", "/"]

every_prefix = pytest.mark.parametrize("prefix", PREFIXES)
every_slash = pytest.mark.parametrize("slash", SLASHES)


def a_case(**fields):
    return {"case_type": "patient", "case_name": "Ada", "owner_id": "team"} | fields


@every_prefix
@every_slash
async def test_every_address_is_served_with_and_without_a_slash(api, prefix, slash):
    """Rule 1.1: no redirect, under both prefixes."""
    made = await api.post(prefix + slash, a_case(external_id="e1"))
    case_id = made.json["case"]["case_id"]
    ids = {"case_ids": [case_id]}
    answers = [
        made,
        await api.get(prefix + slash),
        await api.get(f"{prefix}/{case_id}{slash}"),
        await api.get(f"{prefix}/{case_id},{case_id}{slash}"),
        await api.get(f"{prefix}/ext/e1{slash}"),
        await api.post(f"{prefix}/bulk-fetch{slash}", ids),
        await api.post(f"{prefix}/bulk_fetch{slash}", ids),
        await api.put(f"{prefix}/{case_id}{slash}", {}),
        await api.put(f"{prefix}/ext/e1{slash}", {}),
        await api.put(prefix + slash, {"case_id": case_id}),
        await api.put(prefix + slash, []),
        await api.post(prefix + slash, []),
    ]
    assert [answer.status for answer in answers] == [200] * len(answers)
    kinds = {answer.headers["Content-Type"] for answer in answers}
    assert kinds == {"application/json"}


@every_slash
@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("", "DELETE"),
        ("", "PATCH"),
        ("", "HEAD"),
        ("/x1", "POST"),
        ("/x1", "DELETE"),
        ("/x1", "PATCH"),
        ("/ext/e1", "POST"),
        ("/ext/e1", "DELETE"),
        ("/ext/e1", "PATCH"),
        ("/bulk-fetch", "GET"),
        ("/bulk-fetch", "DELETE"),
    ],
)
async def test_other_methods_are_405_after_authentication(api, path, method, slash):
    """Rows "405 cases", "POST on /ext/<id>/", "GET or PUT on bulk fetch"."""
    url = api.cases + path + slash
    refused = await api.request(method, url, data=b"{}")
    assert refused.status == 405
    if method != "HEAD":
        assert refused.json == {"error": "Request method not allowed"}
    assert (await api.request(method, url, anonymous=True)).status == 401


async def test_a_post_on_an_external_id_creates_nothing(api):
    """Rules 1.6 and 9.8."""
    await api.post(f"{api.cases}/ext/e1", a_case())
    assert (await api.get(api.cases)).json["matching_records"] == 0


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("", "OPTIONS, GET, POST, PUT"),
        ("/x1", "OPTIONS, GET, POST, PUT"),
        ("/ext/e1", "OPTIONS, GET, POST, PUT"),
        ("/bulk-fetch", "OPTIONS, GET, POST"),
    ],
)
async def test_a_preflight_needs_no_credentials(api, path, methods):
    """Rule 1.5: which methods there are."""
    answer = await api.request("OPTIONS", api.cases + path, anonymous=True)
    assert answer.status == 200
    assert answer.headers["Access-Control-Allow-Methods"] == methods


async def test_a_page_of_another_origin_may_read_what_it_asked_for(api):
    """Rule 1.5: a preflight alone would not let a browser show the answer."""
    answer = await api.get(api.cases, headers={"Origin": "https://example.org"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "place", ["nope", "a%20b", "caf%C3%A9", "%F0%9F%98%80", "a%2Fb"]
)
async def test_any_segment_may_be_asked_for_as_a_case_id(api, place):
    """Rule 1.3: unknown ones are a JSON 404."""
    answer = await api.get(f"{api.cases}/{place}")
    assert answer.status == 404
    assert answer.error.endswith("not found")


@pytest.mark.parametrize(
    ("path", "external_id"),
    [
        ("plain", "plain"),
        ("a/b", "a/b"),
        ("a%2Fb", "a/b"),
        ("a%20b", "a b"),
        ("a@b", "a@b"),
        ("a%23b", "a#b"),
        ("a%3Fb", "a?b"),
        ("a=b&c", "a=b&c"),
        ("a+b", "a+b"),
        ("hello%E2%80%94world%2F", "hello—world/"),
        ("%F0%9F%98%80", "😀"),
        ("a%252Fb", "a%2Fb"),
        ("../up", "../up"),
        ("a,b", "a,b"),
    ],
)
@every_slash
async def test_an_external_id_is_read_from_the_raw_path(api, path, external_id, slash):
    """Rule 1.4: everything behind ``ext/``, decoded."""
    url = f"{api.cases}/ext/{path}{slash}"
    made = (await api.put(url, a_case())).json["case"]
    assert made["external_id"] == external_id
    assert (await api.get(url)).json == made


@every_slash
async def test_ext_without_an_id_is_a_case_id(api, slash):
    """Rule 1.3: ``ext`` with nothing behind it is a case id."""
    answer = await api.get(f"{api.cases}/ext{slash}")
    assert (answer.status, answer.error) == (404, "Case 'ext' not found")


@pytest.mark.parametrize("path", ["/%FF", "/ext/%FF", "/%ED%A0%80"])
async def test_bytes_that_are_no_utf_8_are_refused(api, path):
    """Rule 5.7: percent-encoded bytes that are not UTF-8 in a path."""
    assert (await api.get(api.cases + path)).status == 400
    assert (await api.put(api.cases + path, {})).status == 400


@pytest.mark.parametrize("query", ["?x=%FF", "?%FF=1", "?properties.a=%FF"])
async def test_a_query_that_is_no_utf_8_is_refused(api, query):
    """Rule 5.7: percent-encoded bytes that are not UTF-8 in a query."""
    assert (await api.get(api.cases + query)).status == 400


async def test_a_nul_in_a_path_finds_nothing_and_writes_nothing(api):
    """Rule 5.7: ``%00`` in an id of the path."""
    for path in ("/%00", "/ext/%00", "/a%00b,c"):
        assert (await api.get(api.cases + path)).status in {200, 400, 404}
        assert (await api.put(api.cases + path, a_case())).status == 400
    assert (await api.get(api.cases)).json["matching_records"] == 0


async def test_strange_parameters_of_single_reads_and_writes_are_ignored(api):
    """Rule 1.7: the query string of writes and single reads."""
    case = await api.create()
    url = f"{api.cases}/{case['case_id']}?limit=x&nonsense=1"
    assert (await api.get(url)).status == 200
    assert (await api.put(url, {})).status == 200


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "nonsense"])
async def test_the_type_of_a_body_is_not_looked_at(api, kind):
    """Rule 1.7: the type of a body."""
    answer = await api.post(api.cases, a_case(), headers={"Content-Type": kind})
    assert answer.status == 200


async def test_a_hundred_ids_fit_into_a_url(api):
    """Rule 1.8: the length of a URL."""
    case = await api.create()
    ids = ",".join([case["case_id"]] * 100)
    found = (await api.get(f"{api.cases}/{ids}")).json
    assert (found["matching_records"], found["missing_records"]) == (100, 0)


@pytest.mark.parametrize(
    ("segment", "status"),
    [("," * 4_999, 200), ("," * 5_000, 400), ("x," * 4_999, 200)],
)
async def test_thousands_of_ids_in_a_url_are_answered_or_refused(api, segment, status):
    """Rule 4.2: 5000 ids at most; an empty part is an id that is not found."""
    answer = await api.get(f"{api.cases}/{segment}")
    assert answer.status == status
    if status == 200:
        assert answer.json["missing_records"] == 5_000


async def test_a_url_without_end_is_a_4xx(api):
    """Rule 5.7: always an answer below 500."""
    answer = await api.get(f"{api.cases}/{'x' * 400_000}")
    assert 400 <= answer.status < 500


async def test_a_body_of_many_megabytes_is_taken(api):
    """Rule 1.8: the default limit of the server is raised."""
    made = await api.post(api.cases, a_case(properties={"long": "x" * 5_000_000}))
    assert made.status == 200
    assert len(made.json["case"]["properties"]["long"]) == 5_000_000


async def test_a_compressed_body_is_taken(api):
    """What a client compressed is the same request."""
    body = gzip.compress(b'{"case_type":"t","case_name":"n","owner_id":"o"}')
    headers = {"Content-Encoding": "gzip"}
    assert (await api.post(api.cases, data=body, headers=headers)).status == 200


async def test_a_broken_compressed_body_is_a_400(api):
    """Rule 5.7: never a 5xx."""
    headers = {"Content-Encoding": "gzip"}
    answer = await api.post(api.cases, data=b"no gzip at all", headers=headers)
    assert answer.status == 400


async def test_a_body_over_the_limit_is_a_json_413(api):
    """Rule 1.8: 413 with an error, also when it was small on the wire."""
    bomb = gzip.compress(b"[" + b" " * (65 * 1024 * 1024) + b"]")
    answer = await api.post(api.cases, data=bomb, headers={"Content-Encoding": "gzip"})
    assert answer.status == 413
    assert answer.error


async def test_an_answer_is_compressed_for_who_can_read_it(api):
    """Rule 10.5: large answers, only when asked for."""
    await api.create(properties={"long": "x" * 5_000})
    plain = await api.get(api.cases)
    packed = await api.get(api.cases, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert len(packed.body) < len(plain.body)
    assert gzip.decompress(packed.body) == plain.body


async def test_a_short_answer_is_not_compressed(api):
    """It would only grow."""
    packed = await api.get(api.cases, headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in packed.headers

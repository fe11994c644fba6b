"""The process as an operator and a probe look at it (rules/operator.md 4)."""

from __future__ import annotations

import pytest

from api.http.keys import STORE
from ledger.errors import StoreUnavailable

PAGES = ["/healthz", "/readyz", "/metrics", "/api/docs", "/api/openapi.json"]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("slash", ["", "/"])
async def test_the_pages_of_the_process_need_no_credentials(api, path, slash):
    """Probes, scrapers and newcomers have no key."""
    assert (await api.get(path + slash, anonymous=True)).status == 200


async def test_health_says_ok(api):
    """Rule 4.2."""
    assert (await api.get("/healthz")).json == {"status": "ok"}


async def test_readiness_tells_why_it_is_missing(api, monkeypatch):
    """Rule 4.3: 503 with the reason when the database does not answer."""

    def refuse():
        raise StoreUnavailable("gone")

    monkeypatch.setattr(api.app[STORE], "connect", refuse)
    answer = await api.get("/readyz")
    assert answer.status == 503
    assert answer.error


async def test_tables_of_another_version_are_not_served(api):
    """Rule 4.3: 503, and /readyz says why."""
    with api.members.store.administering() as conn:
        conn.execute("UPDATE generations SET version = version + 1")
    for path in ("/readyz", api.cases):
        answer = await api.get(path)
        assert answer.status == 503
        assert "caseledger replay" in answer.error


async def test_metrics_count_requests_by_route(api):
    """Rule 4.4: Prometheus text; no ids, no names, no paths of clients."""
    await api.get(f"{api.cases}/some-case-id")
    text = (await api.get("/metrics")).body.decode()
    assert (
        'caseledger_http_request_seconds_count{method="GET",'
        'route="/a/{domain}/api/case/v2/{case_id}",status="404"}'
    ) in text
    assert "some-case-id" not in text


async def test_the_description_is_served_as_json(api):
    """Rule 4.5."""
    assert (await api.get("/api/openapi.json")).json["openapi"] == "3.1.0"


async def test_the_docs_page_asks_no_other_server(api):
    """Rule 4.5: browsable offline under a strict policy."""
    page = await api.get("/api/docs")
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    files = [part.split('"')[0] for part in page.body.decode().split('="/')[1:]]
    assert files
    for name in files:
        assert (await api.get(f"/{name}")).status == 200


@pytest.mark.parametrize("name", ["nope.js", "../config.py", "swagger-ui/LICENSE"])
async def test_only_the_files_of_the_page_are_served(api, name):
    """No path of a client reaches the file system."""
    assert (await api.get(f"/api/docs/{name}")).status == 404


async def test_an_unknown_path_is_a_json_404(api):
    """A client that mistyped is told so in the shape it can read."""
    answer = await api.get("/a/demo/api/nothing", anonymous=True)
    assert answer.status == 404
    assert answer.error


@pytest.mark.parametrize("path", PAGES)
async def test_the_process_answers_nothing_but_get(api, path):
    """A method that a page does not know is a 405."""
    answer = await api.post(path, {})
    assert (answer.status, answer.error) == (405, "Request method not allowed")


async def test_every_answer_carries_a_request_id(api):
    """What is logged can be found again by what the client saw."""
    first, second = await api.get("/healthz"), await api.get("/nothing")
    ids = {answer.headers["X-Request-Id"] for answer in (first, second)}
    assert len(ids) == 2


async def test_a_request_id_of_the_client_is_taken_over(api):
    """A proxy's id links its log with ours."""
    answer = await api.get("/healthz", headers={"X-Request-Id": "proxy-17"})
    assert answer.headers["X-Request-Id"] == "proxy-17"


@pytest.mark.parametrize("given", ["a b", "x" * 65, "<script>", ""])
async def test_a_strange_request_id_is_replaced(api, given):
    """Only what is safe in a log line is taken over."""
    answer = await api.get("/healthz", headers={"X-Request-Id": given})
    assert answer.headers["X-Request-Id"] != given


async def test_a_defect_is_a_500_without_its_text(api, monkeypatch, caplog):
    """The client gets the request id, the log gets the traceback."""

    def break_down(_domain, _fn):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(api.app[STORE], "read", break_down)
    answer = await api.get(f"{api.cases}/x")
    assert answer.status == 500
    assert b"secret detail" not in answer.body
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]
    [record] = [r for r in caplog.records if r.message == "defect"]
    assert "secret detail" in str(record.exc_info)

"""Slashes that a client doubled count as one, wherever they stand."""

from __future__ import annotations

import pytest

NOTHING = "There is nothing at this address"


@pytest.mark.parametrize(
    "shape",
    [
        "/a/demo/api/case/v2/{id}",
        "//a/demo/api/case/v2/{id}",
        "/a//demo///api/case//v2/{id}",
        "/a/demo/api/case/v2/{id}//",
        "/a/demo/api/v0.6//case/{id}/",
        "//a/demo/api/%63ase/v2//{id}",
    ],
)
async def test_a_case_is_found_however_the_slashes_stand(api, shape):
    """No redirect, which would lose the body of a POST."""
    made = await api.create()
    answer = await api.get(shape.format(id=made["case_id"]))
    assert (answer.status, answer.json["case_id"]) == (200, made["case_id"])


async def test_a_form_is_taken_at_a_doubled_slash(api):
    """Server addresses are typed into phones with a slash at their end."""
    form = b"<data xmlns='http://example.org/f'><meta><instanceID>i</instanceID></meta></data>"
    answer = await api.post("//a/demo//receiver//", data=form, anonymous=True)
    assert answer.status == 201
    assert (await api.get("/a/demo/api/ledger/v1//forms/i")).status == 200
    assert (await api.post("/a/demo//api/ledger/v1/forms/i//archive")).status == 200


@pytest.mark.parametrize(
    "path",
    [
        "//healthz",
        "//api//openapi.json//",
        "//api//docs//docs.js",
        "/api/docs//swagger-ui//swagger-ui.css",
        "//api//schemas//case-transaction-v2.xsd",
    ],
)
async def test_the_process_is_found_however_the_slashes_stand(api, path):
    """Files of a page that lie in a folder too."""
    assert (await api.get(path)).status == 200


@pytest.mark.parametrize(
    "path", ["//a//demo//receiver", "/a/demo//receiver//", "//a/demo/receiver//app-1"]
)
@pytest.mark.parametrize("method", ["HEAD", "POST"])
async def test_a_device_is_answered_however_the_slashes_stand(api, path, method):
    """What it asks first, and where it then sends; never a redirect."""
    form = b"<data xmlns='http://example.org/f'><meta><instanceID>i</instanceID></meta></data>"
    answer = await api.request(method, path, data=form if method == "POST" else None)
    assert answer.status == {"HEAD": 204, "POST": 201}[method]


@pytest.mark.parametrize("external_id", ["a//b", "a/b", "/a", "a//", "%2F", "a%2F%2Fb"])
async def test_an_external_id_keeps_its_own_slashes(api, external_id):
    """All that stands behind ``ext/`` is the id, but for one slash at the end."""
    path = f"//a/demo/api//case/v2/ext/{external_id}/"
    body = {"case_type": "t", "case_name": "n", "owner_id": "o"}
    written = (await api.put(path, body)).json["case"]
    assert written["external_id"] == external_id.replace("%2F", "/")
    assert (await api.get(path)).json["case_id"] == written["case_id"]


async def test_an_id_with_an_encoded_slash_is_one_segment(api):
    """The slash of an id is no slash of the path, nor are bytes that are no text."""
    for raw, status in (("a%2Fb", 404), ("a%2F%2Fb", 404), ("%FF", 400)):
        for path in (f"{api.cases}/{raw}", f"//a/demo/api/ledger/v1//forms/{raw}"):
            assert (await api.get(path)).status == status, path


@pytest.mark.parametrize("path", ["/a//api/case/v2/", "/a/demo/api/case", "//", "///a"])
async def test_what_no_row_fits_is_unknown(api, path):
    """An empty segment is none: it cannot be a domain."""
    answer = await api.get(path)
    assert (answer.status, answer.json) == (404, {"error": NOTHING})

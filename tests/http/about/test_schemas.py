"""Schemas that editors and other programs fetch (rules/operator.md 4.7)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from lxml import etree

FOLDER = Path(__file__).parents[3] / "schemas"
CONTROL = "/api/schemas/haplo-control.schema.json"
PUBLISHED = sorted(
    path.name for path in FOLDER.iterdir() if path.suffix in {".json", ".xsd"}
)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("name", PUBLISHED)
async def test_every_schema_is_served_as_it_is(api, name, slash):
    """Without credentials, under its own name."""
    answer = await api.get(f"/api/schemas/{name}{slash}", anonymous=True)
    assert answer.status == 200
    assert answer.body == (FOLDER / name).read_bytes()


async def test_a_schema_says_what_it_is(api):
    """Of two languages, each with its media type."""
    answer = await api.get(CONTROL)
    assert answer.headers["Content-Type"] == "application/schema+json"
    assert json.loads(answer.body)["title"]
    answer = await api.get("/api/schemas/openrosa-meta.xsd")
    assert answer.headers["Content-Type"] == "application/xml"
    assert etree.fromstring(answer.body).tag.endswith("}schema")


async def test_a_schema_that_did_not_change_is_not_sent_again(api):
    """An editor asks with the tag that it was given, compressed or not."""
    first = await api.get(CONTROL)
    assert first.headers["Cache-Control"] == "public, max-age=3600"
    tag = first.headers["ETag"]
    packed = await api.get(CONTROL, headers={"Accept-Encoding": "gzip"})
    assert packed.headers["ETag"] == tag
    assert packed.headers["Content-Encoding"] == "gzip"
    for known in (tag, f'"other", {tag}', "*"):
        again = await api.get(CONTROL, headers={"If-None-Match": known})
        assert (again.status, again.body) == (304, b"")
        assert again.headers["ETag"] == tag
        assert again.headers["Cache-Control"] == "public, max-age=3600"
    other = await api.get(CONTROL, headers={"If-None-Match": '"other"'})
    assert other.status == 200


async def test_a_page_of_another_site_may_read_a_schema(api):
    """An editor may run in a browser."""
    answer = await api.get(CONTROL, headers={"Origin": "https://editor.example.org"})
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


@pytest.mark.parametrize(
    "name", ["nope.xsd", "__init__.py", "../pyproject.toml", "..%2Fpyproject.toml", ""]
)
async def test_nothing_else_is_served(api, name):
    """No path of a client reaches the file system."""
    answer = await api.get(f"/api/schemas/{name}", anonymous=True)
    assert (answer.status, answer.error) == (404, "There is nothing at this address")

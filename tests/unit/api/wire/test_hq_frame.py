"""Formats, pages, times and XML of HQ's APIs (``rules/hq-frame.md``)."""

from __future__ import annotations

import pytest
from lxml import etree

from api.wire.formats import Format, asked_format
from api.wire.hq_query import HqQuery
from api.wire.list_v0_5 import listed, single
from api.wire.problems import Problem
from ledger.times import format_micros


@pytest.mark.parametrize(
    ("word", "accept", "asked"),
    [
        (None, "", "json"),
        (None, "*/*", "json"),
        (None, "text/html", "json"),
        (None, "image/png", "json"),
        (None, "application/xml", "xml"),
        (None, "text/xml", "xml"),
        (None, "application/xml, */*", "xml"),
        (None, "text/html,application/xhtml+xml,application/xml;q=0.9,*/*", "json"),
        (None, "application/xml;q=x, application/json;q=0.1", "json"),
        ("json", "application/xml", "json"),
        ("xml", "application/json", "xml"),
        ("yaml", "application/xml", "xml"),
    ],
)
def test_the_format_is_the_one_that_is_asked_for(word, accept, asked):
    """Rule 1.6: the parameter, then what is accepted, then JSON."""
    assert asked_format(word, accept) is Format(asked)


@pytest.mark.parametrize(
    ("name", "text", "meant"),
    [
        ("a_start", "2026-03-01", "2026-03-01T00:00:00.000000Z"),
        ("a_end", "2026-03-01", "2026-03-01T23:59:59.999999Z"),
        ("a_end", "2026-03-01T08:00:03", "2026-03-01T08:00:03.000000Z"),
        ("a_start", "2026-03-01T08:00:03.12", "2026-03-01T08:00:03.120000Z"),
        ("a_start", "2026-03-01T08:00:03.123456Z", "2026-03-01T08:00:03.123456Z"),
        ("a_start", "2026-03-01T08:00Z", "2026-03-01T08:00:00.000000Z"),
        ("a_start", "2026-03-01T08:00:00%2B02:00", "2026-03-01T06:00:00.000000Z"),
        ("a_start", "2026-03-01T08:00:00+02:00", "2026-03-01T06:00:00.000000Z"),
    ],
)
def test_a_bound_means_a_moment(name, text, meant):
    """Rule 1.9: to the microsecond, in UTC, a bare date as an end the whole day."""
    found = HqQuery(f"{name}={text}").moment(name)
    assert found is not None
    assert format_micros(found) == meant


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01", "2026-03-01T25:00", "20"])
def test_what_is_no_time_is_told(text):
    """Rule 1.9."""
    with pytest.raises(Problem, match="Cannot parse datetime"):
        HqQuery(f"a_start={text}").moment("a_start")


def test_the_next_page_repeats_what_was_asked():
    """Rule 2.3: in their order, form-encoded, repeated, and without a key."""
    asked = HqQuery("order_by=a&limit=2&order_by=-b&n=%C3%A9+%26&username=u&api_key=k")
    meta = asked.meta(asked.page(), total=9)
    assert meta.next == "?order_by=a&order_by=-b&n=%C3%A9+%26&limit=2&offset=2"
    asked = HqQuery("username=u&n=%FF&limit=0")
    meta = asked.meta(asked.page(), total=1001)
    assert meta.next == "?username=u&n=%FF&limit=1000&offset=1000"


def test_an_object_as_xml_says_what_its_values_are():
    """Rule 1.6, and an XML parser reads it."""
    found = {
        "username": "a<b>&\"'",
        "id": 7,
        "none": None,
        "yes": True,
        "half": 0.5,
        "empty": "",
        "tags": ["x", 2],
        "data": {"1st": "dropped", "b": [], "a": {}},
        "rows": [{"id": "r", "n": 1}],
    }
    alone = single(found, asked=Format.XML)
    assert alone.splitlines()[0] == b"<?xml version='1.0' encoding='utf-8'?>"
    assert alone.decode().partition("\n")[2] == (
        '<object id="7"><data type="hash"><a type="hash"></a><b type="list"></b></data>'
        '<empty/><half type="float">0.5</half><none type="null"/>'
        '<rows type="list"><object type="hash" id="r"><n type="integer">1</n></object>'
        '</rows><tags type="list"><value>x</value>'
        '<value type="integer">2</value></tags>'
        "<username>a&lt;b&gt;&amp;\"'</username>"
        '<yes type="boolean">True</yes></object>'
    )
    query = HqQuery("limit=1")
    meta = query.meta(query.page(), total=2)
    root = etree.fromstring(listed(meta, [found], asked=Format.XML))
    assert root.tag == "response"
    assert [(child.tag, child.get("type")) for child in root] == [
        *(("meta", "hash"), ("objects", "list"))
    ]
    assert root.findtext("meta/next") == "?limit=1&offset=1"
    assert root.findtext("objects/object/username") == found["username"]

"""Where something stands in a document."""

from __future__ import annotations

from ledger.forms.places import place_of
from ledger.forms.xml import parse_xml

DOCUMENT = """<data xmlns="urn:f">
  <group>
    <case xmlns="urn:c"/>
    <n:case xmlns:n="urn:n"><a/><b/><a/></n:case>
  </group>
</data>"""


def places() -> dict[str, int | None]:
    """Return the path and the line of every element, in document order."""
    return dict(place_of(element) for element in parse_xml(DOCUMENT.encode()).iter())


def test_a_path_has_local_names_and_numbers_where_there_are_several():
    """Namespaces do not count, as the reader knows elements by their names."""
    assert list(places()) == [
        "/data",
        "/data/group",
        "/data/group/case[1]",
        "/data/group/case[2]",
        "/data/group/case[2]/a[1]",
        "/data/group/case[2]/b",
        "/data/group/case[2]/a[2]",
    ]


def test_a_line_is_that_of_the_start_tag():
    """Lines count from 1."""
    assert list(places().values()) == [1, 2, 3, 4, 4, 4, 4]


def test_lines_are_counted_in_long_documents():
    """A form may have more than 65535 lines."""
    body = b"<a>" + b"<b/>\n" * 70_000 + b"<c/></a>"
    assert place_of(parse_xml(body)[-1]).line == 70_001


def test_an_attribute_has_a_place():
    """It stands on the line of its element."""
    root = parse_xml(b'<a>\n<b c="1"/></a>')
    assert place_of(root[0], "c") == ("/a/b/@c", 2)

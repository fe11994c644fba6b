"""The files of ``schemas/`` as others read them: XSD 1.0, and JSON."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from lxml import etree

from ledger.entry import Author
from ledger.forms.case_block import CaseBlock
from ledger.forms.form_xml import build_form
from ledger.forms.xml import parse_xml
from tests.kit.build import a_block, a_create, a_form

FOLDER = Path(__file__).parents[4] / "schemas"
LONG = "x" * 256


def schema(name: str) -> etree.XMLSchema:
    """Return a schema as libxml2 reads it, which knows XSD 1.0 alone."""
    return etree.XMLSchema(etree.parse(FOLDER / name))


def is_valid(block: str) -> bool:
    """Tell whether a case block, as it is, keeps to its schema."""
    found = parse_xml(a_form([block])).find("{*}case")
    return schema("case-transaction-v2.xsd").validate(found)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.xsd")), ids=lambda p: p.name)
def test_every_schema_is_of_xsd_1_0(path):
    """Editors and xmllint know no other."""
    assert schema(path.name)


@pytest.mark.parametrize(
    "block",
    [
        a_block(),
        a_create(update={"a": "1", "name": LONG}, index={"parent": "c2"}, close=True),
        a_block(date_modified="", update={"date_opened": "1999"}),
        a_block(date_modified="2024-03-05T09:14:00.000+02:00"),
        a_block(date_modified="2024-03-05 09:14z"),
        a_block(extra="<update/><create/><update><a b='1'><c/></a></update>"),
        a_block(attach={"photo": {"src": "a.jpg"}}),
    ],
)
def test_a_block_that_says_nothing_in_vain_keeps_to_the_schema(block):
    """rules/case-xml.md 5, 6, 9 and D-6."""
    assert is_valid(block)


@pytest.mark.parametrize(
    "block",
    [
        a_block(None),
        a_block(""),
        a_block(LONG),
        a_block(date_modified="soon"),
        a_block(date_modified="2024-13-01"),
        a_block(date_modified="2024-03-05T24:00"),
        a_block(date_modified="2024-03-05T09:14+1"),
        a_block(create={"case_type": LONG}),
        a_block(update={"date_opened": ""}),
        a_block(create={"p": "1"}),
        a_block(extra="<referral/>"),
        a_block(extra="<close>no</close>"),
    ],
)
def test_a_block_that_is_refused_or_ignored_breaks_the_schema(block):
    """rules/case-xml.md 4.5, 5.3, 5.5, 6.1, 6.2 and 9."""
    assert not is_valid(block)


def test_what_the_server_writes_keeps_to_the_schemas():
    """As it is, by a reader that is not ours."""
    body = build_form(
        [CaseBlock(case_id="c1", create={"case_type": "t"}, close=True)],
        form_id="f1",
        author=Author(user_id="u"),
        now="2024-03-05T07:14:00.000000Z",
    )
    meta, block = parse_xml(body)
    assert schema("openrosa-meta.xsd").validate(meta)
    assert schema("case-transaction-v2.xsd").validate(block)


def test_every_schema_is_part_of_an_installed_program():
    """A file that no pattern of the packaging names would be missing in a wheel."""
    settings = tomllib.loads((FOLDER.parent / "pyproject.toml").read_text())
    patterns = settings["tool"]["setuptools"]["package-data"]["*"]
    files = [path for path in FOLDER.iterdir() if path.is_file()]
    left = [p.name for p in files if not any(p.match(q) for q in ("*.py", *patterns))]
    assert left == []

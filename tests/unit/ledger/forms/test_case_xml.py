"""Case blocks as XML (``rules/case-xml.md`` 4 to 6, 10, 11, 18, 19)."""

from __future__ import annotations

import pytest

from ledger.errors import Rejected
from ledger.forms.case_block import AttachmentUpdate, CaseBlock, IndexUpdate
from ledger.forms.case_text import write_case_blocks
from ledger.forms.case_xml import (
    read_case_blocks,
    read_ledger_case_ids,
)
from ledger.forms.xml import parse_xml

V2 = "http://commcarehq.org/case/transaction/v2"
LOG = "http://code.javarosa.org/devicereport"


def form(inner: str, xmlns: str = "urn:f") -> str:
    return f'<data xmlns="{xmlns}">{inner}</data>'


def case(inner: str = "", attributes: str = 'case_id="c1"') -> str:
    return f'<case xmlns="{V2}" {attributes}>{inner}</case>'


def read(inner: str) -> tuple[CaseBlock, ...]:
    return read_case_blocks(parse_xml(form(inner).encode()))


def read_one(inner: str) -> CaseBlock:
    (block,) = read(case(inner))
    return block


def ids(inner: str) -> list[str]:
    return [block.case_id for block in read(inner)]


def problem(inner: str) -> str:
    with pytest.raises(Rejected) as caught:
        read(inner)
    return caught.value.problem


def read_ledgers(inner: str) -> tuple[str, ...]:
    return read_ledger_case_ids(parse_xml(form(inner).encode()))


class TestFinding:
    """Rule 4."""

    def test_blocks_are_found_at_any_depth_in_document_order(self):
        """Rule 4.1: in groups and repeats."""
        a, b, c = (case(attributes=f'case_id="{name}"') for name in "abc")
        inner = f"<g><g><g>{a}</g></g></g><r>{b}</r>{c}"
        assert ids(inner) == ["a", "b", "c"]

    def test_a_question_called_case_is_no_block(self):
        """Rule 4.2: neither attribute nor child `case_id`."""
        assert ids("<case>measles</case><case><age>3</age></case>") == []

    def test_nothing_inside_a_case_is_searched(self):
        """Rule 4.1: whether the outer one qualified or not."""
        inner = case(attributes='case_id="inner"')
        outer = case(f"<update><x>{inner}</x></update>", 'case_id="outer"')
        assert ids(f"<case><g>{inner}</g></case>{outer}") == ["outer"]

    def test_device_logs_are_not_searched(self):
        """Rule 4.1: subtrees in the namespace of device logs."""
        inner = f'<log xmlns="{LOG}"><g>{case()}</g></log>'
        inner += f'<case xmlns="{LOG}" case_id="c2"/>'
        assert ids(inner) == []

    def test_a_root_called_case_is_the_form(self):
        """Rule 4.1: the search starts below the root."""
        body = f'<case xmlns="{V2}" case_id="root"><g>{case()}</g></case>'
        blocks = read_case_blocks(parse_xml(body.encode()))
        assert [block.case_id for block in blocks] == ["c1"]

    @pytest.mark.parametrize(
        "block", ['<case case_id="c"/>', '<case xmlns="" case_id="c"/>']
    )
    def test_version_1_is_recognised_and_refused(self, block):
        """Rule 4.4: no namespace, or that of the parent."""
        assert problem(block) == "VersionNotSupported: "

    def test_a_version_1_block_names_its_case_in_a_child(self):
        """Rules 4.2 and 4.4."""
        assert problem("<case><case_id>c</case_id></case>") == "VersionNotSupported: "

    def test_an_unknown_version_is_refused(self):
        """Rule 4.4: any other namespace."""
        assert problem('<case xmlns="urn:v3" case_id="c"/>') == (
            "CaseGenerationException: urn:v3 not a valid case xmlns. "
            "We don't know how to handle this version."
        )

    def test_the_first_broken_rule_in_document_order_is_told(self):
        """Rules 4.6 and 12.1: one problem a form."""
        inner = case(attributes='case_id="" date_modified="now"')
        assert problem(inner + '<case case_id="c"/>') == "PhoneDateValueError: 'now'"


class TestAttributes:
    """Rules 5.1 and 9: attributes."""

    @pytest.mark.parametrize(
        ("text", "instant"),
        [
            ("2024-03-05T09:14:00.000+02:00", "2024-03-05T07:14:00.000000Z"),
            ("2024-03-05T09:14:00", "2024-03-05T09:14:00.000000Z"),
            ("2024-03-05", "2024-03-05T00:00:00.000000Z"),
            ("1985", "1985-01-01T00:00:00.000000Z"),
            ("2024-03-05T09:14:00." + "1" * 50, "2024-03-05T09:14:00.111111Z"),
            ("", None),
        ],
    )
    def test_date_modified_is_an_instant(self, text, instant):
        """Rule 9: offsets, no offset, date only, year only; empty is allowed."""
        (block,) = read(case(attributes=f'case_id="c" date_modified="{text}"'))
        assert block.date_modified == instant

    @pytest.mark.parametrize("text", ["yesterday", "2024-13-01", "x" * 100, "it's"])
    def test_garbage_in_date_modified_refuses_the_form(self, text):
        """Rule 9.3: the value in Python's repr form."""
        inner = case(attributes=f'case_id="c" date_modified="{text}"')
        assert problem(inner) == f"PhoneDateValueError: {text!r}"

    def test_user_id_is_optional(self):
        """Rule 5.1: `user_id`, default the form's user."""
        assert read_one("").user_id is None
        (block,) = read(case(attributes='case_id="c" user_id="u"'))
        assert block.user_id == "u"

    def test_an_empty_case_id_is_refused(self):
        """Rule 4.5: `case_id=""`."""
        expected = "IllegalCaseId: case_id must not be empty"
        assert problem(case(attributes='case_id=""')) == expected

    def test_version_2_names_its_case_in_an_attribute(self):
        """Rule 4.5."""
        assert problem(case("<case_id>c</case_id>", "")) == (
            "CaseGenerationException: No case_id attribute found in v2 case block, "
            "this is a required property."
        )

    def test_a_case_id_has_at_most_255_characters(self):
        """Rule D-10, counted in characters."""
        (block,) = read(case(attributes=f'case_id="{"é" * 255}"'))
        assert len(block.case_id) == 255
        assert problem(case(attributes=f'case_id="{"x" * 256}"')) == (
            "CaseValueError: Error processing case update: Field: case_id, "
            "Error: Value exceeds allowed length: 255"
        )


class TestActions:
    """Rules 5 and 6: children."""

    def test_a_block_without_children_is_a_touch(self):
        """Rule 5.2."""
        assert read_one("") == CaseBlock(case_id="c1")

    @pytest.mark.parametrize("name", ["create", "update", "index", "attachment"])
    def test_an_action_without_children_is_none(self, name):
        """Rule 5.2: counts as an action when it has at least one child."""
        assert read_one(f"<{name}> </{name}>") == CaseBlock(case_id="c1")

    def test_close_counts_even_when_empty(self):
        """Rule 5.2: content ignored."""
        assert read_one("<close/>").close
        assert read_one("<close><x/></close>").close
        assert not read_one("<update><close>1</close></update>").close

    def test_create_keeps_the_special_names_only(self):
        """Rule 5.3: other names are ignored silently."""
        inner = "<create><case_type>t</case_type><owner_id/><age>3</age></create>"
        assert read_one(inner).create == {"case_type": "t", "owner_id": ""}

    def test_a_create_of_other_names_is_still_an_action(self):
        """Rules 5.2 and 5.3: it has a child."""
        assert read_one("<create><age>3</age></create>").create == {}

    def test_update_keeps_any_name_and_text(self):
        """Rule 6.7: empty text is stored, never trimmed, never interpreted."""
        inner = "<update><a> 01 </a><b/><c>2015-04-17T16:04:54.950-04</c></update>"
        assert read_one(inner).update == {
            "a": " 01 ",
            "b": "",
            "c": "2015-04-17T16:04:54.950-04",
        }

    def test_update_ignores_attributes_and_loose_text(self):
        """Rule D-7; what a name means is for the fold to say."""
        inner = '<update x="1">loose<case_id>c2</case_id>text</update>'
        assert read_one(inner).update == {"case_id": "c2"}

    def test_a_property_is_its_own_text(self):
        """Rule D-7: attributes and children are ignored."""
        inner = '<update><a b="1">x<c>y</c>z</a><d e="1"> </d><f> <g/></f></update>'
        assert read_one(inner).update == {"a": "x", "d": "", "f": ""}

    def test_repeated_actions_are_merged_and_the_last_value_wins(self):
        """Rule D-6."""
        inner = (
            "<update><a>1</a><b>1</b><a>2</a></update><close/><create/>"
            "<update><b>2</b><c>2</c></update><close/>"
            "<create><case_type>t</case_type></create>"
        )
        block = read_one(inner)
        assert block.update == {"a": "2", "b": "2", "c": "2"}
        assert block.create == {"case_type": "t"}
        assert block.close

    def test_actions_may_stand_in_any_namespace(self):
        """Rule 2.3: only local names matter below the case element."""
        inner = '<x:update xmlns:x="urn:x"><x:a>1</x:a><b xmlns="">2</b></x:update>'
        assert read_one(inner).update == {"a": "1", "b": "2"}

    def test_referrals_are_refused(self):
        """Rule 5.5."""
        expected = "UsesReferrals: Sorry, referrals are no longer supported!"
        assert problem(case("<referral/>")) == expected


class TestIndices:
    """Rule 10."""

    def test_an_index_has_a_name_a_target_a_type_and_a_relationship(self):
        """Rules 10.1 and 10.2: no relationship is `child`."""
        inner = (
            '<index><parent case_type="t">p</parent>'
            '<host case_type="h" relationship="extension">e</host>'
            '<x case_type="" relationship="">y</x></index>'
        )
        assert read_one(inner).indices == (
            IndexUpdate(
                name="parent", case_id="p", case_type="t", relationship="child"
            ),
            IndexUpdate(
                name="host", case_id="e", case_type="h", relationship="extension"
            ),
            IndexUpdate(name="x", case_id="y", case_type="", relationship="child"),
        )

    def test_one_index_a_name(self):
        """Rules 10.1 and D-6: the last wins."""
        inner = '<index><a case_type="t">1</a></index><index><a case_type="t">2</a>'
        (index,) = read_one(inner + "</index>").indices
        assert index.case_id == "2"

    @pytest.mark.parametrize("element", ["<a/>", "<a></a>", '<a case_type="t"> </a>'])
    def test_empty_text_clears_the_index_without_a_type(self, element):
        """Rule D-5: index delete without `case_type` is allowed."""
        (index,) = read_one(f"<index>{element}</index>").indices
        assert (index.name, index.case_id) == ("a", "")

    def test_a_set_index_needs_a_type(self):
        """Rule 10.4: `case_type` missing."""
        assert problem(case("<index><a>p</a></index>")) == (
            "CaseGenerationException: Invalid index, must have a case type attribute."
        )

    @pytest.mark.parametrize("text", ["p", ""])
    def test_other_relationships_are_refused(self, text):
        """Rule D-8."""
        inner = f'<index><a case_type="t" relationship="question">{text}</a></index>'
        assert problem(case(inner)) == (
            "CaseValueError: Error processing case update: "
            "Field: relationship, Error: question"
        )

    def test_an_index_name_has_at_most_255_characters(self):
        """Rule 10.1: a name is a key of the read tables."""
        inner = '<index><{0} case_type="t">p</{0}></index>'
        (index,) = read_one(inner.format("n" * 255)).indices
        assert len(index.name) == 255
        assert problem(case(inner.format("n" * 256))) == (
            "CaseValueError: Error processing case update: Field: index, "
            "Error: Name exceeds allowed length: 255"
        )


def test_attachments_name_a_part_and_where_it_is():
    """Rules 11.2 and 11.3: set, delete, and `from` without `src`."""
    inner = '<attachment><photo src="p.jpg" from="local"/><old/><x from="remote"/>'
    assert read_one(inner + "</attachment>").attachments == (
        AttachmentUpdate(name="photo", src="p.jpg", origin="local"),
        AttachmentUpdate(name="old", src="", origin=""),
        AttachmentUpdate(name="x", src="", origin="remote"),
    )


class TestLedgerBlocks:
    """Rule 18."""

    NS = 'xmlns="http://commcarehq.org/ledger/v1"'

    def test_cases_of_balances_and_transfers_are_named_once(self):
        """Rule 18.1: `entity-id`, `src` and `dest`; anywhere in a form."""
        inner = (
            f'<g><balance {self.NS} date="2024-01-01" entity-id="a"/></g>'
            f'<transfer {self.NS} src="b" dest="a"/><transfer {self.NS} dest="c"/>'
        )
        assert read_ledgers(inner) == ("a", "b", "c")

    def test_blocks_that_name_no_case_are_tolerated(self):
        """Rules 18.1 and 18.2: no quantities, no rules of their own."""
        assert read_ledgers(f'<balance {self.NS}/><transfer {self.NS} src=""/>') == ()

    def test_other_namespaces_and_device_logs_do_not_count(self):
        """Rule 18.1: the namespace decides."""
        inner = f'<log xmlns="{LOG}"><balance {self.NS} entity-id="b"/></log>'
        assert read_ledgers('<balance entity-id="a"/>' + inner) == ()

    def test_a_case_id_is_never_longer_than_255(self):
        """Rule D-10 holds here too."""
        with pytest.raises(Rejected, match="Field: case_id"):
            read_ledgers(f'<balance {self.NS} entity-id="{"x" * 256}"/>')


def test_a_block_is_written_with_what_it_says_only():
    """Rule 5.1: `user_id` if given."""
    blocks = (CaseBlock(case_id="a"), CaseBlock(case_id="b", user_id="u", close=True))
    root = parse_xml(form("".join(write_case_blocks(blocks))).encode())
    assert [sorted(element.attrib) for element in root] == [
        ["case_id"],
        ["case_id", "user_id"],
    ]
    assert read_case_blocks(root) == blocks

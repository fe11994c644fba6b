"""Forms as XML (``rules/case-xml.md`` 2, 3, 12, 20 and 21)."""

from __future__ import annotations

import pytest

from ledger.entry import Author
from ledger.errors import Malformed, Rejected
from ledger.forms.case_block import AttachmentUpdate, CaseBlock, IndexUpdate
from ledger.forms.check import check_form
from ledger.forms.form import CASE_NS, Form, FormMeta
from ledger.forms.form_xml import build_form, parse_form
from ledger.forms.xml import parse_xml

V2 = "http://commcarehq.org/case/transaction/v2"
ORX = "http://openrosa.org/jr/xforms"
NOW = "2024-03-05T07:14:00.000000Z"

EXAMPLE = b"""<data xmlns="http://example.org/forms/registration" name="Register"
      version="7" uiVersion="1">
  <household><head>Salma</head></household>
  <members>
    <case xmlns="http://commcarehq.org/case/transaction/v2" case_id="pt-001"
          user_id="u-amina" date_modified="2024-03-05T09:14:00.000+02:00">
      <create><case_type>patient</case_type><case_name>Idris</case_name>
        <owner_id>u-amina</owner_id></create>
      <update><dob>2019-06-01</dob><external_id>P-17</external_id></update>
      <index><parent case_type="household">hh-001</parent></index>
    </case>
    <case xmlns="http://commcarehq.org/case/transaction/v2" case_id="ref-001"
          user_id="u-amina" date_modified="2024-03-05T09:14:00.000+02:00">
      <create><case_type>referral</case_type><case_name>Clinic visit</case_name>
        <owner_id>-</owner_id></create>
      <index><host case_type="patient" relationship="extension">pt-001</host></index>
    </case>
  </members>
  <case xmlns="http://commcarehq.org/case/transaction/v2" case_id="hh-001"
        user_id="u-amina" date_modified="2024-03-05T09:14:00.000+02:00">
    <create><case_type>household</case_type><case_name>Salma</case_name>
      <owner_id>g-north</owner_id></create>
  </case>
  <n1:meta xmlns:n1="http://openrosa.org/jr/xforms">
    <n1:deviceID>D-1</n1:deviceID>
    <n1:timeStart>2024-03-05T09:10:00.000+02:00</n1:timeStart>
    <n1:timeEnd>2024-03-05T09:14:00.000+02:00</n1:timeEnd>
    <n1:username>amina</n1:username>
    <n1:userID>u-amina</n1:userID>
    <n1:instanceID>9d1c2f60-2a7b-4a7e-9a55-1f3f0f2c0001</n1:instanceID>
    <n2:appVersion xmlns:n2="http://commcarehq.org/xforms">CommCare Android, \
version "2.53.1"(464694). App v12. CommCare Version 2.53.</n2:appVersion>
  </n1:meta>
</data>"""


def a_form(inner: str = "", attributes: str = "") -> Form:
    return parse_form(f'<data xmlns="urn:f" {attributes}>{inner}</data>'.encode())


def meta(inner: str, name: str = "meta") -> FormMeta:
    return a_form(f'<{name} xmlns="{ORX}">{inner}</{name}>').meta


def a_block(case_id: str, **values) -> CaseBlock:
    defaults = {"user_id": "u-amina", "date_modified": NOW}
    return CaseBlock(case_id=case_id, **{**defaults, **values})


def created(case_type, case_name, owner_id):
    return {"case_type": case_type, "case_name": case_name, "owner_id": owner_id}


def test_the_example_of_the_protocol_is_read():
    """Rule 21."""
    assert parse_form(EXAMPLE) == Form(
        form_id="9d1c2f60-2a7b-4a7e-9a55-1f3f0f2c0001",
        xmlns="http://example.org/forms/registration",
        name="Register",
        version="7",
        meta=FormMeta(
            instance_id="9d1c2f60-2a7b-4a7e-9a55-1f3f0f2c0001",
            user_id="u-amina",
            username="amina",
            device_id="D-1",
            time_start="2024-03-05T07:10:00.000000Z",
            time_end=NOW,
            app_version='CommCare Android, version "2.53.1"(464694). App v12. '
            "CommCare Version 2.53.",
            extra={"app_build_version": "12", "commcare_version": "2.53.1"},
        ),
        blocks=(
            a_block(
                "pt-001",
                create=created("patient", "Idris", "u-amina"),
                update={"dob": "2019-06-01", "external_id": "P-17"},
                indices=(
                    IndexUpdate(
                        name="parent",
                        case_id="hh-001",
                        case_type="household",
                        relationship="child",
                    ),
                ),
            ),
            a_block(
                "ref-001",
                create=created("referral", "Clinic visit", "-"),
                indices=(
                    IndexUpdate(
                        name="host",
                        case_id="pt-001",
                        case_type="patient",
                        relationship="extension",
                    ),
                ),
            ),
            a_block(
                "hh-001",
                create=created("household", "Salma", "g-north"),
            ),
        ),
    )


AUTHOR = Author(user_id="u1", username="amina@x", device_id="curl/8")


def build(*blocks: CaseBlock, **options) -> bytes:
    values = {"form_id": "f" * 32, "author": AUTHOR, "now": NOW}
    return build_form(blocks, **{**values, **options})


class TestForm:
    """Rule 2."""

    @pytest.mark.parametrize("body", [b"<data/>", b'<data xmlns="" id=" "/>'])
    def test_a_form_without_xmlns_is_malformed(self, body):
        """Rule 12.3."""
        expected = "^Form is missing a required field: XMLNS$"
        with pytest.raises(Malformed, match=expected):
            parse_form(body)

    def test_without_a_namespace_the_id_is_the_xmlns(self):
        """Rule 2.3: as every XLSForm has it; a namespace goes before it."""
        case = f'<case xmlns="{CASE_NS}" case_id="c1"><close/></case>'
        form = parse_form(f'<data id="visit_2024" version="7">{case}</data>'.encode())
        assert (form.xmlns, form.version) == ("visit_2024", "7")
        assert [block.case_id for block in form.blocks] == ["c1"]
        assert parse_form(b'<data xmlns="urn:f" id="visit"/>').xmlns == "urn:f"

    @pytest.mark.parametrize(
        "meta",
        [
            "<meta><instanceID>uuid:7c</instanceID></meta>",
            "<o:meta><o:instanceID>uuid:7c</o:instanceID></o:meta>",
            "<meta><o:instanceID>uuid:7c</o:instanceID></meta>",
            (
                "<o:meta><o:instanceID>uuid:7c</o:instanceID></o:meta>"
                "<meta><instanceID>uuid:other</instanceID></meta>"
            ),
            (
                "<meta><instanceID>uuid:7c</instanceID><instanceName>n</instanceName></meta>"
                "<o:meta><o:instanceID>uuid:other</o:instanceID></o:meta>"
            ),
        ],
    )
    def test_the_id_is_found_in_whatever_namespace(self, meta):
        """Rules 3.1 and 3.2: with its prefix ``uuid:``, and of the first block."""
        form = f'<data id="v" xmlns:o="http://openrosa.org/xforms">{meta}</data>'
        assert parse_form(form.encode()).form_id == "uuid:7c"

    def test_an_id_makes_no_device_log(self):
        """Rule 4.1: a device log is known by its namespace."""
        form = parse_form(b'<data id="http://code.javarosa.org/devicereport"/>')
        assert not form.is_device_log

    def test_what_is_no_xml_is_malformed(self):
        """Rule 12.3."""
        with pytest.raises(Malformed, match=r"^Invalid XML: "):
            parse_form(b"<data")

    def test_the_limit_counts_bytes(self):
        """rules/libraries.md 3.1.3."""
        with pytest.raises(Malformed):
            parse_form(EXAMPLE, limit=1000)

    def test_a_prefix_for_the_root_is_as_good_as_a_default(self):
        """Rule 2.3: the namespace of the root element."""
        assert parse_form(b'<f:data xmlns:f="urn:g"/>').xmlns == "urn:g"

    def test_a_form_without_meta_is_accepted(self):
        """Rule 3.1: random id, no user, no times."""
        form = a_form()
        assert (form.form_id, form.meta, form.rejection) == (None, FormMeta(), None)

    def test_name_and_version_are_attributes_of_the_root(self):
        """Rule 2.3."""
        form = a_form(attributes='name="N" version="3"')
        assert (form.name, form.version) == ("N", "3")

    def test_a_broken_rule_leaves_id_xmlns_and_meta_readable(self):
        """Rules 4.6 and 12.1: the form is stored as error under its own id."""
        form = a_form(
            f'<case xmlns="{V2}" case_id="a"/><case xmlns="{V2}" case_id=""/>'
            "<meta><instanceID>i</instanceID><userID>u</userID></meta>"
        )
        assert isinstance(form.rejection, Rejected)
        assert form.rejection.problem == "IllegalCaseId: case_id must not be empty"
        assert form.rejection.__traceback__ is None
        assert (form.form_id, form.xmlns, form.meta.user_id) == ("i", "urn:f", "u")
        assert form.blocks == ()

    def test_a_device_log_has_no_cases(self):
        """Rules 1.1 and 4.1."""
        form = parse_form(
            b'<r xmlns="http://code.javarosa.org/devicereport"><meta><instanceID>i'
            b'</instanceID></meta><case case_id=""/></r>'
        )
        assert form.is_device_log
        assert (form.form_id, form.blocks, form.rejection) == ("i", (), None)

    def test_ledger_blocks_name_their_cases(self):
        """Rule 18."""
        ns = "http://commcarehq.org/ledger/v1"
        form = a_form(f'<balance xmlns="{ns}" entity-id="c"/>')
        assert form.ledger_case_ids == ("c",)

    def test_a_form_id_has_at_most_255_characters(self):
        """Rule 3.2: a longer id is refused and not used."""
        long = a_form(f"<meta><instanceID>{'x' * 256}</instanceID></meta>")
        assert long.form_id is None
        assert long.rejection is not None
        assert long.rejection.problem == (
            "CaseValueError: Error processing case update: Field: instanceID, "
            "Error: Value exceeds allowed length: 255"
        )
        fits = a_form(f"<meta><instanceID>{'x' * 255}</instanceID></meta>")
        assert (len(fits.form_id or ""), fits.rejection) == (255, None)


class TestMeta:
    """Rule 3."""

    def test_only_a_child_of_the_root_is_read_and_the_first_counts(self):
        """Rules 3.1 and D-6."""
        form = a_form(
            "<g><meta><userID>deep</userID></meta></g>"
            "<meta><userID>first</userID></meta><meta><userID>second</userID></meta>"
        )
        assert form.meta.user_id == "first"

    @pytest.mark.parametrize(
        "xmlns", ["http://openrosa.org/jr/xforms", "http://openrosa.org/xforms", ""]
    )
    def test_the_local_name_decides(self, xmlns):
        """Rule 1.1: any namespace, or none."""
        form = a_form(f'<meta xmlns="{xmlns}"><instanceID>i</instanceID></meta>')
        assert form.form_id == "i"

    def test_the_form_id_is_used_verbatim(self):
        """Rule 3.2: a `uuid:` prefix is part of it."""
        assert meta("<instanceID>uuid:AbC </instanceID>").instance_id == "uuid:AbC "

    @pytest.mark.parametrize(
        "inner", ["", "<instanceID/>", "<instanceID> </instanceID>"]
    )
    def test_an_empty_form_id_is_none(self, inner):
        """Rule 3.2: missing or empty, then the server makes one."""
        assert meta(inner).instance_id is None

    def test_legacy_names_are_read_in_a_legacy_block(self):
        """Rule 3.3: `Meta/uid` has priority, `Meta/user_id`."""
        inner = "<uid>old</uid><instanceID>new</instanceID><user_id>u</user_id>"
        legacy = meta(inner, "Meta")
        assert (legacy.instance_id, legacy.user_id) == ("old", "u")
        current = meta(inner)
        assert (current.instance_id, current.user_id) == ("new", None)
        assert current.extra == {"uid": "old", "user_id": "u"}

    def test_a_legacy_block_may_use_the_current_names(self):
        """Rule 3.3."""
        legacy = meta("<uid/><instanceID>i</instanceID><userID>u</userID>", "Meta")
        assert (legacy.instance_id, legacy.user_id) == ("i", "u")

    @pytest.mark.parametrize(
        ("text", "instant"),
        [
            ("2024-03-05T09:10:00.000+02:00", "2024-03-05T07:10:00.000000Z"),
            ("2024-03-05", "2024-03-05T00:00:00.000000Z"),
            ("", None),
            ("soon", None),
        ],
    )
    def test_times_are_instants_or_left_out(self, text, instant):
        """Rule 3.5."""
        inner = f"<timeStart>{text}</timeStart><timeEnd>{text}</timeEnd>"
        found = meta(inner)
        assert (found.time_start, found.time_end) == (instant, instant)

    def test_names_stay_text(self):
        """Rule 3.4: a date-like or number-like name stays text."""
        inner = "<username>2024-01-01</username><deviceID>007</deviceID><userID/>"
        found = meta(inner)
        assert (found.username, found.device_id) == ("2024-01-01", "007")
        assert found.user_id is None

    def test_an_app_version_without_text_is_none(self):
        """Rule 3.4."""
        inner = '<appVersion xmlns="http://commcarehq.org/xforms" a="1"/>'
        assert meta(inner).app_version is None

    def test_other_children_are_kept_as_text(self):
        """Rule 3.6: nested ones flattened, attributes dropped."""
        inner = (
            '<drift unit="m">3</drift><location> </location><location/>'
            "<a><b>1</b><c><d>2</d><e/></c></a>"
        )
        assert meta(inner).extra == {"drift": "3", "a": "b:1, d:2, e:"}
        assert meta("<location>1 2 3 4</location>").extra == {"location": "1 2 3 4"}

    @pytest.mark.parametrize(
        ("text", "attributes", "versions"),
        [
            ("Nokia/S40 #12 b[7]", "", ("12", None)),
            ("Nokia/S40 b[7]", "", ("7", None)),
            ('CommCare ODK, version "2.4.1"(10083). App v43.', "", ("43", "2.4.1")),
            ('x "1.3"   (17)', "", (None, "1.3")),
            ('x " 1.3.99999999 "', "", (None, "1.3.9999")),
            ("2.0", 'version="5"', ("5", None)),
            ("2.0 long enough", 'version="1"', (None, None)),
        ],
    )
    def test_versions_follow_from_the_app_version(self, text, attributes, versions):
        """Rule 3.7: first match of each pattern; root version unless 1."""
        inner = f"<meta><appVersion>{text}</appVersion></meta>"
        extra = a_form(inner, attributes).meta.extra
        found = extra.get("app_build_version"), extra.get("commcare_version")
        assert found == versions


class TestBuilding:
    """``rules/case-api-v2.md`` 8."""

    def test_the_envelope_is_the_one_of_the_api(self):
        """rules/case-api-v2.md 8.2: order, prefixes, empty appVersion."""
        assert (
            build()
            == (
                '<system xmlns="http://commcarehq.org/case_api"'
                ' version="1" uiVersion="1">'
                '<orx:meta xmlns:orx="http://openrosa.org/jr/xforms">'
                "<orx:deviceID>curl/8</orx:deviceID>"
                f"<orx:timeStart>{NOW}</orx:timeStart><orx:timeEnd>{NOW}</orx:timeEnd>"
                "<orx:username>amina@x</orx:username><orx:userID>u1</orx:userID>"
                f"<orx:instanceID>{'f' * 32}</orx:instanceID>"
                '<cc:appVersion xmlns:cc="http://commcarehq.org/xforms"/>'
                "</orx:meta></system>"
            ).encode()
        )

    def test_a_block_is_written_in_the_order_of_the_api(self):
        """rules/case-api-v2.md 8.3: create, update, close, index; names in order."""
        block = CaseBlock(
            case_id="c1",
            date_modified=NOW,
            user_id="u1",
            create={"owner_id": "o", "case_name": "n", "case_type": "t"},
            update={"b": "2", "external_id": "e", "a": "", "case_name": "m"},
            close=True,
            indices=(
                IndexUpdate(
                    name="parent", case_id="p", case_type="t", relationship="child"
                ),
                IndexUpdate(
                    name="host", case_id="", case_type="", relationship="extension"
                ),
            ),
        )
        body = build(block).partition(b"</orx:meta>")[2].decode()
        assert body == (
            f'<case xmlns="{V2}" case_id="c1" date_modified="{NOW}" user_id="u1">'
            "<create><case_type>t</case_type><case_name>n</case_name>"
            "<owner_id>o</owner_id></create>"
            "<update><case_name>m</case_name><external_id>e</external_id>"
            "<a></a><b>2</b></update><close/>"
            '<index><parent case_type="t">p</parent>'
            '<host case_type="" relationship="extension"></host></index>'
            "</case></system>"
        )

    def test_a_block_without_date_or_user_gets_those_of_the_form(self):
        """rules/case-api-v2.md 8.3: `date_modified`, `user_id` always stand there."""
        (block,) = parse_form(build(CaseBlock(case_id="c"))).blocks
        assert (block.date_modified, block.user_id) == (NOW, "u1")

    def test_blocks_of_different_shapes_do_not_mix(self):
        """rules/case-api-v2.md 8.3: siblings after `meta`, in request row order."""
        blocks = (
            a_block("c1", update={"a": "1", "b": "2"}),
            a_block("c2", update={"b": "3", "a": "4"}),
            a_block("c3", update={"a": "5"}, close=True),
            a_block("c4", create={"case_type": "t"}),
            a_block("c5", update={"a": "6", "b": "7"}),
            a_block(
                "c6",
                attachments=(
                    AttachmentUpdate(name="p", src="p.jpg", origin="local"),
                    AttachmentUpdate(name="q", src="", origin=""),
                ),
            ),
        )
        assert parse_form(build(*blocks)).blocks == blocks

    def test_the_xmlns_is_a_choice(self):
        """Rule 20.1: default namespace by origin."""
        assert parse_form(build(xmlns="urn:other")).xmlns == "urn:other"

    def test_a_user_agent_that_xml_cannot_carry_does_no_harm(self):
        """Rules 3.8 and 20.4: deviceID comes from a header, which may hold any byte."""
        author = Author(username="<b>&", device_id="x\x00\udcff\x1b]")
        found = parse_form(build(author=author)).meta
        assert (found.username, found.device_id) == ("<b>&", "x\ufffd\ufffd\ufffd]")

    def test_an_illegal_value_is_an_error_of_the_caller(self):
        """Rule 20.4: values are checked before a form is built."""
        with pytest.raises(ValueError, match="XML compatible"):
            build(a_block("c", update={"a": "\x00"}))

    def test_built_forms_keep_to_the_schemas(self):
        """The schemas of `schemas/` describe what the server writes."""
        body = build(
            a_block("c1", create={"case_type": "t"}, update={"a": "1"}, close=True)
        )
        assert check_form(body).findings == ()


def test_the_namespaces_of_a_built_form_are_declared_once():
    """Rule 3.8: no prefixes that a reader would stumble over."""
    body = build_form([a_block("c")], form_id="f", author=Author(), now=NOW)
    assert body.count(V2.encode()) == 1
    assert len(parse_xml(body)) == 2

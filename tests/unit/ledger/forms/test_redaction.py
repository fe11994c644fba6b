"""What is left of a form after an erasure: nothing of the case, all of the others."""

from __future__ import annotations

import pytest
from lxml import etree

from ledger.forms.form_xml import parse_for_fold, parse_form
from ledger.forms.redaction import mentions, redact
from tests.kit import build

LEDGER = "http://commcarehq.org/ledger/v1"
LOGS = "http://code.javarosa.org/devicereport"
META = "http://openrosa.org/jr/xforms"


def left(body: bytes, *case_ids: str):
    """Redact a form that says something of c1; do it twice to see that it is done."""
    found = redact(body, case_ids or ("c1",))
    assert found is not None
    if found.body:
        again = redact(found.body, case_ids or ("c1",))
        assert again is None or (again.body, again.is_changed) == (found.body, False)
    return found


def blocks(body: bytes):
    """Return the case blocks of a form by case id."""
    return {block.case_id: block for block in parse_form(body).blocks}


def a_balance(**names: str) -> str:
    """Return a ledger block with a quantity in it."""
    ids = "".join(
        f' {name.replace("_", "-")}="{value}"' for name, value in names.items()
    )
    kind = "balance" if "entity_id" in names else "transfer"
    return f'<{kind} xmlns="{LEDGER}"{ids}><entry id="soap" quantity="17"/></{kind}>'


def test_the_case_keeps_its_id_its_type_and_what_was_done_to_it():
    """A replay must touch the same cases; no value is needed for that."""
    block = build.a_create(
        "c1",
        update={"born": "1990"},
        index={"parent": "c2"},
        attach={"photo": {"src": "me.jpg"}},
        close=True,
    )
    (found,) = parse_form(left(build.a_form([block])).body).blocks
    assert found.create == {"case_type": "patient"}
    assert found.update is None
    assert [(i.name, i.case_id, i.case_type) for i in found.indices] == [
        ("parent", "", "")
    ]
    assert [(a.name, a.src) for a in found.attachments] == [("photo", "")]
    assert found.close
    assert (found.user_id, found.date_modified) == (build.USER, build.WHEN_UTC)


@pytest.mark.parametrize(
    ("create", "kept"),
    [
        ({"case_name": "Idrissa"}, {}),
        ({"case_type": "t", "owner_id": "o"}, {"case_type": "t"}),
    ],
)
def test_a_create_stays_one(create, kept):
    """Also one that set no type: an empty one would create nothing."""
    body = build.a_form([build.a_block("c1", create=create)])
    assert blocks(left(body).body)["c1"].create == kept


def test_an_empty_create_stays_empty():
    """It was none before."""
    body = build.a_form([build.a_block("c1", create={})])
    assert blocks(left(body).body)["c1"].create is None


def test_answers_go_and_who_sent_the_form_stays():
    """Where it was filled in goes too."""
    body = build.a_form(
        [build.an_update("c1", a="b")], form_id="f1", inside="<q>Kay</q>"
    )
    body = body.replace(
        b"</n:meta>",
        b"<n:username>amina</n:username><n:location>13.5 2.1</n:location></n:meta>",
    )
    found = left(body)
    assert b"Kay" not in found.body
    assert b"13.5" not in found.body
    meta = parse_form(found.body).meta
    assert (meta.instance_id, meta.username, meta.device_id) == ("f1", "amina", "D-1")
    assert parse_form(found.body).name == "Visit"


def test_attributes_of_the_root_that_mean_nothing_go():
    """Only its name and versions are kept."""
    body = build.a_form([build.an_update("c1")]).replace(b"<data ", b'<data who="Kay" ')
    assert left(body).body.count(b"Kay") == 0


def test_other_cases_stay_byte_for_byte():
    """With all their values and files."""
    other = build.a_create(
        "c2", update={"n": "  stays "}, attach={"p": {"src": "2.jpg"}, "q": {}}
    )
    mine = build.a_block("c1", attach={"p": {"src": "1.jpg"}, "q": {"src": "2.jpg"}})
    before = build.a_form([mine, other])
    found = left(before)
    assert blocks(found.body)["c2"] == blocks(before)["c2"]
    assert found.kept_files == {"2.jpg"}
    assert found.named == {"c1"}


def test_the_texts_that_went_are_told_unless_they_stay_elsewhere():
    """Dictionaries are searched for them; short ones tell nothing."""
    mine = build.an_update("c1", a="secret", b="shared", c="no")
    found = left(build.a_form([mine, build.an_update("c2", a="shared")]))
    assert found.texts == {"secret"}


def test_a_form_about_other_cases_is_left_alone():
    """An index to the case, or a word in an answer, is nothing that it says of it."""
    other = build.a_block("c2", index={"parent": "c1"})
    body = build.a_form([other], inside="<q>c1</q>")
    assert redact(body, ["c1"]) is None
    assert mentions(body, ["c1"])
    assert not mentions(body, ["c"])


@pytest.mark.parametrize(
    "wrap",
    ["<group><deep>{}</deep></group>", "<n:meta xmlns:n='" + META + "'>{}</n:meta>"],
)
def test_nested_blocks_are_found_where_a_fold_finds_them(wrap):
    """In groups, and between who sent the form."""
    inner = build.a_create("c1") + build.an_update("c2", a="stays")
    before = build.a_form(inside=wrap.format(inner))
    found = blocks(left(before).body)
    assert found["c1"].create == {"case_type": "patient"}
    assert found["c2"] == blocks(before)["c2"]


def test_a_block_inside_a_block_belongs_to_the_outer_one():
    """A fold does not see it, so it is a value of the outer case."""
    inner = build.an_update("c1", a="x")
    body = build.a_form([build.a_block("c2", extra=f"<update><n>{inner}</n></update>")])
    assert redact(body, ["c1"]) is None
    outer = build.a_block(
        "c1", extra=f"<update>{build.an_update('c2', a='Kay')}</update>"
    )
    assert b"Kay" not in left(build.a_form([outer])).body


def test_a_question_that_is_called_case_is_an_answer():
    """It has no id, so it is about nobody and goes."""
    asked = f"<case>Kay {a_balance(entity_id='c2')}</case>"
    found = left(build.a_form([build.an_update("c1")], inside=asked))
    assert b"Kay" not in found.body
    assert parse_form(found.body).ledger_case_ids == ("c2",)


@pytest.mark.parametrize(
    "old",
    [
        "<case><case_id>c1</case_id><update><n>Kay</n></update></case>",
        "<case><case_id> c1 </case_id><create><n>Kay</n></create></case>",
        "<case><case_id><![CDATA[c1]]></case_id><n>Kay</n></case>",
        "<case case_id=''><case_id>c1</case_id><n>Kay</n></case>",
    ],
)
def test_blocks_of_version_1_are_emptied_and_still_refused(old):
    """A form that was an error must not begin to count by being erased."""
    found = left(build.a_form(inside=old))
    assert b"Kay" not in found.body
    assert parse_form(found.body).rejection is not None


def test_what_stands_in_place_of_a_time_goes():
    """Rejected forms may have anything there."""
    body = build.a_form([build.a_block("c1", date_modified="Kay, at noon")])
    assert b"Kay" not in left(body).body


def test_unknown_actions_go_with_their_names():
    """What a block may hold is known; the rest is somebody's."""
    body = build.a_form([build.a_block("c1", extra="<Kay/><referral>x</referral>")])
    found = left(body).body
    assert b"Kay" not in found
    assert parse_form(found).rejection.code == "UsesReferrals"


def test_stock_of_the_case_goes_and_that_of_others_stays():
    """Quantities are data of a case; the ids stay, because a fold touches them."""
    parts = [
        a_balance(entity_id="c1", section_id="stock-of-Kay"),
        a_balance(entity_id="c2"),
        a_balance(src="c1", dest="c3"),
    ]
    before = build.a_form(inside="".join(parts))
    found = left(before)
    assert parse_form(found.body).ledger_case_ids == ("c1", "c2", "c3")
    assert found.body.count(b'quantity="17"') == 2
    assert b"Kay" not in found.body


def test_ledger_blocks_keep_their_order_wherever_they_stand():
    """Inside blocks, around blocks, inside each other, and without any id."""
    around = (
        f'<balance xmlns="{LEDGER}" entity-id="c5">'
        f"{build.an_update('c1', a='Kay')}{a_balance(entity_id='c6')}</balance>"
    )
    parts = [
        a_balance(entity_id="c4"),
        build.a_block(
            "c1", extra=f"<update><b>{a_balance(entity_id='c3')}</b></update>"
        ),
        build.a_block(
            "c2", extra=f"<update><b>{a_balance(entity_id='c1')}</b></update>"
        ),
        around,
        f'<balance xmlns="{LEDGER}"><entry id="Kay"/></balance>',
    ]
    before = build.a_form(inside="".join(parts))
    found = left(before)
    assert parse_form(found.body).ledger_case_ids == ("c4", "c3", "c1", "c5", "c6")
    assert parse_form(before).ledger_case_ids == ("c4", "c3", "c1", "c5", "c6")
    assert blocks(found.body)["c2"] == blocks(before)["c2"]
    assert b"Kay" not in found.body


def test_device_logs_inside_a_form_go():
    """A fold looks for no case in them."""
    inner = build.an_update("c2", a="Kay") + a_balance(entity_id="c1")
    log = f'<log xmlns="{LOGS}">Kay {inner}</log>'
    assert redact(build.a_form(inside=log), ["c1"]) is None
    found = left(build.a_form([build.an_update("c1")], inside=log))
    assert b"Kay" not in found.body
    assert set(blocks(found.body)) == {"c1"}


def test_ids_are_compared_as_xml_reads_them():
    """Whatever has to be escaped."""
    name = "<a&b>\"' é"
    found = left(build.a_form([build.an_update(name, a="Kay")]), name)
    assert b"Kay" not in found.body
    assert set(blocks(found.body)) == {name}


def test_other_encodings_are_read():
    """What is left is UTF-8."""
    text = build.a_form([build.an_update("c1", a="Kay")]).decode()
    body = f'<?xml version="1.0" encoding="UTF-16"?>{text}'.encode("utf-16")
    found = left(body)
    assert "Kay" not in found.body.decode()
    assert set(blocks(found.body)) == {"c1"}


@pytest.mark.parametrize(
    "body",
    [
        b"<data><case case_id='c1'><name>Kaylee",
        b"<data><case case_id='&#99;1'><name>Kaylee",
        "<data><case case_id='c1'><name>Kaylee".encode("utf-16-le"),
        "<data><case case_id='c1'><name>Kaylee".encode("utf-16-be"),
        b"\xff c1 Kaylee",
    ],
)
def test_bytes_that_are_no_form_but_name_the_case_are_emptied(body):
    """Nobody can tell what in them is about whom."""
    found = left(body)
    assert found.body == b""
    assert any("Kaylee" in text for text in found.texts)


@pytest.mark.parametrize("body", [b"", b"<data", b"<data c12 xc1 c1-2>", b"<a>c2"])
def test_bytes_that_do_not_name_it_are_left_alone(body):
    """An id counts as a word only."""
    assert redact(body, ["c1"]) is None


def test_several_cases_are_erased_at_once():
    """Each is named; the rest stays."""
    body = build.a_form([build.an_update(f"c{n}", a=f"value{n}") for n in range(100)])
    gone = [f"c{n}" for n in range(0, 100, 2)]
    found = left(body, *gone, "stranger")
    assert found.named == set(gone)
    kept = blocks(found.body)
    assert [kept[f"c{n}"].update for n in range(1, 100, 2)] == [
        {"a": f"value{n}"} for n in range(1, 100, 2)
    ]
    assert all(kept[case_id].update is None for case_id in gone)


def test_what_a_fold_reads_of_the_sender_is_kept_exactly():
    """Blanks beside attributes are layout, and stay nothing."""
    meta = (
        f'<meta xmlns="{META}"><userID x="1"> </userID><userID>u</userID>'
        f"<instanceID>f</instanceID></meta>"
    )
    block = build.an_update("c1")
    for user in ("<userID>u</userID>", ""):
        body = f'<d xmlns="urn:x">{meta.replace("<userID>u</userID>", user)}{block}</d>'
        before = parse_for_fold(body.encode())
        assert parse_for_fold(left(body.encode()).body).meta == before.meta


def test_what_is_left_is_well_formed():
    """Namespaces that are used are declared."""
    body = build.a_form([build.an_update("c1"), build.a_create("c2")])
    etree.fromstring(left(body).body)


def test_a_form_that_is_known_by_its_id_stays_one():
    """Its root has no namespace; under a namespace an ``id`` is an answer and goes."""
    block = build.an_update("c1", name="Salma")
    kept = left(f'<d id="visit" x="Salma">{block}</d>'.encode()).body
    assert parse_form(kept).xmlns == "visit"
    assert b"Salma" not in kept
    assert b"Salma" not in left(f'<d xmlns="u:v" id="Salma">{block}</d>'.encode()).body

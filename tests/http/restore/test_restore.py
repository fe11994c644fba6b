"""Restores over HTTP: the document, whose cases it has, what is new since.

Numbers of rules are those of ``rules/restore.md``.
"""

from __future__ import annotations

from lxml import etree
from sqlalchemy import select

from api.cli.domain import add_domain
from ledger.storage.connection import Statement
from ledger.tables import sync_logs
from tests.kit.model_phone import phone_hash
from tests.kit.phone import CASE, block

HASH = "978c3ac4738981ca9a9eabaab97f332f"


async def test_a_worker_gets_the_document_of_the_rules(amina):
    """Rules 4.1 to 4.9: its children in their order, and every case as it stands."""
    answer = await amina.ask("version=2.0&items=true")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/xml; charset=utf-8"
    found = etree.fromstring(answer.body)
    restore_id = found[1][0].text
    text = answer.body.decode().replace(restore_id, "RESTORE").replace(amina.north, "N")
    joined = text[text.index("<date>") + 6 :][:10]
    assert text.replace(joined, "2023-11-02") == (
        '<OpenRosaResponse xmlns="http://openrosa.org/http/response" items="7">'
        '<message nature="ota_restore_success">Successfully restored account amina!'
        "</message>\n"
        '<Sync xmlns="http://commcarehq.org/sync"><restore_id>RESTORE</restore_id>'
        "</Sync>\n"
        '<Registration xmlns="http://openrosa.org/user/registration">'
        "<username>amina</username><password/><uuid>u-amina</uuid>"
        "<date>2023-11-02</date><user_data>"
        '<data key="commcare_first_name"></data>'
        '<data key="commcare_last_name"></data>'
        '<data key="commcare_phone_number"></data>'
        '<data key="commcare_profile"></data>'
        '<data key="commcare_project">demo</data></user_data></Registration>\n'
        '<fixture id="user-groups" user_id="u-amina"><groups><group id="N">'
        "<name>North</name></group></groups></fixture>\n"
        '<case xmlns="http://commcarehq.org/case/transaction/v2" case_id="hh-001" '
        'user_id="u-amina" date_modified="2024-03-05T07:14:00.000000Z"><create>'
        "<case_type>household</case_type><case_name>Salma</case_name>"
        "<owner_id>N</owner_id></create><update><date_opened>2024-03-05</date_opened>"
        "</update></case>\n"
        '<case xmlns="http://commcarehq.org/case/transaction/v2" case_id="pt-001" '
        'user_id="u-amina" date_modified="2024-03-05T07:14:00.000000Z"><create>'
        "<case_type>patient</case_type><case_name>Idris</case_name>"
        "<owner_id>u-amina</owner_id></create><update><external_id>P-17</external_id>"
        "<date_opened>2024-03-05</date_opened><dob>2019-06-01</dob>"
        "<village>Ka &amp; &lt;Bo&gt;</village></update><index>"
        '<parent case_type="household">hh-001</parent></index></case>\n'
        '<case xmlns="http://commcarehq.org/case/transaction/v2" case_id="ref-001" '
        'user_id="u-amina" date_modified="2024-03-05T07:14:00.000000Z"><create>'
        "<case_type>referral</case_type><case_name>Clinic visit</case_name>"
        "<owner_id>-</owner_id></create><update><date_opened>2024-03-05</date_opened>"
        '</update><index><host case_type="patient" relationship="extension">pt-001'
        "</host></index></case></OpenRosaResponse>"
    )


async def test_a_change_of_somebody_else_comes_and_ones_own_does_not(amina, phone_of):
    """The closed loop: rules 5.3 and 6.3, with the hash that the device computes."""
    first = await amina.restore()
    assert list(first.cases) == ["hh-001", "pt-001", "ref-001"]
    assert list((await amina.sync(f"state=ccsh:{HASH}")).cases) == []

    await amina.send(block("pt-001", update={"visited": "yes"}, user="u-amina"))
    assert list((await amina.sync(f"state=CCSH:{HASH}")).cases) == []

    bala = phone_of("other")
    bala.headers = amina.headers
    await bala.send(block("pt-001", update={"owner_id": "u-bala"}), user="u-bala")
    third = await amina.sync(f"state=ccsh:{HASH}")
    assert list(third.cases) == ["pt-001"]
    assert third.cases["pt-001"].find(f"{CASE}create") is None
    assert list(third.values("pt-001")) == [
        *("case_type", "case_name", "owner_id", "external_id", "date_opened"),
        *("dob", "village", "visited"),
    ]
    assert third.values("pt-001")["owner_id"] == "u-bala"
    # It holds the household alone now, and says so.
    state = "4dfd99da2f04ba598a31b7d52d467e41"
    assert list((await amina.sync(f"state=ccsh:{state}")).cases) == []


async def test_every_parameter_and_status(amina, phone_of, people):
    """Rules 1.2 and 2.1 to 2.8: what is asked wrongly is told with its remedy."""
    full = await amina.restore()
    web = people.user("web@example.org", role="viewer")
    editor = amina.api.credentials
    bala = phone_of("chenda", user_id="u-chenda")
    gone = people.user("gone", role="mobile", user_id="u-gone")
    people.change(gone, active=False)
    s = amina.token
    told = "There is no sync log nothing"
    rows = [
        # what is asked, whose headers, status, what the body says
        ("version=1.0", None, 412, "1.0 is not a legal version, must be one of:"),
        ("version=4", None, 412, "4 is not a legal version, must be one of: 1.0, 2.0"),
        ("version=3.0&case_sync=livequery&x=1", None, 200, 'case_id="hh-001"'),
        ("since=nothing", None, 412, told),
        (f"since={s}", bala, 412, f"{s} does not match user id u-chenda (was u-amina)"),
        (f"since={s}&state=00", None, 412, "state must begin with ccsh:"),
        ("state=ccsh:00", None, 200, 'case_id="hh-001"'),
        (
            f"since={s}&state=ccsh:00",
            None,
            412,
            f"mismatch. Server hash: ccsh:{HASH}, Phone hash: ccsh:00. # of cases: [3]",
        ),
        (f"since={s}&state=ccsh:00&device_id=WebAppsLogin*a", None, 200, "<Sync"),
        ("user_id=u-chenda", None, 412, "Attempt to sync with invalid user."),
        ("user_id=u-amina", None, 200, "<uuid>u-amina</uuid>"),
        ("as=amina", None, 200, "<uuid>u-amina</uuid>"),
        ("as=chenda", None, 401, "does not have permission to edit commcare users"),
        ("as=amina", editor, 200, "<uuid>u-amina</uuid>"),
        ("as=nobody", editor, 404, "Could not find user"),
        ("as=gone", editor, 404, "Could not find user"),
        ("", editor, 200, "<groups/>"),
        ("authtype=magic", None, 400, "authtype must be one of:"),
        ("authtype=noauth", None, 401, "credentials are missing"),
        ("", {"Authorization": "Basic eA=="}, 401, "credentials are missing"),
    ]
    wrong = []
    for query, who, status, text in rows:
        headers = who.headers if hasattr(who, "headers") else who
        answer = await amina.ask(query, headers=headers)
        if answer.status != status or text not in answer.body.decode():
            wrong.append((query, answer.status, answer.body))
        nature = b'nature="ota_restore_error"' in answer.body
        assert nature is (status == 412), query
    assert wrong == []
    assert web.user_id
    assert full.root.get("items") is None


async def test_fixtures_are_left_out_of_what_is_new_only(amina):
    """Rule 2.2, with the number of children told."""
    full = etree.fromstring((await amina.ask("skip_fixtures=true")).body)
    assert full.find("{*}fixture") is not None
    token = full.find("{*}Sync")[0].text
    query = f"since={token}&skip_fixtures=true&items=true"
    news = etree.fromstring((await amina.ask(query)).body)
    assert news.find("{*}fixture") is None
    assert news.get("items") == "3"


async def test_users_of_other_domains_and_unknown_domains(amina):
    """Rule 1.2: a phone is told to ask for another name, and nobody else anything."""
    add_domain(amina.api.members.store, "elsewhere")
    stranger = amina.api.members.join("who@example.org", domain="elsewhere")
    ask = amina.api.get
    path = "/a/demo/phone/restore/"
    answer = await ask(path, headers=stranger, anonymous=True)
    assert (answer.status, b"was not in the domain demo" in answer.body) == (401, True)
    path = "/a/nowhere/phone/restore/"
    assert (await ask(path, headers=stranger, anonymous=True)).status == 404
    assert (await ask(path, anonymous=True)).status == 401


async def test_a_token_counts_for_forms_of_its_own_user_only(amina):
    """Rule 6.3: what another user sends with it is news to the device."""
    await amina.restore()
    await amina.send(block("pt-001", update={"a": "1"}), user="u-bala")
    assert list((await amina.sync()).cases) == ["pt-001"]


async def test_what_the_device_closed_and_made_is_folded(amina):
    """Rule 6.4: its own forms move its cases, with the hash that it computes."""
    await amina.restore()
    await amina.send(
        block("pt-001", close=True, user="u-amina"),
        block(
            "pt-002",
            create={"case_type": "patient", "case_name": "B", "owner_id": "u-amina"},
            user="u-amina",
        ),
    )
    state = phone_hash({"hh-001", "pt-002"})
    assert list((await amina.sync(f"state=ccsh:{state}")).cases) == []


async def test_a_deleted_case_has_a_device_begin_anew(amina):
    """Rule 5.3: it is not sent; the hash differs the next time."""
    await amina.restore()
    store = amina.api.members.store
    case = "/a/demo/api/ledger/v1/cases/ref-001/delete/"
    answer = await amina.api.post(case)
    assert answer.status == 200, answer.body
    assert list((await amina.sync(f"state=ccsh:{HASH}")).cases) == []
    answer = await amina.ask(f"since={amina.token}&state=ccsh:{HASH}")
    assert answer.status == 412
    assert list((await amina.restore()).cases) == ["hh-001", "pt-001"]
    with store.reading("demo") as reader:
        rows = reader.conn.rows(Statement(select(sync_logs.c.error_hash)))
    assert (f"ccsh:{HASH}",) in rows


async def test_old_logs_go_when_a_later_one_is_used(amina):
    """Rule 6.5: the log that a device goes on from stays until a later one is used."""
    await amina.restore()
    tokens = [amina.token]
    for _ in range(3):
        await amina.sync()
        tokens.append(amina.token)
    statuses = [(await amina.ask(f"since={token}")).status for token in tokens]
    assert statuses == [412, 412, 200, 200]

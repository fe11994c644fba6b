"""Nothing that is sent to one domain tells of another (rules/case-xml.md 8.2)."""

from __future__ import annotations

import re

import pytest

from api.cli.domain import add_domain
from tests.http.conftest import a_case
from tests.kit import build

OTHER = "other"
HIDDEN, NOWHERE = "hidden", "nobody"


@pytest.fixture
def hidden(members):
    """Make a domain with a case, a form and an external id that ``demo`` has not."""
    add_domain(members.store, OTHER)
    create = build.a_create(HIDDEN, update={"external_id": HIDDEN})
    build.submit(members.store, build.a_form([create], form_id=HIDDEN), domain=OTHER)
    return members.store


async def send_form(api, body):
    """Submit a form to the receiver."""
    headers = {"Content-Type": "text/xml", "X-OpenRosa-Version": "3.0"}
    return await api.post(f"/a/{api.domain}/receiver/", data=body, headers=headers)


def plain(answer):
    """Return an answer without the name that was sent, new ids and times."""
    told = answer.body.decode().replace(HIDDEN, NOWHERE)
    return re.sub(r"[0-9a-f]{32}|[0-9a-f-]{36}|2\d{3}-\d\d-\d\dT[0-9:.]+Z", "NEW", told)


REQUESTS = {
    "a form with the id": lambda api, name: send_form(
        api, build.a_form([build.an_update("mine", p="1")], form_id=name)
    ),
    "a form with the case": lambda api, name: send_form(
        api, build.a_form([build.an_update(name, p="1")], form_id=f"f-{name}")
    ),
    "a form that points": lambda api, name: send_form(
        api, build.a_form([build.a_block("c", index={"p": name})], form_id=f"f-{name}")
    ),
    "a form that edits": lambda api, name: send_form(
        api,
        build.a_form([build.an_update("mine", p="1")], form_id=f"f-{name}").replace(
            b"</n:meta>", f"<n:deprecatedID>{name}</n:deprecatedID></n:meta>".encode()
        ),
    ),
    "the case": lambda api, name: api.get(f"{api.cases}/{name}"),
    "its change": lambda api, name: api.put(
        f"{api.cases}/{name}", {"properties": {"p": "1"}}
    ),
    "a row of a bulk": lambda api, name: api.post(
        api.cases, [{"create": False, "case_id": name, "properties": {"p": "1"}}]
    ),
    "an upsert": lambda api, name: api.put(
        f"{api.cases}/ext/{name}/", a_case(properties={"p": "1"})
    ),
    "a child": lambda api, name: api.post(
        api.cases,
        a_case(indices={"parent": {"case_id": name, "case_type": "t"}}),
    ),
    "the form": lambda api, name: api.get(
        f"/a/{api.domain}/api/ledger/v1/forms/{name}/"
    ),
}


@pytest.mark.parametrize("request_of", REQUESTS.values(), ids=REQUESTS)
async def test_an_id_that_only_another_domain_has_is_answered_as_one_that_nobody_has(
    api, hidden, request_of
):
    """But for what is made anew each time, and the other domain stays as it was."""
    before = build.dump(hidden, OTHER)
    for_hidden = await request_of(api, HIDDEN)
    for_nobody = await request_of(api, NOWHERE)
    assert for_hidden.status == for_nobody.status < 500
    assert plain(for_hidden) == plain(for_nobody)
    assert build.dump(hidden, OTHER) == before


async def test_the_same_case_and_form_live_in_two_domains(api, members, hidden):
    """A device of each domain sends the same ids; each sees its own."""
    for value, domain in (("1", "demo"), ("2", OTHER)):
        update = build.an_update(HIDDEN, p=value)
        body = build.a_form([update], form_id="both")
        headers = members.join("ann", domain=domain)
        path = f"/a/{domain}/receiver/"
        answer = await api.post(path, data=body, headers=headers)
        assert answer.status == 201, answer.body
    for value, domain in (("1", "demo"), ("2", OTHER)):
        headers = members.join("ann", domain=domain)
        path = f"/a/{domain}/api/case/v2/{HIDDEN}"
        found = await api.get(path, headers=headers)
        assert found.json["properties"]["p"] == value

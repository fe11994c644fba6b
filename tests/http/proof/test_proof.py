"""Proof over HTTP: the head of a log, and its signed checkpoint."""

from __future__ import annotations

import asyncio

import pytest

from api.app import create_app
from api.config import Config
from ledger.proof.checkpoint import read_checkpoint
from ledger.proof.signing import Untrusted, create_signing_key
from projections.rebuild.verify import verify

HEAD = "/a/demo/api/ledger/v1/head/"
CHECKPOINT = "/a/demo/api/ledger/v1/checkpoint/"


@pytest.fixture
def config(url, tmp_path) -> Config:
    """Return settings with a key to sign with."""
    create_signing_key(tmp_path / "key.pem")
    return Config(database=url, access_log=False, signing_key=str(tmp_path / "key.pem"))


async def test_the_head_is_the_last_entry(api):
    """Position and digest are those of the log, and move with it."""
    before = (await api.get(HEAD)).json
    await api.create()
    after = (await api.get(HEAD)).json
    assert list(after) == ["domain", "position", "digest", "appended_on"]
    assert after["domain"] == "demo"
    assert after["position"] == before["position"] + 1
    assert after["appended_on"] > before["appended_on"]
    with api.members.store.reading("demo") as reader:
        assert after["digest"] == reader.head.digest.hex()


async def test_the_digest_of_an_earlier_entry_stays_what_it_was(api):
    """What somebody notes today can be asked for again."""
    before = (await api.get(HEAD)).json
    await api.create()
    assert (await api.get(f"{HEAD}?position={before['position']}")).json == before


async def test_a_position_behind_the_head_is_not_found(api):
    """The log does not reach so far; the text says how far it does."""
    head = (await api.get(HEAD)).json["position"]
    answer = await api.get(f"{HEAD}?position={10**17}")
    assert answer.status == 404
    assert answer.error == f"The log ends at position {head}, before {10**17}"


@pytest.mark.parametrize(
    "value", ["", "0", "-1", "x", "1.0", "%C2%B2", "9" * 400, "%00"]
)
async def test_a_position_that_is_no_number_is_refused(api, value):
    """A 400 that names the parameter."""
    answer = await api.get(f"{HEAD}?position={value}")
    assert answer.status == 400
    assert answer.json["errors"][0]["field"] == "position"


@pytest.mark.parametrize("path", [f"{HEAD}?at=1", f"{CHECKPOINT}?position=1"])
async def test_an_unknown_parameter_is_refused(api, path):
    """Nothing that was asked for is passed over in silence."""
    admin = api.members.join("admin@example.org", role="admin")
    answer = await api.get(path, headers=admin)
    assert answer.status == 400
    assert answer.error.endswith("is not a valid parameter.")


async def test_an_entry_that_is_gone_is_not_found(api):
    """Somebody took it out of the log; the proof tells the rest."""
    position = (await api.get(HEAD)).json["position"]
    conn = api.members.store.connection
    if api.members.store.dialect.write_needs_lock:
        conn.execute("ALTER TABLE entries DISABLE TRIGGER USER")
    else:
        conn.execute("DROP TRIGGER entries_refuses_delete")
    conn.execute("DELETE FROM entries")
    answer = await api.get(HEAD)
    assert answer.status == 404
    assert answer.error == f"The entry at position {position} is missing"


async def test_a_checkpoint_is_a_file_that_the_log_agrees_with(api, tmp_path):
    """What comes over HTTP is what the command line verifies against."""
    await api.create()
    admin = api.members.join("admin@example.org", role="admin")
    answer = await api.get(CHECKPOINT, headers=admin)
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == "application/x-ndjson"
    path = tmp_path / "noted"
    path.write_bytes(answer.body)
    found = read_checkpoint(path)
    named = f'attachment; filename="demo-{found.position}.checkpoint"'
    assert answer.headers["Content-Disposition"] == named
    await api.create()
    store = api.members.store
    proved = await asyncio.to_thread(verify, store, "demo", against=[found])
    assert proved.ok
    assert found.position == proved.position - 1


async def test_only_an_admin_gets_a_checkpoint(api):
    """A signature speaks for the whole installation."""
    assert (await api.get(CHECKPOINT)).status == 403


async def test_a_viewer_may_note_the_head_and_nobody_else(api):
    """The digest tells nothing about the data, but it is not for everybody."""
    viewer = api.members.join("viewer@example.org", role="viewer")
    mobile = api.members.join("phone@example.org", role="mobile")
    assert (await api.get(HEAD, headers=viewer)).status == 200
    assert (await api.get(HEAD, headers=mobile)).status == 403
    assert (await api.get(HEAD, anonymous=True)).status == 401


async def test_a_log_that_breaks_off_is_not_signed(api):
    """A problem with a status, not half a file."""
    admin = api.members.join("admin@example.org", role="admin")
    conn = api.members.store.connection
    conn.execute("UPDATE domains SET position = position + 1")
    answer = await api.get(CHECKPOINT, headers=admin)
    assert answer.status == 400
    assert answer.error.startswith("the log is broken at position")


class TestWithoutAKey:
    """A server that was given nothing to sign with."""

    @pytest.fixture
    def config(self, url) -> Config:
        """Return settings without a key."""
        return Config(database=url, access_log=False)

    async def test_it_is_told_how_to_get_one(self, api):
        """A 409, and what the operator has to do."""
        admin = api.members.join("admin@example.org", role="admin")
        answer = await api.get(CHECKPOINT, headers=admin)
        assert answer.status == 409
        assert answer.error.startswith("The server has no signing key: its operator")


def test_a_server_does_not_start_with_a_key_that_is_none(config, tmp_path):
    """A setting that makes no sense is told before anything is served."""
    (tmp_path / "key.pem").write_text("no key")
    with pytest.raises(Untrusted, match="is no signing key"):
        create_app(config)

"""A signed file says what a log was, and nobody can alter or forge it."""

from __future__ import annotations

import json
from itertools import chain

import pytest

from ledger.errors import Conflict
from ledger.proof.checkpoint import read_checkpoint
from ledger.proof.signing import (
    Untrusted,
    create_signing_key,
    is_public_key,
    load_signing_key,
)
from tests.kit import build
from tests.kit.intruder import (
    LAST,
    against,
    checkpoint,
    digest_at,
    forged,
    head_of,
    intrude,
    rewrite,
)

# The signed file


def test_a_checkpoint_says_what_the_log_was(ledger, noted, key):
    """Domain, position, digest, times, program and key stand in it as they were."""
    found = read_checkpoint(noted)
    head = head_of(ledger)
    assert (found.domain, found.position) == (build.DOMAIN, LAST)
    assert (found.digest, found.public_key) == (head.digest, key.public_key)
    assert found.program == "tests"
    digests = [digest_at(ledger, n)[:16] for n in range(1, LAST + 1)]
    assert [found.half(n) for n in range(1, LAST + 1)] == digests


def test_a_long_log_fills_several_lines(store, key, tmp_path):
    """A thousand digests stand on a line; the first entry that differs is named."""
    build.a_domain(store)
    build.write(store, *(build.a_submission(build.a_form()) for _ in range(2_005)))
    path = checkpoint(store, key, tmp_path / "long")
    assert len(path.read_bytes().splitlines()) == 1 + 3 + 1
    rewrite(store, lambda entry: forged(entry, 1_234))
    assert [n for n, _ in against(store, read_checkpoint(path))] == [1_234]


def test_an_altered_checkpoint_is_refused(ledger, noted, caseledger):
    """Whichever byte of the file is altered, it is not believed."""
    whole = noted.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 0x01
        noted.write_bytes(damaged)
        with pytest.raises(Untrusted, match=r"signature does not fit|is no signed"):
            read_checkpoint(noted)
    noted.write_bytes(whole.replace(b'"domain":"demo"', b'"domain":"dema"'))
    words = ("verify", "--domain", build.DOMAIN, "--against", noted)
    _, told = caseledger(*words, expect=1)
    assert told == f"Error: {noted} was altered: its signature does not fit\n"


def test_a_checkpoint_of_which_a_part_is_missing_is_refused(noted):
    """A file that was cut anywhere, or to which something was added, is none."""
    whole = noted.read_bytes()
    for end in chain(range(0, len(whole) - 1, 7), [len(whole) - 1]):
        noted.write_bytes(whole[:end])
        with pytest.raises(Untrusted, match="or a part of it is missing"):
            read_checkpoint(noted)
    lines = whole.splitlines(keepends=True)
    for more in (whole + b"\n", whole + lines[1], b"".join([*lines, lines[-1]])):
        noted.write_bytes(more)
        with pytest.raises(Untrusted, match="or a part of it is missing"):
            read_checkpoint(noted)
    noted.write_bytes(lines[0] + lines[2])
    with pytest.raises(Untrusted, match="signature does not fit"):
        read_checkpoint(noted)


def test_a_checkpoint_of_a_forger_is_told_by_its_key(
    ledger, noted, key, tmp_path, caseledger
):
    """Who rewrote the log can sign it too, but not with the key of the owner."""
    rewrite(ledger, lambda entry: forged(entry, 4))
    forger = create_signing_key(tmp_path / "forger.pem")
    fake = checkpoint(ledger, forger, tmp_path / "fake")
    words = ("verify", "--domain", build.DOMAIN, "--against", fake)
    _, told = caseledger(*words)
    assert f"{fake}: signed by {forger.public_key} on 2" in told
    _, told = caseledger(*words, "--public-key", key.public_key, expect=1)
    assert told == f"Error: {fake} was signed by another key: {forger.public_key}\n"
    words = ("verify", "--domain", build.DOMAIN, "--against", noted)
    caseledger(*words, "--public-key", key.public_key, expect=1)


def test_a_checkpoint_of_another_domain_is_refused(ledger, noted, caseledger):
    """A log is compared with what was noted of itself."""
    build.a_domain(ledger, "other")
    words = ("verify", "--domain", "other", "--against", noted)
    _, told = caseledger(*words, expect=1)
    assert told == f"Error: {noted} is of the domain 'demo'\n"


def test_a_log_that_breaks_off_is_not_signed(ledger, key, tmp_path):
    """A signature under a log with a hole would be worth nothing."""
    intrude(ledger, "entries", "DELETE FROM entries WHERE position = 4")
    with pytest.raises(Conflict, match="the log is broken at position 4"):
        checkpoint(ledger, key, tmp_path / "broken")


def test_the_command_line_makes_keys_and_checkpoints(
    ledger, tmp_path, caseledger, monkeypatch
):
    """A key, then a file, then the proof: what an operator types."""
    path, file = tmp_path / "new.pem", tmp_path / "out"
    [public], _ = caseledger("signing-key", "create", path)
    assert is_public_key(public)
    assert path.stat().st_mode & 0o777 == 0o600
    assert caseledger("signing-key", "show", path)[0] == [public]
    sign = ("checkpoint", "--domain", build.DOMAIN, "--signing-key", path)
    out, told = caseledger(*sign, "-o", file)
    assert out == []
    assert told == f"{file}: {LAST} entries, signed by {public}\n"
    monkeypatch.setenv("CASELEDGER_SIGNING_KEY", str(path))
    printed, _ = caseledger("checkpoint")
    assert len(printed) == len(file.read_text().splitlines())
    assert json.loads(printed[0])["digest"] == head_of(ledger).digest.hex()
    words = ("verify", "--domain", build.DOMAIN, "--against", file)
    caseledger(*words, "--public-key", public)


def test_neither_a_key_nor_a_checkpoint_is_written_over(
    ledger, key, tmp_path, caseledger
):
    """The old one may be the only one that is true."""
    path, file = tmp_path / "key.pem", tmp_path / "out"
    sign = ("checkpoint", "--signing-key", path, "--output", file)
    caseledger(*sign)
    before = path.read_bytes(), file.read_bytes()
    _, told = caseledger(*sign, expect=1)
    assert told == f"Error: {file} is there already, and stays as it is\n"
    _, told = caseledger("signing-key", "create", path, expect=1)
    assert told == f"Error: {path} is there already, and stays as it is\n"
    assert (path.read_bytes(), file.read_bytes()) == before


def test_a_checkpoint_that_fails_leaves_no_file(ledger, key, tmp_path, caseledger):
    """Half a checkpoint would look like one."""
    intrude(ledger, "entries", "DELETE FROM entries WHERE position = 4")
    file = tmp_path / "out"
    words = ("checkpoint", "--signing-key", tmp_path / "key.pem", "-o", file)
    _, told = caseledger(*words, expect=1)
    assert told == ("Error: the log is broken at position 4: run caseledger verify\n")
    assert not file.exists()


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ("checkpoint", 1, "there is no key to sign with"),
        ("checkpoint --signing-key nowhere", 1, "cannot be read"),
        (f"verify --all --against 1:{'0' * 64}", 2, "leave out --all"),
        ("verify --domain demo --against nowhere", 2, "is neither"),
        ("verify --domain demo --public-key ed25519:x", 2, "is no public key"),
    ],
)
@pytest.mark.usefixtures("ledger")
def test_wrong_words_are_told(caseledger, words, code, text):
    """One clear line, and the exit code of its kind."""
    _, told = caseledger(*words.split(), expect=code)
    assert text in told.splitlines()[-1]


def test_a_file_that_is_no_key_is_refused(tmp_path):
    """Nothing is signed with what is no Ed25519 key."""
    path = tmp_path / "key.pem"
    for content in (b"", b"-----BEGIN PRIVATE KEY-----\n", b"\xff"):
        path.write_bytes(content)
        with pytest.raises(Untrusted, match="is no signing key"):
            load_signing_key(path)

"""A password of nobody takes as much work as that of somebody."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from argon2 import extract_parameters

from ledger.directory import passwords

ROOT = Path(__file__).parents[4]
WITHOUT_HASHING = """\
import argon2, argon2.low_level
def refuse(*_, **__):
    raise AssertionError("a password was hashed")
argon2.low_level.hash_secret = argon2._password_hasher.hash_secret = refuse
import ledger.directory.passwords as passwords
try:
    passwords.hash_password("pw")
except AssertionError:
    print("refused")
"""


def test_what_nobody_has_costs_what_a_password_does():
    """rules/case-api-v2.md 2: the time of an answer does not tell who exists."""
    encoded = passwords.hash_password("pw")
    assert extract_parameters(passwords.NOBODY) == extract_parameters(encoded)
    assert len(passwords.NOBODY) == len(encoded)
    assert passwords.verify_password("pw", encoded)


def test_nobody_has_a_password():
    """Neither an empty one nor any other."""
    for password in ("", "pw", "\udcff", passwords.NOBODY):
        assert not passwords.verify_password(password, None)


def test_a_process_hashes_nothing_before_it_is_asked_to():
    """A hash takes 64 MB, which would be the most that an idle server takes."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_HASHING],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "refused\n"

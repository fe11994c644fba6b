"""Times of forms (``rules/case-xml.md`` 9)."""

from __future__ import annotations

import re

import pytest

from ledger.times import parse_instant

MOMENT = "2026-03-01T07:00:00.250000Z"


@pytest.mark.parametrize("zero", [0x660, 0x6F0, 0x9E6, 0x966, 0xFF10, 0x1D7CE], ids=hex)
def test_the_digits_of_any_script_are_read(zero):
    """Rule 9.1: as phones write them that are set to another language."""
    digits = {str(n): chr(zero + n) for n in range(10)}
    local = "2026-03-01T10:00:00.250+03:00".translate(str.maketrans(digits))
    assert parse_instant(local) == MOMENT
    assert parse_instant(local.replace(".", "\u066b")) == MOMENT


@pytest.mark.parametrize("text", ["\xb2026-03-01", "MMXXVI", "2026\u201003\u201001"])
def test_what_is_no_digit_makes_no_time(text):
    """Rule 9.3."""
    with pytest.raises(ValueError, match=re.escape(text)):
        parse_instant(text)

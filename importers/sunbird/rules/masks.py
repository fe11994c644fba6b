"""Phones and emails as answers show them (``rules/batch-imports.md`` 2.5c). Pure."""

from __future__ import annotations

from collections.abc import Mapping

_LEAST_DIGITS = 10
_SHOWN_DIGITS = 4
_SHOWN_LETTERS = 2


def masked(values: Mapping[str, str]) -> dict[str, str]:
    """Return the values of a row with its phone and its email masked."""
    shown = dict(values)
    for name, mask in (("phone", mask_phone), ("email", mask_email)):
        if name in shown:
            shown[name] = mask(shown[name])
    return shown


def mask_phone(phone: str) -> str:
    """Return a phone of ten digits or more as stars, but for the last four."""
    if sum(char.isdigit() for char in phone) < _LEAST_DIGITS:
        return phone
    plain = phone.replace("-", "")
    return "*" * (len(plain) - _SHOWN_DIGITS) + plain[-_SHOWN_DIGITS:]


def mask_email(email: str) -> str:
    """Return an email as stars, but for its first two letters and its domain."""
    name, at, rest = email.partition("@")
    return name[:_SHOWN_LETTERS] + "*" * (len(name) - _SHOWN_LETTERS) + at + rest

"""The types that a value may be converted to. Pure.

``rules/batch-imports.md`` 1.6.1.
"""

from __future__ import annotations

TEXT = "text"
OWNER = "text or ref"
"""No type of the original: a text or a ref, which is what ``owner_id`` takes."""

TEXT_KINDS = frozenset(
    {TEXT, "text-paragraph", "text-multiline", "configuration-name", "isbn"}
)
STRUCTURED_TYPES = {
    "value:person-name": "person-name",
    "value:postal-address": "postal-address",
}

KNOWN_TYPES = frozenset(
    {
        *TEXT_KINDS,
        "integer",
        "number",
        "boolean",
        "datetime",
        "email-address",
        "url",
        "telephone-number",
        "ref",
        "object-type",
        "json",
        "person-name",
        "postal-address",
    }
)

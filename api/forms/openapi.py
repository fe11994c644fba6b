"""The shapes of forms that no other family names in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import BINARY, content

FORM_ATTACHMENT = content("*/*", BINARY)

"""The shapes of what the process says about itself in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import TEXT, Object, closed
from api.wire.route import Content

STATUS = closed({"status": TEXT})
DESCRIPTION: Object = {"type": "object"}
SCHEMA: Content = {
    "application/schema+json": {"schema": {"type": "object"}},
    "application/xml": {"schema": TEXT},
}

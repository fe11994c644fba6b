"""The shapes of what the process says about itself in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import TEXT, Object, closed

STATUS = closed({"status": TEXT})
DESCRIPTION: Object = {"type": "object"}

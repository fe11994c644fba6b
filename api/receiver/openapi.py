"""The shapes of the device receiver in the description of the API."""

from __future__ import annotations

from api.openapi.shapes import TEXT, content

FORM_WITH_FILES = content(
    "multipart/form-data",
    {
        "type": "object",
        "properties": {"xml_submission_file": TEXT},
        "required": ["xml_submission_file"],
    },
)
SUBMISSION = content("text/xml", TEXT) | FORM_WITH_FILES
OPENROSA_ANSWER = content("text/xml", TEXT)

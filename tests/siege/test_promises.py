"""The siege sees an answer that the description does not promise."""

from __future__ import annotations

import warnings

import pytest
import requests

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import schemathesis

    from tests.siege.promises import broken

THING = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
ADDRESS = "http://127.0.0.1:1"
JSON = "application/json"
KEPT, EXCEL, HAPLO = "/kept", "/importer/excel/x", "/api/haplo-data-import-batch/x"


@pytest.mark.parametrize(
    ("path", "status", "kind", "body", "fault"),
    [
        (KEPT, 200, JSON, b'{"n": 1}', None),
        (KEPT, 202, JSON, b'{"n": 1}', "Undocumented status code"),
        (KEPT, 200, JSON, b'{"n": "1"}', "Response violates schema"),
        (KEPT, 200, JSON, b'{"n": ', "JSON deserialization error"),
        (KEPT, 200, "text/html", b"<p>", "Undocumented Content-Type"),
        (KEPT, 500, JSON, b'{"n": 1}', "fails"),
        (KEPT, 503, JSON, b'{"n": 1}', "fails"),
        (EXCEL, 500, JSON, b'{"n": 1}', None),
        (EXCEL, 500, JSON, b'{"n": 1, "m": "Something went wrong"}', "fails"),
        (EXCEL, 503, JSON, b'{"n": 1}', "fails"),
        (HAPLO, 200, JSON, b'{"n": 1}', None),
    ],
)
def test_what_was_not_promised_is_told(path, status, kind, body, fault):
    """A status, a type, a body or a failure that the document does not have."""
    case = a_case(path)
    answer = schemathesis.Response(
        status,
        {"content-type": [kind]},
        body,
        request=requests.Request("GET", ADDRESS + path).prepare(),
        elapsed=0.1,
        verify=True,
    )
    told = broken(case, answer, {})
    if fault is None:
        assert told is None
    else:
        assert told is not None
        assert fault in told
        assert f"GET http://localhost{path}" in told


def a_case(path):
    """Return a request to an operation that answers a thing with 200, 500 and 503."""
    said = {"description": "", "content": {JSON: {"schema": THING}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "", "version": ""},
        "paths": {
            path: {"get": {"responses": dict.fromkeys(["200", "500", "503"], said)}}
        },
    }
    return schemathesis.openapi.from_dict(document)[path]["GET"].Case()

"""Which promises of the description an answer must keep: checks of Schemathesis.

Those that are left out, and why:

- ``positive_data_acceptance``: data that fit a schema may break a rule that no schema
  can tell, such as that a case has to be there.
- ``allow_header_conformance``: a preflight allows all methods of the case API at each
  of its addresses (rules/case-api-v2.md 1.5), also those that one address refuses.
- ``missing_required_header``: no operation requires a header.
- ``ignored_auth``, ``object_level_authorization``: ``credentials.py`` asks every route
  with every kind of credential, and looks for what is another domain's.
- ``use_after_free``, ``ensure_resource_availability``: what was deleted can be restored
  and stays readable, and who made a thing may be one of several that ask at once.
- ``max_response_time``: nothing is timed here.
"""

from __future__ import annotations

from schemathesis import Case, Response
from schemathesis.checks import CheckFunction
from schemathesis.core.failures import AcceptedNegativeData, Failure, FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi import checks

from tests.siege.fuzz import DEFECT

_ALWAYS: tuple[CheckFunction, ...] = (
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.negative_data_rejection,
)
_EXCEL = "/importer/excel/"
_HAPLO = "/api/haplo-data-import-batch/"
_STREAM = "text/event-stream"


def broken(case: Case, answer: Response, headers: dict[str, str]) -> str | None:
    """Return what an answer has that was not promised, with all that was sent."""
    found = [*_fails(case, answer), *_failures(case, answer, headers)]
    if not found:
        return None
    sent = case.as_curl_command(headers=headers)
    return (
        f"{'; '.join(found)}: {answer.status_code} {answer.content[:300]!r} to {sent}"
    )


def _fails(case: Case, answer: Response) -> list[str]:
    """Tell of an answer of 500 and more: the store is there, so nothing excuses it."""
    # The Excel import says 500 of files that it refuses, by the rules of its dialect.
    excel = _EXCEL in case.operation.path and answer.status_code == 500
    documented = excel and DEFECT not in answer.content
    return ["fails"] if answer.status_code >= 500 and not documented else []


def _failures(case: Case, answer: Response, headers: dict[str, str]) -> list[str]:
    try:
        case.validate_response(answer, list(_checks(case, answer)), headers=headers)
    except FailureGroup as group:
        return [
            f"{failure.title} ({' '.join(failure.message.split())[:500]})"
            for failure in group.exceptions
            if not _harmless(case, failure)
        ]
    return []


def _checks(case: Case, answer: Response) -> list[CheckFunction]:
    chosen = list(_ALWAYS)
    # OpenAPI 3.1 describes a stream as one text; Schemathesis takes each event for it.
    if _STREAM not in str(answer.headers.get("content-type")):
        chosen.append(checks.response_schema_conformance)
    # This API hides which methods it has (rules/batch-imports.md 1.1).
    if _HAPLO not in case.operation.path:
        chosen.append(checks.unsupported_method)
    return chosen


def _harmless(case: Case, failure: Failure) -> bool:
    """Tell whether data were taken that are not wrong as they are sent."""
    if not isinstance(failure, AcceptedNegativeData):
        return False
    # Ids in paths are replaced by such as are there, and the empty text counts as a
    # parameter that is not given.
    bad_path = case.meta is not None and case.meta.is_negative_at(
        ParameterLocation.PATH
    )
    return bad_path or any(
        value in ("", [], [""], None) for value in case.query.values()
    )

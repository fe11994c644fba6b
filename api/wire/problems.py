"""Every problem that a client can meet, with its status and text. Pure.

A ``Problem`` says what went wrong; the route's dialect (``dialects.py``) says it in the
words of the client's protocol. Texts that a rule below HTTP writes arrive through
``from_ledger``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.errors import Conflict, LedgerError, NotFound
from ledger.forms.names import printable

IDEMPOTENCY_KEY = "Idempotency-Key"
_LATER = {"Retry-After": "5"}
"""How soon to come again after an outage, which ends when it ends."""
REALM = 'Basic realm="caseledger", charset="UTF-8"'
NOT_VALID = "Authorization credentials are missing or not valid"
NOT_PERMITTED = "You do not have permission to do this"


class Problem(Exception):
    """What a client is told instead of an answer.

    ``details`` are further keys of a JSON body. ``empty`` problems have no body at
    all: HQ answers so where it throttles.
    """

    def __init__(
        self,
        status: int,
        text: str,
        *,
        details: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        empty: bool = False,
    ) -> None:
        """Keep what will be said."""
        super().__init__(text)
        self.status = status
        self.text = text
        self.details = dict(details or {})
        self.headers = dict(headers or {})
        self.empty = empty


class InactiveUser(Problem):
    """The right credentials of a user whose account is closed: a 401.

    The OpenRosa dialect says 406 instead (``rules/submission.md`` 1.2).
    """

    def __init__(self) -> None:
        """Say what is said to everybody who may not come in."""
        super().__init__(401, NOT_VALID, headers={"WWW-Authenticate": REALM})


class UnknownKey(Problem):
    """A key that is nobody's: a 401 like every other."""

    def __init__(self) -> None:
        """Say what is said to everybody who may not come in."""
        super().__init__(401, NOT_VALID, headers={"WWW-Authenticate": REALM})


class OutOfScope(Problem):
    """A key that is meant for other paths: a 403."""

    def __init__(self) -> None:
        """Say what is said to whoever may not do this."""
        super().__init__(403, NOT_PERMITTED)


class NotAMember(Problem):
    """Good credentials of a user who has no part in the domain: a 403."""


def invalid(text: str, *, errors: Sequence[Mapping[str, Any]] = ()) -> Problem:
    """Return a 400; ``errors`` lists rows and fields beside the text."""
    return Problem(400, text, details={"errors": list(errors)} if errors else None)


def unauthenticated() -> Problem:
    """Return the 401 for missing, malformed, unknown or wrong credentials.

    One text for all of them: nobody learns whether a user exists
    (``rules/case-api-v2.md`` 2).
    """
    return Problem(401, NOT_VALID, headers={"WWW-Authenticate": REALM})


def not_a_member(domain: str) -> Problem:
    """Return the 403 for a valid user who has no part in the domain."""
    return NotAMember(403, f"You do not have access to the project space '{domain}'")


def not_permitted() -> Problem:
    """Return the 403 for a member whose role or key does not reach this far."""
    return Problem(403, NOT_PERMITTED)


def page_of_others() -> Problem:
    """Return the 403 for what a page of another site does with a browser's memory."""
    return Problem(
        403,
        "A page of another site cannot use the credentials that a browser remembers; "
        "it needs an API key of its own",
    )


def no_host(text: str) -> Problem:
    """Return the 400 for a host that is none."""
    return invalid(f"'{printable(text)}' is not a valid host")


def host_not_served(text: str) -> Problem:
    """Return the 400 for a host that the settings do not allow."""
    return invalid(f"'{printable(text)}' is not a host of this server")


def throttled(*, seconds: int) -> Problem:
    """Return the 429: an empty body that says when to come again."""
    return Problem(
        429, "Too many requests", headers={"Retry-After": str(seconds)}, empty=True
    )


def unknown_path() -> Problem:
    """Return the 404 for a path that no route serves."""
    return Problem(404, "There is nothing at this address")


def method_not_allowed(allowed: Sequence[str]) -> Problem:
    """Return the 405 in HQ's words (``rules/case-api-v2.md`` 1)."""
    return Problem(
        405, "Request method not allowed", headers={"Allow": ", ".join(allowed)}
    )


def case_not_found(case_id: str) -> Problem:
    """Return the 404 of a single read (``rules/case-api-v2.md`` 4.1 and 4.3)."""
    return Problem(404, f"Case '{printable(case_id)}' not found")


def several_cases(external_id: str, case_ids: Sequence[str]) -> Problem:
    """Return the 400 that lists every case (``rules/case-api-v2.md`` 4.3)."""
    shown, listed = printable(external_id), ", ".join(case_ids)
    return invalid(f"Multiple cases found with external_id '{shown}': {listed}")


def at_fault(name: str, text: str) -> Problem:
    """Return the 400 about one parameter or field."""
    return invalid(text, errors=[{"field": name, "message": text}])


def unknown_parameter(name: str) -> Problem:
    """Return the 400 for a parameter that an address does not know."""
    text = f"'{name}' is not a valid parameter."
    return at_fault(name, text)


def invalid_value(field: str, value: str) -> Problem:
    """Return the 400 for a value that a parameter cannot have."""
    text = f"'{value}' is not a valid value for '{field}'"
    return at_fault(field, text)


def position_beyond_head(position: int, head: int) -> Problem:
    """Return the 404 for a position that the log has not reached."""
    return Problem(404, f"The log ends at position {head}, before {position}")


def entry_missing(position: int) -> Problem:
    """Return the 404 for an entry that somebody took out of the log."""
    return Problem(404, f"The entry at position {position} is missing")


def no_signing_key() -> Problem:
    """Return the 409 of a server that has nothing to sign with."""
    return Problem(
        409,
        "The server has no signing key: its operator makes one with caseledger "
        "signing-key create and sets CASELEDGER_SIGNING_KEY",
    )


def too_many_cases(limit: int) -> Problem:
    """Return the 400 for more ids than one may name (``rules/case-api-v2.md`` 4.2)."""
    return invalid(f"You cannot request more than {limit} cases per request.")


def as_of_needs_ids() -> Problem:
    """Return the 400 for a time of the past where no case ids are asked for."""
    text = "'as_of' can be asked of case ids only"
    return at_fault("as_of", text)


def case_was_deleted(case_id: str, when: str) -> Problem:
    """Return the 404 for a case that was in no list at a time."""
    return Problem(404, f"Case '{printable(case_id)}' had been deleted by {when}")


def parameter_needed(name: str) -> Problem:
    """Return the 400 for a parameter that an address cannot do without."""
    text = f"The parameter '{name}' is needed"
    return at_fault(name, text)


def bad_idempotency_key(limit: int) -> Problem:
    """Return the 400 for a key that cannot be kept."""
    text = f"Idempotency-Key must be 1 to {limit} printable ASCII characters"
    return at_fault(IDEMPOTENCY_KEY, text)


def undecodable_path() -> Problem:
    """Return the 400 for percent-encoded bytes that are not UTF-8."""
    return invalid("The path of the URL is not valid UTF-8")


def unreadable_body() -> Problem:
    """Return the 400 for a body that breaks off or whose encoding is broken."""
    return invalid("The body of the request could not be read")


def body_too_large(limit: int) -> Problem:
    """Return the 413; the limit counts the bytes after decompression."""
    return Problem(413, f"The body is larger than {limit} bytes")


def form_failed(problem: str, form_id: str | None) -> Problem:
    """Return the 400 of a form kept as an error (``rules/case-api-v2.md`` 8.5)."""
    ids = {"form_id": form_id, "xform_id": form_id}
    return Problem(400, printable(problem), details=ids)


def overloaded() -> Problem:
    """Return the 503 of a process that holds as much unwritten as it may."""
    text = "The server is busy; send the request again later"
    return Problem(503, text, headers={"Retry-After": "1"})


def too_many_waiting() -> Problem:
    """Return the 503 of a process for which as many wait as it can serve."""
    text = "Too many clients wait for changes; ask again later"
    return Problem(503, text, headers={"Retry-After": "5"})


def not_ready(reason: str) -> Problem:
    """Return the 503 of a process that cannot serve now, and why."""
    return Problem(503, reason, headers=_LATER)


def store_away() -> Problem:
    """Return the 503 of an outage, whatever the database was asked for."""
    text = "The database cannot be used now; send the request again later"
    return Problem(503, text, headers=_LATER)


def damaged(text: str) -> Problem:
    """Return the 500 for bytes that are not those which were stored, and where."""
    return Problem(500, printable(text))


def defect(request_id: str) -> Problem:
    """Return the 500 for a defect of ours; the log has the rest under the id."""
    return Problem(
        500,
        "Something went wrong on the server; it was logged under this request id",
        details={"request_id": request_id},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """What is wrong with one row, counted from 1, and in which of its fields."""

    row: int
    field: str | None
    message: str


class InvalidPayload(Conflict):
    """A body that is no request; ``errors`` says which rows and fields are at fault."""

    def __init__(self, text: str, errors: tuple[RowProblem, ...] = ()) -> None:
        """Keep the whole message and the problems of the rows."""
        first = errors[0] if errors else RowProblem(row=0, field=None, message=text)
        super().__init__(text, row=first.row or None, field=first.field)
        self.errors = errors


def from_ledger(error: LedgerError) -> Problem:
    """Return what a client is told of an error that a rule below HTTP raised."""
    if isinstance(error, NotFound):
        return Problem(404, printable(str(error)))
    if isinstance(error, Conflict):
        return _conflict(error)
    return invalid(printable(str(error)))


def _conflict(error: Conflict) -> Problem:
    places: list[dict[str, Any]] = []
    if isinstance(error, InvalidPayload):
        places = [
            _place(found.row or None, found.field, found.message)
            for found in error.errors
        ]
    elif error.row is not None or error.field is not None:
        places = [_place(error.row, error.field, error.text)]
    problem = invalid(printable(error.text), errors=places)
    if error.field == IDEMPOTENCY_KEY:
        # The request is sound, but its key already stands for another one.
        problem.status = 409
    return problem


def _place(row: int | None, field: str | None, message: str) -> dict[str, Any]:
    """Return one item of ``errors``: what is known of the place, and the message."""
    place = {"row": row, "field": field, "message": message}
    return {
        name: printable(value) if isinstance(value, str) else value
        for name, value in place.items()
        if value is not None
    }

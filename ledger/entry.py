"""The types of the log: what arrives, what is kept, what is answered. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

from ledger.times import Micros


class Kind(StrEnum):
    """The recorded verdict of an entry: decided once, never recomputed.

    What each carries and what the fold makes of it: ``rules/case-xml.md`` 16.
    """

    NORMAL = "normal"
    EDIT = "edit"
    DEPRECATE = "deprecate"
    COMPLETE = "complete"
    UNCOMPLETE = "uncomplete"
    DUPLICATE = "duplicate"
    ERROR = "error"
    SUBMISSION_ERROR = "submission_error"
    DEVICE_LOG = "device_log"
    REPROCESS = "reprocess"
    ARCHIVE = "archive"
    UNARCHIVE = "unarchive"
    FORM_DELETE = "form_delete"
    FORM_RESTORE = "form_restore"
    CASE_DELETE = "case_delete"
    CASE_RESTORE = "case_restore"
    CASE_REBUILD = "case_rebuild"
    ERASE = "erase"
    DIRECTORY = "directory"


class Attachment(NamedTuple):
    """One file that came with a form, under the name of its part."""

    name: str
    content_type: str
    sha256: str
    length: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """The bytes of an attachment on their way into the log."""

    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who is behind a write: the authenticated user, or nobody, and the client."""

    user_id: str = ""
    username: str = ""
    device_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The bytes of a form as they arrived, with what is known about the request.

    ``submit_time`` replaces the receive time and comes from trusted callers only
    (``rules/submission.md`` D-d). ``envelope`` holds what
    ``rules/case-xml.md`` 14 wants stored of the request; no secrets, no bodies.
    """

    body: bytes
    author: Author = field(default_factory=Author)
    attachments: tuple[Upload, ...] = ()
    envelope: Mapping[str, Any] = field(default_factory=dict)
    submit_time: Micros | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The head of a domain's log and what its last entry fixed.

    ``live`` maps each projection to the generation that answers reads. ``indexed`` are
    the property names that the live generation of ``cases`` keeps an index for.
    ``settings`` are those of the domain that were changed (``directory/domains.py``).
    """

    domain: str
    position: int
    appended_on: Micros
    digest: bytes
    live: Mapping[str, int]
    indexed: tuple[IndexedName, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexedName:
    """A property name with an index over every case up to ``built_to``.

    ``built_to`` is ``None`` once the index covers all cases and is kept current.
    """

    name_id: int
    name: str
    built_to: Micros | None


NO_DETAILS: Final[Mapping[str, Any]] = {}
"""What most entries say beside their columns; nobody alters it."""


class Entry(NamedTuple):
    """One row of the log.

    ``form_position`` is the position of the first version of the form and, with
    ``received_on``, its place in the fold. ``details`` holds what a kind needs beside
    the form: the case ids of a deletion, the account of a directory change.
    """

    domain: str
    position: int
    kind: Kind
    form_id: str | None
    form_position: int
    received_on: Micros
    appended_on: Micros
    orig_form_id: str | None = None
    xmlns: str = ""
    user_id: str = ""
    problem: str | None = None
    details: Mapping[str, Any] = NO_DETAILS
    attachments: tuple[Attachment, ...] = ()
    body_sha256: bytes | None = None
    body_length: int = 0
    digest: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the one door answers.

    ``cases`` are the touched cases in the order the caller asked for: a row each for
    changes, ascending ids for a form. ``created`` tells for each whether it is new.
    ``position`` is ``None`` when nothing was appended. ``resubmitted`` marks an error
    that stood in the log already and failed again when its bytes came anew. ``notice``
    is what the sender should be told besides, whatever the verdict.
    """

    form_id: str | None
    kind: Kind
    position: int | None = None
    problem: str | None = None
    cases: tuple[Any, ...] = ()
    created: tuple[bool, ...] = ()
    resubmitted: bool = False
    notice: str = ""

    @classmethod
    def of(cls, entry: Entry) -> Receipt:
        """Return the receipt of an entry that was appended."""
        return cls(
            form_id=entry.form_id,
            kind=entry.kind,
            position=entry.position,
            problem=entry.problem,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client is sent for a write: kept under its idempotency key, if any."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencyKey:
    """The key a client gave its request, and the digest of that request."""

    key: str
    user_id: str
    request_sha256: bytes

"""The tree of things that can go wrong below HTTP.

``LedgerError``
    ``Malformed``   the bytes are no form: kept in the log as a submission error
    ``Rejected``    a form broke a rule: kept as an XFormError, no case changed
    ``NotFound``    no such case, form or domain
    ``Conflict``    the caller must change something first; nothing is kept
    ``StoreUnavailable``  the store cannot now: an outage, whose end must be awaited
        ``ReadOnlyStore``  it takes no writes until somebody changes that
        ``RolledBack``     nothing was kept for certain, and it may be tried again
        ``ClockJumped``    nothing may be written with the time that the clock shows
    ``Overloaded``  more waits to be written than the process may hold

``Damaged`` stands beside the tree: it refuses nobody's wish but tells that the store
is not what it was, so a commit that meets it is rolled back as after a defect.

Anything else that is raised is a defect.
"""

from __future__ import annotations


class LedgerError(Exception):
    """Base of every error that the ledger raises on purpose."""


class Malformed(LedgerError):
    """The bytes of a submission are not a form (``rules/case-xml.md`` 12).

    ``line`` is where the parser stopped, if it knows.
    """

    line: int | None = None


class Rejected(LedgerError):
    """A form broke a rule of the protocol; ``problem`` is the text that is stored."""

    def __init__(self, code: str, text: str) -> None:
        """Keep the class name of the rule that was broken and its message."""
        super().__init__(f"{code}: {text}")
        self.code = code
        self.text = text

    def __reduce__(self) -> tuple[type[Rejected], tuple[str, str]]:
        """Be made again from code and text in another process."""
        return type(self), (self.code, self.text)

    @property
    def problem(self) -> str:
        """Return the stored text, ``<Class>: <message>``."""
        return f"{self.code}: {self.text}"


class NotFound(LedgerError):
    """The case, form, user or domain that was named does not exist."""


class Conflict(LedgerError):
    """The caller must change the request first; ``row`` counts from 1 in a bulk."""

    def __init__(
        self, text: str, *, row: int | None = None, field: str | None = None
    ) -> None:
        """Keep the message and, where known, the row and field it is about."""
        super().__init__(text)
        self.text = text
        self.row = row
        self.field = field


class StoreUnavailable(LedgerError):
    """The database cannot be opened, does not answer or takes no writes now.

    The text is for the operator; ``reason`` names no host, user or path, so that
    anybody may be told.
    """

    def __init__(
        self, text: str = "", *, reason: str = "the database does not answer"
    ) -> None:
        """Keep the whole text, and the reason that anybody may be told."""
        super().__init__(text)
        self.reason = reason


class ReadOnlyStore(StoreUnavailable):
    """The database can be read only, and will be until somebody changes that."""


class RolledBack(StoreUnavailable):
    """The transaction was undone for certain, and may succeed at once if repeated."""


class ClockJumped(StoreUnavailable):
    """The wall clock jumped ahead; nothing is written until that is settled."""


class Overloaded(LedgerError):
    """More bytes wait to be committed than the process may hold."""


ALTERED = "is not what was stored; run caseledger verify"
"""What ``Damaged`` says of the place that it names."""


class Damaged(Exception):
    """Bytes that are about to be used are not those that their digest names.

    The text names the place by domain, position and digest, never what stands there.
    """

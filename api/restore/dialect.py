"""How a restore says no: in plain text, and to phones in a document. Pure.

Numbers of rules are those of ``rules/restore.md``.
"""

from __future__ import annotations

from typing import Final

from api.restore.wire import CONTENT_TYPE, answer
from api.wire.dialects import OPENROSA, Dialect, Rendered
from api.wire.problems import Problem
from ledger.forms.names import printable

VERSIONS: Final = ("1.0", "2.0", "3.0")
"""What is told to whoever asks for another version; 1.0 is one of those (rule D-f)."""


class NotRestored(Problem):
    """A 412: the device drops what it has and asks anew (rule 2.3)."""

    def __init__(self, text: str) -> None:
        """Keep the text."""
        super().__init__(412, printable(text))


def illegal_version(version: str) -> NotRestored:
    """Return the 412 for a version in which nothing is sent."""
    legal = ", ".join(VERSIONS)
    return NotRestored(f"{version} is not a legal version, must be one of: {legal}")


def _render(problem: Problem) -> Rendered:
    if not isinstance(problem, NotRestored):
        return OPENROSA.render(problem)
    body = answer("ota_restore_error", problem.text)
    return Rendered(problem.status, body, CONTENT_TYPE)


RESTORE = Dialect("restore", _render)
"""Plain text, but for what makes a device begin anew."""

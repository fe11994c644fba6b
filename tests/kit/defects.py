"""Commands with a defect, which no part of the program expects."""

from __future__ import annotations

from tests.kit import build


class Defective:
    """A command with a defect: it raises what nobody expects."""

    size = 1

    def needs(self):
        """Need nothing."""
        return build.a_submission(b"").needs()

    def run(self, session):
        """Fail."""
        raise ZeroDivisionError

    def failed(self, session, error):
        """Keep nothing."""


class DefectiveForm(Defective):
    """A submission that a defect keeps from being processed."""

    def __init__(self, body):
        """Take the bytes of a form that would be sound."""
        self._sound = build.a_submission(body)

    def failed(self, session, error):
        """Keep the bytes."""
        self._sound.failed(session, error)

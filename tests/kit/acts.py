"""What may happen to a ledger and its model: what is drawn, and how each side is told.

An act is a name and what it is done with; the state machine turns it into a command.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ledger.entry import Receipt
from tests.kit import build, strategies

HOUR = 3_600_000_000

_LATE = st.sampled_from((None, None, None, -24 * HOUR, -HOUR, -1, 0, HOUR))
PASSED = st.sampled_from((0, 1, 5_000_000, HOUR, -HOUR))
THEN = st.sampled_from(("", "", "", "", "", "directory", "rebuild", "settings"))
_PLACE = st.integers(0, 20)
_NAMES = st.lists(st.sampled_from(strategies.CASES), min_size=1, max_size=3)
_FORM = st.tuples(st.just("form"), strategies.forms(), _LATE)
_EDIT = st.tuples(st.just("edit"), _PLACE, strategies.forms(), _LATE)
SUITED = {
    "archive": {"normal"},
    "unarchive": {"archived"},
    "form_delete": {"normal", "archived", "error", "duplicate", "deprecated"},
    "form_restore": {"deleted"},
    "reprocess": {"error"},
}
"""To which forms an act can be done: they are drawn more often than all others."""
OTHERWISE = {
    "unarchive": "archive",
    "form_restore": "form_delete",
    "reprocess": "form_delete",
}
"""What is done instead when there is no form for an act."""
_STATES = st.tuples(
    st.just("states"),
    st.sampled_from(sorted(SUITED)),
    st.lists(_PLACE, min_size=1, max_size=3),
    st.booleans(),
)
ACTS = st.one_of(
    _FORM,
    _FORM,
    _EDIT,
    _EDIT,
    _STATES,
    _STATES,
    st.tuples(st.just("withdraw"), _PLACE, st.booleans()),
    st.tuples(st.just("bring_back"), _PLACE),
    st.tuples(st.just("bring_back"), _PLACE),
    st.tuples(st.just("lacking"), strategies.forms(), st.none() | _PLACE, _LATE),
    st.tuples(st.just("retry"), _PLACE),
    st.tuples(st.just("everybody"), _LATE),
    st.tuples(st.just("chain"), _NAMES, _LATE),
    st.tuples(st.just("close"), _PLACE, _LATE),
    st.tuples(st.just("again"), _PLACE, st.sampled_from(((), strategies.FILES)), _LATE),
    st.tuples(st.just("files"), _PLACE),
    st.tuples(st.just("correct"), _PLACE, strategies.forms(), _LATE),
    st.tuples(st.just("correct"), _PLACE, strategies.forms(), _LATE),
    st.tuples(st.just("squat"), _PLACE, strategies.forms()),
    st.tuples(
        st.just("broken"),
        st.sampled_from((b"", b"<a", b"<a/>", b"\xff\xfe", b"<!DOCTYPE a><a/>")),
    ),
    st.tuples(
        st.just("changes"),
        st.lists(strategies.rows(), max_size=4),
        st.sampled_from((False, False, True)),
    ),
    st.tuples(st.just("flag"), _NAMES, st.booleans()),
    st.tuples(st.just("refold"), _NAMES),
)
TRIED = st.sampled_from((False,) * 9 + (True,))
PLAIN: dict[str, Any] = {
    "form_id": "plain",
    "xmlns": build.XMLNS,
    "user_id": build.USER,
    "blocks": [],
    "files": (),
}
BEGINNING = {**PLAIN, "form_id": "first", "blocks": [strategies.A_TOUCH]}


class Tried:
    """A command that is run in a copy of the session: nothing of it must stay."""

    def __init__(self, command: Any) -> None:
        """Try this command."""
        self.command = command
        self.size = command.size
        self.needs = command.needs

    def run(self, session: Any) -> Any:
        """Run the command where nothing is saved."""
        return self.command.run(session.scratch())


class Side:
    """One command as both sides are told it."""

    def __init__(self, command: Any, kind: str, told: Any) -> None:
        """Keep the command for the ledger and what the model is told."""
        self.command = command
        self.kind = kind
        self.told = told
        self.tried = False
        self.receipt: Receipt | None = None

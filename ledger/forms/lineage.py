"""What the log says of the form that holds an id: its versions and its state. Pure.

A form keeps its place in the fold, the receive time and the position of its first
version, whatever happens to it later (``rules/case-xml.md`` 13 to 16).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ledger.entry import Attachment, Entry, Kind
from ledger.times import Micros

NORMAL = "normal"
ARCHIVED = "archived"
DEPRECATED = "deprecated"
DUPLICATE = "duplicate"
ERROR = "error"
SUBMISSION_ERROR = "submission_error"
DELETED = "deleted"
STATES = frozenset(
    {NORMAL, ARCHIVED, DEPRECATED, DUPLICATE, ERROR, SUBMISSION_ERROR, DELETED}
)

_FIRST = {
    Kind.NORMAL: NORMAL,
    Kind.EDIT: NORMAL,
    Kind.ERROR: ERROR,
    Kind.DUPLICATE: DUPLICATE,
    Kind.SUBMISSION_ERROR: SUBMISSION_ERROR,
}
"""What a form is after its first entry; an edit is one if it has an id of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """A form through all its versions.

    ``current`` is the version that the form's id stands for. ``good`` is the last one
    that was processed, which stays in force when an edit of it fails (rule D-3), and
    ``in_force`` the one that the fold takes now: none while the form is archived or
    deleted, or before it was ever processed.
    """

    first: Entry
    current: Entry
    state: str
    good: Entry | None = None
    in_force: Entry | None = None
    hidden: tuple[str, Entry | None] | None = None
    """What a deletion took away: the state and the version in force before it."""
    deleted_on: Micros | None = None
    completions: tuple[Entry, ...] = ()
    """The entries that brought files to the version that is current."""
    taken: tuple[tuple[int, tuple[Attachment, ...]], ...] = ()
    """What the undoing of completions took from it, by the position of that."""

    @property
    def form_id(self) -> str:
        """Return the id."""
        return self.first.form_id or ""


def lineage_of(entries: Iterable[Entry]) -> Lineage | None:
    """Return what became of the form whose entries these are, oldest first.

    An error that made way for another form with its id (rule 13.6) is left behind.
    """
    found: Lineage | None = None
    versions: dict[int, Entry] = {}
    for entry in entries:
        if entry.body_sha256 is not None:
            versions[entry.position] = entry
        begins = entry.form_position == entry.position and entry.kind in _FIRST
        if begins or (found is None and entry.kind is Kind.EDIT):
            found = _begun(entry)
        elif found is not None:
            found = _next(found, entry, versions)
    return found


FOLDING = frozenset({Kind.EDIT, Kind.REPROCESS, Kind.COMPLETE})
"""The kinds that process a form anew: it is judged, and what follows follows."""


def revision_of(entry: Entry) -> tuple[int | None, int | None]:
    """Return the versions in force before and after an entry, by position.

    What the fold must take out and put in; both are nothing for an entry that does
    not change which version of a form is in force.
    """
    if entry.kind is Kind.ERROR:
        # What a failed edit would have replaced stays in force (rule D-3).
        return None, None
    if entry.kind is Kind.COMPLETE:
        # Whoever has more files says the same, unless it could not be folded before.
        folded = "folded" in entry.details
        return entry.details.get("from"), entry.position if folded else None
    if entry.kind is Kind.REPROCESS and "to" not in entry.details:
        return None, entry.form_position
    to = entry.position if entry.kind is Kind.EDIT else entry.details.get("to")
    return entry.details.get("from"), to


def _begun(entry: Entry) -> Lineage:
    good = entry if entry.kind in {Kind.NORMAL, Kind.EDIT} else None
    return Lineage(
        first=entry, current=entry, state=_FIRST[entry.kind], good=good, in_force=good
    )


def _next(form: Lineage, entry: Entry, versions: dict[int, Entry]) -> Lineage:
    """Return the form after one more of its entries."""
    change = _CHANGES.get(entry.kind)
    return form if change is None else change(form, entry, versions)


def _edited(form: Lineage, entry: Entry, _versions: dict[int, Entry]) -> Lineage:
    # An error that takes another form's place after all counts there from then on.
    moved = entry.form_position != form.first.form_position
    first = entry if moved else form.first
    return replace(
        form,
        first=first,
        current=entry,
        state=NORMAL,
        good=entry,
        in_force=entry,
        completions=(),
        taken=(),
    )


def _completed(form: Lineage, entry: Entry, _versions: dict[int, Entry]) -> Lineage:
    more = replace(form, completions=(*form.completions, entry))
    if "folded" in entry.details:
        return replace(more, current=entry, state=NORMAL, good=entry, in_force=entry)
    return _same_bytes(more, entry)


def _uncompleted(form: Lineage, entry: Entry, versions: dict[int, Entry]) -> Lineage:
    details, names = entry.details, set(entry.details["removed"])
    gone = tuple(a for a in form.current.attachments if a.name in names)
    left = tuple(c for c in form.completions if c.position not in details["undone"])
    less = replace(form, completions=left, taken=(*form.taken, (entry.position, gone)))
    if details["state"] != ERROR or form.state == ERROR:
        return _same_bytes(less, entry)
    # Without its files it is the error again that it was.
    older = versions.get(details.get("to", 0))
    return replace(less, current=entry, state=ERROR, good=older, in_force=older)


def _same_bytes(form: Lineage, entry: Entry) -> Lineage:
    """Put a version with the same bytes in the place of the current one."""
    was_good = form.good is form.current
    in_force = entry if form.in_force is form.current else form.in_force
    return replace(
        form, current=entry, good=entry if was_good else form.good, in_force=in_force
    )


def _deprecated(form: Lineage, _entry: Entry, _versions: dict[int, Entry]) -> Lineage:
    return replace(form, state=DEPRECATED, in_force=None)


def _failed(form: Lineage, entry: Entry, _versions: dict[int, Entry]) -> Lineage:
    return replace(form, current=entry, state=ERROR, completions=(), taken=())


def _reprocessed(form: Lineage, entry: Entry, versions: dict[int, Entry]) -> Lineage:
    version = versions.get(revision_of(entry)[1] or 0, form.current)
    return replace(form, state=NORMAL, good=version, in_force=version)


def _archived(form: Lineage, _entry: Entry, _versions: dict[int, Entry]) -> Lineage:
    return replace(form, state=ARCHIVED, in_force=None)


def _unarchived(form: Lineage, _entry: Entry, _versions: dict[int, Entry]) -> Lineage:
    return replace(form, state=NORMAL, in_force=form.good)


def _deleted(form: Lineage, entry: Entry, _versions: dict[int, Entry]) -> Lineage:
    hidden = (form.state, form.in_force)
    return replace(
        form,
        state=DELETED,
        in_force=None,
        hidden=hidden,
        deleted_on=entry.appended_on,
    )


def _restored(form: Lineage, _entry: Entry, _versions: dict[int, Entry]) -> Lineage:
    state, version = form.hidden or (form.state, form.in_force)
    return replace(form, state=state, in_force=version, hidden=None)


_CHANGES: dict[Kind, Callable[[Lineage, Entry, dict[int, Entry]], Lineage]] = {
    Kind.EDIT: _edited,
    Kind.DEPRECATE: _deprecated,
    Kind.COMPLETE: _completed,
    Kind.UNCOMPLETE: _uncompleted,
    Kind.ERROR: _failed,
    Kind.REPROCESS: _reprocessed,
    Kind.ARCHIVE: _archived,
    Kind.UNARCHIVE: _unarchived,
    Kind.FORM_DELETE: _deleted,
    Kind.FORM_RESTORE: _restored,
}

"""What somebody did, and which acts on forms take it back.

What a job, a user or a form did stands in a stretch of the log. Of each form in it the
first act counts: to take that back leaves the form as it was before all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from ledger import log
from ledger.commands.completions import ChangeFiles
from ledger.commands.form_states import ChangeForms
from ledger.entry import Author, Entry, Kind
from ledger.errors import NotFound
from ledger.store import Reader
from ledger.times import Micros
from projections.forms.by_id import form_rows_of

_WINDOW = 1000
MOST_FORMS = 100
"""Forms of one chunk at most."""

_MOST_BYTES = 128 * 1024
"""Bytes of the forms of a chunk: a case takes some hundred, so this bounds cases."""

_OPPOSITES = {
    Kind.NORMAL: Kind.ARCHIVE,
    Kind.REPROCESS: Kind.ARCHIVE,
    Kind.ARCHIVE: Kind.UNARCHIVE,
    Kind.UNARCHIVE: Kind.ARCHIVE,
    Kind.FORM_DELETE: Kind.FORM_RESTORE,
    Kind.FORM_RESTORE: Kind.FORM_DELETE,
    Kind.COMPLETE: Kind.UNCOMPLETE,
    Kind.UNCOMPLETE: Kind.COMPLETE,
}
_OF_FILES = (Kind.COMPLETE, Kind.UNCOMPLETE)
_TAKES_AWAY = (Kind.ARCHIVE, Kind.FORM_DELETE)
_LEFT = (Kind.EDIT, Kind.CASE_DELETE, Kind.CASE_RESTORE, Kind.ERASE, Kind.DIRECTORY)
"""What changes something and is not taken back with acts on forms."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Whose doings are meant: those of a form, of a job, or of a user.

    Between the positions ``first`` and ``last``, both included.
    """

    first: int
    last: int
    form_id: str | None = None
    job_id: str | None = None
    user_id: str | None = None

    def takes(self, entry: Entry) -> bool:
        """Tell whether an entry is one of these doings."""
        if not self.first <= entry.position <= self.last:
            return False
        if self.job_id is not None:
            return entry.details.get("job") == self.job_id
        if self.user_id is not None:
            return entry.user_id == self.user_id
        return entry.form_id == self.form_id


@dataclass(frozen=True, slots=True)
class Act:
    """One form and what is to be done with it.

    ``places`` are the entries that are taken back, where only what they did is.
    """

    form_id: str
    kind: Kind
    form_position: int
    size: int
    places: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Acts:
    """Everything that takes a selection back, in the order in which it should happen.

    ``left`` counts the entries, by kind, that acts on forms cannot take back.
    """

    acts: Sequence[Act] = ()
    left: Mapping[str, int] = field(default_factory=dict)


def form_selection(r: Reader, form_id: str) -> Selection:
    """Return what a form did; raises ``NotFound``."""
    row = form_rows_of(r, [form_id]).get(form_id)
    if row is None:
        raise NotFound(f"Form '{form_id}' not found")
    return Selection(first=row.form_position, last=r.head.position, form_id=form_id)


def user_selection(
    r: Reader, user_id: str, *, since: Micros, until: Micros
) -> Selection:
    """Return what a user did from one time until before another."""
    return Selection(
        first=log.position_at(r, since - 1) + 1,
        last=log.position_at(r, until - 1),
        user_id=user_id,
    )


def acts_of(r: Reader, selection: Selection) -> Acts:
    """Return what takes a selection back.

    What the selected forms caused, such as the closing of extensions, goes with them.
    Newer forms are withdrawn before older ones, and put back after them. The same
    selection always gives the same acts.
    """
    found: dict[str, Act] = {}
    files: dict[str, list[Act]] = {}
    left: Counter[str] = Counter()
    cause = ""
    for entry in _entries(r, selection):
        caused = bool(cause) and entry.details.get("cause") == cause
        cause = ""
        if not caused and not selection.takes(entry):
            continue
        if entry.kind in _LEFT:
            left[entry.kind.value] += 1
        kind = _OPPOSITES.get(entry.kind)
        if kind is not None and entry.form_id is not None:
            cause = entry.form_id
            if kind in _OF_FILES:
                files.setdefault(cause, []).append(_act(entry, cause, kind))
            else:
                found.setdefault(cause, _act(entry, cause, kind))
    _join(found, files, left)
    if selection.form_id is not None and not found:
        # Whoever tries to withdraw it is told why that cannot be.
        found[selection.form_id] = Act(selection.form_id, Kind.ARCHIVE, 0, 0)
    return Acts(_ordered(_sized(r, list(found.values()))), dict(left))


def chunk_of(acts: Sequence[Act], start: int, *, most: int) -> Sequence[Act]:
    """Return the acts of one kind from ``start`` on that fit into a commit.

    At most ``most``, one at least, and fewer when the forms are large.
    """
    end, size = start + 1, acts[start].size
    while end < min(start + most, len(acts)) and acts[end].kind is acts[start].kind:
        size += acts[end].size
        if size > _MOST_BYTES:
            break
        end += 1
    return acts[start:end]


def chunks(acts: Sequence[Act]) -> Iterator[Sequence[Act]]:
    """Yield the acts in stretches that fit into a commit."""
    start = 0
    while start < len(acts):
        chunk = chunk_of(acts, start, most=MOST_FORMS)
        yield chunk
        start += len(chunk)


def command_of(
    acts: Sequence[Act], *, author: Author, reason: str = "", job_id: str | None = None
) -> ChangeForms | ChangeFiles:
    """Return the command for acts of one kind; each form has its own outcome."""
    form_ids, kind = tuple(act.form_id for act in acts), acts[0].kind
    if kind in _OF_FILES:
        return ChangeFiles(
            form_ids=form_ids,
            kind=kind,
            positions=frozenset(place for act in acts for place in act.places),
            author=author,
            reason=reason,
            job_id=job_id,
        )
    return ChangeForms(
        form_ids=form_ids,
        kind=kind,
        author=author,
        reason=reason,
        job_id=job_id,
        strict=False,
    )


def _entries(r: Reader, selection: Selection) -> Iterator[Entry]:
    """Yield the entries that may be selected, and what stands right behind them."""
    if selection.form_id is not None:
        of_form = log.entries_of_forms(r, [selection.form_id])
        places = {e.position for e in of_form.get(selection.form_id, ())}
        yield from _at(r, sorted(places | {place + 1 for place in places}))
        return
    last = min(selection.last + 1, r.head.position)
    for low in range(selection.first, last + 1, _WINDOW):
        yield from _at(r, range(low, min(low + _WINDOW, last + 1)))


def _at(r: Reader, positions: Sequence[int]) -> Iterator[Entry]:
    found = log.entries_at(r, positions)
    return (found[position] for position in positions if position in found)


def _act(entry: Entry, form_id: str, kind: Kind) -> Act:
    places = (entry.position,) if kind in _OF_FILES else ()
    return Act(form_id, kind, entry.form_position, entry.body_length, places)


def _join(
    found: dict[str, Act], files: Mapping[str, Sequence[Act]], left: Counter[str]
) -> None:
    """Add what takes back the files that came to forms of which nothing else is.

    A form that is withdrawn takes its files along; what else is done to one leaves
    them, and that is counted.
    """
    for form_id, (first, *others) in files.items():
        act = found.get(form_id)
        alike = [first, *(other for other in others if other.kind is first.kind)]
        if act is None:
            places = tuple(place for one in alike for place in one.places)
            found[form_id] = replace(first, places=places)
        elif act.kind not in _TAKES_AWAY:
            left[_OPPOSITES[first.kind].value] += len(alike)


def _sized(r: Reader, acts: list[Act]) -> Iterator[Act]:
    """Yield the acts with the size of the form, where their entry has no body."""
    for low in range(0, len(acts), _WINDOW):
        window = acts[low : low + _WINDOW]
        wanted = [act.form_position for act in window if not act.size]
        first = log.entries_at(r, wanted) if wanted else {}
        for act in window:
            entry = first.get(act.form_position)
            yield act if entry is None else replace(act, size=entry.body_length)


def _ordered(acts: Iterable[Act]) -> Sequence[Act]:
    by_place = sorted(acts, key=lambda act: (act.form_position, act.form_id))
    away = [act for act in reversed(by_place) if act.kind in _TAKES_AWAY]
    back = [act for act in by_place if act.kind not in _TAKES_AWAY]
    return tuple(chain(away, back))

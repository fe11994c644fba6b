"""Which forms of a case decide what it is: a fold of those alone gives the same. Pure.

What a form says is mostly said again by a later one. So to take one of five thousand
forms out of a case, or to put it back, the few that are left speaking are folded and
not all. Which those are is told from *words*: a form has a word for each value that
it sets, whatever it sets it to. Words are chosen so that of two forms with the same
word the later one leaves nothing of what the earlier one did there.

What the first form in force decides, or the one with the latest time of change, is no
matter of who spoke last; that is seen to apart. Numbers of rules are those of
``rules/case-xml.md``.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ledger.forms.case_block import CaseBlock
from ledger.forms.form import CASE_API_XMLNS, Form
from ledger.times import Instant
from projections.rule.fold import Stamp

Order = tuple[int, int]
"""A form's place in the fold: when it was received, and its first position."""

Word = tuple[str, str]
"""What a form sets: the manner in which, and the name."""

_TOUCH: Word = ("touch", "")
_BLOCK: Word = ("block", "")
_USER: Word = ("user", "")
_CLOSE: Word = ("close", "")
_OWNER: tuple[Word, ...] = tuple(
    (how, "owner_id") for how in ("create", "update", "api")
)


class Traits(NamedTuple):
    """What a form does to one case, without the values.

    ``modified_on`` is the latest time of change that its blocks give the case; it is
    empty for a form that only a ledger block has touch the case (rule 18.2).
    """

    words: tuple[Word, ...]
    modified_on: Instant


def traits_of(blocks: Sequence[CaseBlock], form: Form, stamp: Stamp) -> Traits:
    """Return what a form with these blocks for a case does to it."""
    words = dict.fromkeys((_TOUCH, *_words(blocks, form)))
    times = [block.date_modified or stamp.received_on for block in blocks]
    return Traits(tuple(words), max(times, default=""))


def _words(blocks: Sequence[CaseBlock], form: Form) -> Iterator[Word]:
    # Names mean other things in forms of the Case Data API (``fold.py`` knows which).
    update = "api" if form.xmlns == CASE_API_XMLNS else "update"
    for block in blocks:
        yield _BLOCK
        if block.user_id or form.meta.user_id:
            yield _USER
        if block.close:
            yield _CLOSE
        for name in block.create or ():
            yield "create", name
        for name in block.update or ():
            yield update, name
        for index in block.indices:
            # A tombstone keeps the type of what stood there (rule 10.3).
            yield ("point" if index.case_id else "clear"), index.name
        for attachment in block.attachments:
            if attachment.src or not attachment.origin:
                yield "attach", attachment.name


class Decisive:
    """The words of the forms in force of a case, and by them the forms that decide."""

    def __init__(self) -> None:
        """Start without a form."""
        self._said: dict[Word, list[Order]] = {}
        self._times: list[tuple[Instant, Order]] = []

    def add(self, order: Order, traits: Traits) -> None:
        """Take in a form."""
        for word in traits.words:
            insort(self._said.setdefault(word, []), order)
        if traits.modified_on:
            insort(self._times, (traits.modified_on, order))

    def remove(self, order: Order, traits: Traits) -> None:
        """Leave out a form that was taken in with these traits."""
        for word in traits.words:
            said = self._said[word]
            del said[bisect_left(said, order)]
            if not said:
                del self._said[word]
        if traits.modified_on:
            del self._times[bisect_left(self._times, (traits.modified_on, order))]

    def begins_before(self, order: Order) -> bool:
        """Tell whether the case is there when the form at a place comes to it."""
        blocks = self._said.get(_BLOCK)
        return blocks is not None and blocks[0] < order

    def orders(self) -> list[Order]:
        """Return the places of the forms that decide, ascending; none without a case.

        The last one of each word; the one that opens the case; the one with the latest
        time of change; and whoever fills in an owner that nobody names (rule 7.4).
        """
        blocks = self._said.get(_BLOCK)
        if blocks is None:
            return []
        found = {places[-1] for places in self._said.values()}
        found.add(blocks[0])
        found.add(self._times[-1][1])
        found.update(self._owning())
        return sorted(found)

    def copy(self) -> Decisive:
        """Return the same, to be changed by itself."""
        same = Decisive()
        same._said = {word: list(places) for word, places in self._said.items()}
        same._times = list(self._times)
        return same

    @property
    def length(self) -> int:
        """Return how many words are held in all."""
        return len(self._times) + sum(map(len, self._said.values()))

    def _owning(self) -> Iterator[Order]:
        """Yield who fills in the first user, and the owner after it was named last.

        A form that names the owner as empty leaves it to the next that has a user.
        """
        users = self._said.get(_USER)
        if users is None:
            return
        yield users[0]
        named = [self._said[word][-1] for word in _OWNER if word in self._said]
        after = bisect_right(users, max(named)) if named else len(users)
        if after < len(users):
            yield users[after]

"""The read side as the ledger sees it: the live tables of a domain, in one batch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ledger.entry import Entry
from ledger.forms.case_block import CaseBlock
from ledger.store import Reader, Writer
from projections.commit.case_batch import CaseBatch
from projections.commit.extensions import open_extensions
from projections.commit.form_states import FormStates
from projections.commit.rolls import Rolls
from projections.names import CASES, FORMS
from projections.rule.fold import missing_target, new_targets
from projections.tables import case_tables, form_tables


class LiveBatch(CaseBatch):
    """A batch that judges, and keeps the states of forms beside the cases."""

    def __init__(self, reader: Reader, rolls: Rolls) -> None:
        """Open the live generations that the head names."""
        live = reader.head.live
        super().__init__(
            reader,
            case_tables(live[CASES]),
            indexed=reader.head.indexed,
            rolls=rolls,
        )
        self._rolls = rolls
        self._forms = FormStates(reader.conn, reader.domain, form_tables(live[FORMS]))

    def judge(self, groups: Mapping[str, Sequence[CaseBlock]]) -> None:
        """Refuse an index to no case (``rules/case-xml.md`` 10.5 and 10.6).

        Targets that stood before were checked when they were set, and no case is
        ever removed, so only what this form sets is looked at.
        """
        targets = new_targets(groups)
        if unknown := [i for _, i in targets if i not in self._cases]:
            self._load_cases(unknown)
        for case_id, target in targets:
            if target not in groups and self._cases.get(target) is None:
                raise missing_target(case_id, target)

    def closed_extensions(self, case_ids: Iterable[str]) -> Sequence[str]:
        """Return the open extensions of those of these cases that are closed."""
        return open_extensions(self, case_ids)

    def ask_forms(self, form_ids: Iterable[str]) -> Callable[[], frozenset[str]]:
        """Ask which of these ids the table of forms has; return how to get them."""
        return self._forms.ask(form_ids)

    def form_state(self, form_id: str) -> str | None:
        """Return the state of a form by the table of forms."""
        return self._forms.state(form_id)

    def record(self, entry: Entry) -> None:
        """Note what an entry means for the table of forms."""
        self._forms.note(entry)

    def scratch(self) -> LiveBatch:
        """Return a copy to try something on; it must never be saved."""
        copy = LiveBatch(self.reader, self._rolls)
        copy._cases = dict(self._cases)
        copy._stored = self._stored
        copy._owners = {name: dict(ids) for name, ids in self._owners.items()}
        copy._histories = self._histories.scratch()
        copy._forms = self._forms.scratch()
        return copy

    def save(self) -> None:
        """Write both projections."""
        super().save()
        self._forms.save()


class LiveProjector:
    """Opens the live read tables of a domain for a transaction that writes.

    Keeps the long histories that were needed, for the transactions that follow.
    """

    def __init__(self, rolls: Rolls | None = None) -> None:
        """Start with these histories at hand, by default with none."""
        self._rolls = Rolls() if rolls is None else rolls

    def open(self, writer: Writer) -> LiveBatch:
        """Return a batch over the live generations that the head names."""
        return LiveBatch(writer, self._rolls)

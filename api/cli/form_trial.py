"""What a domain would say to forms: they are tried, and nothing is saved.

The forms are judged one after the other, as if each had been taken before the next
came, so that one may name a case of another. The transaction only reads and holds no
lock: a server goes on meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from itertools import islice
from time import monotonic

from api.cli.database import opened, the_domain
from api.config import Config
from ledger.clock import now_micros
from ledger.commands.submissions import SubmitForm
from ledger.entry import Kind, Receipt, Submission, Upload
from ledger.forms.case_block import missing_file
from ledger.forms.check import (
    MOST,
    Checked,
    Finding,
    refusal,
    warning,
    where_attachment,
    where_id,
    where_index,
)
from ledger.forms.form import Form
from ledger.forms.places import Place, place_of
from ledger.forms.xml import Element
from ledger.store import Store, Writer
from ledger.submit import Session
from projections.commit.projector import LiveProjector
from projections.rule.fold import blocks_by_case, missing_target, new_targets

_MOST_BYTES = 16 * 1024 * 1024
_LONG = 30.0
"""Seconds for which what the domain has is taken as it was at a moment."""
MOST_FORMS = 10_000
"""What is remembered of forms; those that come after it are judged without them."""

_REFUSING = (Kind.ERROR, Kind.SUBMISSION_ERROR)


class Trial:
    """A domain in which forms are tried one after the other."""

    def __init__(self, store: Store, domain: str, files: Sequence[str] = ()) -> None:
        """Begin; ``files`` are the attachments that would come with every form."""
        self._store = store
        self._domain = domain
        self._uploads = tuple(
            Upload(name=name, content_type="application/octet-stream", content=b"")
            for name in files
        )
        self._stack = ExitStack()
        self._bytes = self._forms = 0
        self._began = 0.0
        self._begin()

    def findings(
        self, body: bytes, checked: Checked, beside: Sequence[Upload] = ()
    ) -> list[Finding]:
        """Return what the domain says beside what the form by itself shows.

        ``beside`` are the files that would come with this form.
        """
        sent = Submission(body=body, attachments=(*beside, *self._uploads))
        command = SubmitForm(
            submission=sent, form=checked.form, problem=checked.problem
        )
        receipt = self.receipt(command)
        told = {finding.text for finding in checked.findings}
        said = _said(self._session, checked, receipt)
        return [finding for finding in said if finding.text not in told]

    def receipt(self, command: SubmitForm) -> Receipt:
        """Return what the log would answer to a form."""
        if monotonic() - self._began > _LONG:
            self._store.see_the_present(self._session.writer)
            self._began = monotonic()
        self._bytes += command.size
        self._forms += 1
        self._session.load([command.needs()])
        return command.run(self._session)

    def forget_when_full(self) -> bool:
        """Begin anew if the forms so far are too many to remember; tell whether."""
        if self._bytes <= _MOST_BYTES and self._forms < MOST_FORMS:
            return False
        self.close()
        self._begin()
        return True

    def close(self) -> None:
        """End the transaction."""
        self._stack.close()

    def _begin(self) -> None:
        reader = self._stack.enter_context(self._store.snapshot(self._domain))
        writer = Writer(reader.conn, reader.domain, reader.head)
        session = Session(writer, LiveProjector().open(writer), now_micros)
        self._session = session.scratch()
        self._began = monotonic()
        self._bytes = self._forms = 0


@contextmanager
def tried_in(config: Config, domain: str, files: Sequence[str]) -> Iterator[Trial]:
    """Open the database of the settings, and try forms in a domain that is there."""
    with (
        opened(config) as store,
        closing(Trial(store, the_domain(store, domain), files)) as trial,
    ):
        yield trial


def _said(session: Session, checked: Checked, receipt: Receipt) -> Iterator[Finding]:
    """Yield what a verdict means, with the place that it is about."""
    form, root = checked.form, checked.root
    if form is None or root is None:
        return
    if receipt.kind in _REFUSING:
        yield from _refused(session, form, root, receipt)
    elif receipt.kind is Kind.DUPLICATE:
        yield warning(where_id(root), receipt.problem or "")
    elif receipt.kind is Kind.EDIT:
        known = session.lineage(receipt.form_id or "")
        is_first = known is not None and known.first.position == receipt.position
        old = form.meta.deprecated_id if is_first else receipt.form_id
        text = f"it takes the place of the form '{old}', as an edit"
        yield warning(where_id(root), text)
    elif form.form_id not in {None, receipt.form_id}:
        text = f"the id '{form.form_id}' is taken: the form gets another one"
        yield warning(where_id(root), text)


def _refused(
    session: Session, form: Form, root: Element, receipt: Receipt
) -> Iterator[Finding]:
    """Yield why a form would be kept as an error.

    The verdict names the first index whose target is not there; all of them are told.
    """
    problem = receipt.problem or ""
    named = {block.case_id for block in form.blocks}
    missing = {
        missing_target(case_id, target).problem: (case_id, target)
        for case_id, target in new_targets(blocks_by_case(form))
        if target not in named and session.cases.case(target) is None
    }
    if problem not in missing:
        yield refusal(_place(form, root, receipt), problem)
    for text, (case_id, target) in islice(missing.items(), MOST):
        yield refusal(where_index(root, case_id, target), text)


def _place(form: Form, root: Element, receipt: Receipt) -> Place:
    """Return what in the form another problem is about."""
    for block in form.blocks:
        for attachment in block.attachments:
            missing = missing_file(receipt.form_id, attachment.src)
            if receipt.problem == missing.problem:
                return where_attachment(root, attachment.src)
    return place_of(root)

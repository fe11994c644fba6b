"""An undo that is only tried: what it would do, for whoever asks."""

from __future__ import annotations

from importers.jobs.undo import select
from importers.jobs.values import UndoRequest
from ledger.clock import now_micros
from ledger.store import Store
from projections.undo.acts import acts_of
from projections.undo.preview import preview
from projections.undo.values import UndoPreview


def try_undo(store: Store, domain: str, wish: UndoRequest) -> UndoPreview:
    """Return what an undo would do; raises as ``select`` does."""
    with store.snapshot(domain) as reader:
        acts = acts_of(reader, select(reader, wish))
        return preview(reader, acts, clock=now_micros)

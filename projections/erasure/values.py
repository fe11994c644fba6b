"""What an erasure would take, as values. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ledger.entry import Attachment


@dataclass(frozen=True, slots=True, kw_only=True)
class FormMeant:
    """A form, under the id that it has now; a device log has neither id nor state."""

    form_id: str | None
    state: str
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ErasurePreview:
    """What would be erased.

    ``mentioned`` are forms that name a case and would stay as they are,
    because none of their case blocks is about it.
    """

    forms: tuple[FormMeant, ...]
    form_count: int
    files: tuple[Attachment, ...]
    mentioned: tuple[FormMeant, ...]
    mentioned_count: int

"""Every kind of job and the handler that does it."""

from __future__ import annotations

from importers.excel import import_excel
from importers.repack_job import REPACK, repack
from importers.reprocess import REPROCESS, reprocess
from importers.turns import EXCEL
from importers.undo import UNDO, undo
from importers.worker import Handler

HANDLERS: dict[str, Handler] = {
    UNDO: undo,
    REPROCESS: reprocess,
    REPACK: repack,
    EXCEL: import_excel,
}

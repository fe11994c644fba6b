"""Every kind of job and the handler that does it."""

from __future__ import annotations

from importers.excel import import_excel
from importers.haplo.job import run_batch
from importers.repack_job import REPACK, repack
from importers.reprocess import REPROCESS, reprocess
from importers.sunbird.job import run_upload
from importers.turns import EXCEL, HAPLO, SUNBIRD
from importers.undo import UNDO, undo
from importers.worker import Handler

HANDLERS: dict[str, Handler] = {
    UNDO: undo,
    REPROCESS: reprocess,
    REPACK: repack,
    EXCEL: import_excel,
    HAPLO: run_batch,
    SUNBIRD: run_upload,
}

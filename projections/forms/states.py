"""The states of forms that lists can be asked for. Pure."""

from __future__ import annotations

from ledger.forms.lineage import ARCHIVED, DELETED, ERROR, NORMAL, SUBMISSION_ERROR

ERROR_STATES = (ERROR, SUBMISSION_ERROR)
FORM_STATES = (NORMAL, ERROR, SUBMISSION_ERROR, ARCHIVED, DELETED)

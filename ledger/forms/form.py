"""A parsed submission: types only; ``form_xml.py`` reads and writes the XML. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from ledger.errors import Rejected
from ledger.forms.case_block import CaseBlock
from ledger.times import Instant

CASE_NS = "http://commcarehq.org/case/transaction/v2"
META_NS = "http://openrosa.org/jr/xforms"
APP_VERSION_NS = "http://commcarehq.org/xforms"
DEVICE_LOG_NS = "http://code.javarosa.org/devicereport"
LEDGER_NS = "http://commcarehq.org/ledger/v1"
CASE_API_XMLNS = "http://commcarehq.org/case_api"

META_FIELDS: Final = frozenset(
    (
        "instanceID",
        "userID",
        "username",
        "deviceID",
        "timeStart",
        "timeEnd",
        "appVersion",
    )
)
"""The texts of a meta block that every reader knows (``rules/case-xml.md`` 3)."""

NO_TEXTS: Final[Mapping[str, str]] = {}
"""What a form says where it says nothing; nobody alters it."""


class FormMeta(NamedTuple):
    """The meta block of a form (``rules/case-xml.md`` 3); absent values are None.

    ``deprecated_id`` is the form whose place this one takes.
    """

    instance_id: str | None = None
    user_id: str | None = None
    deprecated_id: str | None = None
    username: str | None = None
    device_id: str | None = None
    time_start: Instant | None = None
    time_end: Instant | None = None
    app_version: str | None = None
    extra: Mapping[str, str] = NO_TEXTS


class Form(NamedTuple):
    """One form as read from its bytes.

    ``rejection`` is the first rule that its case blocks break on their own, found
    while reading; the form is then kept as an XFormError. ``form_id`` is what the form
    says of itself, ``None`` when it says nothing; the id it gets is decided by the log.
    """

    form_id: str | None
    xmlns: str
    name: str | None = None
    version: str | None = None
    meta: FormMeta = FormMeta()
    blocks: tuple[CaseBlock, ...] = ()
    ledger_case_ids: tuple[str, ...] = ()
    is_device_log: bool = False
    rejection: Rejected | None = None

"""How a form looks on the wire: questions, groups, case blocks and meta as XML.

Written as a phone writes it (``rules/case-xml.md`` 3 and 5): times in the phone's
own zone with milliseconds, case blocks between the questions, meta at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol, cast

from lxml import etree

from api.sample.people import Worker, sample_id
from ledger.forms.form import APP_VERSION_NS, CASE_NS, META_NS
from ledger.forms.xml import Element, namespace

_JAVAROSA_NS = "http://dev.commcarehq.org/jr/xforms"
_UPDATED_ON = date(2026, 6, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormKind:
    """A form of the application: the title its users see, and its short name."""

    slug: str
    title: str

    @property
    def xmlns(self) -> str:
        """Return the namespace that tells this kind of form from others."""
        return f"http://example.org/sample/{self.slug}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """Who filled in one form, and when."""

    worker: Worker
    kind: FormKind
    subject: str
    started: datetime
    ended: datetime

    @property
    def day(self) -> date:
        """Return the day on which the form was filled in."""
        return self.ended.date()

    @property
    def form_id(self) -> str:
        """Return the id of the form."""
        return sample_id("form", self.kind.slug, self.subject)

    @property
    def app_version(self) -> int:
        """Return the version of the application; it was updated once."""
        return 12 if self.day >= _UPDATED_ON else 11


class CaseWriter:
    """Writes one case block; every method returns the writer itself."""

    def __init__(self, block: Element, at: Encounter) -> None:
        """Keep the empty block and the encounter that it tells of."""
        self._block = block
        self._at = at

    def create(self, case_type: str, case_name: str) -> CaseWriter:
        """Create the case, owned by the worker."""
        return self._create(case_type, case_name, owner_id=self._at.worker.user_id)

    def create_unowned(self, case_type: str, case_name: str) -> CaseWriter:
        """Create the case without an owner of its own, as extensions are."""
        return self._create(case_type, case_name, owner_id="-")

    def update(self, **properties: object) -> CaseWriter:
        """Set properties; special names such as ``owner_id`` are as any other."""
        action = _append(self._block, "update")
        for name, value in properties.items():
            _append(action, name).text = str(value)
        return self

    def child_of(self, case_type: str, case_id: str) -> CaseWriter:
        """Point the index ``parent`` at a case."""
        action = _append(self._block, "index")
        _append(action, "parent", case_type=case_type).text = case_id
        return self

    def extension_of(self, case_type: str, case_id: str) -> CaseWriter:
        """Point the index ``host`` at the case that this one extends."""
        action = _append(self._block, "index")
        host = _append(action, "host", case_type=case_type, relationship="extension")
        host.text = case_id
        return self

    def close(self) -> CaseWriter:
        """Close the case."""
        _append(self._block, "close")
        return self

    def _create(self, case_type: str, case_name: str, *, owner_id: str) -> CaseWriter:
        action = _append(self._block, "create")
        _append(action, "case_type").text = case_type
        _append(action, "case_name").text = case_name
        _append(action, "owner_id").text = owner_id
        return self


class Sheet:
    """A form, or a group of it, that is being filled in."""

    def __init__(self, element: Element, at: Encounter) -> None:
        """Keep the element that takes the answers, and the encounter."""
        self._element = element
        self.at = at

    def ask(self, **answers: object) -> Sheet:
        """Add questions with their answers, in order."""
        for name, answer in answers.items():
            _append(self._element, name).text = str(answer)
        return self

    def group(self, name: str) -> Sheet:
        """Add a group, or one more turn of a repeat."""
        return Sheet(_append(self._element, name), self.at)

    def case(self, case_id: str) -> CaseWriter:
        """Add a case block."""
        block = etree.SubElement(
            self._element,
            f"{{{CASE_NS}}}case",
            case_id=case_id,
            date_modified=_phone_time(self.at.ended),
            user_id=self.at.worker.user_id,
            nsmap=_prefixes(CASE_NS),
        )
        return CaseWriter(block, self.at)


class Fill(Protocol):
    """What a form asks and does, waiting for the sheet to do it on."""

    def __call__(self, *, sheet: Sheet) -> object:
        """Fill in the sheet."""


def form_bytes(at: Encounter, fill: Fill) -> bytes:
    """Return the form that results from filling in an empty one."""
    root = etree.Element(
        f"{{{at.kind.xmlns}}}data",
        name=at.kind.title,
        version=str(at.app_version),
        uiVersion="1",
        nsmap=_prefixes(at.kind.xmlns, jrm=_JAVAROSA_NS),
    )
    fill(sheet=Sheet(root, at))
    _add_meta(root, at)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _add_meta(root: Element, at: Encounter) -> None:
    meta = etree.SubElement(root, f"{{{META_NS}}}meta", nsmap={"orx": META_NS})
    _append(meta, "deviceID").text = at.worker.device_id
    _append(meta, "timeStart").text = _phone_time(at.started)
    _append(meta, "timeEnd").text = _phone_time(at.ended)
    _append(meta, "username").text = at.worker.username
    _append(meta, "userID").text = at.worker.user_id
    _append(meta, "instanceID").text = at.form_id
    version = etree.SubElement(
        meta, f"{{{APP_VERSION_NS}}}appVersion", nsmap={"cc": APP_VERSION_NS}
    )
    version.text = (
        f'CommCare Android, version "2.53.1"(464694). App v{at.app_version}. '
        "CommCare Version 2.53. Build 464694, built on: 2026-01-15"
    )
    _append(meta, "drift").text = "0"


def _append(parent: Element, name: str, **attributes: str) -> Element:
    """Add an element in the namespace of its parent."""
    return etree.SubElement(parent, f"{{{namespace(parent)}}}{name}", attributes)


def _prefixes(default: str, **others: str) -> dict[str, str]:
    """Return a map of prefixes; to lxml ``None`` is the default, its stubs forgot."""
    return cast("dict[str, str]", {None: default, **others})


def _phone_time(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds")

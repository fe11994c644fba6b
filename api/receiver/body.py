"""The body of a submission: raw XML, or the parts of a multipart form. Pure.

The checks stand in the order of ``rules/submission.md`` 1.3. What is wrong with one
file, or beside the form, is noted and never costs the form.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from mimetypes import MimeTypes
from typing import Any, Final

from api.receiver.limits import MAX_ATTACHMENT, MAX_FORM, TOO_LARGE
from api.wire.multipart_body import Part, charset_of, read_parts
from api.wire.problems import Problem
from ledger.entry import Upload
from ledger.forms.charset import declared
from ledger.forms.names import printable

XML_PART: Final = "xml_submission_file"
EXTENSIONS: Final = (
    *("jpg", "jpeg", "png", "pdf"),
    *("3ga", "mp3", "wav", "amr", "qcp", "ogg"),
    *("3gpp", "3gp", "3gp2", "3g2", "mp4", "mpg4", "mpeg4", "m4v", "mpg", "mpeg"),
)
"""How the files of the kinds of ``media`` end."""

_KINDS: Final = ("audio/", "image/", "video/")
_TYPES: Final = ("application/octet-stream", "application/pdf")
_OF_NAME: Final = MimeTypes(filenames=())

ALL_FILES: Final = ("all",)
"""The setting with which every attachment is kept."""

_MOST_NOTED: Final = 50
_LONGEST_NOTED: Final = 200

_NO_XML_PART: Final = (
    "If you use multipart/form-data, please name your file xml_submission_file.\n"
    "You may also do a normal (non-multipart) post with the xml submission as the "
    "request body instead.\n"
)
_TWO_XML_PARTS: Final = (
    "If you use multipart/form-data, there must be one xml_submission_file only\n"
)
_EMPTY_XML_PART: Final = (
    "If you use multipart/form-data, the file xml_submission_file must not have an "
    "empty payload\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionBody:
    """The XML of a submission and what came with it.

    ``notes`` is what the log keeps of how the body was read: the names of ``fields``
    that were ignored, of ``renamed_files`` with the name that each came under, and of
    ``refused_files``, and the ``charset`` that stood beside the form.
    """

    form: bytes
    uploads: tuple[Upload, ...] = ()
    notes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def notice(self) -> str:
        """Return what the sender must know of the files, if anything."""
        refused = self.notes.get("refused_files")
        if not refused:
            return ""
        return f"These files are of a kind that is not kept: {', '.join(refused)}"


def is_multipart(content_type: str) -> bool:
    """Tell whether a body has parts; every other body is the XML itself."""
    return content_type.lstrip()[:19].lower() == "multipart/form-data"


def read_body(
    body: bytes, content_type: str, *, kinds: Sequence[str] = ALL_FILES
) -> SubmissionBody:
    """Return the form and the attachments of a request.

    ``kinds`` says which attachments are kept (rule 1.3.5). Raises ``Problem`` in the
    order and words of rule 1.3.4.
    """
    if is_multipart(content_type):
        return _read_parts(_parts(body, content_type), kinds)
    if len(body) > MAX_FORM:
        raise form_too_large()
    if not body:
        raise Problem(400, "Post may not have an empty body\n")
    form, notes = _in_charset(body, charset_of(content_type))
    return SubmissionBody(form=form, notes=notes)


def form_too_large() -> Problem:
    """Return the 413 for XML of more than 10 MiB (rules D-b and D-c)."""
    return Problem(413, f"{TOO_LARGE}\n")


def _read_parts(parts: Sequence[Part], kinds: Sequence[str]) -> SubmissionBody:
    form = _form_of(parts)
    files = [part for part in parts if _is_file(part) and part.name != XML_PART]
    if len(form.content) > MAX_FORM:
        raise form_too_large()
    if any(len(part.content) > MAX_ATTACHMENT for part in files):
        raise Problem(413, "Attachment exceeds 15MB size limit\n")
    if not form.content:
        raise Problem(400, _EMPTY_XML_PART)
    kept: list[Part] = []
    refused: list[str] = []
    for part in files:
        if _is_kept(part, kinds):
            kept.append(part)
        else:
            refused.append(part.name)
    uploads, renamed = _named(kept)
    fields = [p.name for p in parts if p is not form and not _is_left_out(p)]
    notes = {
        "fields": _noted(fields),
        "refused_files": _noted(refused),
        "renamed_files": renamed,
    }
    xml, charset = _in_charset(form.content, form.charset or "")
    return SubmissionBody(
        form=xml,
        uploads=uploads,
        notes={**charset, **{name: noted for name, noted in notes.items() if noted}},
    )


def _in_charset(form: bytes, charset: str) -> tuple[bytes, dict[str, str]]:
    """Return a form that declares the charset it was sent in, and a note of that.

    A replay has the bytes alone (``rules/case-xml.md`` 2.5).
    """
    if not charset:
        return form, {}
    found = declared(form, charset)
    return found, {} if found == form else {"charset": printable(charset)}


def _form_of(parts: Sequence[Part]) -> Part:
    """Return the part with the form: a file, else a field of that name (rule 1.3.2)."""
    named = [part for part in parts if part.name == XML_PART]
    forms = [part for part in named if _is_file(part)]
    if not forms:
        forms = [part for part in named if part.filename is None]
    if not forms:
        raise Problem(400, _NO_XML_PART)
    if any(part.content != forms[0].content for part in forms):
        raise Problem(400, _TWO_XML_PARTS)
    return forms[0]


def _is_file(part: Part) -> bool:
    """Tell whether a part is a file; some clients forget to say how theirs is called.

    A browser sends an empty name for a field in which no file was chosen.
    """
    if part.filename is not None:
        return bool(part.filename or part.content)
    return not (part.content_type or "text/plain").startswith("text/")


def _is_left_out(part: Part) -> bool:
    """Tell whether nothing need be said of a part beside the form."""
    return part.filename is not None or _is_file(part)


def _is_kept(part: Part, kinds: Sequence[str]) -> bool:
    """Tell whether a file is of one of these kinds (rule 1.3.5)."""
    endings = {
        name.rpartition(".")[2].lower() for name in (part.filename or "", part.name)
    }
    content_type = part.content_type or ""
    is_media = (
        not endings.isdisjoint(EXTENSIONS)
        or content_type.startswith(_KINDS)
        or content_type in _TYPES
    )
    takes = {"all": True, "media": is_media}
    return any(takes.get(kind, kind in endings) for kind in kinds)


def _named(parts: Sequence[Part]) -> tuple[tuple[Upload, ...], dict[str, str]]:
    """Return the attachments under names of their own, and how the others were called.

    The first of a name has it, the same bytes again are no difference, and others get
    a number (``rules/case-xml.md`` 11.1).
    """
    uploads = list(map(_upload, parts))
    taken = {upload.name for upload in uploads}
    found: dict[str, Upload] = {}
    renamed: dict[str, str] = {}
    for upload in uploads:
        alike = [u for n, u in found.items() if renamed.get(n, n) == upload.name]
        if any(upload.content == other.content for other in alike):
            continue
        name = upload.name
        if alike:
            name = _numbered(upload.name, taken)
            renamed[name] = upload.name
        taken.add(name)
        found[name] = replace(upload, name=name)
    return tuple(found.values()), renamed


def _numbered(name: str, taken: Collection[str]) -> str:
    """Return a name like this one that is free: ``photo (2).jpg``."""
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    tries = (f"{stem} ({number}){dot}{ending}" for number in count(2))
    return next(other for other in tries if other not in taken)


def _noted(names: Sequence[str]) -> list[str]:
    """Return different names as they can be kept for ever."""
    short = (printable(name)[:_LONGEST_NOTED] for name in names)
    return list(dict.fromkeys(short))[:_MOST_NOTED]


def _upload(part: Part) -> Upload:
    """Return an attachment under its part's name (``rules/case-xml.md`` 11)."""
    guessed, _ = _OF_NAME.guess_type(part.filename or part.name)
    content_type = part.content_type or guessed or "application/octet-stream"
    return Upload(
        name=printable(part.name or part.filename or ""),
        content_type=printable(content_type),
        content=part.content,
    )


def _parts(body: bytes, content_type: str) -> list[Part]:
    try:
        return read_parts(body, content_type)
    except ValueError as error:
        text = f"The multipart/form-data body could not be read: {error}\n"
        raise Problem(400, printable(text)) from None

"""The XML of D and L: one-case forms, hundred-case forms, updates.

Built from text templates, because a load generator has to make tens of thousands of
forms before its clock starts. No value of the data set needs escaping.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from bench import dataset

CASE_NS = "http://commcarehq.org/case/transaction/v2"
USER_ID = "5d1c2ad0e8a94e6b9ffae7d2b3a1c0de"
_FORM = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<data xmlns="http://openrosa.org/formdesigner/%s" name="%s" uiVersion="1"'
    ' version="1">%s<meta xmlns="http://openrosa.org/jr/xforms">'
    "<deviceID>bench-device</deviceID><timeStart>%s</timeStart>"
    "<timeEnd>%s</timeEnd><username>bench</username><userID>" + USER_ID + "</userID>"
    "<instanceID>%s</instanceID></meta></data>"
)
_CASE = (
    f'<case xmlns="{CASE_NS}" case_id="%s" date_modified="%s" user_id="{USER_ID}">'
    "%s</case>"
)


def create_block(i: int, size: int) -> str:
    """Return the case block that creates case ``i`` of D(``size``)."""
    household = dataset.parent(i)
    create = (
        f"<create><case_type>{dataset.case_type(i)}</case_type>"
        f"<case_name>{dataset.case_name(i)}</case_name>"
        f"<owner_id>{dataset.owner_id(i)}</owner_id>"
        f"<external_id>{dataset.external_id(i)}</external_id></create>"
    )
    parts = [create, _update(dataset.properties(i, size))]
    if household is not None:
        parts.append(
            '<index><parent case_type="household" relationship="child">'
            f"{dataset.case_id(household)}</parent></index>"
        )
    if dataset.is_closed(i):
        parts.append("<close/>")
    return _CASE % (dataset.case_id(i), dataset.instant(i), "".join(parts))


def create_form(i: int, size: int) -> bytes:
    """Return the one-case form that creates case ``i``; about 1.1 KB."""
    return _form("registration", i, create_block(i, size))


def bulk_form(numbers: range, size: int) -> bytes:
    """Return one form that creates several cases; 67 KB for a hundred.

    Its form id is that of its first case, so D is loaded either by one-case forms or
    by these.
    """
    blocks = "".join(create_block(i, size) for i in numbers)
    return _form("registration", numbers[0], blocks)


def log_form(i: int, size: int) -> bytes:
    """Return form ``i`` of L(``size``)."""
    target = dataset.log_target(i)
    if i % 2 == 0:
        block = create_block(target, dataset.log_cases(size))
        return _form("registration", i, block)
    return visit_form(target, i)


def visit_form(case: int, i: int) -> bytes:
    """Return form ``i``, which changes three properties of a case."""
    values = _update(dataset.visit(i))
    block = _CASE % (dataset.case_id(case), dataset.instant(i), values)
    return _form("visit", i, block)


def edited_form(i: int, size: int, *, edition: int) -> bytes:
    """Return form ``i`` of L(``size``) under its id with another note of its visit."""
    other = b"was put right %d times" % edition
    return log_form(i, size).replace(b"went as planned", other)


def one_case_forms(count: int) -> Iterator[bytes]:
    """Yield the forms of case 0: one creates it, the others are its visits."""
    yield create_form(0, count)
    for i in range(1, count):
        yield visit_form(0, i)


def log_bytes(size: int) -> int:
    """Return how many bytes of raw XML L(``size``) has."""
    return sum(len(log_form(i, size)) for i in range(size))


def samples(count: int) -> list[bytes]:
    """Return different one-case forms, to train a dictionary or to time a parser."""
    return [create_form(i, count) for i in range(count)]


def _form(kind: str, i: int, blocks: str) -> bytes:
    moment = dataset.instant(i)
    name = kind.capitalize()
    return (_FORM % (kind, name, blocks, moment, moment, dataset.form_id(i))).encode()


def _update(values: Mapping[str, str]) -> str:
    return f"<update>{_elements(values.items())}</update>"


def _elements(items: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<{name}>{value}</{name}>" for name, value in items)

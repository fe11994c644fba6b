"""What Hypothesis draws: descriptions of forms and changes, not their XML.

A description is a dict; ``body_of`` writes it as XML for the product and ``told`` says
it to the model. Case ids are short names that the test puts a prefix before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.kit import build

CASES = ("a", "b", "c")
FORMS = tuple(f"f{number}" for number in range(1, 17))
EXTERNAL = ("x1", "x2", "x3")
FILES = ("a.jpg", "b.jpg")

TIMES = {
    "2024-03-05T09:14:00.000+02:00": "2024-03-05T07:14:00.000000Z",
    "2024-03-05T07:14:00Z": "2024-03-05T07:14:00.000000Z",
    "2024-02-29": "2024-02-29T00:00:00.000000Z",
    "2024-03-05 08:00:30.5-05": "2024-03-05T13:00:30.500000Z",
    "1999": "1999-01-01T00:00:00.000000Z",
    "2031-12-31T23:59:59.999999Z": "2031-12-31T23:59:59.999999Z",
}

_VALUES = st.sampled_from(("", "yes", "no", " ", "7 ", "né😀", "a<b&'\"", "line\nline"))
_OWNERS = st.sampled_from(("", "g-north", "u-amina"))
_TEXTS = st.sampled_from(("", "patient", "Idris"))
_USERS = st.sampled_from((None, "", "u-amina", "u-omar"))
_TIMES = st.sampled_from(sorted(TIMES))

_CREATE = st.fixed_dictionaries(
    {},
    optional={
        "case_type": _TEXTS,
        "case_name": _TEXTS,
        "owner_id": _OWNERS,
        "external_id": st.sampled_from(("", *EXTERNAL)),
        "date_opened": _TIMES,
        "color": _VALUES,
        "user_id": _TEXTS,
    },
)
_UPDATE = st.fixed_dictionaries(
    {},
    optional={
        "p": _VALUES,
        "q": _VALUES,
        "status": _VALUES,
        "type": _VALUES,
        "case_type": _TEXTS,
        "owner_id": _OWNERS,
        "external_id": st.sampled_from(("", *EXTERNAL)),
        "location_id": _VALUES,
        "date_opened": _TIMES,
        "user_id": _TEXTS,
        "case_id": _TEXTS,
        "date_modified": _TEXTS,
        "supply_point_location_id": _TEXTS,
    },
)
_LEGACY = st.sampled_from(({}, {}, {"name": "Old"}, {"hq_user_id": "x2"}))
_RELATIONS = st.sampled_from((None, "", "child", "extension", "extension"))
_ATTACH = st.dictionaries(
    st.sampled_from(("photo", "scan")),
    st.tuples(
        st.sampled_from(("", *FILES, *FILES, "lost.jpg")),
        st.sampled_from(("", "local")),
    ),
    max_size=2,
)


def _index() -> st.SearchStrategy[tuple[str, str | None, str | None]]:
    some = st.tuples(
        st.sampled_from(CASES), st.sampled_from(("", "patient")), _RELATIONS
    )
    none = st.tuples(st.just(""), st.sampled_from((None, "patient")), _RELATIONS)
    return st.one_of(some, some, none)


@st.composite
def blocks(draw: Callable[..., Any]) -> dict[str, Any]:
    """Describe a case block without a fault."""
    update = {**draw(_UPDATE), **draw(_LEGACY)} if draw(st.booleans()) else None
    if update and "name" in update:
        update.pop("case_name", None)
    if update and "hq_user_id" in update:
        update.pop("external_id", None)
    return {
        "case_id": draw(st.sampled_from(CASES)),
        "user_id": draw(_USERS),
        "date_modified": draw(st.one_of(st.none(), _TIMES)),
        "create": draw(st.one_of(st.none(), _CREATE)),
        "update": update,
        "index": draw(
            st.one_of(
                st.none(),
                st.none(),
                st.none(),
                st.dictionaries(
                    st.sampled_from(("parent", "host")), _index(), max_size=2
                ),
            )
        ),
        "attach": draw(st.one_of(st.none(), st.none(), _ATTACH)),
        "close": draw(st.sampled_from((False, False, False, False, True))),
    }


A_TOUCH: dict[str, Any] = {
    "case_id": "a",
    "user_id": None,
    "date_modified": None,
    "create": None,
    "update": None,
    "index": None,
    "attach": None,
    "close": False,
}
"""A block that says nothing."""

_LONG = "n" * 256
_TOO_LONG = "Error: Value exceeds allowed length: 255"
_PROCESSING = "CaseValueError: Error processing case update: Field:"
FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "date": ({"date_modified": "soon"}, "PhoneDateValueError: 'soon'"),
    "no id": ({"case_id": ""}, "IllegalCaseId: case_id must not be empty"),
    "long id": ({"case_id": _LONG}, f"{_PROCESSING} case_id, {_TOO_LONG}"),
    "long owner": (
        {"update": {"owner_id": _LONG}},
        f"{_PROCESSING} owner_id, {_TOO_LONG}",
    ),
    "long name": ({"create": {"case_name": _LONG}}, f"{_PROCESSING} name, {_TOO_LONG}"),
    "long type": ({"create": {"case_type": _LONG}}, f"{_PROCESSING} type, {_TOO_LONG}"),
    "long external id": (
        {"update": {"external_id": _LONG}},
        f"{_PROCESSING} external_id, {_TOO_LONG}",
    ),
    "opened": (
        {"create": {"date_opened": "soon"}},
        f"{_PROCESSING} opened_on, Error: Unable to parse date string 'soon'",
    ),
    "relationship": (
        {"index": {"parent": ("a", "t", "question")}},
        f"{_PROCESSING} relationship, Error: question",
    ),
    "index type": (
        {"index": {"parent": ("a", None, None)}},
        "CaseGenerationException: Invalid index, must have a case type attribute.",
    ),
    "version 1": ({"xmlns": None}, "VersionNotSupported: "),
    "namespace": (
        {"xmlns": "urn:x"},
        (
            "CaseGenerationException: urn:x not a valid case xmlns. "
            "We don't know how to handle this version."
        ),
    ),
    "referral": (
        {"extra": "<referral/>"},
        "UsesReferrals: Sorry, referrals are no longer supported!",
    ),
}
"""What spoils a block, and the problem that is then stored (rules/case-xml.md 12)."""


@st.composite
def forms(draw: Callable[..., Any], *, form_id: str | None = None) -> dict[str, Any]:
    """Describe a form; at most one of its blocks has a fault."""
    found = draw(st.lists(blocks(), max_size=4))
    if found and draw(st.integers(0, 7)) == 0:
        change, problem = FAULTS[draw(st.sampled_from(sorted(FAULTS)))]
        # What other blocks break would be found first or last: the rules leave it open.
        for block in found:
            block.update(attach=None, index=None)
        found[-1].update(change, fault=problem)
    return {
        "form_id": form_id or draw(st.sampled_from(FORMS)),
        "xmlns": draw(
            st.sampled_from((build.XMLNS, build.XMLNS, "http://example.org/other"))
        ),
        "user_id": draw(_USERS),
        "blocks": found,
        "files": draw(st.sampled_from((FILES, FILES, FILES[:1]))),
    }


@st.composite
def rows(draw: Callable[..., Any]) -> dict[str, Any]:
    """Describe one row of a JSON request, as ``tests/kit/model.py`` can resolve it."""
    intent = draw(st.sampled_from(("upsert", "upsert", "update", "create")))
    special = st.fixed_dictionaries(
        {}, optional={"case_name": _TEXTS, "owner_id": _OWNERS}
    )
    return {
        "intent": intent,
        "external_id": draw(st.sampled_from(EXTERNAL)) if intent == "upsert" else None,
        "case_id": draw(st.sampled_from(CASES)) if intent == "update" else None,
        "special": draw(special),
        "properties": draw(
            st.dictionaries(st.sampled_from(("p", "q", "status")), _VALUES, max_size=2)
        ),
        "index": draw(
            st.one_of(
                st.just({}),
                st.just({}),
                st.dictionaries(
                    st.sampled_from(("parent", "host")),
                    st.sampled_from(("", *CASES)),
                    max_size=1,
                ),
            )
        ),
        "close": draw(st.sampled_from((False, False, True))),
    }


def body_of(form: dict[str, Any], prefix: str) -> bytes:
    """Return the bytes of a described form."""
    body = build.a_form(
        [block_xml(block, prefix) for block in form["blocks"]],
        form_id=id_of(form, prefix),
        xmlns=form["xmlns"],
        user_id=form["user_id"],
    )
    if form.get("corrects") is None:
        return body
    named_there = f"<n:deprecatedID>{form['corrects']}</n:deprecatedID></n:meta>"
    return body.replace(b"</n:meta>", named_there.encode())


def told(form: dict[str, Any], prefix: str) -> dict[str, Any]:
    """Return what the model is told of a described form."""
    return {
        **form,
        "form_id": id_of(form, prefix),
        "blocks": [_told_block(block, prefix) for block in form["blocks"]],
    }


def id_of(form: dict[str, Any], prefix: str) -> str:
    """Return the id that a described form is sent with, a whole one or a short name."""
    whole: str | None = form.get("whole_id")
    return whole or named(form["form_id"], prefix)


def named(short: str, prefix: str) -> str:
    """Return the id that a short name means; nothing stays nothing."""
    if short in {"", _LONG}:
        return short
    return f"{prefix}-{short}"


def _told_block(block: dict[str, Any], prefix: str) -> dict[str, Any]:
    def timed(values: dict[str, str] | None) -> dict[str, str]:
        found = dict(values or {})
        if found.get("date_opened") in TIMES:
            found["date_opened"] = TIMES[found["date_opened"]]
        return found

    indices = block["index"] or {}
    return {
        **block,
        "case_id": named(block["case_id"], prefix),
        "date_modified": TIMES.get(block["date_modified"] or ""),
        "create": timed(block["create"]),
        "update": timed(block["update"]),
        "attach": block["attach"] or {},
        "index": {
            name: (named(target, prefix), case_type or "", relation)
            for name, (target, case_type, relation) in indices.items()
        },
    }


def block_xml(block: dict[str, Any], prefix: str) -> str:
    indices, attach = block["index"], block["attach"]
    return build.a_block(
        named(block["case_id"], prefix),
        create=block["create"],
        update=block["update"],
        index=indices
        and {n: (named(t, prefix), kind, rel) for n, (t, kind, rel) in indices.items()},
        attach=attach
        and {n: {"src": src, "from": origin} for n, (src, origin) in attach.items()},
        close=block["close"],
        user_id=block["user_id"],
        date_modified=block["date_modified"],
        xmlns=block.get("xmlns", build.CASE),
        extra=block.get("extra", ""),
    )

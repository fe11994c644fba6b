"""The schema of control files says what the reader of control files says.

What the reader takes (``rules/batch-imports.md`` 1.4.1 and 1.8.3) the schema takes.
What the reader refuses the schema refuses too, but for what no schema can say, which is
listed in ``UNSAID``.
"""

from __future__ import annotations

import copy
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from importers.haplo.rules.checks import LISTS, MOST_NESTED, REQUIRED
from importers.haplo.rules.control import READERS, InvalidControl, read_control
from importers.haplo.rules.filters import FILTERS
from importers.haplo.rules.types import KNOWN_TYPES
from tests.kit.haplo.batches import NEW, a_control, constant, field, upsert, with_cards
from tests.kit.haplo.instructions import ANN, BY_REF, family, if_has, instruction
from tests.kit.pages import fences

EXAMPLES = {"ci": 150, "dev": 1000, "nightly": 20_000}[
    os.environ.get("CASELEDGER_TEST_PROFILE", "ci")
]
SCHEMA = json.loads(
    (Path(__file__).parents[3] / "schemas" / "haplo-control.schema.json").read_text()
)
VALIDATOR = Draft202012Validator(SCHEMA)
OVERWRITES = "Assigning values within for-each"


def errors(control: Any) -> list[str]:
    """Return the errors of a control file, as its upload tells them."""
    try:
        read_control(orjson.dumps(control))
    except InvalidControl as invalid:
        return list(invalid.errors)
    return []


def is_refused(control: Any) -> bool:
    """Tell whether the schema refuses a control file."""
    return not VALIDATOR.is_valid(control)


def objects(node: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a document."""
    if isinstance(node, dict):
        yield node
    if isinstance(node, dict | list):
        for inner in node.values() if isinstance(node, dict) else node:
            yield from objects(inner)


def depends_on_what_is_not_there(control: Any, error: str) -> bool:
    """Tell whether a destination hangs on nothing, in a circle, or below too many."""
    return (
        re.search(r" depends on (itself|too many|.*which is no dest)", error)
        is not None
    )


def is_nested_too_deep(control: Any, error: str) -> bool:
    """Tell whether there are too many levels, which a schema cannot count."""
    return error == f"Instructions are nested more than {MOST_NESTED} levels deep"


def sets_before_it_begins(control: Any, error: str) -> bool:
    """Tell whether a ``new`` or ``load`` is there, though not where it must stand."""
    begins = any(o.get("action") in ("new", "load") for o in objects(control))
    lists = any(isinstance(o.get("destination"), list) for o in objects(control))
    return error.startswith(OVERWRITES) and (begins or lists)


def names_an_action_in_a_list(control: Any, error: str) -> bool:
    """Tell whether ``["new"]`` stands for ``new``; a schema then looks no further."""
    return any(isinstance(o.get("action"), list) for o in objects(control))


def names_an_index_in_letters_beyond_ascii(control: Any, error: str) -> bool:
    """Tell whether it does: which of them may name an element is a long table."""
    told = re.search(r"the index of .* cannot be one|unknown name index:", error)
    return told is not None and not json.dumps(control, ensure_ascii=False).isascii()


UNSAID = (
    depends_on_what_is_not_there,
    is_nested_too_deep,
    sets_before_it_begins,
    names_an_action_in_a_list,
    names_an_index_in_letters_beyond_ascii,
)
"""What the reader refuses and no schema can; bytes that are no JSON beside these."""


def for_each(*instructions: Any) -> dict[str, Any]:
    """Return a for-each over these instructions."""
    return instruction("for-each", "all", instructions=list(instructions))


def destinations(**about: Any) -> dict[str, Any]:
    """Return a control file with one destination."""
    found = {"p": {"caseType": "person", **about}}
    return a_control(model="ledger:cases", destinations=found)


def of_the_page() -> list[dict[str, Any]]:
    """Return the control files that docs/haplo-control-files.md shows."""
    shown = "\n".join(fence.body for fence in fences("docs/haplo-control-files.md"))
    typed = re.findall(r"cat > control\.json <<'END'\n((?:> .*\n)+?)> END", shown)
    return [json.loads(re.sub(r"^> ", "", text, flags=re.MULTILINE)) for text in typed]


GOOD = [
    *of_the_page(),
    a_control(),
    a_control(*ANN, *BY_REF, if_has("a")),
    a_control(*upsert(), model="haplo:person", files={"DEFAULT": {"read": "json"}}),
    with_cards(),
    family(relationship="extension", index="host", names={"age": {"type": "integer"}}),
    destinations(names={"index:né": {}, "std:a:job-title": {"multivalue": True}}),
    destinations(depends=None, index="", relationship="", names=None, optional=None),
    a_control(for_each(NEW, field("a")), for_each(field("a", multivalue=True))),
    a_control(for_each(field("a", destination="load:by-ref"))),
    a_control(for_each(instruction("if-exists", "b", then=[NEW]), field("a"))),
    a_control(field("a", filters=["haplo:to-lower-case", ["haplo:to-string"]])),
    a_control(field("a", filters=None), field("a", type="no type", refMapping=5)),
    a_control({"action": ["new"], "destination": None}, constant({}, None)),
    a_control(instruction("within", "a", instructions=[]), destinations=5, mapping={}),
    a_control(recordProcessor="", unknown={"a": 1}, mapping={"m": {"using": "x"}}),
    a_control(dataImportControlFileVersion=0.0),
]

BAD = [
    5,
    [],
    {},
    *({k: v for k, v in a_control(NEW).items() if k != key} for key in a_control(NEW)),
    a_control(dataImportControlFileVersion="0"),
    a_control(dataImportControlFileVersion=False),
    a_control(model="dc:person"),
    a_control(model="TYPE:1x"),
    a_control(model="TYPE:a\n"),
    a_control(files={"a": {}}),
    a_control(files={"a": {"read": "xls"}}),
    a_control(recordProcessor="p"),
    a_control(model="ledger:cases"),
    a_control(5),
    a_control({"action": "fly"}),
    a_control({"action": ["fly"]}),
    a_control(field("a", filters="x")),
    a_control(field("a", filters=["x"])),
    a_control(for_each(field("a"))),
    a_control(for_each(for_each(field("a")))),
    a_control(instruction("if-exists", "a", then=5)),
    a_control(instruction("if-exists", "a", **{"else": [{"action": "one"}]})),
    a_control(model="ledger:cases", destinations={}),
    a_control(model="ledger:cases", destinations={"load:p": {"caseType": "p"}}),
    destinations(caseType=" p"),
    destinations(caseType=""),
    destinations(caseType="p" * 256),
    destinations(caseType="a\x01b"),
    destinations(index="a b"),
    destinations(index="xml"),
    destinations(relationship="host"),
    destinations(optional=1),
    destinations(names={"case_id": {}}),
    destinations(names={"property:name": {}}),
    destinations(names={"index:1": {}}),
    destinations(names={"a": {"type": "x"}}),
    destinations(names={"a": {"multivalue": 1}}),
]

DEEP: list[Any] = [NEW]
for _ in range(MOST_NESTED + 1):
    DEEP = [instruction("if-exists", "a", then=DEEP)]

UNSAID_ONES = [
    destinations(depends="q"),
    destinations(depends="p"),
    a_control(*DEEP),
    a_control(for_each(field("a"), NEW)),
    a_control({"action": ["load"]}),
    destinations(index="a\xd7b"),
]
"""One of each kind that no schema can refuse."""


@pytest.mark.parametrize("control", GOOD)
def test_the_schema_takes_what_the_reader_takes(control):
    """A corpus of control files that are good, those of the page among them."""
    assert errors(control) == []
    assert not is_refused(control)


@pytest.mark.parametrize("control", BAD)
def test_the_schema_refuses_what_the_reader_refuses(control):
    """One or more for each check of rule 1.4.1."""
    assert errors(control) != []
    assert is_refused(control)


@pytest.mark.parametrize("control", UNSAID_ONES)
def test_what_no_schema_can_say_is_let_through(control):
    """So an editor never marks more than the reader refuses."""
    [error] = errors(control)
    assert any(is_kind(control, error) for is_kind in UNSAID)
    assert not is_refused(control)


def test_the_schema_knows_every_word_of_the_reader():
    """Actions, keys, filters, types and readers, none more and none less."""
    told = SCHEMA["$defs"]
    assert words(told["filterName"]) == set(FILTERS)
    assert words(told["valueType"]) == KNOWN_TYPES
    assert words(told["file"]["properties"]["read"]) == set(READERS)
    actions = told["instruction"]["properties"]["action"]["anyOf"][0]
    assert words(actions) == set(REQUIRED)
    required = {
        rule["then"]["title"]: tuple(rule["then"]["required"])
        for rule in told["instruction"]["allOf"]
    }
    assert required == REQUIRED
    assert set(LISTS) <= set(told["instruction"]["properties"])


def test_the_schema_is_one():
    """Of the draft that it names."""
    Draft202012Validator.check_schema(SCHEMA)


ODD = (
    *(
        None,
        False,
        True,
        0,
        1,
        -0.5,
        "",
        " ",
        "x",
        "a b",
        "xml",
        "né",
        "a\xd7b",
        "ab\n",
    ),
    *("load:x", "value:y", "new", "field", "p", "TYPE:a", "index:a", "case_id"),
    *([], {}, [None], ["new"], ["field"], [["load"]], ["fly"], [1], [{}], {"a": {}}),
    *([NEW], [{"action": "for-each"}], {"read": "json"}, "x" * 256),
)


KEYS = (*LISTS, "action", "filters", "multivalue", "destination", "depends", "names")


@st.composite
def spoiled(draw: Any) -> Any:
    """Draw a good control file with one to three things changed, added or gone."""
    control = copy.deepcopy(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 3))):
        places = [node for node in nodes(control) if node]
        if not places:
            break
        place = draw(st.sampled_from(range(len(places))))
        _spoil(draw, places[place])
    return control


def nodes(node: Any) -> Iterator[Any]:
    """Yield every object and array of a document."""
    if isinstance(node, dict | list):
        yield node
        for inner in node.values() if isinstance(node, dict) else node:
            yield from nodes(inner)


def _spoil(draw: Any, node: Any) -> None:
    odd = copy.deepcopy(draw(st.sampled_from(ODD)))
    if isinstance(node, list):
        node[draw(st.sampled_from(range(len(node))))] = odd
        return
    key = draw(st.sampled_from(sorted(node)))
    match draw(st.sampled_from(("change", "change", "rename", "drop", "add"))):
        case "change":
            node[key] = odd
        case "rename":
            texts = [text for text in ODD if isinstance(text, str)]
            node[draw(st.sampled_from(texts))] = node.pop(key)
        case "drop":
            del node[key]
        case "add":
            node[draw(st.sampled_from(KEYS))] = odd


@settings(max_examples=EXAMPLES)
@given(control=spoiled())
def test_the_schema_and_the_reader_agree_on_whatever_is_written(control):
    """It never refuses what the reader takes, and misses what cannot be said alone."""
    found = errors(control)
    if not found:
        assert not is_refused(control)
    elif not is_refused(control):
        unsaid = [e for e in found if any(is_kind(control, e) for is_kind in UNSAID)]
        assert found == unsaid


def words(choice: dict[str, Any]) -> set[str]:
    """Return the texts of a choice."""
    return {one["const"] for one in choice["oneOf"]}

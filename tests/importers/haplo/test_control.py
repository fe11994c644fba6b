"""Control files: every row of the tables of rules/batch-imports.md 1.4.1, and 1.8.3."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from importers.haplo.rules.checks import MOST_INSTRUCTIONS, MOST_NESTED
from importers.haplo.rules.control import InvalidControl, NotJson, read_control
from tests.kit.haplo.batches import NEW, a_control, field

NOT_SPECIFIED = "Control file does not specify"
OVERWRITTEN = (
    "Assigning values within for-each without a new/load statement or setting "
    "multivalue property will result in overwritten data"
)


def errors(control) -> list[str]:
    """Return the errors of a control file."""
    try:
        read_control(orjson.dumps(control))
    except InvalidControl as invalid:
        return list(invalid.errors)
    return []


def without(key):
    return {k: v for k, v in a_control(NEW).items() if k != key}


def for_each(*instructions):
    return {"action": "for-each", "source": "all", "instructions": list(instructions)}


def test_a_good_control_file_is_read():
    control = a_control(NEW, field("name", "case_name"), unknown={"a": 1})
    assert read_control(orjson.dumps(control)).json == control


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff", b"NaN", b'{"a":"\xed\xa0\x80"}', b"[" * 5000]
)
def test_bytes_that_are_no_json(content):
    with pytest.raises(NotJson, match=r"^Uploaded file is not JSON$"):
        read_control(content)


def test_a_byte_order_mark_is_no_error():
    assert read_control(b"\xef\xbb\xbf" + orjson.dumps(a_control(NEW)))


@pytest.mark.parametrize(
    ("control", "found"),
    [
        pytest.param(
            without("dataImportControlFileVersion"),
            "Not a control file",
            id="1 version absent",
        ),
        pytest.param(
            a_control(dataImportControlFileVersion="0"),
            "Bad version of control file, should be 0",
            id="1 version a string",
        ),
        pytest.param(
            a_control(dataImportControlFileVersion=False),
            "Bad version of control file, should be 0",
            id="1 version false",
        ),
        pytest.param(
            without("model"), f"{NOT_SPECIFIED} model in the model property", id="2"
        ),
        pytest.param(
            a_control(model="dc:person"),
            "Model not implemented: dc:person",
            id="2 unknown",
        ),
        pytest.param(
            a_control(model="TYPE:1x"), "Model not implemented: TYPE:1x", id="2 type"
        ),
        pytest.param(a_control(model=5), "Model not implemented: 5", id="2 number"),
        pytest.param(
            without("instructions"),
            f"{NOT_SPECIFIED} processing instructions in the instructions property",
            id="3",
        ),
        pytest.param(
            without("files"), "Control file does not have files property", id="4"
        ),
        pytest.param(
            a_control(files={"a": {}}),
            "Reader not specified for file a",
            id="4 no reader",
        ),
        pytest.param(
            a_control(files={"a": {"read": "xls"}, "b": 5, "c": {"read": "json"}}),
            "Reader not specified for file b",
            id="4 the last bad file is named",
        ),
        pytest.param(
            a_control(files={"a": {"read": "xls"}}),
            "Unknown reader for file a: xls",
            id="4 unknown reader",
        ),
        pytest.param(
            a_control(recordProcessor="p"),
            "Unknown record processor specified in recordProcessor property: p",
            id="5",
        ),
        pytest.param(
            a_control(model="ledger:cases"),
            "Invalid destinations property: it is not an object",
            id="6",
        ),
    ],
)
def test_each_check(control, found):
    """Rule 1.4.1: each check has its text."""
    assert errors(control) == [found]


def test_every_check_runs_in_order():
    """Each contributes at most one error; no object fails the first four."""
    for document in ([], 5, None, {}):
        assert errors(document) == [
            "Not a control file",
            f"{NOT_SPECIFIED} model in the model property",
            f"{NOT_SPECIFIED} processing instructions in the instructions property",
            "Control file does not have files property",
        ]


@pytest.mark.parametrize(
    ("instructions", "found"),
    [
        ([{"action": "fly"}], "Unknown action in instruction: fly"),
        ([{"action": 5}], "Unknown action in instruction: 5"),
        (
            [{"action": "load"}],
            "Expected property not found in load instruction: destination, using",
        ),
        (
            [5],
            (
                "Expected property not found in field instruction: "
                "source, destination, name"
            ),
        ),
        ([for_each(field("a"))], OVERWRITTEN),
        (
            [
                NEW,
                for_each({"action": "if-exists", "source": "b", "then": [field("a")]}),
            ],
            OVERWRITTEN,
        ),
        ([for_each(NEW, for_each(field("a")))], OVERWRITTEN),
        ([for_each(field("a", destination="value:person-name"))], OVERWRITTEN),
        ([field("a", filters="x")], "'filters' property is not an array"),
        ([field("a", filters=["x"])], "Filter x is not available."),
        (
            [{"action": "if-exists", "source": "a", "then": 5}],
            "'then' property is not an array",
        ),
        (
            [
                {"action": "if-exists", "source": "a", "else": [{"action": "one"}]},
                {"action": "two"},
            ],
            "Unknown action in instruction: one",
        ),
    ],
)
def test_the_first_error_of_the_instructions(instructions, found):
    """Rule 1.4.1: depth first, and the first error wins."""
    assert errors(a_control(*instructions)) == [found]


@pytest.mark.parametrize(
    "instructions",
    [
        [for_each(NEW, field("a"))],
        [
            for_each(
                {"action": "load", "destination": "object", "using": None}, field("a")
            )
        ],
        [for_each(field("a", multivalue=True))],
        [for_each(field("a", destination="load:by-ref"))],
        [for_each({"action": "if-exists", "source": "b", "then": [NEW]}, field("a"))],
        [{"action": "set-value", "destination": None, "name": None, "value": None}],
        [
            {
                "action": "set-value",
                "destination": 1,
                "name": 1,
                "value": 1,
                "filters": 5,
            }
        ],
        [field("a", destination="nowhere", name="name", refMapping="none")],
        [field("a", filters=None)],
    ],
)
def test_what_is_found_later_or_is_no_error(instructions):
    """Unknown destinations, names and mappings are not found at upload."""
    assert errors(a_control(*instructions)) == []


def test_instructions_are_not_nested_for_ever():
    deep = [NEW]
    for _ in range(MOST_NESTED + 1):
        deep = [{"action": "if-exists", "source": "a", "then": deep}]
    text = f"Instructions are nested more than {MOST_NESTED} levels deep"
    assert errors(a_control(*deep)) == [text]


@pytest.mark.parametrize(
    "instructions",
    [
        [NEW] * (MOST_INSTRUCTIONS + 1),
        [{"action": "if-exists", "source": "a", "then": [NEW] * MOST_INSTRUCTIONS}],
        [{"action": "unknown"}] * (MOST_INSTRUCTIONS + 1),
        [None] * (MOST_INSTRUCTIONS + 1),
    ],
    ids=["in a row", "inside of another", "unknown ones", "none at all"],
)
def test_instructions_have_a_limit(instructions):
    """Siege: S10. They are counted before anything is made of them."""
    text = (
        f"Control file has more than {MOST_INSTRUCTIONS} instructions; "
        "split it, and use each part for a batch of its own"
    )
    assert errors(a_control(*instructions)) == [text]


def test_as_many_instructions_as_may_be_are_taken():
    """The limit is the last that is good."""
    assert errors(a_control(*[NEW] * MOST_INSTRUCTIONS)) == []


def person(**more):
    return {"caseType": "person", **more}


@pytest.mark.parametrize(
    ("destinations", "reason"),
    [
        (None, "it is not an object"),
        ({}, "there is no destination"),
        ({"p": 5}, "p is not an object"),
        ({"load:p": person()}, "'load:p' cannot be the name of a destination"),
        ({"p": {}}, "p has no caseType"),
        ({"p": {"caseType": 5}}, "caseType of p is not a string"),
        ({"p": {"caseType": " "}}, "the caseType of p cannot be one"),
        ({"p": person(index="a b")}, "the index of p cannot be one"),
        (
            {"p": person(relationship="host")},
            "the relationship of p is neither child nor extension",
        ),
        ({"p": person(optional=1)}, "optional of p is neither true nor false"),
        ({"p": person(names=5)}, "names of p is not an object"),
        ({"p": person(names={"a": 5})}, "a in names of p is not an object"),
        ({"p": person(names={"case_id": {}})}, "unknown name case_id in names of p"),
        (
            {"p": person(names={"a": {"type": "x"}})},
            "unknown type x in names of p",
        ),
        (
            {"p": person(depends="q")},
            "p depends on q, which is no destination",
        ),
        ({"p": person(depends="p")}, "p depends on itself"),
        (
            {"p": person(depends="q"), "q": person(depends="p")},
            "p depends on itself",
        ),
        (
            {str(n): person(depends=str(n + 1)) for n in range(99)} | {"99": person()},
            "0 depends on too many destinations",
        ),
    ],
)
def test_destinations_that_cannot_be(destinations, reason):
    """Rule 1.8.3 and check 6: the reason is told."""
    control = a_control(model="ledger:cases", destinations=destinations)
    assert errors(control) == [f"Invalid destinations property: {reason}"]


def test_destinations_of_other_models_are_not_looked_at():
    assert errors(a_control(NEW, destinations=5)) == []


def test_a_file_is_read_as_its_name_says_or_as_the_default():
    files = {"a": {"read": "json"}, "DEFAULT": {"read": "xml-attributes"}}
    control = read_control(orjson.dumps(a_control(files=files)))
    assert control.file_properties("a") == {"read": "json"}
    assert control.file_properties("b") == {"read": "xml-attributes"}
    only = read_control(orjson.dumps(a_control(files={"a": {"read": "json"}})))
    assert only.file_properties("b") is None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "action",
                    "source",
                    "destination",
                    "name",
                    "then",
                    "instructions",
                    "caseType",
                    "depends",
                    "names",
                    "read",
                    "filters",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "dataImportControlFileVersion": st.just(0) | JSON,
            "model": st.sampled_from(["ledger:cases", "TYPE:a", "haplo:person"]) | JSON,
            "files": JSON,
            "instructions": JSON,
            "mapping": JSON,
            "destinations": JSON,
            "recordProcessor": JSON,
        },
    )
    | JSON
)
def test_any_json_is_a_control_file_or_has_errors(document):
    assert len(errors(document)) <= 6

"""Whatever a record is, the instructions come to an end with it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.kit.haplo.batches import (
    NEW,
    a_control,
    constant,
    field,
    upsert,
)
from tests.kit.haplo.instructions import (
    if_has,
    instruction,
)
from tests.kit.haplo.transforms import (
    a_case,
    transformed,
)

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=4)
    | st.sampled_from(
        ["c1", "x1", "m1", "2020-01-02", "\0", "\ud800", "a@b", "x" * 300]
    ),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(list("abcxv")), inner, max_size=4)
    ),
    max_leaves=8,
)


def every_step():
    """Return instructions of every action, type and filter that there is."""
    kinds = [
        "text",
        "integer",
        "number",
        "boolean",
        "email-address",
        "url",
        "telephone-number",
        "ref",
        "json",
        "person-name",
        "postal-address",
    ]
    return [
        *upsert("x"),
        field("a", "case_name", multivalue=True),
        *[field("b", f"p{n}", type=kind) for n, kind in enumerate(kinds)],
        field("c", "d", dateFormat="yyyy-MM-dd"),
        field("c", "index:parent", filters=["haplo:string-to-ref"]),
        field("c", "index:other", filters=["haplo:code-to-ref"]),
        field("a", "q", filters=["haplo:to-string", "haplo:fix-up-url"]),
        field("v", "r", multivalue=True, mapInputValue={"1": [1]}),
        instruction("within", "b", instructions=[field("a", "w"), if_has("w")]),
        instruction(
            "for-each",
            "v",
            wrapValues=True,
            instructions=[field("value", "s", multivalue=True), NEW],
        ),
        instruction("remove-values", destination="object", name="p1"),
        constant("Ann", "case_name"),
    ]


@given(VALUES)
def test_any_record_is_transformed(record):
    """Whatever it holds, the outcome is blocks or messages."""
    cases = [a_case("c1", external_id="x1"), a_case("m1")]
    found = transformed(a_control(*every_step()), record, *cases)
    assert found.reported >= len(found.messages)
    assert found.aborted or found.blocks

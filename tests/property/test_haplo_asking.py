"""What records ask for is found out by the instructions that ask for it alone.

The rules are those of rules/batch-imports.md 1.8.
"""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from importers.haplo.command import Batch, Numbered, foreseen
from ledger.entry import Author
from tests.kit import build
from tests.kit.haplo.batches import NAME, a_control, constant, field, upsert
from tests.kit.haplo.transforms import prepared
from tests.property.test_haplo_import import CONTROLS, RECORDS

LINK = field("of", "index:p", filters=["ledger:external-id-to-ref"])
MORE = st.sampled_from(
    [
        a_control(
            *upsert(),
            NAME,
            field("tag", "tag"),
            {
                "action": "if-has-value",
                "destination": "object",
                "name": "tag",
                "then": [LINK],
                "else": [field("name", "index:q", filters=["haplo:code-to-ref"])],
            },
        ),
        a_control(
            {
                "action": "if-value-one-of",
                "source": "tag",
                "values": ["a", "b"],
                "then": [*upsert("name"), LINK],
                "else": [*upsert(), constant("c", "index:p")],
            },
            field("owner", "owner_id", filters=["haplo:string-to-ref"]),
        ),
    ]
)


@given(control=CONTROLS | MORE, records=RECORDS)
def test_what_records_ask_for_is_what_all_instructions_ask_for(control, records):
    """Instructions that are not done beforehand would have asked for nothing."""
    program = prepared(control)
    numbered = [Numbered(n, record, 0) for n, record in enumerate(records)]
    found, wanted = (
        foreseen(
            Batch(
                domain=build.DOMAIN,
                job_id="batch",
                control="digest",
                author=Author(user_id=build.USER),
                program=one,
            ),
            numbered,
        )
        for one in (program, replace(program, asking=program.steps))
    )
    assert found == wanted

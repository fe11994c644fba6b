"""Whoever does what a refusal of a write says is heard (rules/case-api-v2.md 5)."""

from __future__ import annotations

import pytest

from api.cases.wire import parse_bulk_fetch, parse_write
from api.wire.problems import InvalidPayload
from ledger.cases.change import Intent
from tests.kit.case_bodies import INDEX, NEW, NEW_ROW, body

INDEX_ROW = {**NEW_ROW, "temporary_id": "t"}
TARGET = {"case_type": "t", "relationship": "child"}


def write(value, intent=Intent.CREATE):
    return parse_write(body(value), single=intent)


def without(name, given):
    return {key: value for key, value in given.items() if key != name}


@pytest.mark.parametrize(
    ("asked", "advice", "mended"),
    [
        (7, "must be a JSON object or a list of objects", [NEW, [NEW_ROW]]),
        ([NEW], "A 'create' flag is required", [[{**NEW, "create": True}]]),
        (
            [{**NEW, "create": "yes"}],
            "'create' must be true, false or null",
            [
                [{**NEW, "create": True}],
                [{**NEW, "create": False, "case_id": "c"}],
                [{**NEW, "create": None, "external_id": "x"}],
            ],
        ),
        (
            {**NEW, "close": "yes"},
            "'close' must be true, false or null",
            [{**NEW, "close": flag} for flag in (True, False, None)],
        ),
        (without("case_name", NEW), "Property case_name is required.", [NEW]),
        ({**NEW, "owner_id": 7}, "'owner_id' must be a string", [NEW]),
        (
            {**NEW, "properties": []},
            "'properties' must be an object",
            [{**NEW, "properties": {}}],
        ),
        (
            {**NEW, "properties": {"a": 1}},
            "Values must be strings",
            [{**NEW, "properties": {"a": "1"}}],
        ),
        (
            {**NEW, "properties": {"1 a": "x"}},
            "must be valid XML identifiers",
            [{**NEW, "properties": {"_a": "x"}}],
        ),
        ({**NEW, "case_id": "c"}, "cannot specify case_id when creating", [NEW]),
        (
            {**NEW, "indices": {"parent": {**INDEX, "external_id": "x"}}},
            "specify case_id, external_id, or temporary ID, and only one",
            [
                {**NEW, "indices": {"parent": {**TARGET, "case_id": "c"}}},
                {**NEW, "indices": {"parent": {**TARGET, "external_id": "x"}}},
                [
                    INDEX_ROW,
                    {**NEW_ROW, "indices": {"p": {**TARGET, "temporary_id": "t"}}},
                ],
            ],
        ),
        (
            {**NEW, "indices": {"parent": without("case_type", INDEX)}},
            "Property case_type is required when creating or updating",
            [{**NEW, "indices": {"parent": INDEX}}],
        ),
        (
            {**NEW, "indices": {"parent": {**INDEX, "relationship": "x"}}},
            "not in choices: ['child', 'extension']",
            [
                {**NEW, "indices": {"parent": {**INDEX, "relationship": word}}}
                for word in ("child", "extension")
            ],
        ),
        (
            [{**NEW, "create": None, "case_id": "c", "external_id": "x"}],
            "UPSERT does not allow case_id",
            [[{**NEW, "create": None, "external_id": "x"}]],
        ),
        (
            [{**NEW, "create": None}],
            "UPSERT requires external_id",
            [[{**NEW, "create": None, "external_id": "x"}]],
        ),
        (
            [{**NEW_ROW, "temporary_id": "t"}, {**NEW_ROW, "temporary_id": "t"}],
            "used more than once",
            [[{**NEW_ROW, "temporary_id": "t"}, {**NEW_ROW, "temporary_id": "u"}]],
        ),
    ],
)
def test_what_a_refusal_says_can_be_done(asked, advice, mended):
    """Rule 5.4: each advice leads to a body that is taken."""
    with pytest.raises(InvalidPayload) as refused:
        write(asked)
    assert advice in refused.value.text
    for value in mended:
        write(value)


@pytest.mark.parametrize("name", ["case_id", "external_id"])
def test_an_update_may_name_its_case_by_either_id(name):
    """Rule 5.1: the text offers both."""
    with pytest.raises(InvalidPayload) as refused:
        write({"properties": {}}, Intent.PUT)
    assert refused.value.text == (
        "Case updates must provide either a case_id or external_id"
    )
    write({name: "x", "properties": {}}, Intent.PUT)


@pytest.mark.parametrize("name", ["case_ids", "external_ids"])
def test_a_fetch_may_name_either_kind_of_ids(name):
    """Rule 4.2: the text offers both."""
    with pytest.raises(InvalidPayload, match="must include 'case_ids' or 'external_id"):
        parse_bulk_fetch(body({}))
    parse_bulk_fetch(body({name: ["x"]}))

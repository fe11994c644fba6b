"""Fields and external ids that are written in another way than they are known.

The rules are those of rules/batch-imports.md 1.4, 1.7 and 1.8.
"""

from __future__ import annotations

import pytest

from importers.haplo.rules.alike import COMPOSED, WHOLE
from importers.haplo.rules.sources import Names, nowhere, renamed_in, taken_as, told_of
from ledger.jobs.values import JobState
from tests.kit import build
from tests.kit.haplo.batches import (
    NAME,
    NEW,
    a_control,
    field,
    log_of,
    made,
    outcomes,
    ran,
    rows,
    upsert,
)
from tests.kit.haplo.instructions import ANN, instruction
from tests.kit.haplo.transforms import a_case, messages, prepared, transformed, written

NFC, NFD = "Zo\u00eb", "Zoe\u0308"
UPSERT = a_control(*upsert(), NAME)


def told(found):
    return [notice.title for notice in found.told]


@pytest.mark.parametrize(("stored", "given"), [(NFC, NFD), (NFD, NFC)])
def test_an_external_id_of_another_form_finds_its_case(stored, given):
    """Rule 1.8.5: it is loaded, and that is told."""
    case = a_case(external_id=stored)
    found = transformed(UPSERT, {"id": given, "name": "B"}, case)
    assert [block.create for block in found.blocks] == [None]
    assert (told(found), found.reported) == ([COMPOSED], 0)


def test_references_find_external_ids_of_another_form():
    """Rule 1.8.5: filters and mappings look up alike."""
    by_id = field("p", "index:parent", filters=["ledger:external-id-to-ref"])
    case = a_case(external_id=NFC)
    found = transformed(a_control(*ANN, by_id), {"p": NFD}, case)
    (index,) = found.blocks[0].indices
    assert (index.case_id, told(found)) == ("c1", [COMPOSED])


@pytest.mark.parametrize("given", ["y2 ", "y2\u200b", "\u00a0y2"])
def test_an_external_id_that_means_a_case_but_for_what_nobody_sees(given):
    """Rule 1.8.5: no second case is made, whatever stands under otherwise."""
    found = transformed(UPSERT, {"id": given, "name": "B"}, a_case(external_id="y2"))
    assert (found.aborted, found.blocks) == (True, ())
    (message,) = messages(found)
    assert message.startswith(
        "external_id y2" if given[0] == "y" else "external_id \\u"
    )
    assert message.endswith(
        "for destination object without them: remove them if it is meant"
    )


def test_an_external_id_with_blanks_that_means_nobody_stays_as_it_is():
    """Rule 1.8.5: text is text."""
    found = transformed(UPSERT, {"id": "y2 ", "name": "B"}, a_case(external_id="y3"))
    assert written(found)["external_id"] == "y2 "


@pytest.mark.parametrize("given", ["12.0", " 12 ", "12", 12, 12.0])
def test_a_whole_number_is_one_external_id(given):
    """Rule 1.8.5: when it is looked up and when it is set."""
    case = a_case(external_id="12")
    found = transformed(UPSERT, {"id": given, "name": "B"}, case)
    assert [block.create for block in found.blocks] == [None]
    new = transformed(UPSERT, {"id": given, "name": "B"})
    assert written(new)["external_id"] == "12"
    assert set(told(new)) == ({WHOLE} if given in ("12.0", " 12 ") else set())


def names_of(*records):
    names = Names()
    for record in records:
        names.take(record)
    return names


def test_a_field_is_meant_by_the_only_one_with_its_letters():
    """Rule 1.4e: of all records of a file."""
    names = names_of({"Ref ": "1"}, {"name": "a"}, ["no", "object"])
    renamed = taken_as(["ref", "name"], names)
    assert renamed == {"Ref ": "ref"}
    assert renamed_in({"Ref ": "1", "x": "y"}, renamed) == {"ref": "1", "x": "y"}
    assert nowhere(["ref", "name"], [(names, renamed)]) == []
    (notice,) = told_of([], names, renamed)
    assert (notice.title, notice.column) == ("Column taken as another", "Ref ")


def test_a_field_of_one_file_is_not_missing_in_another():
    """Rule 1.4e: what no record of the whole batch has is told."""
    houses, people = names_of({"code": 1}), names_of({"Name": 2})
    files = [(houses, {}), (people, {"Name": "name"})]
    assert nowhere(["code", "name", "born", "born"], files) == ["born"]


@pytest.mark.parametrize("found", [{"REF": 1, "Ref": 2}, {"reference": 1}])
def test_a_field_that_no_record_has_is_told(found):
    """Rule 1.4e: where several would fit nobody guesses, and the nearest is named."""
    names = names_of(found)
    assert taken_as(["ref"], names) == {}
    (notice,) = told_of(["ref"], names, {})
    assert (notice.title, notice.column) == ("Missing column", "ref")
    assert notice.text.startswith("No record has it. There are ")


def test_a_field_that_another_instruction_reads_is_not_taken():
    """Rule 1.4e: each name that stands there is meant."""
    assert taken_as(["Ref", "ref"], names_of({"Ref": "1"})) == {}


def test_fields_inside_of_others_are_not_looked_at():
    """Rule 1.4e: conditions are, for they read the record itself."""
    inside = instruction("within", "w", instructions=[field("i")])
    each = instruction("for-each", "e", instructions=[field("j", multivalue=True)])
    asked = instruction("if-exists", "c", then=[field("t")], **{"else": [field("f")]})
    found = prepared(a_control(*ANN, inside, each, asked, field("p")))
    assert found.sources == ("w", "e", "c", "t", "f", "p")


@pytest.mark.usefixtures("domain")
async def test_the_log_tells_which_fields_and_cases_were_meant(store):
    """Rules 1.4e and 1.7h: warnings are no errors, and cases are counted."""
    made(store, "c1", external_id=NFC)
    files = {"people": {"read": "tsv-with-name-row"}}
    control = a_control(*upsert("ref"), NAME, field("phone"), files=files)
    content = f"Ref-\tname\n{NFD}\tA\n7.0\tB\n7\tC\n{NFD}\tD\n"
    job = await ran(store, control, [("people", content.encode())])
    assert outcomes(rows(store, job)) == ["applied"] * 4
    assert (job.progress["errors"], job.progress["cases"]) == (0, 2)
    log = log_of(store, job)
    for part in (
        "WARNING: Column taken as another (file people, column Ref-): It is taken as",
        "WARNING: Missing column (file people, column phone): No record has it. There",
        "WARNING: ID in another Unicode form (file people, rows 2, 5)",
        "WARNING: Whole number as ID (file people, row 3)",
        "WARNING: Same case in several rows (file people, rows 2-5)",
    ):
        assert any(line.startswith(part) for line in log), (part, log)
    assert len(build.cases_of(store)) == 2


@pytest.mark.usefixtures("domain")
async def test_a_dry_run_counts_the_same_cases(store):
    """Rule 1.7f: also those that it would have made."""
    content = b'[{"id": "1", "name": "A"}, {"id": "1", "name": "B"}]'
    job = await ran(store, UPSERT, [("a", content)], dry_run=True)
    assert job.progress["cases"] == 1
    assert build.cases_of(store) == {}


@pytest.mark.usefixtures("domain")
async def test_new_cases_are_counted_one_by_one(store):
    """Rule 1.8.4a: each record makes its own."""
    content = b'[{"name": "A"}, {"name": "A"}]'
    job = await ran(store, a_control(NEW, NAME), [("a", content)])
    assert job.progress["cases"] == 2


@pytest.mark.parametrize(
    ("read", "separator"),
    [
        ("tsv-with-name-row", "\t"),
        ("csv-with-name-row", ","),
        ("tsv-with-name-row", "::"),
    ],
)
@pytest.mark.usefixtures("domain")
async def test_columns_of_one_name_must_say_the_same(store, read, separator):
    """Rule 1.4f: nothing of such a file is imported; without one of them all is."""
    about = {"read": read, **({"separator": separator} if separator == "::" else {})}
    control = a_control(*upsert(), NAME, files={"people": about})
    for second, state in (("B", JobState.FAILED), ("A", JobState.DONE)):
        lines = [["id", "name", "name"], ["1", "Z", "Z"], ["2", "A", second]]
        content = "".join(separator.join(line) + "\n" for line in lines)
        job = await ran(store, control, [("people", content.encode())])
        assert job.state is state
        if second == "B":
            assert 'Several columns are called "name", and they differ in row 3' in (
                job.problem or ""
            )
            assert build.cases_of(store) == {}
    assert len(build.cases_of(store)) == 2
    told = "WARNING: Duplicate column (file people, column name)"
    assert any(line.startswith(told) for line in log_of(store, job))

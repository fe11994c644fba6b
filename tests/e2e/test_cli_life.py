"""Forms and cases as an operator archives and restores them (rules/operator.md 3)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.cli import main
from tests.kit.build import a_block, a_create, a_form, an_update


class Program:
    """``caseledger`` on one database, run inside the test's process."""

    def __init__(self, url: str, capfdbinary) -> None:
        """Keep what the test lends."""
        self.url = url
        self._capture = capfdbinary

    def __call__(self, *words: str, expect: int = 0) -> list[str]:
        """Run a command, compare its exit code, return the lines of its output."""
        self._capture.readouterr()
        code = main(["--database", self.url, *words])
        self.raw, err = self._capture.readouterr()
        self.err = err.decode()
        assert code == expect, self.err
        return self.raw.decode().splitlines()

    def form(self, form_id: str) -> dict:
        """Return a form as it is shown."""
        return json.loads("\n".join(self("form", "show", form_id)))

    def properties(self, case_id: str) -> dict:
        """Return the properties of a case."""
        return json.loads("\n".join(self("case", "show", case_id)))["properties"]


@pytest.fixture
def demo(url, capfdbinary) -> Program:
    """Return the program on a database with a domain."""
    program = Program(url, capfdbinary)
    program("migrate")
    program("domain", "create", "demo")
    return program


@pytest.fixture
def submit(demo, tmp_path):
    """Return what submits forms, in this order, and tells their lines."""
    numbers = iter(range(1000))

    def submit(*bodies: bytes, expect: int = 0) -> list[str]:
        files = [tmp_path / f"{next(numbers)}.xml" for _ in bodies]
        for file, body in zip(files, bodies, strict=True):
            Path(file).write_bytes(body)
        return demo("submit", *map(str, files), "--domain", "demo", expect=expect)

    return submit


def created(form_id: str = "f1", case_id: str = "c1", **options) -> bytes:
    """Return a form that creates a case."""
    return a_form([a_create(case_id, **options)], form_id=form_id)


def test_an_edit_is_a_form_that_went_well(demo, submit):
    """Rule 3.6: the exit code tells errors only."""
    submit(created(update={"a": "1"}))
    [line] = submit(created(update={"a": "2"}))
    assert line.split("\t")[:2] == ["edit", "f1"]
    assert demo.properties("c1") == {"a": "2"}
    [line] = submit(created(index={"host": "nowhere"}), expect=1)
    assert line.split("\t")[:2] == ["error", "f1"]


def test_a_form_is_shown_with_its_life(demo, submit):
    """State, versions and history, as the API has them; links without a host."""
    submit(created())
    demo("form", "archive", "f1", "--reason", "entered twice")
    form = demo.form("f1")
    assert form["state"] == "archived"
    assert [step["kind"] for step in form["history"]] == ["normal", "archive"]
    assert form["history"][1]["reason"] == "entered twice"
    assert form["history"][1]["user_id"] == "operator"
    assert form["xml"] == "/a/demo/api/ledger/v1/forms/f1/xml/"


def test_the_bytes_of_a_form_are_written_as_they_came(demo, submit):
    """No line end is added, so that a digest of the output is that of the form."""
    body = created()
    submit(body)
    demo("form", "xml", "f1")
    assert demo.raw == body


def test_forms_are_archived_and_brought_back(demo, submit):
    """Each act has its opposite; a line tells what became of each form."""
    submit(created(update={"a": "1"}), a_form([an_update(b="2")], form_id="f2"))
    assert demo("form", "archive", "f1", "f2", "--domain", "demo") == [
        "f1\tarchived\tchanged",
        "f2\tarchived\tchanged",
    ]
    assert demo("form", "unarchive", "f2", "f2") == [
        "f2\tnormal\tchanged",
        "f2\tnormal\tunchanged",
    ]
    assert demo.properties("c1") == {"b": "2"}
    assert demo("form", "delete", "f1") == ["f1\tdeleted\tchanged"]
    assert demo("form", "restore", "f1") == ["f1\tarchived\tchanged"]
    assert demo("form", "unarchive", "f1") == ["f1\tnormal\tchanged"]
    assert demo.properties("c1") == {"a": "1", "b": "2"}
    assert demo("verify", "--all")[0].startswith("ok demo")


def test_an_error_form_is_tried_again(demo, submit):
    """Its problem is told while its cause is there."""
    submit(created(index={"host": "c2"}), expect=1)
    [line] = demo("form", "reprocess", "f1", expect=1)
    assert line.startswith("f1\terror\tunchanged\tInvalidCaseIndex: ")
    submit(created("f2", "c2"))
    assert demo("form", "reprocess", "f1") == ["f1\tnormal\tchanged"]


def test_one_form_that_fails_does_not_stop_the_others(demo, submit):
    """The exit code says that one failed, its line says why."""
    submit(created(), created("f2", "c2", index={"host": "nowhere"}), expect=1)
    assert demo("form", "archive", "nope", "f2", "f1", expect=1) == [
        "nope\tunknown\tunchanged\tForm 'nope' not found",
        "f2\terror\tunchanged\tForm 'f2' cannot be archived: its state is error",
        "f1\tarchived\tchanged",
    ]
    assert demo.err == "Error: 2 of 3 forms failed\n"


def test_more_forms_than_a_commit_takes_are_changed(demo, submit):
    """Forms are committed a hundred at a time; none is left out."""
    submit(*(created(f"f{n}", f"c{n}") for n in range(205)))
    ids = [f"f{n}" for n in range(205)]
    assert demo("form", "archive", *ids) == [f"{i}\tarchived\tchanged" for i in ids]


@pytest.mark.parametrize("word", ["show", "xml"])
def test_a_form_that_is_not_there_is_one_clear_line(demo, word):
    """Exit code 1."""
    demo("form", word, "nope", expect=1)
    assert demo.err == "Error: Form 'nope' not found\n"


def test_cases_are_deleted_and_restored(demo, submit):
    """Rule 3.11: a flag; a second time changes nothing."""
    submit(created(), created("f2", "c2"))
    assert demo("case", "delete", "c1", "c2", "--reason", "a test") == [
        "c1\tchanged",
        "c2\tchanged",
    ]
    assert "deleted" in json.loads("\n".join(demo("case", "show", "c1")))
    assert demo("case", "delete", "c1") == ["c1\tunchanged"]
    assert demo("case", "restore", "c1", "--domain", "demo") == ["c1\tchanged"]
    assert "deleted" not in json.loads("\n".join(demo("case", "show", "c1")))


def test_a_case_is_rebuilt(demo, submit):
    """Rule 3.11: the same values, and an entry that says who asked."""
    submit(created(update={"a": "1"}))
    assert demo("case", "rebuild", "c1", "--reason", "after a doubt") == ["c1\tchanged"]
    assert demo.properties("c1") == {"a": "1"}
    assert "1 case_rebuild" in demo("verify", "--all")[0]


@pytest.mark.parametrize("word", ["delete", "restore", "rebuild"])
def test_one_case_that_fails_does_not_stop_the_others(demo, submit, word):
    """The exit code says that one failed, its line says why."""
    submit(created())
    lines = demo("case", word, "nope", "c1", expect=1)
    assert lines[0] == "nope\tfailed\tNo case found with ID 'nope'"
    assert lines[1].split("\t")[0] == "c1"
    assert demo.err == "Error: 1 of 2 cases failed\n"


@pytest.mark.parametrize("words", [("form", "archive"), ("case", "delete")])
def test_something_must_be_named(demo, words):
    """Exit code 2: wrong usage."""
    demo(*words, expect=2)


@pytest.mark.parametrize(
    ("words", "secure"),
    [
        ((), "yes"),
        (("--secure-submissions",), "yes"),
        (("--open-submissions",), "no"),
    ],
)
def test_a_domain_is_open_only_where_that_is_asked_for(demo, words, secure):
    """Rule 3.3: a new domain has its devices say who they are."""
    demo("domain", "create", "clinic", *words)
    assert demo("domain", "settings", "clinic") == [
        f"secure-submissions\t{secure}",
        "close-extensions\tno",
        "connect-usernames\tno",
        *RATES,
    ]


RATES = ["rate-limits\toff", "unlimited-users\t-"]


def test_rate_limits_are_set_and_lifted(demo):
    """Rule 5.11: what means nothing is refused with what could be written."""
    words = ("--unlimited-user", "bot", "--unlimited-user", "etl")
    found = demo("domain", "settings", "demo", "--rate-limits", "9/minute", *words)
    assert found[3:] == ["rate-limits\t9/minute", "unlimited-users\tbot, etl"]
    demo("domain", "settings", "demo", "--rate-limits", "often", expect=2)
    assert "'often' are no rate limits: off, commcare, or calls" in demo.err
    nobody = ("--rate-limits", "off", "--unlimited-user", "")
    assert demo("domain", "settings", "demo", *nobody)[3:] == RATES


def test_settings_are_changed_one_by_one(demo):
    """Rule 3.3: what is not named stays; nothing named only prints."""
    assert demo("domain", "settings", "demo") == [
        "secure-submissions\tyes",
        "close-extensions\tno",
        "connect-usernames\tno",
        *RATES,
    ]
    demo("domain", "settings", "demo", "--open-submissions")
    assert demo("domain", "settings", "demo", "--close-extensions") == [
        "secure-submissions\tno",
        "close-extensions\tyes",
        "connect-usernames\tno",
        *RATES,
    ]
    assert demo("domain", "settings", "demo", "--secure-submissions") == [
        "secure-submissions\tyes",
        "close-extensions\tyes",
        "connect-usernames\tno",
        *RATES,
    ]
    demo("domain", "settings", "demo", "--open-submissions")
    entries = demo("domain", "list")
    demo("domain", "settings", "demo", "--no-close-extensions", "--open-submissions")
    demo("domain", "settings", "demo", "--no-close-extensions")
    assert int(demo("domain", "list")[0].split("\t")[1]) == (
        int(entries[0].split("\t")[1]) + 1
    )
    demo("domain", "settings", "nowhere", expect=1)


def test_a_domain_that_closes_extensions_does_so(demo, submit):
    """rules/case-xml.md 17: one more form, caused by the first."""
    demo("domain", "settings", "demo", "--close-extensions")
    host = {"host": ("c1", "patient", "extension")}
    submit(created(), created("f2", "c2", index=host))
    submit(a_form([a_block("c1", close=True)], form_id="f3"))
    found = json.loads("\n".join(demo("case", "show", "c2")))
    assert found["closed"] is True
    told = "\n".join(demo("case", "history", "c2"))
    assert "system" in told

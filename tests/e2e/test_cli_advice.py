"""What a refusal on the command line says can be done, leads on when it is done.

Each row is something that is refused, the advice in its words, and what somebody
types who follows it.
"""

from __future__ import annotations

import pytest

from tests.e2e.test_cli import Program
from tests.kit.build import a_create, a_form

CASE = "c1"
HOOK = ("webhook", "create")
IMPORT = ("import", "excel", "rows.csv", "--case-type", "p", "--owner", "ann")


@pytest.fixture
def begun(sqlite_url, tmp_path, monkeypatch, capsys):
    """Return the program on a domain with a user, places, a form and files."""
    monkeypatch.chdir(tmp_path)
    program = Program(sqlite_url, capsys)
    program("domain", "create", "demo")
    program("user", "create", "ann", "--password", "pw")
    program("location-type", "create", "state")
    program("location-type", "create", "post", "--parent", "state")
    program("location", "create", "North", "--type", "state")
    form = a_form([a_create(CASE)], form_id="f1")
    (tmp_path / "form.xml").write_bytes(form)
    (tmp_path / "wrong.xml").write_bytes(b"<html/>")
    (tmp_path / "kept").write_bytes(b"kept")
    (tmp_path / "rows.csv").write_text("case_id,full_name,age\n,Zoe,7\n")
    (tmp_path / "late.csv").write_text(",,\ncase_id,full_name,age\n,Zoe,7\n")
    program("submit", "form.xml")
    return program


FOLLOWED = [
    (
        ("user", "create", "eve", "--password", "p", "--password-stdin"),
        "give either --password-stdin or --password P",
        ("user", "create", "eve", "--password", "p"),
    ),
    (
        ("user", "create", "eve"),
        "give --password-stdin or --password P",
        ("user", "create", "eve", "--password", "p"),
    ),
    (
        ("user", "delete", "ann"),
        "say --yes if that is meant",
        ("user", "delete", "ann", "--yes"),
    ),
    (
        ("user", "update", "ann", "--location", "north", "--no-location"),
        "give either --location CODE or --no-location",
        ("user", "update", "ann", "--location", "north"),
    ),
    (
        ("user", "update", "ann", "--data", "age"),
        "'age' is not of the form KEY=VALUE",
        ("user", "update", "ann", "--data", "age=7"),
    ),
    (
        ("user", "update", "ann", "--role", "mobile"),
        "make a new user",
        ("user", "create", "ann2", "--role", "mobile", "--password", "p"),
    ),
    (
        ("location", "create", "East", "--type", "post"),
        "'post' needs a parent",
        ("location", "create", "East", "--type", "post", "--parent", "north"),
    ),
    (
        ("location", "create", "Far", "--type", "state", "--site-code", "Far Away"),
        "'site_code' must be lower-case letters, digits, '-' and '_'",
        ("location", "create", "Far", "--type", "state", "--site-code", "far-away_2"),
    ),
    (
        ("location-type", "create", "Ward", "--code", "Ward A"),
        "'code' must be lower-case letters, digits, '-' and '_'",
        ("location-type", "create", "Ward", "--code", "ward-a_2"),
    ),
    (
        ("location", "update", "north", "--parent", "north", "--no-parent"),
        "give either --parent CODE or --no-parent",
        ("location", "update", "north", "--no-parent"),
    ),
    (
        ("domain", "create", "a b"),
        "letters, digits, '-', '_' and '.' only, 99 at most, a letter or digit first",
        ("domain", "create", "a-b_2.c"),
    ),
    (
        ("domain", "create", "demo"),
        "Domain 'demo' already exists",
        ("domain", "settings", "demo"),
    ),
    (
        ("api-key", "create", "ann", "--scope", "a/demo"),
        "a path that begins with a slash",
        ("api-key", "create", "ann", "--scope", "/a/demo"),
    ),
    (
        (*HOOK, "example.org"),
        "must be an http or https address with a host",
        (*HOOK, "https://198.41.0.4/hook"),
    ),
    (
        ("case", "list", "--limit", "x"),
        "'x' is not a valid integer",
        ("case", "list", "--limit", "1"),
    ),
    (
        ("case", "erase", CASE, "--yes"),
        "give a --reason",
        ("case", "erase", CASE, "--yes", "--reason", "asked for"),
    ),
    (
        ("case", "erase", CASE, "--reason", "asked for"),
        "say --yes if the erasure is meant",
        ("case", "erase", CASE, "--reason", "asked for", "--yes"),
    ),
    (
        ("case", "show", CASE, "--as-of", "noon"),
        "is no time such as 2026-05-01T12:00:00Z",
        ("case", "show", CASE, "--as-of", "2099-05-01T12:00:00Z"),
    ),
    (
        ("error", "reprocess"),
        "give either a FORM_ID or --all",
        ("error", "reprocess", "--all"),
    ),
    (
        ("undo", "--form", "f1", "--user", "ann"),
        "give one of --form, --job and --user",
        ("undo", "--form", "f1"),
    ),
    (
        ("undo", "--user", "ann"),
        "give --from and --to with --user",
        (
            *("undo", "--user", "ann", "--from", "2020-01-01T00:00:00Z"),
            *("--to", "2099-01-01T00:00:00Z"),
        ),
    ),
    (
        (
            *("undo", "--user", "ann", "--from", "2026-01-02T00:00:00Z"),
            *("--to", "2026-01-01T00:00:00Z"),
        ),
        "--to must not be before --from",
        (
            *("undo", "--user", "ann", "--from", "2026-01-01T00:00:00Z"),
            *("--to", "2026-01-02T00:00:00Z"),
        ),
    ),
    (
        ("verify", "--domain", "demo", "--all"),
        "give either --domain D or --all",
        ("verify", "--all"),
    ),
    (
        ("export", "cases", "-o", "out.txt"),
        "give --format, or -o FILE with a name that ends in .csv, .xlsx or .jsonl",
        ("export", "cases", "-o", "out.csv"),
    ),
    (
        ("export", "cases", "--format", "csv", "-o", "out.xlsx"),
        "'out.xlsx' ends in .xlsx, and --format says csv",
        ("export", "cases", "--format", "xlsx", "-o", "out.xlsx"),
    ),
    (
        (
            "export",
            "cases",
            "-o",
            "out.jsonl",
            "--for-import",
            "--case-type",
            "patient",
        ),
        "--for-import writes a table of one --case-type, as csv or xlsx",
        ("export", "cases", "-o", "out.csv", "--for-import", "--case-type", "patient"),
    ),
    (
        ("export", "cases", "--format", "jsonl", "--bom"),
        "--bom is for csv",
        ("export", "cases", "--format", "csv", "--bom"),
    ),
    (
        ("form", "check", "form.xml", "--attachment", "kept"),
        "--attachment needs --domain D",
        ("form", "check", "form.xml", "--attachment", "kept", "--domain", "demo"),
    ),
    (
        ("backup", "kept"),
        "the file 'kept' is there already",
        ("backup", "another"),
    ),
    (
        ("checkpoint",),
        "make one with caseledger signing-key create FILE, and name it with",
        ("signing-key", "create", "key"),
    ),
    (
        (*("import", "excel", "rows.csv", "--case-type", "p"), "--create-new-cases"),
        "--owner",
        (
            *("import", "excel", "rows.csv", "--case-type", "p"),
            *("--create-new-cases", "--owner", "ann"),
        ),
    ),
    (
        (
            *IMPORT,
            *("--map", "full_name:name"),
        ),
        "'full_name:name' is not of the form 'Card No.=card'",
        (
            *IMPORT,
            *("--map", "full_name=name"),
        ),
    ),
    (
        (
            *IMPORT,
            *("--name-column", "nom"),
        ),
        "full_name",
        (
            *IMPORT,
            *("--name-column", "full_name"),
        ),
    ),
    (
        ("import", "excel", "late.csv", "--case-type", "p", "--owner", "ann"),
        "--header-row 2",
        (
            *("import", "excel", "late.csv", "--case-type", "p", "--owner", "ann"),
            *("--header-row", "2"),
        ),
    ),
]


@pytest.mark.parametrize(
    ("refused", "advice", "followed"),
    FOLLOWED,
    ids=[" ".join(row[0]) for row in FOLLOWED],
)
def test_what_a_refusal_says_can_be_done(begun, refused, advice, followed):
    """Each advice leads to a command that succeeds."""
    code = begun.code(*refused)
    assert code in (1, 2)
    assert advice in begun.err, begun.err
    begun(*followed)


def test_an_error_says_so_once(begun):
    """Texts of the Excel API begin with the word that the program says itself."""
    begun(*IMPORT, "--search-column", "nom", expect=1)
    assert begun.err.startswith("Error: The spreadsheet has no column named")

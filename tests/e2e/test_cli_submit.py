"""What ``caseledger submit`` takes, and what it refuses (rules/operator.md 3.6)."""

from __future__ import annotations

import json
import unicodedata
import zipfile

import pytest

from tests.e2e.test_cli import Program
from tests.kit.build import a_create, a_form

NO_FORMS = {
    "text": b"a shopping list",
    "other": b'{"case_id": "c1"}',
    "archive": b"PK\x03\x04",
    "page": b'<html xmlns="http://www.w3.org/1999/xhtml"><body>hello</body></html>',
    "nameless": b"<data><a/></data>",
    "empty": b"",
}


@pytest.fixture
def demo(sqlite_url, capsys):
    """Return the program on a database with a domain."""
    program = Program(sqlite_url, capsys)
    program("domain", "create", "demo")
    return program


@pytest.fixture
def folder(tmp_path):
    """Return a folder with a form that names two pictures, and one that names none."""
    one, two = tmp_path / "in" / "one", tmp_path / "in" / "two"
    for path in (one, two):
        path.mkdir(parents=True)
    picture = unicodedata.normalize("NFC", "übersicht.jpg")
    body = a_form([a_create("c1")], form_id="f1").decode()
    start, end, root = body.rpartition("</")
    named = f"<photo>{picture}</photo><other>Face.JPG</other>"
    (one / "SUBMISSION.XML").write_text(f"{start}{named}{end}{root}")
    (one / unicodedata.normalize("NFD", picture)).write_bytes(b"JPEG")
    (one / "face.jpg").write_bytes(b"JPEG")
    (one / "._face.jpg").write_bytes(b"x")
    (one / "Thumbs.db").write_bytes(b"x")
    (two / "a.xml").write_bytes(a_form([a_create("c2")], form_id="f2"))
    (two / "b.xml").write_bytes(a_form([a_create("c3")], form_id="f3"))
    (two / "lost.jpg").write_bytes(b"JPEG")
    return tmp_path / "in"


def attachments(demo, form_id):
    """Return the names of the files of a form."""
    shown = json.loads("\n".join(demo("form", "show", form_id)))
    return [file["name"] for file in shown["attachments"]]


def packed(folder):
    """Return an archive of a folder, as a Mac makes one."""
    path = folder.with_suffix(".ZIP")
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(folder.rglob("*.*")):
            archive.write(file, file.relative_to(folder))
        archive.writestr("__MACOSX/one/._SUBMISSION.XML", b"\0\5\26\7")
        archive.writestr(".DS_Store", b"x")
    return path


@pytest.mark.parametrize("pack", [lambda path: path, packed], ids=["folder", "zip"])
def test_files_beside_a_form_come_with_it(demo, folder, pack):
    """Rule 3.6: under the names that the form has; what is left out is told."""
    lines = demo("submit", str(pack(folder)))
    told = [line.split("\t")[:2] for line in lines]
    assert told == [["normal", f"f{n}"] for n in (1, 2, 3)]
    assert attachments(demo, "f1") == ["Face.JPG", "übersicht.jpg"]
    assert attachments(demo, "f2") == attachments(demo, "f3") == []
    left, count = demo_errors(folder, demo, pack)
    assert "lost.jpg: no form beside it names it" in left
    assert count == "1 files were left out"


def demo_errors(folder, demo, pack):
    """Return what the program tells of the files when they come again."""
    demo("submit", str(pack(folder)))
    return demo.err.splitlines()


def test_everything_beside_the_only_form_of_a_folder_comes_with_it(demo, tmp_path):
    """Rule 3.6: a form need not name its files; of one that is named itself it must."""
    folder = tmp_path / "in"
    folder.mkdir()
    form = folder / "a.xml"
    form.write_bytes(a_form([a_create("c1")], form_id="f1"))
    (folder / "audit.csv").write_text("event\n")
    [line] = demo("submit", str(form), "--dry-run", "--json")
    assert json.loads(line)["attachments"] == []
    [line] = demo("submit", str(folder), "--json")
    assert json.loads(line)["attachments"] == ["audit.csv"]
    assert attachments(demo, "f1") == ["audit.csv"]


def test_a_case_attachment_is_found_beside_its_form(demo, tmp_path):
    """Rule 3.6: as if a device had sent both; a check says the same before."""
    body = a_form([a_create("c1")], form_id="f1").decode()
    file = '<attachment><photo src="17.jpg" from="local"/></attachment></case>'
    (tmp_path / "a.xml").write_text(body.replace("</case>", file, 1))
    (tmp_path / "17.jpg").write_bytes(b"JPEG")
    path = str(tmp_path / "a.xml")
    assert demo("form", "check", path, "--domain", "demo") == [f"ok\t{path}"]
    assert demo("submit", path) == [f"normal\tf1\t{path}"]


@pytest.mark.parametrize("body", NO_FORMS.values(), ids=NO_FORMS)
def test_a_file_that_is_no_form_does_not_reach_the_log(demo, tmp_path, body):
    """Rule 3.6a: it is told; --keep-errors keeps it as the receiver would."""
    path = tmp_path / "x.xml"
    path.write_bytes(body)
    before = demo("domain", "list")
    [line] = demo("submit", str(path), expect=1)
    assert line.split("\t")[:3] == ["refused", "-", str(path)]
    assert "--keep-errors" in demo.err
    assert demo("domain", "list") == before
    demo("submit", str(path), "--keep-errors", expect=body != NO_FORMS["page"])
    assert demo("domain", "list") != before


def test_a_dry_run_tells_the_verdicts(demo, folder):
    """Rule 3.6a: the same lines as later, and nothing is written."""
    (folder / "two" / "aa.xml").write_text("no form")
    index = a_form([a_create("c9", index={"parent": "nobody"})], form_id="f9")
    (folder / "two" / "z.xml").write_bytes(index)
    before = demo("domain", "list")
    tried = demo("submit", str(folder), "--dry-run", expect=1)
    assert [line.split("\t")[0] for line in tried] == [
        "normal",
        "normal",
        "refused",
        "normal",
        "error",
    ]
    assert "nothing was written" in demo.err
    assert demo("domain", "list") == before
    assert demo("submit", str(folder), expect=1) == tried

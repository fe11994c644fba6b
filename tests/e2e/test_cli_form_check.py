"""Forms as an author checks them before anybody sends them (rules/operator.md 3.14)."""

from __future__ import annotations

import io
import sys
import zipfile
from pathlib import Path

import pytest

from api.cli import main
from tests.kit.build import a_block, a_create, a_form, an_update

LONG = "x" * 256
ALONE = (
    "the forms were checked by themselves: --domain D also asks what a domain says\n"
)
RESPONSE = (
    '<OpenRosaResponse xmlns="http://openrosa.org/http/response">'
    '<message nature="{}">x</message></OpenRosaResponse>'
)


class Desk:
    """``caseledger`` on one database, run inside the test's process, and a folder."""

    def __init__(self, url: str, capfd, folder: Path) -> None:
        """Keep what the test lends."""
        self.url = url
        self.folder = folder
        self._capture = capfd

    def __call__(self, *words: str, expect: int = 0) -> list[str]:
        """Run a command, compare its exit code, return the lines of its output."""
        self._capture.readouterr()
        code = main(["--database", self.url, *words])
        out, self.err = self._capture.readouterr()
        assert code == expect, self.err
        return out.splitlines()

    def check(self, *words: str, expect: int = 0) -> list[list[str]]:
        """Check files and return the fields of each line."""
        return [
            line.split("\t") for line in self("form", "check", *words, expect=expect)
        ]

    def file(self, name: str, body: bytes) -> str:
        """Write a file and return its path."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        return str(path)

    def log(self) -> list[str]:
        """Return what the log of each domain is."""
        return self("domain", "list")


@pytest.fixture
def desk(url, capfd, tmp_path) -> Desk:
    """Return the program on a database with two domains."""
    desk = Desk(url, capfd, tmp_path / "forms")
    desk.folder.mkdir()
    desk("domain", "create", "demo")
    desk("domain", "create", "other")
    return desk


@pytest.fixture
def alone(capfd, tmp_path) -> Desk:
    """Return the program where there is no database."""
    desk = Desk(f"sqlite:///{tmp_path}/no/such.db", capfd, tmp_path / "forms")
    desk.folder.mkdir()
    return desk


def test_a_form_is_checked_without_any_database(alone, tmp_path):
    """Whoever writes forms needs no ledger for that, and hears what was not asked."""
    good = alone.file("good.xml", a_form([a_create()]))
    assert alone.check(good) == [["ok", good]]
    assert alone.err == ALONE
    assert not (tmp_path / "no").exists()


def test_findings_have_a_line_each(alone):
    """What, which file, where, and why; warnings alone refuse nothing."""
    odd = alone.file("odd.xml", a_form([f"\n{a_block(extra='<odd/>')}"]))
    bad = alone.file("bad.xml", a_form([a_block(), f"\n{a_block('')}"]))
    assert alone.check(odd) == [
        [
            "warning",
            odd,
            "2",
            "/data/case/odd",
            "'odd' may not stand here; it is ignored",
        ]
    ]
    text = "IllegalCaseId: case_id must not be empty"
    assert alone.check(odd, bad, expect=1)[1:] == [
        ["refused", bad, "2", "/data/case[2]/@case_id", text]
    ]
    assert alone.err == f"{ALONE}Error: 1 of 2 forms would be refused\n"


def test_folders_archives_and_standard_input_are_checked(alone, monkeypatch):
    """As ``caseledger submit`` takes them."""
    one = alone.file("a/one.xml", a_form([a_create()]))
    alone.file("a/notes.txt", b"no form")
    archive = str(alone.folder / "two.zip")
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("b/two.xml", a_form([a_block("")]))
        packed.writestr("b/notes.txt", "no form")
    stdin = io.TextIOWrapper(io.BytesIO(b"no form"))
    monkeypatch.setattr(sys, "stdin", stdin)
    lines = alone.check(str(alone.folder / "a"), archive, "-", expect=1)
    assert [line[:2] for line in lines] == [
        ["ok", one],
        ["refused", f"{archive}:b/two.xml"],
        ["refused", "-"],
    ]


def test_what_cannot_be_read_is_one_clear_line_and_stops_nobody(alone):
    """Exit code 1; the others are checked."""
    good = alone.file("good.xml", a_form())
    torn = alone.file("torn.zip", b"PK no")
    spoilt = alone.folder / "spoilt.zip"
    with zipfile.ZipFile(spoilt, "w") as packed:
        packed.writestr("a.xml", a_form(form_id="f1"))
    spoilt.write_bytes(
        spoilt.read_bytes().replace(b"yes</question>", b"no!</question>")
    )
    missing = str(alone.folder / "missing.xml")
    lines = alone.check(missing, torn, str(spoilt), good, expect=1)
    assert lines == [["ok", good]]
    told = alone.err.splitlines()
    assert told[0] == f"Error: {missing}: No such file or directory"
    assert told[1].startswith(f"Error: {torn} is no zip archive: ")
    assert told[2].startswith(f"Error: {spoilt}:a.xml cannot be read: Bad CRC-32")
    assert [f"{line}\n" for line in told[3:]] == [ALONE]


@pytest.mark.parametrize(
    "packing",
    [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA],
    ids=["deflate", "bzip2", "lzma"],
)
@pytest.mark.parametrize("spoilt", ["cut", "altered"])
def test_a_damaged_archive_is_one_clear_line(alone, packing, spoilt):
    """However it is packed: each way to unpack has its own exceptions."""
    path = alone.folder / "a.zip"
    with zipfile.ZipFile(path, "w", packing) as packed:
        packed.writestr("a.xml", a_form() + b"<!-- %s -->" % bytes(range(32, 127)) * 40)
        size = packed.getinfo("a.xml").compress_size
    content, begin = path.read_bytes(), 30 + len("a.xml")
    end = begin + size
    if spoilt == "cut":
        # The directory at the end stays, as in a file that was put together wrongly.
        content = content[:begin] + content[begin + size // 2 :]
    else:
        content = content[: end - 40] + b"\xff" * 40 + content[end:]
    path.write_bytes(content)
    alone.check(str(path), expect=1)
    assert alone.err.startswith(f"Error: {path}")


def test_a_folder_without_forms_is_told(alone):
    """A check that looked at nothing has not found everything good."""
    assert alone.check(str(alone.folder), expect=1) == []
    assert alone.err.endswith("Error: there is no form in what was named\n")


def test_a_form_that_is_too_long_is_refused(alone):
    """rules/submission.md 1.3.4; no more of it is read."""
    large = alone.file("large.xml", b" " * (10 * 1024 * 1024 + 1))
    assert alone.check(large, expect=1) == [
        ["refused", large, "", "", "Form exceeds 10MB size limit"]
    ]


def test_a_name_or_a_value_cannot_break_a_line(alone):
    """Standard output is for scripts: five fields, whatever a form says."""
    name = alone.file("a\tb\n.xml", a_form([a_block(date_modified="a\nb")]))
    [line] = alone.check(name, expect=1)
    assert len(line) == 5
    assert line[1].endswith("a\\tb\\n.xml")
    line = a_form([a_block(create={"date_opened": "a\tb\nc"})])
    [line] = alone.check(alone.file("c.xml", line), expect=1)
    assert "'a\\tb\\nc'" in line[4]


def test_a_response_is_checked(alone):
    """What a server answers to a device."""
    good = alone.file("good.xml", RESPONSE.format("submit_success").encode())
    bad = alone.file("bad.xml", RESPONSE.format("fine").encode())
    assert alone.check("--as", "response", good) == [["ok", good]]
    assert alone.err == ""
    [line] = alone.check("--as", "response", bad, expect=1)
    assert line[3] == "/OpenRosaResponse/message/@nature"
    assert alone.err == "Error: 1 of 1 responses would be refused\n"


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["a.xml", "--as", "nonsense"],
        ["a.xml", "--as", "response", "--domain", "demo"],
        ["a.xml", "--attachment", "a.jpg"],
    ],
)
def test_wrong_usage_is_told(alone, words):
    """Exit code 2."""
    alone.check(*words, expect=2)


def test_a_domain_is_asked_and_nothing_is_appended(desk):
    """An index to a case that is not there is told, each with its place."""
    index = {"parent": "nowhere", "host": ("nobody", "patient", "extension")}
    body = a_form([a_create("c1", index=index)])
    before = desk.log()
    name = desk.file("a.xml", body)
    assert desk.check(name) == [["ok", name]]
    problem = "InvalidCaseIndex: Case 'c1' references non-existent case"
    assert desk.check("--domain", "demo", name, expect=1) == [
        ["refused", name, "1", "/data/case/index/parent", f"{problem} 'nowhere'"],
        ["refused", name, "1", "/data/case/index/host", f"{problem} 'nobody'"],
    ]
    assert desk.err == "Error: 1 of 1 forms would be refused\n"
    assert desk.log() == before
    desk.check("--domain", "nowhere", name, expect=1)
    assert desk.err == "Error: there is no domain 'nowhere'\n"


def test_forms_are_judged_one_after_the_other(desk):
    """A case of one may be named by the next, as when they are submitted so."""
    first = desk.file("1.xml", a_form([a_create("c1")]))
    second = desk.file("2.xml", a_form([a_create("c2", index={"parent": "c1"})]))
    assert desk.check("--domain", "demo", first, second) == [
        ["ok", first],
        ["ok", second],
    ]
    assert desk.check("--domain", "demo", second, first, expect=1)[1] == ["ok", first]


def test_more_forms_than_are_remembered_are_told(desk, monkeypatch):
    """Memory is bounded: those behind are judged without those before."""
    monkeypatch.setattr("api.cli.form_trial.MOST_FORMS", 2)
    names = [
        desk.file("1.xml", a_form([a_create("c1")])),
        desk.file("2.xml", a_form()),
        desk.file("3.xml", a_form([a_create("c2", index={"parent": "c1"})])),
    ]
    lines = desk.check("--domain", "demo", *names, expect=1)
    assert [line[0] for line in lines] == ["ok", "ok", "refused"]
    assert desk.err.splitlines()[0] == (
        f"from {names[2]} on, forms are judged without those before"
    )


def test_an_id_that_is_there_already_is_a_warning(desk):
    """rules/case-xml.md 13: a duplicate, an edit, or another form with another id."""
    name = desk.file("1.xml", a_form([a_create("c1")], form_id="f1"))
    desk("submit", name, "--domain", "demo")
    edit = desk.file("2.xml", a_form([an_update("c1", a="1")], form_id="f1"))
    other = desk.file("3.xml", a_form(form_id="f1", xmlns="urn:other"))
    place = ["1", "/data/meta/instanceID"]
    duplicate = "Form is a duplicate of another! (f1)"
    [line] = desk.check("--domain", "demo", name)
    assert line[:4] == ["warning", name, *place]
    assert line[4].startswith(duplicate)
    another = "the id 'f1' is taken: the form gets another one"
    as_edit = "it takes the place of the form 'f1', as an edit"
    assert desk.check("--domain", "demo", edit, other) == [
        ["warning", edit, *place, as_edit],
        ["warning", other, *place, another],
    ]


def test_what_another_domain_has_is_not_told(desk):
    """rules/case-xml.md 8.2 and 13.1."""
    theirs = a_form([a_create("theirs")], form_id="f1")
    desk("submit", desk.file("1.xml", theirs), "--domain", "other")
    blocks = [a_create("mine"), a_block("theirs", close=True)]
    name = desk.file("2.xml", a_form(blocks, form_id="f1"))
    [line] = desk.check("--domain", "demo", name)
    assert line[0] == "ok"


def test_attachments_come_with_the_forms_if_that_is_said(desk):
    """rules/case-xml.md 11.2."""
    block = a_create("c1", attach={"photo": {"src": "a.jpg"}})
    name = desk.file("1.xml", a_form([block], form_id="f1"))
    [line] = desk.check("--domain", "demo", name, expect=1)
    assert line[:4] == ["refused", name, "1", "/data/case/attachment/photo/@src"]
    assert line[4].startswith("AttachmentNotFound: f1: 'a.jpg'")
    options = ("--domain", "demo", "--attachment", "a.jpg")
    assert desk.check(*options, name) == [["ok", name]]


def test_what_was_refused_is_explained(desk):
    """The bytes of an error go through a pipe into a check."""
    name = desk.file("1.xml", a_form([a_create("c1", index={"p": "c2"})], form_id="f1"))
    desk("submit", name, "--domain", "demo", expect=1)
    [line] = desk.check("--domain", "demo", name, expect=1)
    assert line[3] == "/data/case/index/p"


def test_a_form_that_is_refused_by_itself_is_told_once(desk):
    """What the domain says too is no second finding."""
    name = desk.file("1.xml", a_form([a_create("c1", create={"case_type": LONG})]))
    [line] = desk.check("--domain", "demo", name, expect=1)
    assert line[3] == "/data/case/create/case_type"
    broken = desk.file("2.xml", b"<a")
    [line] = desk.check("--domain", "demo", broken, expect=1)
    assert line[4].startswith("Invalid XML: ")

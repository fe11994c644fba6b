"""The program as an operator and a script use it (rules/operator.md 2 to 5)."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from contextlib import contextmanager
from pathlib import Path

import pytest

from api.cli import main
from ledger.store import open_store
from tests.kit import nursery
from tests.kit.build import a_create, a_form, an_update
from tests.kit.metrics import samples

ROOT = Path(__file__).parents[2]
PROGRAM = [sys.executable, "-m", "api.cli"]


class Program:
    """``caseledger`` on one database, run inside the test's process."""

    def __init__(self, url: str, capsys) -> None:
        """Keep what the test lends."""
        self.url = url
        self._capsys = capsys

    def code(self, *words: str) -> int:
        """Run a command, keep what it printed, return its exit code."""
        self._capsys.readouterr()
        code = main(["--database", self.url, *words])
        self.out, self.err = self._capsys.readouterr()
        return code

    def __call__(self, *words: str, expect: int = 0) -> list[str]:
        """Run a command, compare its exit code, return the lines of its output."""
        assert self.code(*words) == expect, self.err
        return self.out.splitlines()


@pytest.fixture
def program(url, capsys) -> Program:
    """Return the program on a database that has its schema."""
    program = Program(url, capsys)
    program("migrate")
    return program


@pytest.fixture
def demo(program) -> Program:
    """Return the program on a database with a domain."""
    program("domain", "create", "demo")
    return program


@pytest.fixture
def form_file(tmp_path) -> Path:
    """Write a form that creates the case c1."""
    path = tmp_path / "one.xml"
    path.write_bytes(a_form([a_create("c1")], form_id="f1"))
    return path


def test_migrate_may_be_run_again(program):
    """Rule 3.1: safe to run again."""
    assert program("migrate") == ["the schema is current"]


def test_a_database_without_a_schema_is_told_to_migrate(empty_url, capsys):
    """One clear line says why, no traceback."""
    program = Program(empty_url, capsys)
    program("domain", "list", expect=1)
    assert program.err.count("\n") == 1
    assert "migrate" in program.err


def test_domains_are_created_and_listed(demo):
    """Rule 3.3: one is made, all are printed."""
    demo("domain", "create", "other")
    assert [line.split("\t")[0] for line in demo("domain", "list")] == ["demo", "other"]


def test_creating_an_existing_domain_is_an_error(demo):
    """Rule 3.3: one that exists is an error, in one line."""
    assert demo("domain", "create", "demo", expect=1) == []
    assert demo.err == "Error: Domain 'demo' already exists\n"


@pytest.mark.parametrize("name", ["", "a/b", "a b", "é", "-x", "x" * 100])
def test_a_name_that_cannot_stand_in_a_url_is_no_domain(demo, name):
    """A domain is a segment of every address."""
    demo("domain", "create", "--", name, expect=1)


def test_a_user_is_created_and_named_by_id(demo):
    """Rule 3.4: prints the user id."""
    [user_id] = demo("user", "create", "ann", "--domain", "demo", "--password", "pw")
    assert len(user_id) == 36
    demo("user", "create", "ann", "--domain", "demo", "--password", "pw", expect=1)
    assert "already exists" in demo.err


def test_a_password_may_come_from_standard_input(demo, monkeypatch):
    """Rule 3.4: --password-stdin."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("pass word\n"))
    options = ("--domain", "demo", "--role", "mobile", "--password-stdin")
    assert demo("user", "create", "bob", *options)


@pytest.mark.parametrize(
    "options",
    [
        (),
        ("--password", "a", "--password-stdin"),
        ("--password", ""),
        ("--password", "a", "--role", "owner"),
    ],
)
def test_a_user_needs_one_password_and_a_role_that_exists(demo, options):
    """Exit code 2: wrong usage."""
    demo("user", "create", "ann", "--domain", "demo", *options, expect=2)


def test_a_key_is_printed_alone_on_the_last_line_and_never_again(demo):
    """Rule 3.5: made, listed, revoked."""
    demo("user", "create", "ann", "--domain", "demo", "--password", "pw")
    lines = demo("api-key", "create", "ann", "--domain", "demo", "--read-only")
    key = lines[-1]
    assert key.isalnum()
    [listed] = demo("api-key", "list")
    assert key not in listed
    assert "read-only" in listed
    key_id = listed.split("\t")[0]
    demo("api-key", "revoke", key_id)
    assert "revoked" in demo("api-key", "list", "--domain", "demo")[0]
    demo("api-key", "revoke", key_id, expect=1)
    demo("api-key", "revoke", "nope", expect=1)


def test_a_key_for_nobody_is_an_error(demo):
    """One clear line says why."""
    demo("api-key", "create", "nobody", "--domain", "demo", expect=1)
    assert "nobody" in demo.err
    demo("api-key", "create", "nobody", "--domain", "nowhere", expect=1)
    assert "nowhere" in demo.err


def test_files_folders_and_archives_are_submitted(demo, form_file, tmp_path):
    """Rule 3.6: a file, a folder or a .zip; a line for each form."""
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "two.xml").write_bytes(a_form([a_create("c2")], form_id="f2"))
    (folder / "notes.txt").write_text("no form")
    archive = tmp_path / "three.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        packed.writestr("a/three.xml", a_form([a_create("c3")], form_id="f3"))
    files = [str(path) for path in (form_file, folder, archive)]
    lines = demo("submit", *files, "--domain", "demo")
    assert [line.split("\t")[:2] for line in lines] == [
        ["normal", "f1"],
        ["normal", "f2"],
        ["normal", "f3"],
    ]
    assert demo("submit", files[0], "--domain", "demo")[0].startswith("duplicate\t")


def test_a_form_may_come_from_standard_input(demo, form_file, monkeypatch):
    """Rule 3.6: a dash."""
    stdin = io.TextIOWrapper(io.BytesIO(form_file.read_bytes()))
    monkeypatch.setattr(sys, "stdin", stdin)
    [line] = demo("submit", "-", "--domain", "demo")
    assert line == "normal\tf1\t-"


def test_a_broken_form_is_kept_and_told(demo, form_file):
    """The receiver keeps what is no form; the exit code says that it is none."""
    form_file.write_bytes(b"<a")
    words = ("submit", str(form_file), "--keep-errors")
    [line] = demo(*words, expect=1)
    assert line.startswith("submission_error\t")
    assert demo.err == "Error: 1 forms were kept as errors\n"


def test_a_broken_archive_is_one_clear_line(demo, tmp_path):
    """Exit code 1, no traceback."""
    archive = tmp_path / "x.zip"
    archive.write_bytes(b"PK no")
    demo("submit", str(archive), "--domain", "demo", expect=1)
    assert demo.err.count("\n") == 1


def test_replay_and_verify_agree(demo, form_file):
    """Rows "replay" and "verify": rates, ok and counts."""
    demo("submit", str(form_file), "--domain", "demo")
    assert demo("verify", "--all")[0].startswith("ok demo: 2 entries")
    [line] = demo("replay", "--domain", "demo")
    assert line.endswith("forms/s")
    demo("replay", "--all", "--projection", "cases")
    assert demo("verify", "--domain", "demo")[0].startswith("ok demo: 2 entries")


def test_verify_tells_what_differs(demo, form_file):
    """Rule 3.9: each difference, and exit 1."""
    demo("submit", str(form_file), "--domain", "demo")
    spoil_a_case(demo.url)
    [line] = demo("verify", "--all", expect=1)
    assert "case_name differs" in line
    assert demo.err == "Error: the verification found differences\n"


@pytest.mark.parametrize("command", ["replay", "verify"])
def test_one_domain_or_all_of_them_can_be_asked_for(demo, command):
    """Exit code 2: wrong usage."""
    demo(command, "--all", "--domain", "demo", expect=2)


def test_a_case_is_shown_now_and_in_the_past(demo, form_file, tmp_path):
    """Rows "case show [--as-of TIME]" and "case history"."""
    demo("submit", str(form_file), "--domain", "demo")
    before = json.loads("\n".join(demo("case", "show", "c1")))
    later = tmp_path / "later.xml"
    later.write_bytes(a_form([an_update("c1", colour="blue")], form_id="f2"))
    demo("submit", str(later), "--domain", "demo")
    now = json.loads("\n".join(demo("case", "show", "c1", "--domain", "demo")))
    assert (before["properties"], now["properties"]) == ({}, {"colour": "blue"})
    when = ("--as-of", before["indexed_on"])
    assert json.loads("\n".join(demo("case", "show", "c1", *when))) == before
    told = demo("case", "history", "c1")
    assert '  properties.colour: (none) -> "blue"' in told
    assert demo("case", "why", "c1", "colour")[0] == 'properties.colour: "blue"'
    since = ("--from", before["indexed_on"])
    assert demo("case", "diff", "c1", *since) == ['properties.colour: (none) -> "blue"']
    assert [line.split()[3] for line in told if " form " in line] == ["f1", "f2"]


def test_a_case_that_is_not_there_is_one_clear_line(demo):
    """Exit code 1; a time that is none is wrong usage."""
    demo("case", "show", "nope", expect=1)
    demo("case", "history", "nope", expect=1)
    demo("case", "show", "nope", "--as-of", "2020-01-01", expect=1)
    demo("case", "show", "nope", "--as-of", "soon", expect=2)


def test_two_domains_must_be_told_apart(demo):
    """Exit code 2 when a command cannot know which domain is meant."""
    demo("domain", "create", "other")
    demo("case", "show", "c1", expect=2)


def test_every_command_helps():
    """The help of the program and of every subcommand is complete."""
    groups = {
        "domain": ["create", "list"],
        "user": ["create"],
        "api-key": ["create", "list", "revoke"],
        "case": ["show", "history", "why", "diff"],
    }
    single = ["migrate", "serve", "demo", "submit", "replay", "verify", *groups]
    lines = [[], *([name] for name in single)]
    lines += [[group, name] for group, names in groups.items() for name in names]
    for words in lines:
        assert main([*words, "--help"]) == 0


@pytest.mark.parametrize("words", [["nonsense"], ["migrate", "--nonsense"], ["submit"]])
def test_wrong_usage_is_exit_code_2(words):
    """Exit codes of rule 2.3."""
    assert main(words) == 2


def test_a_senseless_database_is_wrong_usage(capsys):
    """The URL is checked before anything is opened."""
    assert main(["--database", "mysql://x", "migrate"]) == 2
    assert "sqlite:///" in capsys.readouterr().err


@pytest.mark.parametrize("workers", [1, 2])
def test_serve_starts_on_an_empty_database_and_stops_on_sigterm(empty_url, workers):
    """Rule 3.2: migrates by itself; SIGTERM stops with exit 0 within 10 s."""
    options = ("--workers", str(workers))
    with serving(empty_url, *options, start=from_nothing) as (process, base):
        assert fetch(f"{base}/healthz") == {"status": "ok"}
        assert fetch(f"{base}/readyz") == {"status": "ready"}
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        assert time.monotonic() - started < 10


def test_a_request_in_flight_is_finished_after_sigterm(sqlite_url, capsys):
    """Rule 3.2: SIGTERM finishes requests in flight."""
    header = make_member(Program(sqlite_url, capsys), "pw")
    body = json.dumps({"case_type": "t", "case_name": "n", "owner_id": "o"}).encode()
    with serving(sqlite_url) as (process, base):
        port = int(base.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as sender:
            head = (
                f"POST /a/demo/api/case/v2 HTTP/1.1\r\nHost: x\r\n{header}\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            sender.sendall(head.encode() + body[:5])
            time.sleep(0.3)
            process.send_signal(signal.SIGTERM)
            time.sleep(0.3)
            sender.sendall(body[5:])
            assert sender.recv(65_536).startswith(b"HTTP/1.1 200 ")
        assert process.wait(10) == 0


def test_logs_and_files_hold_no_secret_and_no_value(tmp_path, sqlite_url, capsys):
    """Rules 5.5 and 5.6: passwords, keys, names and values stay where they belong."""
    program = Program(sqlite_url, capsys)
    header = make_member(program, "correct horse battery")
    key = header.rpartition(":")[2]
    log = tmp_path / "log"
    with (
        log.open("wb") as sink,
        serving(sqlite_url, level="DEBUG", stderr=sink.fileno()) as (_, base),
    ):
        body = {"case_type": "t", "case_name": "Very Private", "owner_id": "o"}
        request = urllib.request.Request(  # noqa: S310 - loopback
            f"{base}/a/demo/api/case/v2/ext/external-7",
            data=json.dumps(body).encode(),
            headers={"Authorization": header.partition(": ")[2]},
            method="PUT",
        )
        fetch(request)
        host, _, port = base.removeprefix("http://").partition(":")
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall(b"GET /a/demo/?properties.hiv=posi tive HTTP/1.1\r\n\r\n")
            assert b" 400 " in raw.recv(65_536).splitlines()[0]
    logged = log.read_text()
    assert '"route":"/a/{domain}/api/case/v2/ext/{external_id}"' in logged
    assert "unreadable_request" in logged
    words = ("Very Private", "external-7", "ann", "hiv", key, "correct horse")
    for word in words:
        assert word not in logged
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("caseledger.db*"))
    for secret in (key, "correct horse battery"):
        assert secret.encode() not in stored


def _scraped(base):
    with urllib.request.urlopen(f"{base}/metrics") as answer:  # noqa: S310
        return samples(answer.read().decode())


def _requests_of(told, route):
    """Return how many requests to a route the figures tell of."""
    return sum(
        value
        for (name, labels), value in told.items()
        if name.endswith("seconds_count") and ("route", route) in labels
    )


def test_workers_add_up_their_metrics(sqlite_url):
    """Rule 4.4: one answer for all processes of a server."""
    with serving(sqlite_url, "--workers", "2") as (_, base):
        for _ in range(20):
            fetch(f"{base}/healthz")
        # The process that is not asked counts what it served within 0.2 s.
        deadline = time.monotonic() + 20
        while _requests_of(told := _scraped(base), "/healthz") < 20:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        # What is true of the database is the same whoever tells it.
        assert told["caseledger_database_up", frozenset()] == 1


def test_a_dead_worker_is_replaced(sqlite_url):
    """A server of several processes survives the loss of one."""
    with serving(sqlite_url, "--workers", "2") as (process, base):
        [first, _] = children(process.pid)
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while first in children(process.pid) or len(children(process.pid)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        # The one that is left may still have been on its way up.
        wait_until_up(process, base)
        assert fetch(f"{base}/healthz") == {"status": "ok"}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_taken_port_is_one_clear_line(sqlite_url, tmp_path, workers):
    """Exit code 1 and the address, for one process and for several."""
    told = tmp_path / "told"
    environ = os.environ | {"CASELEDGER_DATABASE": sqlite_url}
    with socket.create_server(("127.0.0.1", 0)) as taken, told.open("wb") as sink:
        port = str(taken.getsockname()[1])
        words = ["serve", "--port", port, "--workers", workers]
        assert forked(words, environ, stderr=sink.fileno()).wait() == 1
    assert told.read_text().splitlines()[-1].startswith("Error: cannot listen on")


def test_the_demo_loads_its_sample_once(program, monkeypatch):
    """The two commands of the README: a second run starts at once, loses nothing."""
    first = program("demo", "--no-serve")
    assert any("curl -H" in line for line in first)
    [before] = program("verify", "--all")
    second = program("demo", "--no-serve")
    assert not any("curl -H" in line for line in second)
    assert program("verify", "--all") == [before]


def test_the_demo_prints_the_address_that_clients_know(program, monkeypatch):
    """Behind a proxy, that is not where it listens."""
    monkeypatch.setenv("CASELEDGER_PUBLIC_URL", "https://cases.example.org/ledger")
    printed = "\n".join(program("demo", "--no-serve"))
    assert "https://cases.example.org/ledger/a/demo/api/case/v2/" in printed
    assert "https://cases.example.org/ledger/api/docs" in printed
    assert "127.0.0.1" not in printed


def make_member(program: Program, password: str) -> str:
    """Make a domain and an editor; return the header line that lets in."""
    program("migrate")
    program("domain", "create", "demo")
    program("user", "create", "ann", "--domain", "demo", "--password", password)
    key = program("api-key", "create", "ann", "--domain", "demo")[-1]
    return f"Authorization: ApiKey ann:{key}"


@contextmanager
def serving(url: str, *options: str, level: str = "ERROR", stderr=2, start=None):
    """Run the server as a process on a free port; end it if the test did not.

    It has imported the program already, unless the test starts it itself.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environ = os.environ | {"CASELEDGER_DATABASE": url, "CASELEDGER_LOG_LEVEL": level}
    words = ["serve", "--port", str(port), *options]
    process = (start or forked)(words, environ, stderr=stderr)
    base = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(process, base)
        yield process, base
    finally:
        process.terminate()
        process.wait(15)


def forked(words, environ, *, stderr=2) -> nursery.Child:
    """Start the program as a process that has imported it."""
    return nursery.start(
        nursery.CASELEDGER, *words, folder=ROOT, environ=environ, stderr=stderr
    )


def from_nothing(words, environ, *, stderr=2) -> subprocess.Popen:
    """Start the program as an operator does."""
    return subprocess.Popen([*PROGRAM, *words], cwd=ROOT, env=environ, stderr=stderr)


def wait_until_up(process: nursery.Child | subprocess.Popen, base: str) -> None:
    """Wait until the server answers; fail if it ends or takes a minute."""
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, "the server ended"
        try:
            fetch(f"{base}/healthz")
        except OSError:
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.02)
        else:
            return


def fetch(address: str):
    """Return the JSON behind an address of our own server."""
    with urllib.request.urlopen(address) as answer:  # noqa: S310 - loopback
        return json.loads(answer.read())


def children(pid: int) -> list[int]:
    """Return the processes that a process started and that are alive."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def spoil_a_case(url: str) -> None:
    """Change a row of a read table behind the program's back."""
    store = open_store(url)
    with store.reading("demo") as reader:
        generation = reader.head.live["cases"]
    with store.administering() as conn:
        conn.execute(f"UPDATE cases_{generation} SET case_name = 'spoilt'")  # noqa: S608
    store.close()

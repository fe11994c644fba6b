"""Every example does what its page shows (CONTRIBUTING.md, "Pages").

``http`` blocks are a request and the answer to it, ``console`` blocks a transcript. The
examples of a page run in their order, against a demo ledger of their own that a real
process serves. What differs each time is shown as an ellipsis.

What the README types are processes, as for whoever pastes it. On other pages
``caseledger`` is a call, because a process imports for seconds what is here already.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.kit import nursery
from tests.kit.pages import ANYTHING, PAGES, Exchange, Typed, fits, is_as_shown, steps
from tests.kit.program import put_program, shell

FRONT_PAGE = "README.md"
ROOT = PAGES[FRONT_PAGE].parent
SHOWN_PORT = "8000"
TOLD = re.compile(r"\w+(=|\(\))")
"""A variable or a function of the shell, which the commands after it use."""
EXAMPLES = [name for name in PAGES if steps(name)]
MUST_HAVE = ["README.md", *(n for n in PAGES if n.startswith("docs/api/"))]


@dataclass
class Desk:
    """A folder with a demo ledger, a server over it, and a shell beside it."""

    folder: Path
    port: int
    greeting: str
    run: Callable[[str, Sequence[str]], str]
    told: list[str] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The secret that the demo printed."""
        return self.greeting.partition("once): ")[2].split()[0]

    def follow(self, step: Exchange | Typed) -> str | None:
        """Do what a page shows; return what came instead, if something did."""
        return self.ask(step) if isinstance(step, Exchange) else self.type(step)

    def ask(self, exchange: Exchange) -> str | None:
        """Send a request; return the answer unless it is the one shown."""
        headers = {"Authorization": f"ApiKey admin:{self.key}"} | exchange.headers
        body = exchange.body
        if exchange.headers.get("Content-Type", "").startswith("multipart/"):
            body = body.replace("\n", "\r\n")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(
                exchange.method, exchange.path, body.encode() or None, headers
            )
            answer = connection.getresponse()
            text = self.as_shown(answer.read().decode())
        finally:
            connection.close()
        good = answer.status == exchange.status and is_as_shown(text, exchange.answer)
        for name, shown in exchange.answer_headers.items():
            good &= fits(self.as_shown(answer.headers.get(name, "")), shown)
        return None if good else f"{answer.status}\n{answer.headers}{text}"

    def type(self, typed: Typed) -> str | None:
        """Run a command; return what it prints unless it is what is shown."""
        if typed.command == "make run":
            good = fits(self.greeting.strip(), typed.output.strip())
            return None if good else self.greeting
        command = typed.command.replace(ANYTHING, self.key)
        command = command.replace(f":{SHOWN_PORT}", f":{self.port}")
        if TOLD.match(command):
            self.told.append(command)
            return None
        printed = self.as_shown(self.run(command, self.told))
        return None if is_as_shown(printed, typed.output) else printed

    def as_shown(self, text: str) -> str:
        """Return a text as pages write it: everything runs on the usual port."""
        return text.replace(f"127.0.0.1:{self.port}", f"127.0.0.1:{SHOWN_PORT}")


@dataclass
class RealShell:
    """Command lines in a folder, each of them as many processes as it says."""

    folder: Path

    def __call__(self, command: str, told: Sequence[str] = ()) -> str:
        """Run a command line after others; return what it printed, errors between."""
        return subprocess.run(
            ["/bin/sh", "-c", "\n".join([*told, command])],
            cwd=self.folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        ).stdout


def environment() -> dict[str, str]:
    """Return the environment without settings of whoever runs the tests."""
    told = {n: v for n, v in os.environ.items() if not n.startswith("CASELEDGER_")}
    return told | {"PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)}


def start(words: list[str], folder: Path, **files) -> subprocess.Popen[bytes]:
    """Start the program under test as a process."""
    order = [sys.executable, "-m", "api.cli", *words]
    return subprocess.Popen(order, cwd=folder, env=environment(), **files)


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> tuple[Path, str]:
    """Make the demo ledger once; return its folder and what was printed."""
    folder = tmp_path_factory.mktemp("demo")
    with start(["demo", "--no-serve"], folder, stdout=subprocess.PIPE) as process:
        greeting, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return folder, greeting.decode()


@pytest.fixture
def desk(name, demo, tmp_path) -> Iterator[Desk]:
    """Serve a copy of the demo ledger."""
    folder, greeting = demo
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    log = tmp_path / "server.log"
    with ExitStack() as stack:
        told = stack.enter_context(log.open("wb"))
        words = ["serve", "--port", "0"]
        if name == FRONT_PAGE:
            server = start(words, tmp_path, stderr=told)
            put_program(
                tmp_path, f'#!/bin/sh\nexec "{sys.executable}" -m api.cli "$@"\n'
            )
            run = RealShell(tmp_path)
        else:
            server = nursery.start(
                nursery.CASELEDGER,
                *words,
                folder=tmp_path,
                environ=environment(),
                stderr=told.fileno(),
            )
            run = stack.enter_context(shell(tmp_path, environment()))
        stack.callback(server.wait, 15)
        stack.callback(server.terminate)
        yield Desk(tmp_path, port_of(server, log), greeting, run)


def port_of(server: nursery.Child | subprocess.Popen[bytes], log: Path) -> int:
    """Return the port that a server took, as soon as it says which."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        for line in log.read_text().splitlines():
            if '"listening"' in line:
                return int(json.loads(line)["port"])
        time.sleep(0.02)
    pytest.fail(f"the server did not come up:\n{log.read_text()}")


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_do_what_the_page_shows(name, desk):
    """Every request and every command of a page gives what the page says it gives."""
    if needs_curl(name) and shutil.which("curl") is None:
        pytest.skip("the examples of this page are typed with curl")
    wrong = [
        f"{name}, line {step.line}:\n{came}"
        for step in steps(name)
        if (came := desk.follow(step)) is not None
    ]
    if wrong:
        pytest.fail("\n\n".join(wrong), pytrace=False)


@pytest.mark.parametrize("name", MUST_HAVE)
def test_pages_of_the_api_have_examples(name):
    """A page about an API shows it at work."""
    assert name in EXAMPLES


def needs_curl(name: str) -> bool:
    """Tell whether a page types curl."""
    return any(
        isinstance(step, Typed) and "curl " in step.command for step in steps(name)
    )

"""``caseledger`` as a page types it, without importing it each time.

What a process imports before it does anything takes longer than most commands. So a
line that needs no shell is a call inside the process of the test. For any other,
/bin/sh finds a small program in the place of ``caseledger``: it hands its words, its
folder, its environment and its three files to the test, which has a process forked for
them and tells the exit code. A line may start several, which wait for each other.
"""

from __future__ import annotations

import json
import logging
import os
import re
import selectors
import shlex
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from threading import Thread
from typing import BinaryIO

import pytest

from api.cli import main
from tests.kit import nursery
from tests.kit.nursery import Child

PROGRAM = ".venv/bin/caseledger"
NEEDS_A_SHELL = re.compile(r"[^\w ./:,=@+'\"-]")
"""A character that may mean something to a shell, wherever it stands."""

_STAND_IN = """\
#!{python} -ISE
import json, os, socket, sys

with socket.socket(socket.AF_UNIX) as desk:
    desk.connect({address!r})
    asked = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]) + "\\n"
    socket.send_fds(desk, [asked.encode()], [0, 1, 2])
    sys.exit(int(desk.makefile().readline()))
"""


def plain_words(command: str) -> list[str]:
    """Return the words of a command line, none if only a shell can read it."""
    return [] if NEEDS_A_SHELL.search(command) else shlex.split(command)


class Shell:
    """Command lines in a folder where ``caseledger`` is the test's own process."""

    def __init__(
        self, folder: Path, environ: Mapping[str, str], *, listener: socket.socket
    ) -> None:
        """Run commands in a folder and an environment; the program asks us there."""
        self._folder = folder
        self._environ = environ
        self._listener = listener

    def __call__(self, command: str, told: Sequence[str] = ()) -> str:
        """Run a command line after others; return what it printed, errors between."""
        with tempfile.TemporaryFile() as printed:
            program, *words = plain_words(command) or [""]
            if program == PROGRAM:
                code = self._call(words, printed)
                return _with_code(code, _all_of(printed))
            self._run("\n".join([*told, command]), printed)
            return _all_of(printed)

    def _call(self, words: Sequence[str], printed: BinaryIO) -> int:
        with Path(os.devnull).open("rb") as nothing:
            files = (nothing.fileno(), printed.fileno(), printed.fileno())
            return _run(words, folder=self._folder, environ=self._environ, files=files)

    def _run(self, lines: str, printed: BinaryIO) -> None:
        alive, ours = os.pipe()
        with (
            os.fdopen(alive, "rb"),
            subprocess.Popen(
                ["/bin/sh", "-c", lines],
                cwd=self._folder,
                env=dict(self._environ),
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
                pass_fds=(ours,),
            ),
        ):
            os.close(ours)
            self._serve(until_closed=alive)

    def _serve(self, *, until_closed: int) -> None:
        """Do what ``caseledger`` is asked for until nobody of the line is left."""
        with selectors.DefaultSelector() as waiting:
            waiting.register(self._listener, selectors.EVENT_READ)
            waiting.register(until_closed, selectors.EVENT_READ)
            while all(key.fd != until_closed for key, _ in waiting.select()):
                asking, _ = self._listener.accept()
                Thread(target=_report, args=(asking, _begun(asking))).start()


@contextmanager
def shell(folder: Path, environ: Mapping[str, str]) -> Iterator[Shell]:
    """Put a program that asks us where pages say it is, and be there for it."""
    with (
        tempfile.TemporaryDirectory() as place,
        socket.socket(socket.AF_UNIX) as listener,
    ):
        address = f"{place}/desk"
        listener.bind(address)
        listener.listen()
        put_program(folder, _STAND_IN.format(python=sys.executable, address=address))
        yield Shell(folder, environ, listener=listener)


def put_program(folder: Path, text: str) -> None:
    """Write the program that pages type."""
    path = folder / PROGRAM
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def _begun(asking: socket.socket) -> Child:
    """Start what one program was asked to be."""
    order, files, _, _ = socket.recv_fds(asking, 65_536, 3)
    with ExitStack() as stack:
        for file in files:
            stack.callback(os.close, file)
        while not order.endswith(b"\n"):
            order += asking.recv(65_536)
        words, folder, environ = json.loads(order)
        stdin, stdout, stderr = files
        return nursery.start(
            nursery.CASELEDGER,
            *words,
            folder=Path(folder),
            environ=environ,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )


def _report(asking: socket.socket, child: Child) -> None:
    """Tell a program how what it asked for has ended."""
    with asking:
        asking.sendall(b"%d\n" % child.wait())


def _run(
    words: Sequence[str],
    *,
    folder: Path,
    environ: Mapping[str, str],
    files: Sequence[int],
) -> int:
    """Be a process for the time of a command, and then what was before."""
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.chdir(folder)
        for name in os.environ.keys() - environ.keys():
            patch.delenv(name)
        for name, value in environ.items():
            patch.setenv(name, value)
        stack.enter_context(_fresh_logging())
        for name, file in zip(("stdin", "stdout", "stderr"), files, strict=True):
            opened = stack.enter_context(_opened(file, name))
            patch.setattr(sys, name, opened)
        try:
            return main(list(words))
        except SystemExit as end:
            # So click ends a program whose reader has gone.
            return int(end.code or 0)


@contextmanager
def _fresh_logging() -> Iterator[None]:
    """Log as a new process does: to standard error, until something is set up."""
    root = logging.root
    before = root.level, root.handlers[:]
    root.setLevel(logging.WARNING)
    root.handlers[:] = []
    try:
        yield
    finally:
        level, root.handlers[:] = before
        root.setLevel(level)


@contextmanager
def _opened(file: int, name: str) -> Iterator[TextIOWrapper]:
    """Open a file as Python opens the three of a process."""
    raw = os.fdopen(file, "rb" if name == "stdin" else "wb", closefd=False)
    opened = TextIOWrapper(raw, encoding="utf-8", line_buffering=name == "stderr")
    try:
        yield opened
    finally:
        # Who reads may have read enough, as ``head`` does.
        with suppress(BrokenPipeError):
            opened.close()


def _all_of(printed: BinaryIO) -> str:
    printed.seek(0)
    return printed.read().decode()


def _with_code(code: int, text: str) -> str:
    """Return what was printed, and the exit code where the text tells another.

    What failed says so in a line: an error, or the row of a file.
    """
    failed = re.search(r"^(?:Error: |row \d)", text, re.MULTILINE) is not None
    return text if failed is (code != 0) else f"{text}(exit code {code})\n"

"""Servers as processes of their own: the bare pipeline, hello, and the product."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.http import Target
from bench.ports import free_port, wait_for

ROOT = Path(__file__).resolve().parent.parent
DOMAIN = "bench"
USERNAME = "bench@example.org"
PASSWORD = "the bench knows it"  # noqa: S105 - of databases that the bench makes
STOP_WITHIN = 30


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it answers and which process it is."""

    target: Target
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Return the process whose tree is the server."""
        return self.process.pid

    def wait(self, path: str = "/healthz") -> None:
        """Wait until the server serves. Raises as ``ports.wait_for`` does."""
        wait_for(self.process, self.target.port, path)

    def stop(self) -> int:
        """Ask the server to stop; return its exit code."""
        self.process.terminate()
        return self.process.wait(STOP_WITHIN)

    def kill(self) -> None:
        """End the server and its workers at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(STOP_WITHIN)


@contextmanager
def hello() -> Iterator[Server]:
    """Run the server of unit H."""
    with _bare("hello", "/") as server:
        yield server


@contextmanager
def bare(url: str, *, workers: int = 1, obliged: bool = False) -> Iterator[Server]:
    """Run the bare pipeline over a database, or B+ when ``obliged``."""
    path = f"/a/{DOMAIN}/api/case/v2/?limit=1"
    options = ["--db", url, "--workers", str(workers)]
    if obliged:
        options.append("--obliged")
    with _bare("serve", path, *options) as server:
        yield server


@contextmanager
def _bare(what: str, path: str, *options: str) -> Iterator[Server]:
    port = free_port()
    argv = [sys.executable, "-m", "bench.bare", what, "--port", str(port), *options]
    process = subprocess.Popen(argv, cwd=ROOT, start_new_session=True)
    server = Server(Target("127.0.0.1", port, DOMAIN), process)
    try:
        server.wait(path)
        yield server
    finally:
        server.kill()


def run_module(module: str, *arguments: str) -> None:
    """Run a module of the bench as a process of its own, to its end."""
    subprocess.run([sys.executable, "-m", module, *arguments], cwd=ROOT, check=True)


def program() -> list[str]:
    """Return how the product's command line is called: always that of this tree."""
    return [sys.executable, "-m", "api.cli"]


class Product:
    """The product over one database, driven by its command line and its HTTP."""

    def __init__(self, url: str, authorization: str = "") -> None:
        self.url = url
        self.authorization = authorization

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment its processes get."""
        return {**os.environ, "CASELEDGER_DATABASE": self.url}

    def command(self, *arguments: str) -> str:
        """Run one subcommand; return what it wrote to standard output.

        Raises RuntimeError with what it complained of when it fails.
        """
        done = subprocess.run(
            [*program(), *arguments],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            text = f"{done.stdout[-1000:]}{done.stderr[-2000:]}"
            raise RuntimeError(f"caseledger {' '.join(arguments)}: {text}")
        return done.stdout

    def create(self) -> None:
        """Make the schema, a domain, a user and its key in an empty database."""
        self.command("migrate")
        self.command("domain", "create", DOMAIN, "--open-submissions")
        words = ("user", "create", USERNAME, "--domain", DOMAIN, "--role", "admin")
        self.command(*words, "--password", PASSWORD)
        output = self.command("api-key", "create", USERNAME, "--domain", DOMAIN)
        self.authorization = f"ApiKey {USERNAME}:{output.split()[-1]}"

    @contextmanager
    def serving(self, *, workers: int = 1) -> Iterator[Server]:
        """Run the server until the block ends."""
        server = self.start(workers=workers)
        try:
            server.wait()
            yield server
        finally:
            if server.process.poll() is None:
                server.stop()

    def start(self, *, workers: int = 1) -> Server:
        """Start the server; it may not answer yet."""
        port = free_port()
        words = ["serve", "--host", "127.0.0.1", "--port", str(port)]
        if workers > 1:
            words += ["--workers", str(workers)]
        with Path(os.devnull).open("w") as nowhere:
            process = subprocess.Popen(
                [*program(), *words],
                cwd=ROOT,
                env=self.environment,
                stdout=nowhere,
                stderr=self._log(),
                start_new_session=True,
            )
        return Server(Target("127.0.0.1", port, DOMAIN, self.authorization), process)

    def _log(self) -> int:
        path = work_folder() / "product.log"
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def work_folder() -> Path:
    """Return where databases and results of the bench are kept; made when missing."""
    folder = Path(os.environ.get("CASELEDGER_BENCH_DIR", ROOT / "data" / "bench"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder

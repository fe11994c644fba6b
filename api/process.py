"""The server process: one worker, or a parent that keeps several alive.

Workers share the port: the kernel hands each connection to one of them. SIGTERM lets
requests in flight finish and then stops, within ten seconds.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.util
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from tempfile import TemporaryDirectory
from typing import Any

from aiohttp import web
from prometheus_client.multiprocess import mark_process_dead

from api.app import create_app, end_waits
from api.config import Config
from api.hosts import is_loopback
from api.http.keys import CONNECTIONS, SHELL
from api.http.logs import set_up_logging
from api.http.metrics import SHARED_FOLDER

_LOG = logging.getLogger(__name__)

_FINISH_SECONDS = 7.5
"""How long requests in flight may take after SIGTERM."""
_CLOSE_SECONDS = 1.0
"""How long open connections may take to close after that."""
_STOP_SECONDS = 9.8
"""When the parent loses patience with a worker that was told to stop."""
_LONGEST_LINE = 256 * 1024
"""Bytes of a request line: five thousand ids joined by commas fit."""
_LONGEST_FIELD = 32 * 1024
_BACKLOG = 1024
_IDLE_SECONDS = 75.0
_SWITCH_SECONDS = 0.001
_LOOK_SECONDS = 0.2
_QUICK_DEATHS = 5
_QUICK_SECONDS = 30.0


class CannotServe(OSError):
    """The address is taken or not ours; the text says which."""


def serve(config: Config) -> int:
    """Serve until SIGTERM or SIGINT and return the exit code.

    Raises ``CannotServe`` when the address cannot be had, ``StoreUnavailable`` when
    the database cannot be opened.
    """
    _warn_of_plain_http(config)
    if config.workers > 1:
        return _supervise(config)
    return _work(config, shared_port=False)


def _warn_of_plain_http(config: Config) -> None:
    """Say once that passwords and links may travel as they should not.

    Whoever reaches us from another machine should do so through a proxy that ends TLS,
    and links should lead there whatever a ``Host`` header says.
    """
    if is_loopback(config.host) or config.public_url.startswith("https://"):
        return
    extra = {"setting": "CASELEDGER_PUBLIC_URL", "host": config.host}
    _LOG.warning("reached_without_https", extra=extra)


def _work(config: Config, *, shared_port: bool) -> int:
    """Be one worker."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(_serve(config, shared_port=shared_port))


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    if importlib.util.find_spec("uvloop") is None:
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = importlib.import_module(
        "uvloop"
    ).new_event_loop
    return factory


async def _serve(config: Config, *, shared_port: bool) -> int:
    stop = asyncio.Event()
    _stop_on_signals(stop)
    app = create_app(config)
    runner = app_runner(app)
    await runner.setup()
    site = web.TCPSite(
        runner,
        config.host,
        config.port,
        backlog=_BACKLOG,
        reuse_port=shared_port or None,
    )
    try:
        await site.start()
    except OSError as error:
        await runner.cleanup()
        raise CannotServe(_cannot_listen(config, error)) from None
    for address in runner.addresses:
        _LOG.info("listening", extra={"host": address[0], "port": address[1]})
    if shared_port:
        _stop_with_parent(stop)
    # What exists now lives as long as the process: no collection looks at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    await stop.wait()
    _LOG.info("stopping")
    await site.stop()
    await end_waits(app)
    await app[SHELL].drain(seconds=_FINISH_SECONDS)
    await runner.cleanup()
    return 0


class _Runner(web.AppRunner):
    """Runs an application whose connections are watched."""

    _factory: Callable[[], asyncio.Protocol] | None = None

    async def setup(self) -> None:
        """Set the application up, and have its server's connections watched."""
        await super().setup()
        server = super().server
        if server is not None:
            self._factory = self.app[CONNECTIONS].watch(server)

    @property
    def server(self) -> Any:
        """Return what makes the protocol of a new connection."""
        return self._factory


def app_runner(app: web.Application) -> web.AppRunner:
    """Return the runner of an application, with the limits of the wire."""
    return _Runner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=_CLOSE_SECONDS,
        keepalive_timeout=_IDLE_SECONDS,
        max_line_size=_LONGEST_LINE,
        max_field_size=_LONGEST_FIELD,
    )


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


def _stop_with_parent(stop: asyncio.Event) -> None:
    """Stop when the parent is gone: its end of our standard input closes with it."""
    loop = asyncio.get_running_loop()
    loop.add_reader(sys.stdin.fileno(), stop.set)


def _cannot_listen(config: Config, error: OSError) -> str:
    reason = os.strerror(error.errno) if error.errno else str(error)
    return f"cannot listen on {config.host}:{config.port}: {reason}"


@dataclass(slots=True)
class _Worker:
    """A child process and when it was last started."""

    process: subprocess.Popen[bytes]
    started: float


@dataclass(slots=True)
class _Crew:
    """The workers of a parent."""

    config: Config
    folder: str
    workers: list[_Worker] = field(default_factory=list)
    quick_deaths: int = 0

    def start(self) -> None:
        """Start every worker."""
        self.workers = [self._spawn() for _ in range(self.config.workers)]

    def replace_the_dead(self) -> bool:
        """Start a worker for each that died; tell whether there is sense in it."""
        for number, worker in enumerate(self.workers):
            code = worker.process.poll()
            if code is None:
                continue
            self._bury(worker, code)
            if self.quick_deaths >= _QUICK_DEATHS:
                return False
            self.workers[number] = self._spawn()
        return True

    def stop(self) -> None:
        """Let all finish; end those that do not."""
        for worker in self.workers:
            worker.process.terminate()
        deadline = time.monotonic() + _STOP_SECONDS
        for worker in self.workers:
            try:
                worker.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                worker.process.wait()

    def _spawn(self) -> _Worker:
        process = subprocess.Popen(
            [sys.executable, "-m", "api.process"],
            stdin=subprocess.PIPE,
            env={**os.environ, **self.config.to_env(), SHARED_FOLDER: self.folder},
        )
        return _Worker(process, time.monotonic())

    def _bury(self, worker: _Worker, code: int) -> None:
        extra = {"worker": worker.process.pid, "exit_code": code}
        _LOG.error("a worker died", extra=extra)
        mark_process_dead(worker.process.pid, self.folder)  # type: ignore[no-untyped-call]
        if time.monotonic() - worker.started < _QUICK_SECONDS:
            self.quick_deaths += 1


def _supervise(config: Config) -> int:
    """Be the parent: start the workers, replace those that die, stop them all."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: stop.set())
    with _reserved_port(config) as port, TemporaryDirectory() as folder:
        crew = _Crew(config.with_port(port), folder)
        crew.start()
        alive = True
        while alive and not stop.wait(_LOOK_SECONDS):
            alive = crew.replace_the_dead()
        crew.stop()
    return 0 if alive else 1


class _reserved_port:  # noqa: N801 - reads as a phrase after ``with``
    """Holds the port that the workers share: ours, and the same for all."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._socket: socket.socket | None = None

    def __enter__(self) -> int:
        config = self._config
        family, kind, protocol, _, address = socket.getaddrinfo(
            config.host, config.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        try:
            # A server that is there already would share its port with us unseen.
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
            self._socket = socket.socket(family, kind, protocol)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            self._socket.bind(address)
        except OSError as error:
            raise CannotServe(_cannot_listen(config, error)) from None
        port: int = self._socket.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        if self._socket is not None:
            self._socket.close()


def _main() -> int:
    """Be a worker whose settings the parent put into the environment."""
    config = Config.from_env(os.environ)
    set_up_logging(config)
    return _work(config, shared_port=True)


if __name__ == "__main__":
    sys.exit(_main())

"""A receiver of webhooks: a real server that keeps what it was sent."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web


@dataclass
class Receiver:
    """What came, in its order; ``answer`` decides what is said to each."""

    url: str = ""
    requests: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answer: Callable[[dict], int] = lambda _body: 200
    retry_after: str | None = None
    """What every answer says of the next attempt."""
    hang: asyncio.Event | None = None
    """While it is set to an event, answers wait for it."""

    @property
    def bodies(self) -> list[dict]:
        """Return what was told, decoded."""
        return [json.loads(body) for _, body in self.requests]

    @property
    def positions(self) -> list[int]:
        """Return which entries were told of, repeats included."""
        return [body["position"] for body in self.bodies]

    async def take(self, request: web.Request) -> web.Response:
        """Keep a request and answer it."""
        body = await request.read()
        self.requests.append((dict(request.headers), body))
        if self.hang is not None:
            await self.hang.wait()
        status = self.answer(json.loads(body))
        headers = {"Location": f"{self.url}/elsewhere"} if status == 307 else {}
        if self.retry_after is not None:
            headers["Retry-After"] = self.retry_after
        return web.Response(status=status, headers=headers, text="a secret answer")


async def until(condition: Callable[[], object]) -> None:
    """Let others work until something is so."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - what is awaited has no event
            await asyncio.sleep(0.01)


def signature(secret: str, headers: dict[str, str], body: bytes) -> str:
    """Return what a receiver computes to compare it with the signature."""
    signed = headers["X-Caseledger-Timestamp"].encode() + b"." + body
    return f"sha256={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Run a receiver on a free port of this machine."""
    receiver = Receiver()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0]
    receiver.url = f"http://{host}:{port}/hook"
    try:
        yield receiver
    finally:
        if receiver.hang is not None:
            receiver.hang.set()
        await runner.cleanup()

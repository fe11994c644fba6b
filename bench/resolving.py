"""What finding a route costs, told as JSON: run as a process of its own.

``python -m bench.resolving`` builds the server's table of routes, as it is and with
five hundred rows more, and has each find the first row, the one in the middle and the
last. Beside it stands aiohttp's own router with nothing but that one row.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from api.http.router import RouteTable
from api.routes import ROUTES
from api.wire.route import PLACEHOLDER, SPELLINGS, Route

MORE = 500
_PLACES = ("first", "middle", "last")
_REPEATS = 5

Resolve = Callable[[web.Request], Coroutine[Any, Any, Any]]


def readings(times: int) -> dict[str, dict[str, float]]:
    """Return CPU microseconds a look-up, by place in the table and by router."""
    more = [
        replace(ROUTES[0], path=f"/a/{{domain}}/api/more/v1/thing{n}/{{case_id}}/show")
        for n in range(MORE)
    ]
    tables = {"today": _table(ROUTES), "more": _table([*ROUTES, *more])}
    found = {}
    for name, route in zip(_PLACES, _chosen(), strict=True):
        request = make_mocked_request(route.method, _asked(route))
        routers = {"one": _router_of_one(route), **tables}
        found[name] = {key: _cost(r, request, times) for key, r in routers.items()}
    return found


def _chosen() -> Sequence[Route]:
    """Return the rows whose places are the first, the middle and the last one."""
    rows = [route for route in ROUTES if "{domain}" in route.path]
    return rows[0], rows[len(rows) // 2], rows[-1]


def _asked(route: Route) -> str:
    return PLACEHOLDER.sub(lambda m: SPELLINGS.get(m[1], ("demo",))[0], route.path)


def _table(routes: Sequence[Route]) -> Resolve:
    shell: Any = SimpleNamespace(wrap=lambda endpoint: endpoint.handler, expect=_expect)
    return RouteTable(shell, routes).resolve


def _expect(_endpoint: Any) -> None:
    """Wait for nothing."""


def _router_of_one(route: Route) -> Resolve:
    router = web.UrlDispatcher()
    router.add_route(route.method, _pattern(route), route.handler)
    return router.resolve


def _pattern(route: Route) -> str:
    spelled = PLACEHOLDER.sub(
        lambda m: SPELLINGS[m[1]][0] if m[1] in SPELLINGS else m[0], route.path
    )
    return spelled + "{slash:/*}"


def _cost(resolve: Resolve, request: web.Request, times: int) -> float:
    """Return the least of a few readings: what disturbs only ever adds."""
    return min(_read(resolve, request, times) for _ in range(_REPEATS))


def _read(resolve: Resolve, request: web.Request, times: int) -> float:
    async def look() -> float:
        began = time.process_time()
        for _ in range(times):
            await resolve(request)
        return (time.process_time() - began) / times * 1e6

    return asyncio.run(look())


if __name__ == "__main__":
    sys.stdout.buffer.write(orjson.dumps(readings(int(sys.argv[1]))))

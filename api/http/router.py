"""The table of routes as aiohttp's router sees it: one resource that knows all paths.

How a path is found is in ``api/wire/paths.py``. A path is never redirected. What stands
at a placeholder can be had as the client encoded it: an id may hold an encoded slash,
or bytes that are no text.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NoReturn

from aiohttp import web
from yarl import URL

from api.http.middleware import Endpoint, Shell
from api.wire.dialects import PROCESS
from api.wire.paths import Leaf, behind, find, segments_of, tree_of
from api.wire.permissions import Permission
from api.wire.problems import method_not_allowed, unknown_path
from api.wire.route import Route

_ANY = "*"
_OPTIONS = "OPTIONS"
_PROBED = frozenset({"/healthz", "/readyz", "/metrics"})
"""What is asked by programs on this machine, past any proxy."""


def install(
    app: web.Application, shell: Shell, routes: Iterable[Route], *, below: str = ""
) -> None:
    """Have a server find the routes, and answer everything else as unknown.

    They are also found ``below`` a path, where a proxy may pass it on.
    """
    app.router.register_resource(RouteTable(shell, routes, below=below))


class Match(web.UrlMappingMatchInfo):
    """The route of a request, and what stands at its placeholders."""

    __slots__ = ("address", "leaf")

    def __init__(
        self, values: dict[str, str], route: web.AbstractRoute, leaf: Leaf | None
    ) -> None:
        """Keep where the path ended; unknown ones end nowhere."""
        super().__init__(values, route)
        self.leaf = leaf
        self.address: URL | None = None
        """What is asked for, where that is not the whole of what was sent."""


def raw_part(request: web.Request, name: str) -> str:
    """Return what stands at a placeholder of a request's path, still encoded.

    Raises ``KeyError`` where the route has no such placeholder.
    """
    leaf = getattr(request.match_info, "leaf", None)
    if leaf is None:
        raise KeyError(name)
    raw: str = leaf.value(request.rel_url.raw_path, name)
    return raw


class RouteTable(web.AbstractResource):
    """All routes as one resource of aiohttp's router."""

    def __init__(
        self, shell: Shell, routes: Iterable[Route], *, below: str = ""
    ) -> None:
        """Build the tree; raises ``ValueError`` for a row that nothing can reach.

        What serves a row is made when it is asked for first: most never are.
        """
        super().__init__()
        self._shell = shell
        self._below = segments_of(below)
        self._nothing = self._served(_NOTHING)
        by_path: dict[str, dict[str, Route]] = {}
        for route in routes:
            by_path.setdefault(route.path, {})[route.method] = route
        self._root = tree_of(tuple(by_path))
        self._rows = list(by_path.values())
        self._methods: list[dict[str, web.AbstractRoute]] = [{} for _ in self._rows]

    async def resolve(self, request: web.Request) -> tuple[Match, set[str]]:
        """Return the route of a request: the one for unknown paths if there is none."""
        match = self._match(request.rel_url, request.method)
        if match is None and self._below:
            match = self._match_below(request.rel_url, request.method)
        # A match without placeholders is empty, and so counts as false.
        return Match({}, self._nothing, None) if match is None else match, set()

    def _match_below(self, url: URL, method: str) -> Match | None:
        """Return the route of what stands behind the path that a proxy passes on."""
        depth = len(self._below)
        if segments_of(url.path_safe)[:depth] != self._below:
            return None
        path = "/" + behind(url.raw_path, depth).lstrip("/")
        address = url.with_path(path, encoded=True, keep_query=True)
        match = self._match(address, method)
        if match is not None:
            match.address = address
        return match

    def _match(self, url: URL, method: str) -> Match | None:
        path = url.raw_path
        encoded = "%" in path
        if encoded:
            path = url.path_safe
        segments = segments_of(path)
        leaf = find(self._root, path, segments)
        if leaf is None:
            return None
        values = leaf.values(path, segments)
        if encoded:
            values = {name: _unquoted(value) for name, value in values.items()}
        route = self._methods[leaf.row].get(method)
        return Match(values, route or self._made(leaf.row, method), leaf)

    def _made(self, number: int, method: str) -> web.AbstractRoute:
        """Make what serves a method of a path, or refuses all that it does not have."""
        rows, made = self._rows[number], self._methods[number]
        row = rows.get(method)
        name = _ANY if row is None else method
        if row is None and method == _OPTIONS:
            row = _telling(list(rows.values()))
            name = _ANY if row is None else method
        if name not in made:
            made[name] = self._served(row or _refusing(list(rows.values())))
        return made[name]

    def _served(self, route: Route) -> web.AbstractRoute:
        endpoint = Endpoint(
            handler=route.handler,
            path=route.written_path,
            permission=route.permission,
            dialect=route.dialect,
            identify=route.identify,
            takes_files=route.takes_files,
            writes=route.writes,
            is_rated=route.is_rated and "{domain}" in route.path,
            probed=route.path in _PROBED,
        )
        return web.ResourceRoute(
            route.method,
            self._shell.wrap(endpoint),
            self,
            expect_handler=self._shell.expect(endpoint),
        )

    # What else aiohttp asks of a resource.

    @property
    def canonical(self) -> str:
        """Return under which prefix the router looks for this resource."""
        return "/"

    def url_for(self, **_parts: str) -> URL:
        """Refuse: addresses are written by those who know them."""
        _not_here()

    def add_prefix(self, prefix: str) -> None:  # noqa: ARG002 - as aiohttp calls it
        """Refuse: the table is never part of another application."""
        _not_here()

    def raw_match(self, path: str) -> bool:
        """Tell whether this resource is the one of a path as a table writes it."""
        return path == self.canonical

    def get_info(self) -> Any:
        """Return nothing: the table of routes has it all."""
        return {}

    def __len__(self) -> int:
        """Return how many routes there are."""
        return len(list(iter(self)))

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        """Yield the routes."""
        for number, rows in enumerate(self._rows):
            for method in (*rows, _ANY):
                yield self._made(number, method)
        yield self._nothing


def _not_here() -> NoReturn:
    raise NotImplementedError("the table of routes stands by itself")


def _unquoted(value: str) -> str:
    """Return a part of a path without the two escapes that ``path_safe`` keeps."""
    return value.replace("%2F", "/").replace("%25", "%") if "%" in value else value


# -- what answers the rest ---------------------------------------------------


def _refusing(rows: Sequence[Route]) -> Route:
    """Return the row for every method that the path of some rows does not serve.

    It is refused after authentication, unless the path is open.
    """
    path = rows[0].path
    if rows[0].dialect.hides_methods:
        return replace(_NOTHING, path=path, dialect=rows[0].dialect)
    allowed = _allowed(rows)

    async def refuse_method(_request: web.Request) -> web.Response:
        raise method_not_allowed(allowed)

    open_to_all = rows[0].dialect.tells_methods or all(
        row.permission is Permission.OPEN for row in rows
    )
    return Route(
        method=_ANY,
        path=path,
        handler=refuse_method,
        permission=Permission.OPEN if open_to_all else Permission.MEMBER,
        dialect=rows[0].dialect,
        listed=False,
        identify=rows[0].identify,
        is_rated=False,
    )


def _telling(rows: Sequence[Route]) -> Route | None:
    """Return the row in which anybody asks for the methods of some rows' path.

    There is none where a dialect does not answer that, or a row of its own does.
    """
    if not rows[0].dialect.answers_options:
        return None
    methods = ", ".join(_allowed(rows))

    async def tell_methods(_request: web.Request) -> web.Response:
        return web.Response(
            headers={"Allow": methods, "Access-Control-Allow-Methods": methods}
        )

    return replace(
        _NOTHING,
        method=_OPTIONS,
        path=rows[0].path,
        handler=tell_methods,
        dialect=rows[0].dialect,
    )


def _allowed(rows: Sequence[Route]) -> list[str]:
    """Return the methods that the path of some rows serves."""
    methods = [row.method for row in rows]
    tells = rows[0].dialect.answers_options and _OPTIONS not in methods
    return [*methods, _OPTIONS] if tells else methods


async def _refuse_path(_request: web.Request) -> web.Response:
    raise unknown_path()


_NOTHING = Route(
    method=_ANY,
    path="unknown",
    handler=_refuse_path,
    permission=Permission.OPEN,
    dialect=PROCESS,
    listed=False,
)

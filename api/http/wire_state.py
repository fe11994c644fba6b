"""What aiohttp knows of a connection and tells nobody: its private names, here only.

``tests/http/shell/test_connections.py`` fails when an aiohttp says it in another way.
"""

from __future__ import annotations

from aiohttp.web import RequestHandler


def waits_for_a_head(handler: RequestHandler) -> bool:
    """Tell whether nothing is being served: the next thing is the head of a request."""
    return handler._waiter is not None  # noqa: SLF001 - no public name says it

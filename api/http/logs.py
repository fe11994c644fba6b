"""Structured logs on standard error: who logs what is decided elsewhere.

Every module logs through ``logging`` with values as ``extra``; structlog gives the
records their shape, JSON for machines or coloured lines for a terminal. Values are ids
and numbers, never bodies, property values or secrets (``rules/operator.md`` 5.6).
"""

from __future__ import annotations

import logging
import os
import sys
from contextvars import ContextVar
from typing import Any

import orjson
import structlog
from aiohttp.http_exceptions import HttpProcessingError

from api.config import Config

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that is being served, for every line logged under it."""


def set_up_logging(config: Config) -> None:
    """Send the log to standard error in the format that the settings ask for."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(wants_console(config)))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(config.log_level)
    # Its own access lines and its stack traces of broken connections are noise here.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    # Of a transaction that failed it repeats what whoever ran it hears anyway.
    logging.getLogger("psycopg").setLevel(logging.ERROR)
    server = logging.getLogger("aiohttp.server")
    server.filters[:] = [_without_the_request_line]


def _without_the_request_line(record: logging.LogRecord) -> bool:
    """Cut down what the server says of a request it cannot read.

    Its stack trace would repeat the request line, property values included.
    """
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, HttpProcessingError):
        record.exc_info = None
        record.msg, record.args = "unreadable_request", ()
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True


def wants_console(config: Config) -> bool:
    """Tell whether lines are for a reader at a terminal, rather than JSON."""
    if config.log_format == "auto":
        return sys.stderr.isatty()
    return config.log_format == "console"


def wants_colors() -> bool:
    """Tell whether lines may be coloured: at a terminal, unless ``NO_COLOR`` is set."""
    return sys.stderr.isatty() and not os.environ.get("NO_COLOR")


def _formatter(console: bool) -> logging.Formatter:  # noqa: FBT001 - one inner choice
    renderer: Any = (
        structlog.dev.ConsoleRenderer(colors=wants_colors())
        if console
        else structlog.processors.JSONRenderer(serializer=_dumps)
    )
    traceback = [] if console else [structlog.processors.format_exc_info]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            structlog.processors.TimeStamper(fmt="iso"),
            _add_request_id,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            *traceback,
            renderer,
        ],
    )


def _add_request_id(
    _logger: object, _method: str, event: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    request_id = REQUEST_ID.get()
    if request_id:
        event["request_id"] = request_id
    return event


def _dumps(event: dict[str, Any], **_: object) -> str:
    return orjson.dumps(event, default=str).decode()

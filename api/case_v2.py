"""Handlers of Case Data API v2 (``case-api-v2.md``): parse, one call below, render."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar
from urllib.parse import unquote_to_bytes

import orjson
from aiohttp import web
from aiohttp.hdrs import USER_AGENT

from api.case_v2_json import (
    BulkFetch,
    WriteRequest,
    parse_bulk_fetch,
    parse_put_external,
    parse_single_update,
    parse_write,
)
from api.case_v2_query import parse_list, parse_switch
from api.case_v2_render import (
    bulk_fetch_response,
    bulk_response,
    list_response,
    renderer,
    write_response,
)
from api.dialects import JSON_TYPE
from api.field_filters import FieldFilter
from api.keys import CONFIG, PRINCIPAL, STORE, WRITER
from api.problems import (
    case_not_found,
    invalid,
    several_cases,
    too_many_cases,
    undecodable_path,
)
from ledger.changes import Intent
from ledger.entry import Answer, Author, IdempotencyKey, Kind, Receipt
from ledger.names import is_legal, printable
from projections.cases import find_external, get_cases as read_cases
from projections.cases import list_cases as read_page
from projections.rows import CaseRow
from ledger.store import Reader

T = TypeVar("T")

_IDEMPOTENCY_KEY = "Idempotency-Key"
_LONGEST_KEY = 255
_PARSED_ASIDE = 256 * 1024
_MOST_IDS = 5000

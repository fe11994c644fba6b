"""The threads in which files are read and looked through.

They are not those that answer requests: a file that takes long to read, or the process
that parses it, keeps nobody waiting but its import.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_MOST = 16
"""More than there are jobs at once: none waits for another one's file."""

_THREADS = ThreadPoolExecutor(_MOST, thread_name_prefix="caseledger-import")


async def in_thread(fn: Callable[P, T], *args: P.args, **options: P.kwargs) -> T:
    """Call a function in one of the threads, and return what it does."""
    call: Callable[[], Any] = partial(fn, *args, **options)
    found: T = await asyncio.get_running_loop().run_in_executor(_THREADS, call)
    return found

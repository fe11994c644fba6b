"""Databases of the product that are loaded once, untimed, and kept.

Beside each stands a JSON file with the credentials that were made for it and what was
found out about it, cursors for instance. Deleting the folder deletes them all.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from bench import checks, dataset, servers
from bench.harness import Bench, save_json
from bench.servers import Product, Server

WAVE = 20_000
LOADERS = 8
log = logging.getLogger(__name__)


def kept_cases(bench: Bench, size: int) -> str:
    """Return the name of the product's database with D(``size``) in it."""
    name = f"d-{size}"
    if not _card(bench, name):
        _make(bench, name, lambda server: _load_cases(bench, server, size))
    return name


def kept_log(bench: Bench, size: int) -> str:
    """Return the name of the product's database with L(``size``) in it."""
    name = f"l-{size}"
    if not _card(bench, name):
        _make(bench, name, lambda server: _load_log(bench, server, size))
    return name


def kept_domains(bench: Bench, names: Sequence[str]) -> str:
    """Return the name of the product's database with these domains, all empty."""
    name = f"d-domains-{len(names)}"
    if not _card(bench, name):
        url = bench.databases.url(name)
        _make(bench, name, lambda _: _make_domains(Product(url), names))
    return name


def kept_bare_cases(bench: Bench, size: int) -> str:
    """Return the URL of the bare pipeline's database with D(``size``) in it."""
    name = f"bare-d-{size}"
    if not _card(bench, name):
        url = bench.databases.fresh(name)
        _bare("fill", "--db", url, "--size", str(size))
        _write_card(bench, name, {})
    return bench.databases.url(name)


def kept_bare_log(bench: Bench, size: int) -> str:
    """Return the URL of the bare pipeline's database with L(``size``) in it."""
    name = f"bare-l-{size}"
    if not _card(bench, name):
        url = bench.databases.fresh(name)
        _bare("fill-log", "--db", url, "--size", str(size))
        _write_card(bench, name, {})
    return bench.databases.url(name)


def product_of(bench: Bench, name: str) -> Product:
    """Return the product over a kept database."""
    card = _card(bench, name)
    return Product(bench.databases.url(name), card["authorization"])


def scratch_of(bench: Bench, name: str, *, prefix: str = "scratch") -> str:
    """Make a copy of a kept database, to be changed at will; return its name."""
    scratch = f"{prefix}-{name}"
    bench.databases.copy(name, scratch)
    return scratch


def copy_of(bench: Bench, name: str, *, prefix: str = "scratch") -> Product:
    """Return the product over a copy of a kept database."""
    url = bench.databases.url(scratch_of(bench, name, prefix=prefix))
    return Product(url, _card(bench, name)["authorization"])


@contextmanager
def serving_copy(bench: Bench, name: str) -> Iterator[Server]:
    """Run the product over a copy of a kept database."""
    with copy_of(bench, name).serving() as server:
        yield server


def remembered(bench: Bench, name: str, key: str) -> Any:
    """Return what an earlier run found out about a kept database, or None."""
    return _card(bench, name).get(key)


def remember(bench: Bench, name: str, key: str, value: object) -> None:
    """Keep what was found out about a kept database."""
    _write_card(bench, name, {**_card(bench, name), key: value})


def forget(bench: Bench) -> None:
    """Forget all kept databases of the product, after its schema changed."""
    for path in bench.databases.folder.glob("[dl]-*.json"):
        path.unlink()
        bench.databases.drop(path.stem)


def _make(bench: Bench, name: str, load: Any) -> None:
    log.info("loading %s on %s, kept for later runs", name, bench.kind)
    started = time.perf_counter()
    product = Product(bench.databases.fresh(name))
    product.create()
    with product.serving() as server:
        load(server)
    bench.databases.settle(name)
    seconds = time.perf_counter() - started
    card = {"authorization": product.authorization, "seconds": seconds}
    _write_card(bench, name, card)


def _make_domains(product: Product, names: Sequence[str]) -> None:
    for name in names:
        product.command("domain", "create", name, "--open-submissions")


def _load_cases(bench: Bench, server: Server, size: int) -> None:
    loaded = bench.run(server, "bulk_forms", size=size)
    _all_taken(loaded.load.failed, "D", size)
    checks.expect_cases(bench, server, size, what=f"loading D({size})")


def _load_log(bench: Bench, server: Server, size: int) -> None:
    """Send L in waves: the creating forms of a stretch, then its updates.

    An update may so come before a later one of another case, never of its own.
    """
    for block in dataset.blocks_of(size, length=WAVE):
        first, last = block[0], block[-1] + 1
        cases = {"first": (first + 1) // 2, "last": (last + 1) // 2}
        waves = [
            ("log_creates", cases),
            ("log_updates", {"first": first, "last": last}),
        ]
        for source, span in waves:
            plan = {"size": size, **span}
            loaded = bench.run(server, source, connections=32, options=plan)
            _all_taken(loaded.load.failed, "L", size)
    created = dataset.log_cases(size)
    checks.expect_cases(bench, server, created, what=f"loading L({size})")


def _all_taken(failed: int, what: str, size: int) -> None:
    if failed:
        message = f"{failed} forms of {what}({size}) were not taken"
        raise RuntimeError(message)


def _bare(*arguments: str) -> None:
    servers.run_module("bench.bare", *arguments)


def _card(bench: Bench, name: str) -> dict[str, Any]:
    path = _path(bench, name)
    return dict(orjson.loads(path.read_bytes())) if path.exists() else {}


def _write_card(bench: Bench, name: str, card: dict[str, Any]) -> None:
    save_json(_path(bench, name), {"made": True, **card})


def _path(bench: Bench, name: str) -> Path:
    return bench.databases.folder / f"{name}.json"

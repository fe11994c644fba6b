"""Requests that Schemathesis makes of the description that the server serves.

Each operation of the OpenAPI document is asked with data that fit it and with data that
do not, and every answer must be one that the document promises. It works in a domain of
its own, since it may delete, undo and erase whatever it finds there.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import warnings
from collections.abc import Iterator
from typing import Any

import hypothesis
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode, Response
from schemathesis.config import SchemathesisConfig
from schemathesis.generation.drivers import CoverageGenerator
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.generation.overrides import Override
from schemathesis.schemas import APIOperation

from tests.kit import build
from tests.siege.city import DESCRIBED, City
from tests.siege.promises import broken
from tests.siege.tally import Tally

ME = "schemas"

_PATIENCE = 90
"""Seconds after which an answer is not slow any more, but missing."""
_LISTENS = 2
"""Seconds that a stream is listened to: it never ends."""
_LONGEST_WAIT = 60
_COVERAGE, _FUZZING = 3, 2
"""Cases of each operation in a turn, so that all operations have their share."""
_SENT = 1 / 3
"""Of the coverage cases, chosen anew in each round: there are thousands."""
_STREAMS = "/stream"
_IDS = frozenset({"job_id", "webhook_id", "upload_id", "digest", "identifier"})
"""What answers tell that paths of other operations ask for; so do the ids below."""

# A webhook calls what it is told to call. These addresses are nobody's (RFC 5737), and
# count as inside: the server calls them never, and keeps only webhooks that rest.
_NOBODY = st.sampled_from(["http://192.0.2.1/", "https://198.51.100.7:8443/hook?a=b"])


async def attack(city: City, tally: Tally, *, seed: int, seconds: float) -> None:
    """Ask whatever the description offers until the time is over."""
    await asyncio.to_thread(_attack, city, tally, seed=seed, seconds=seconds)


def _attack(city: City, tally: Tally, *, seed: int, seconds: float) -> None:
    until, rng = time.monotonic() + seconds, random.Random(seed)
    schemathesis.openapi.format("uri", _NOBODY)
    _plant(city)
    # What Schemathesis thinks of a regular expression is no matter of the product's.
    with warnings.catch_warnings(), requests.Session() as session:
        warnings.simplefilter("ignore")
        operations = _operations(f"{city.base}/api/openapi.json", seed=seed)
        rng.shuffle(operations)
        asking = _Asking(city, tally, session, rng)
        covered = {each.label: _coverage(each, rng) for each in operations}
        turn = 0
        while time.monotonic() < until and city.alive():
            # All are covered a little before any is fuzzed, however short the time is.
            for each in operations:
                for _ in range(_COVERAGE):
                    case = next(covered[each.label], None)
                    if case is not None and time.monotonic() < until:
                        asking.ask(case)
            for each in operations:
                if time.monotonic() < until:
                    _fuzz(each, asking, seed=seed + turn, until=until)
            turn += 1
    well = city.alive() and city.wait_for("/healthz") is not None
    tally.check(ME, "the server lives", fault=None if well else "it ended")


def _plant(city: City) -> None:
    """Give the domain a form with a case, so that something can be found there."""
    body = build.a_form([build.a_create("c", update={"external_id": "e"})], form_id="f")
    now = time.time_ns() // 1000
    build.submit(city.store, body, domain=DESCRIBED, clock=lambda: now)


def _operations(address: str, *, seed: int) -> list[APIOperation]:
    """Return what the server says that it can do."""
    described = schemathesis.openapi.from_url(
        address, config=SchemathesisConfig(seed=seed)
    )
    # Credentials are ours to give: a made-up password costs argon2 each time.
    described.config.generation.update(with_security_parameters=False)
    return [found.ok() for found in described.get_all_operations()]


def _coverage(operation: APIOperation, rng: random.Random) -> Iterator[Case]:
    """Yield some of the cases at the bounds of what the description allows."""
    generator = CoverageGenerator(
        operation=operation,
        generation_modes=list(GenerationMode),
        generation_config=operation.schema.config.generation,
        auth_storage=None,
        override=Override(),
        feedback=NO_FEEDBACK,
    )
    return (case for case in generator if rng.random() < _SENT)


def _fuzz(operation: APIOperation, asking: _Asking, *, seed: int, until: float) -> None:
    """Ask with random data that fit the description, and with data that do not."""
    for mode in GenerationMode:
        # Any text may stand in a path: without more there is nothing to do wrong.
        if mode.is_negative and not (list(operation.query) or list(operation.body)):
            continue

        @hypothesis.seed(seed)
        @hypothesis.settings(
            max_examples=_FUZZING,
            database=None,
            derandomize=False,
            deadline=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            verbosity=Verbosity.quiet,
        )
        @hypothesis.given(operation.as_strategy(generation_mode=mode))
        def ask(case: Case) -> None:
            if time.monotonic() < until:
                asking.ask(case)

        ask()


class _Asking:
    """Sends what Schemathesis made up, and judges what is answered."""

    def __init__(
        self,
        city: City,
        tally: Tally,
        session: requests.Session,
        rng: random.Random,
    ) -> None:
        self._city = city
        self._tally = tally
        self._session = session
        self._rng = rng
        self._seen = {"case_id": ["c"], "form_id": ["f"], "external_id": ["e"]}
        # A stranger's and a reader's requests end early; most are an admin's.
        admin, viewer = (
            city.keys[f"{role}@{DESCRIBED}"] for role in ("admin", "viewer")
        )
        self._keys: list[dict[str, str]] = [admin] * 8 + [viewer, {}]

    def ask(self, case: Case) -> None:
        """Send a case; keep every promise of the description that does not hold."""
        self._settle(case)
        kind = f"{case.meta.phase.name.value}, {case.meta.generation.mode.value}"
        key = self._rng.choice(self._keys)
        fault = None
        try:
            answer = self._send(case, key)
        except requests.ConnectionError:
            # A server may hang up on what it refuses to read; not if it has ended.
            fault = None if self._city.alive() else "the server ended"
        except requests.Timeout:
            streams = case.operation.path.endswith(_STREAMS)
            fault = None if streams else f"no answer in {_PATIENCE} seconds"
        else:
            self._learn(answer)
            fault = broken(case, answer, key)
        name = case.operation.label
        self._tally.check(ME, kind, fault=fault and f"{name}: {fault}")

    def _settle(self, case: Case) -> None:
        """Keep a case in its domain, let it find things there and not wait for any."""
        for name in case.path_parameters:
            if name == "domain":
                case.path_parameters[name] = DESCRIBED
            elif name in self._seen and self._rng.random() < 0.5:
                case.path_parameters[name] = self._rng.choice(self._seen[name])
        waits = str(case.query.get("wait", ""))
        if waits.isdecimal() and int(waits) <= _LONGEST_WAIT:
            case.query["wait"] = "0"

    def _send(self, case: Case, key: dict[str, str]) -> Response:
        streams = case.operation.path.endswith(_STREAMS)
        return case.call(
            self._city.base,
            self._session,
            headers=key,
            allow_redirects=False,
            timeout=_LISTENS if streams else _PATIENCE,
        )

    def _learn(self, answer: Response) -> None:
        """Keep the ids of an answer, for the paths of others."""
        if answer.status_code not in {200, 201, 202}:
            return
        try:
            told = json.loads(answer.content)
        except ValueError:
            return
        for name, value in _texts(told):
            if name in _IDS or name in self._seen:
                self._seen.setdefault(name, []).append(value)


def _texts(told: Any) -> Iterator[tuple[str, str]]:
    """Yield every text of an answer with its key."""
    if isinstance(told, dict):
        for key, value in told.items():
            if isinstance(value, str):
                yield key, value
            yield from _texts(value)
    elif isinstance(told, list):
        for value in told:
            yield from _texts(value)

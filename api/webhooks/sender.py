"""One attempt to tell a receiver: a POST, and what is made of its answer."""

from __future__ import annotations

import os
import ssl
from dataclasses import dataclass

import aiohttp
from aiohttp import DummyCookieJar, TCPConnector
from aiohttp.hdrs import CONTENT_TYPE, RETRY_AFTER, USER_AGENT

from api.webhooks.signing import sign, standard_signatures
from api.webhooks.urls import PrivateAddress, public_socket
from api.wire.dialects import JSON_TYPE
from ledger.clock import Clock
from ledger.webhooks.values import Delivery, Webhook

_GONE = 410
_LONGEST_ERROR = 300
_MICROS = 1_000_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt: a status, or the reason why there is none."""

    status: int | None
    error: str | None
    retry_after: str | None = None
    """When the receiver wants to be asked again, in its own words."""

    @property
    def good(self) -> bool:
        """Tell whether the receiver took it."""
        return self.error is None

    @property
    def gone(self) -> bool:
        """Tell whether the receiver wants no more, ever."""
        return self.status == _GONE


class Sender:
    """Sends deliveries; made inside the event loop and closed after use."""

    def __init__(self, *, seconds: float, private: bool, clock: Clock) -> None:
        """Open a session that follows nobody anywhere."""
        self._clock = clock
        self._seconds = seconds
        # Each webhook sends one delivery at a time, so no limit is needed here, and
        # those that hang take no connection away from others.
        self._session = aiohttp.ClientSession(
            connector=TCPConnector(
                limit=0, socket_factory=None if private else public_socket
            ),
            cookie_jar=DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=seconds),
            auto_decompress=False,
            trust_env=False,
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def send(self, hook: Webhook, delivery: Delivery, body: bytes) -> Answer:
        """POST a delivery; redirects are not followed, the answer's body not read."""
        try:
            async with self._session.post(
                hook.url,
                data=body,
                headers=self._headers(hook, delivery, body),
                allow_redirects=False,
            ) as response:
                return _judged(response.status, response.headers.get(RETRY_AFTER))
        except TimeoutError:
            return Answer(None, f"no answer within {self._seconds:g} s")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Answer(None, _told(error)[:_LONGEST_ERROR])

    def _headers(
        self, hook: Webhook, delivery: Delivery, body: bytes
    ) -> dict[str, str]:
        seconds = self._clock() // _MICROS
        timestamp = str(seconds)
        return {
            CONTENT_TYPE: JSON_TYPE,
            USER_AGENT: "caseledger",
            "X-Caseledger-Delivery": delivery.delivery_id,
            "Idempotency-Key": delivery.delivery_id,
            "X-Caseledger-Timestamp": timestamp,
            "X-Caseledger-Signature": sign(hook.secret, timestamp, body),
            "webhook-id": delivery.delivery_id,
            "webhook-timestamp": timestamp,
            "webhook-signature": standard_signatures(
                hook.secret, delivery.delivery_id, seconds=seconds, body=body
            ),
        }


def _judged(status: int, retry_after: str | None) -> Answer:
    if 200 <= status < 300:  # noqa: PLR2004 - the statuses that say yes
        return Answer(status, None)
    return Answer(status, f"the receiver answered {status}", retry_after)


def _told(error: Exception) -> str:
    """Return the reason in words that hold nothing of what was sent or answered."""
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return "the connection could not be secured"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "cannot connect: the name cannot be resolved"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"cannot connect: {_reason(error.os_error)}"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError):
        return "the connection broke off"
    return f"no answer that can be read: {type(error).__name__}"


def _reason(error: OSError) -> str:
    """Return why there is no connection; the driver's text would name addresses."""
    if isinstance(error, PrivateAddress):
        return str(error)
    return os.strerror(error.errno) if error.errno else "nobody answers"

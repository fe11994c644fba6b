"""HTTP/1.1 by hand: finished request bytes and a small client for single requests."""

from __future__ import annotations

import http.client
from base64 import b64encode
from dataclasses import dataclass
from typing import Any

import orjson

JSON = "application/json"
XML = "text/xml"
BOUNDARY = "bench-5f0c2a9d"


@dataclass(frozen=True, slots=True)
class Target:
    """Where requests go: an address, a domain, the value of ``Authorization``."""

    host: str
    port: int
    domain: str = "bench"
    authorization: str = ""

    @property
    def cases(self) -> str:
        """Return the path of the Case Data API."""
        return f"/a/{self.domain}/api/case/v2/"

    @property
    def ledger(self) -> str:
        """Return the path below which the ledger's own powers are."""
        return f"/a/{self.domain}/api/ledger/v1/"

    @property
    def receiver(self) -> str:
        """Return the path that takes forms."""
        return f"/a/{self.domain}/receiver/"


def request(
    target: Target,
    method: str,
    path: str,
    *,
    body: bytes = b"",
    content_type: str = JSON,
) -> bytes:
    """Return the bytes of one request on a kept connection."""
    lines = [f"{method} {path} HTTP/1.1", f"Host: {target.host}:{target.port}"]
    if target.authorization:
        lines.append(f"Authorization: {target.authorization}")
    if body:
        lines += [f"Content-Type: {content_type}", f"Content-Length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def basic(username: str, password: str) -> str:
    """Return the value of ``Authorization`` that carries a password."""
    return f"Basic {b64encode(f'{username}:{password}'.encode()).decode()}"


def multipart(form: bytes) -> tuple[bytes, str]:
    """Return a form as a device wraps it, and the content type that says so."""
    head = (
        f"--{BOUNDARY}\r\nContent-Disposition: form-data;"
        ' name="xml_submission_file"; filename="form.xml"\r\n'
        "Content-Type: text/xml\r\n\r\n"
    )
    body = head.encode() + form + f"\r\n--{BOUNDARY}--\r\n".encode()
    return body, f"multipart/form-data; boundary={BOUNDARY}"


class Client:
    """One kept connection for requests whose answer is looked at.

    It comes from an address of the loopback, without one from where the machine says.
    """

    def __init__(self, target: Target, *, address: str = "") -> None:
        self.target = target
        self._connection = http.client.HTTPConnection(
            target.host, target.port, timeout=600, source_address=(address, 0)
        )

    def call(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        content_type: str = JSON,
    ) -> tuple[int, bytes]:
        """Send one request; return status and body."""
        headers = {"Accept": JSON}
        if body:
            headers["Content-Type"] = content_type
        if self.target.authorization:
            headers["Authorization"] = self.target.authorization
        self._connection.request(method, path, body=body, headers=headers)
        answer = self._connection.getresponse()
        return answer.status, answer.read()

    def json(self, method: str, path: str, value: object = None) -> Any:
        """Send one request; return its JSON. Raises RuntimeError unless 2xx."""
        body = None if value is None else orjson.dumps(value)
        status, answer = self.call(method, path, body)
        if status // 100 != 2:
            message = f"{method} {path}: {status} {answer[:500]!r}"
            raise RuntimeError(message)
        return orjson.loads(answer)

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()

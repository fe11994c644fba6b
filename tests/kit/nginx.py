"""A real nginx with the configuration that the install page shows."""

from __future__ import annotations

import datetime as dt
import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

SHOWN = (Path(__file__).parents[2] / "docs/operating/nginx.conf").read_text()
SETTINGS = dict(re.findall(r"^#   (CASELEDGER_\w+)=(\S+)$", SHOWN, re.MULTILINE))
"""What the file says that the server must know."""
PUBLIC_URL = SETTINGS["CASELEDGER_PUBLIC_URL"]
HOST = "cases.example.org"

_PLACES = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
_AROUND = """\
{user}
daemon off;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


@dataclass(frozen=True)
class Answer:
    """What came back through the proxy."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


@dataclass(frozen=True)
class Site:
    """The address that clients know, reached on this machine."""

    port: int
    trust: ssl.SSLContext

    def ask(
        self,
        method: str,
        address: str,
        *,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
        source: str = "127.0.0.1",
    ) -> Answer:
        """Send a request for a public address, from an address of this machine."""
        beginning = f"https://{HOST}/"
        assert address.startswith(beginning), f"{address} leads elsewhere"
        connection = http.client.HTTPSConnection(
            "127.0.0.1",
            self.port,
            context=self.trust,
            source_address=(source, 0),
            timeout=60,
        )
        path = "/" + address.removeprefix(beginning)
        try:
            connection.request(
                method, path, body, headers={"Host": HOST, **(headers or {})}
            )
            answer = connection.getresponse()
            return Answer(answer.status, answer.headers, answer.read())
        finally:
            connection.close()


def program() -> str:
    """Return where nginx is; without it tests are skipped, and in CI they fail."""
    found = shutil.which("nginx", path=_PLACES)
    if found is not None:
        return found
    text = "no nginx: install the package nginx of Debian (apt-get install nginx)"
    if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
        pytest.fail(f"nginx is a must in CI: {text}")
    pytest.skip(text)


@contextmanager
def in_front_of(base: str, folder: Path, *, shown: str = SHOWN) -> Iterator[Site]:
    """Run nginx as it is shown, but for its port, its certificate and our port."""
    nginx, certificate, key = program(), folder / "site.pem", folder / "site.key"
    _make_certificate(certificate, key)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    changes = {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/ssl/certs/cases.example.org.pem": str(certificate),
        "/etc/ssl/private/cases.example.org.key": str(key),
        "http://127.0.0.1:8000": base,
    }
    for there, here in changes.items():
        assert there in shown
        shown = shown.replace(there, here)
    (folder / "site.conf").write_text(shown)
    # A worker of another user could not write into the folder of a test.
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(_AROUND.format(user=user, folder=folder))
    trust = ssl.create_default_context(cafile=str(certificate))
    trust.check_hostname = False
    words = [nginx, "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with subprocess.Popen([*words, "-e", "stderr"]) as process:
        try:
            _wait_until_up(process, port)
            yield Site(port, trust)
        finally:
            process.terminate()


def _wait_until_up(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        assert process.poll() is None, "nginx ended"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except OSError:
            assert time.monotonic() < deadline, "nginx does not answer"
            time.sleep(0.02)
        else:
            return


def _make_certificate(certificate: Path, key: Path) -> None:
    """Write a key and a certificate of its own for the host."""
    private, now = ec.generate_private_key(ec.SECP256R1()), dt.datetime.now
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, HOST)])
    day = dt.timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now(dt.UTC) - day)
        .not_valid_after(now(dt.UTC) + day)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )

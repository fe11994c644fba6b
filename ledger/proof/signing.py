"""The key that signs what leaves the ledger as evidence: Ed25519.

The private half is a file of its own, readable by the one who runs the server. The
public half is a text, ``ed25519:`` and 32 bytes in Base64.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from ledger.errors import LedgerError

_PREFIX = "ed25519:"
_ONLY_OWNER = 0o600


class Untrusted(LedgerError):
    """A key or a signed file is not what it claims, or what was asked, to be."""


class SigningKey:
    """Signs messages; its public half is what others check them with."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        """Keep the private half; nothing shows it again."""
        self._private = private

    @property
    def public_key(self) -> str:
        """Return the public half as a text."""
        return (
            _PREFIX + b64encode(self._private.public_key().public_bytes_raw()).decode()
        )

    def sign(self, message: bytes) -> bytes:
        """Return the signature of a message."""
        return self._private.sign(message)


def create_signing_key(path: Path) -> SigningKey:
    """Make a key and the file for it, which only its owner can read.

    Raises ``Untrusted`` when the file is there already: no key is ever replaced.
    """
    private = Ed25519PrivateKey.generate()
    pem = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _ONLY_OWNER)
    except FileExistsError:
        raise Untrusted(f"{path} is there already, and stays as it is") from None
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
    return SigningKey(private)


def load_signing_key(path: Path) -> SigningKey:
    """Return the key of a file; raises ``Untrusted`` when it holds none."""
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        text = f"the signing key {path} cannot be read: {error.strerror}"
        raise Untrusted(text) from None
    except (ValueError, TypeError, UnsupportedAlgorithm):
        private = None
    if not isinstance(private, Ed25519PrivateKey):
        text = f"{path} is no signing key: make one with caseledger signing-key create"
        raise Untrusted(text)
    return SigningKey(private)


def is_public_key(text: str) -> bool:
    """Tell whether a text is a public key."""
    try:
        _public(text)
    except ValueError:
        return False
    return True


def is_signed(message: bytes, signature: bytes, *, public_key: str) -> bool:
    """Tell whether a signature is that of a key; raises ``ValueError`` for no key."""
    try:
        _public(public_key).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _public(text: str) -> Ed25519PublicKey:
    if not text.startswith(_PREFIX):
        raise ValueError(text)
    raw = b64decode(text.removeprefix(_PREFIX), validate=True)
    return Ed25519PublicKey.from_public_bytes(raw)

"""What a receiver checks a delivery with (rules/libraries.md 3.6.2)."""

from __future__ import annotations

import base64
import time

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from api.webhooks.signing import is_secret, sign, standard_signatures
from ledger.webhooks.subscriptions import new_secret

BODY = '{"domain":"demo","problem":"µ"}'.encode()
PLAIN = "correct horse battery staple"
HEX = "0123456789abcdef" * 4


def headers_of(secret):
    """Return what is sent beside the body, now."""
    seconds = int(time.time())
    return {
        "webhook-id": "w:7",
        "webhook-timestamp": str(seconds),
        "webhook-signature": standard_signatures(
            secret, "w:7", seconds=seconds, body=BODY
        ),
    }


@pytest.mark.parametrize(
    ("secret", "given"),
    [
        ("whsec_" + "QUJD" * 10, "whsec_" + "QUJD" * 10),
        ("whsec_" + "QUJD" * 10, "QUJD" * 10),
        ("whsec_QUJDREVGR0hJSktMTU5PUA", "QUJDREVGR0hJSktMTU5PUA=="),
        (PLAIN, PLAIN.encode()),
        (PLAIN, "whsec_" + base64.b64encode(PLAIN.encode()).decode()),
        (HEX, HEX.encode()),
        (HEX, HEX),
        ("whsec_no base64 at all", b"whsec_no base64 at all"),
    ],
)
def test_the_library_of_a_receiver_takes_every_secret(secret, given):
    """With the mark as it is; without it as bytes, and as base64 where it is some."""
    told = Webhook(given).verify(BODY, headers_of(secret))
    assert told == {"domain": "demo", "problem": "µ"}


def test_a_secret_that_we_make_is_one_of_the_convention():
    """It has the mark, and no two are alike."""
    secret = new_secret()
    assert secret.startswith("whsec_")
    assert is_secret(secret)
    assert secret != new_secret()
    Webhook(secret).verify(BODY, headers_of(secret))


@pytest.mark.parametrize(
    "changed",
    [
        {"webhook-id": "w:8"},
        {"webhook-timestamp": str(int(time.time()) - 1)},
        {"webhook-signature": "v1,AAAA"},
    ],
)
def test_the_signature_covers_id_time_and_body(changed):
    """Whatever is altered on the way is noticed."""
    secret = new_secret()
    headers = headers_of(secret)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY, headers | changed)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", headers)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_short", "whsec_" + "ä" * 20])
def test_what_has_the_mark_goes_on_in_base64(secret):
    """A mark without a key behind it is no secret."""
    assert not is_secret(secret)


def test_our_own_signature_is_what_it_was():
    """The text of the secret is its key, whatever it looks like."""
    assert sign("s" * 16, "1700000000", b"{}") == (
        "sha256=8145b6bbe655be9ac8ceb50795128d861d3a8e4ff497f6921df314ee9c647ce3"
    )

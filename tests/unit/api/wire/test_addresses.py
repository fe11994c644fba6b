"""Which addresses count as one."""

from __future__ import annotations

import pytest

from api.wire.addresses import counted_as


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix:", "unix:"),
    ],
)
def test_who_has_a_network_of_addresses_counts_once(address, counted):
    """A site of IPv6 can choose among 2**64 of them."""
    assert counted_as(address) == counted

"""A server says once that it can be reached without TLS (rules/operator.md 4.9)."""

from __future__ import annotations

import json

import pytest

from tests.e2e.test_cli import serving

WARNING = "reached_without_https"


@pytest.mark.parametrize(
    ("options", "public_url", "times"),
    [
        (["--host", "127.0.0.1"], "", 0),
        (["--host", "0.0.0.0"], "https://cases.example.org", 0),  # noqa: S104 - for a moment
        (["--host", "0.0.0.0"], "", 1),  # noqa: S104 - for a moment
        (["--host", "0.0.0.0", "--workers", "2"], "http://x.example", 1),  # noqa: S104 - as above
    ],
)
def test_a_server_beyond_loopback_names_the_setting_it_lacks(
    sqlite_url, tmp_path, monkeypatch, *, options, public_url, times
):
    """One line, however many processes share the port."""
    monkeypatch.setenv("CASELEDGER_PUBLIC_URL", public_url)
    monkeypatch.setenv("CASELEDGER_LOG_FORMAT", "json")
    path = tmp_path / "log"
    with (
        path.open("wb") as log,
        serving(sqlite_url, *options, level="WARNING", stderr=log.fileno()),
    ):
        pass
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    found = [line for line in lines if line["event"] == WARNING]
    assert [line["setting"] for line in found] == ["CASELEDGER_PUBLIC_URL"] * times

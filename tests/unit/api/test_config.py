from __future__ import annotations

from ipaddress import ip_network

import pytest

from api.config import Config, ConfigError


def test_without_any_variable_the_defaults_of_the_contract_hold():
    """rules/operator.md 2.1: the default database, host and port."""
    config = Config.from_env({})
    assert config == Config()
    assert config.database == "sqlite:///data/caseledger.db"
    assert (config.host, config.port, config.workers) == ("127.0.0.1", 8000, 1)


def test_the_body_limit_allows_the_fifty_mebibytes_of_the_case_api():
    """rules/case-api-v2.md 1.8: the size of a body."""
    assert Config().body_limit >= 50 * 1024 * 1024


def test_settings_survive_the_way_to_a_worker():
    """What the parent writes into a worker's environment reads back the same."""
    config = Config(
        database="postgresql://u:p@h:5432/n",
        host="0.0.0.0",  # noqa: S104 - nothing listens here
        port=9000,
        workers=3,
        public_url="https://cases.example.org/ledger",
        trusted_proxies=(ip_network("127.0.0.1"), ip_network("fd00::/8")),
        attachments=("media", "csv"),
        allowed_hosts=("cases.example.org", ".example.net"),
        row_limit=500,
        head_seconds=5,
        body_seconds=60,
        body_rate=0,
        connections_per_address=99,
        login_tries=5,
        login_tries_per_account=50,
        login_tries_per_address=60,
        login_minutes=30,
        log_level="WARNING",
        log_format="json",
        access_log=False,
        signing_key="/etc/caseledger/signing.pem",
    )
    assert Config.from_env(config.to_env()) == config


def test_kinds_of_attachments_are_written_in_many_ways():
    """rules/submission.md 1.3.5: letters, dots and blanks make no difference."""
    config = Config.from_env({"CASELEDGER_ATTACHMENTS": "Media, .CSV,docx"})
    assert config.attachments == ("media", "csv", "docx")


def test_an_option_of_the_command_line_wins_over_the_environment():
    """rules/operator.md 2.1: --database, or the variable."""
    config = Config.from_env({"CASELEDGER_DATABASE": "sqlite:///a.db"})
    assert config.with_options(database="sqlite:///b.db").database == "sqlite:///b.db"


@pytest.mark.parametrize(
    "url", ["sqlite:///x.db", "sqlite:////tmp/x.db", "postgresql://u:p@h:1/n"]
)
def test_the_urls_of_the_contract_are_taken_as_they_are(url):
    """rules/operator.md 2.2: which URLs there are."""
    assert Config.from_env({"CASELEDGER_DATABASE": url}).database == url


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CASELEDGER_DATABASE", "mysql://h/n"),
        ("CASELEDGER_PORT", "eighty"),
        ("CASELEDGER_PORT", "70000"),
        ("CASELEDGER_PORT", "²"),
        ("CASELEDGER_WORKERS", "0"),
        ("CASELEDGER_BODY_LIMIT", "-1"),
        ("CASELEDGER_ROW_LIMIT", "0"),
        ("CASELEDGER_ATTACHMENTS", "jpg png"),
        ("CASELEDGER_ATTACHMENTS", "jpg,,png"),
        ("CASELEDGER_PUBLIC_URL", "cases.example.org"),
        ("CASELEDGER_PUBLIC_URL", "https://"),
        ("CASELEDGER_PUBLIC_URL", "https://-a"),
        ("CASELEDGER_PUBLIC_URL", "https://a:99999"),
        ("CASELEDGER_HEAD_SECONDS", "0"),
        ("CASELEDGER_BODY_SECONDS", "1.5"),
        ("CASELEDGER_BODY_RATE", "-1"),
        ("CASELEDGER_CONNECTIONS_PER_ADDRESS", "0"),
        ("CASELEDGER_LOGIN_TRIES", "0"),
        ("CASELEDGER_LOGIN_TRIES_PER_ACCOUNT", "none"),
        ("CASELEDGER_LOGIN_TRIES_PER_ADDRESS", "-1"),
        ("CASELEDGER_LOGIN_MINUTES", "1441"),
        ("CASELEDGER_ALLOWED_HOSTS", "https://a"),
        ("CASELEDGER_ALLOWED_HOSTS", "a:80"),
        ("CASELEDGER_ALLOWED_HOSTS", "a b"),
        ("CASELEDGER_ALLOWED_HOSTS", "*"),
        ("CASELEDGER_PUBLIC_URL", "https:///ledger"),
        ("CASELEDGER_PUBLIC_URL", "https://h/a b"),
        ("CASELEDGER_PUBLIC_URL", "https://h/ledger?x=1"),
        ("CASELEDGER_PUBLIC_URL", "https://h/ledger#x"),
        ("CASELEDGER_PUBLIC_URL", "https://h/a//b"),
        ("CASELEDGER_PUBLIC_URL", "https://h/a/../b"),
        ("CASELEDGER_PUBLIC_URL", "https://u:p@h/ledger"),
        ("CASELEDGER_PUBLIC_URL", "https://h:port/ledger"),
        ("CASELEDGER_TRUSTED_PROXIES", "localhost"),
        ("CASELEDGER_TRUSTED_PROXIES", "127.0.0.1 ::1"),
        ("CASELEDGER_TRUSTED_PROXIES", "10.0.0.0/33"),
        ("CASELEDGER_LOG_LEVEL", "LOUD"),
        ("CASELEDGER_LOG_FORMAT", "xml"),
        ("CASELEDGER_ACCESS_LOG", "maybe"),
    ],
)
def test_a_senseless_value_is_refused_by_the_name_of_its_variable(name, value):
    """An operator is told which variable to change, before anything starts."""
    with pytest.raises(ConfigError, match=name):
        Config.from_env({name: value})


@pytest.mark.parametrize(
    ("url", "public_url", "path"),
    [
        ("https://cases.example.org", "https://cases.example.org", ""),
        ("https://cases.example.org/", "https://cases.example.org", ""),
        ("http://h:8080/led.ger/x-1/", "http://h:8080/led.ger/x-1", "/led.ger/x-1"),
        ("http://[::1]:8080/l", "http://[::1]:8080/l", "/l"),
        ("", "", ""),
    ],
)
def test_the_public_address_may_have_a_path(url, public_url, path):
    """It has no slash at its end, since every path of ours begins with one."""
    config = Config.from_env({"CASELEDGER_PUBLIC_URL": url})
    assert (config.public_url, config.public_path) == (public_url, path)


def test_proxies_are_addresses_and_networks():
    """Blanks do not count, and what lies beside the mask of a network does not."""
    text = " 127.0.0.1, ::1,,10.1.2.3/8 "
    found = Config.from_env({"CASELEDGER_TRUSTED_PROXIES": text}).trusted_proxies
    assert list(map(str, found)) == ["127.0.0.1/32", "::1/128", "10.0.0.0/8"]


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("CASELEDGER_DATABSE", "CASELEDGER_DATABASE"),
        ("CASELEDGER_LOGLEVEL", "CASELEDGER_LOG_LEVEL"),
        ("CASELEDGER_domain", "CASELEDGER_DOMAIN"),
        ("CASELEDGER_SUNBIRD_USERS_ROWS", "CASELEDGER_SUNBIRD_USER_ROWS"),
    ],
)
def test_a_variable_that_is_no_setting_is_refused_with_the_nearest_name(name, nearest):
    """rules/operator.md 2.8: a setting that was mistyped is not ignored."""
    with pytest.raises(ConfigError, match=f"no setting {name}; .* {nearest}[?]"):
        Config.from_env({name: "x"})


def test_what_others_call_alike_is_left_alone():
    """Only names that begin as settings do are looked at."""
    env = {"CASELEDGER": "x", "MY_CASELEDGER_HOST": "x", "CASELEDGER_TEST_ROWS": "5"}
    assert Config.from_env(env) == Config()

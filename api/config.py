"""Settings of the process, read once from the environment. Pure.

Every setting has a default that suits a single machine; ``docs/configuration.md``
lists them. A value that makes no sense is refused by name before anything starts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Self
from urllib.parse import urlsplit

from api.config_error import ConfigError
from api.hosts import host_of, is_host_pattern
from importers.sunbird.rules.settings import Rules, SunbirdSettings
from importers.tables.unreadable import DEFAULT_LIMITS, Limits

DEFAULT_DATABASE = "sqlite:///data/caseledger.db"
DEFAULT_HOST = "127.0.0.1"
DOMAIN_VARIABLE = "CASELEDGER_DOMAIN"
"""Which domain the commands of the command line mean; a server has no use for it."""

_PREFIX = "CASELEDGER_"
_BESIDE = (DOMAIN_VARIABLE, "CASELEDGER_TRACEBACK")
"""Variables of the command line that are no settings of the process."""
_FOREIGN = ("CASELEDGER_TEST_", "CASELEDGER_BENCH_")
"""Variables of the tests and the bench, which run the program beside them."""

_MIB = 1024 * 1024
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_FORMATS = ("auto", "json", "console")
_PUBLIC_URL = re.compile(
    r"https?://(?:[\w.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?(?:/(?!\.\.?(?:/|$))[\w.~-]+)*",
    re.ASCII,
)
_SCHEMES = ("sqlite:///", "postgresql://", "postgres://")


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """What an operator may decide.

    ``public_url`` is the address that clients know when a proxy stands in front;
    without it, links are made from the ``Host`` header. What ``trusted_proxies`` say
    of a client counts. Requests name one of the ``allowed_hosts``, with none of them
    any host. Sizes are in bytes.
    ``attachments`` are the kinds of files that are kept beside a form.
    ``clock_jump`` is how many seconds the clock may jump ahead.
    ``as_of_limit`` is how many entries are folded for a list of the past.
    ``signing_key`` is the file of the key that signs checkpoints, if there is one.
    ``webhook_private`` lets webhooks call addresses that are not public.
    A client has ``head_seconds`` for the head of a request; a body may stand still for
    ``body_seconds`` and must bring ``body_rate`` bytes a second.
    In a window of ``login_minutes`` so many passwords may be wrong: of one account at
    one address, of one account, and at one address.
    """

    database: str = DEFAULT_DATABASE
    host: str = DEFAULT_HOST
    port: int = 8000
    workers: int = 1
    public_url: str = ""
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    allowed_hosts: tuple[str, ...] = ()
    body_limit: int = 64 * _MIB
    attachments: tuple[str, ...] = ("all",)
    row_limit: int = 100
    log_level: str = "INFO"
    log_format: str = "auto"
    access_log: bool = True
    clock_jump: int = 600
    as_of_limit: int = 50_000
    signing_key: str = ""
    webhook_private: bool = False
    head_seconds: int = 10
    body_seconds: int = 30
    body_rate: int = 500
    connections_per_address: int = 200
    login_tries: int = 10
    login_tries_per_account: int = 100
    login_tries_per_address: int = 100
    login_minutes: int = 15
    import_rows: int = DEFAULT_LIMITS.rows
    import_columns: int = DEFAULT_LIMITS.columns
    import_file_size: int = DEFAULT_LIMITS.file_size
    sunbird: SunbirdSettings = field(default_factory=SunbirdSettings)

    @property
    def public_path(self) -> str:
        """Return the path of ``public_url``, which stands before every path of ours."""
        return urlsplit(self.public_url).path

    @property
    def import_limits(self) -> Limits:
        """Return how large a table may be that is imported."""
        return Limits(
            rows=self.import_rows,
            columns=self.import_columns,
            file_size=self.import_file_size,
        )

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Self:
        """Return the settings that the environment asks for.

        Raises ``ConfigError`` with the name of the variable at fault, also for one
        that looks like a setting and is none (``rules/operator.md`` 2.8).
        """
        _check_names(env)
        return cls(
            database=_database(env),
            host=env.get("CASELEDGER_HOST") or DEFAULT_HOST,
            port=_number(env, "CASELEDGER_PORT", 8000, low=0, high=65_535),
            workers=_number(env, "CASELEDGER_WORKERS", 1, low=1, high=256),
            public_url=_public_url(env),
            trusted_proxies=_trusted_proxies(env),
            allowed_hosts=_allowed_hosts(env),
            body_limit=_number(
                env, "CASELEDGER_BODY_LIMIT", 64 * _MIB, low=_MIB, high=1024 * _MIB
            ),
            attachments=_attachments(env),
            row_limit=_number(env, "CASELEDGER_ROW_LIMIT", 100, low=1, high=5_000),
            log_level=_choice(env, "CASELEDGER_LOG_LEVEL", _LEVELS, default="INFO"),
            log_format=_choice(env, "CASELEDGER_LOG_FORMAT", _FORMATS, default="auto"),
            access_log=_switch(env, "CASELEDGER_ACCESS_LOG"),
            clock_jump=_number(
                env, "CASELEDGER_CLOCK_JUMP", 600, low=1, high=31_536_000
            ),
            as_of_limit=_number(
                env, "CASELEDGER_AS_OF_LIMIT", 50_000, low=0, high=10_000_000
            ),
            signing_key=env.get("CASELEDGER_SIGNING_KEY", ""),
            webhook_private=_switch(env, "CASELEDGER_WEBHOOK_PRIVATE", default="off"),
            **_connection_limits(env),
            **_login_limits(env),
            **_import_limits(env),
            sunbird=_sunbird(env),
        )

    def to_env(self) -> dict[str, str]:
        """Return the environment that ``from_env`` reads these settings from."""
        return {
            "CASELEDGER_DATABASE": self.database,
            "CASELEDGER_HOST": self.host,
            "CASELEDGER_PORT": str(self.port),
            "CASELEDGER_WORKERS": str(self.workers),
            "CASELEDGER_PUBLIC_URL": self.public_url,
            "CASELEDGER_TRUSTED_PROXIES": _list(map(str, self.trusted_proxies)),
            "CASELEDGER_ALLOWED_HOSTS": _list(self.allowed_hosts),
            "CASELEDGER_BODY_LIMIT": str(self.body_limit),
            "CASELEDGER_ATTACHMENTS": _list(self.attachments),
            "CASELEDGER_ROW_LIMIT": str(self.row_limit),
            "CASELEDGER_LOG_LEVEL": self.log_level,
            "CASELEDGER_LOG_FORMAT": self.log_format,
            "CASELEDGER_ACCESS_LOG": "on" if self.access_log else "off",
            "CASELEDGER_CLOCK_JUMP": str(self.clock_jump),
            "CASELEDGER_AS_OF_LIMIT": str(self.as_of_limit),
            "CASELEDGER_SIGNING_KEY": self.signing_key,
            "CASELEDGER_WEBHOOK_PRIVATE": "on" if self.webhook_private else "off",
            "CASELEDGER_HEAD_SECONDS": str(self.head_seconds),
            "CASELEDGER_BODY_SECONDS": str(self.body_seconds),
            "CASELEDGER_BODY_RATE": str(self.body_rate),
            "CASELEDGER_CONNECTIONS_PER_ADDRESS": str(self.connections_per_address),
            "CASELEDGER_LOGIN_TRIES": str(self.login_tries),
            "CASELEDGER_LOGIN_TRIES_PER_ACCOUNT": str(self.login_tries_per_account),
            "CASELEDGER_LOGIN_TRIES_PER_ADDRESS": str(self.login_tries_per_address),
            "CASELEDGER_LOGIN_MINUTES": str(self.login_minutes),
            "CASELEDGER_IMPORT_ROWS": str(self.import_rows),
            "CASELEDGER_IMPORT_COLUMNS": str(self.import_columns),
            "CASELEDGER_IMPORT_FILE_SIZE": str(self.import_file_size),
            **_sunbird_env(self.sunbird),
        }

    def with_options(self, **options: str) -> Self:
        """Return the settings with those that the command line gives in their place.

        Raises ``ConfigError`` as ``from_env`` does.
        """
        given = {f"CASELEDGER_{name.upper()}": text for name, text in options.items()}
        return type(self).from_env({**self.to_env(), **given})

    def with_port(self, port: int) -> Self:
        """Return the settings with the port that was really taken."""
        return self.with_options(port=str(port))


def _check_names(env: Mapping[str, str]) -> None:
    known = {*Config().to_env(), *_BESIDE}
    for name in sorted(env):
        if not name.startswith(_PREFIX) or name.startswith(_FOREIGN) or name in known:
            continue
        endings = [found.removeprefix(_PREFIX) for found in sorted(known)]
        ending = name.removeprefix(_PREFIX).upper()
        [nearest] = get_close_matches(ending, endings, n=1, cutoff=0)
        text = f"there is no setting {name}; did you mean {_PREFIX}{nearest}?"
        raise ConfigError(text)


def _database(env: Mapping[str, str]) -> str:
    url = env.get("CASELEDGER_DATABASE") or DEFAULT_DATABASE
    if not url.startswith(_SCHEMES):
        text = (
            "CASELEDGER_DATABASE must begin with sqlite:/// or postgresql://, "
            "such as " + DEFAULT_DATABASE
        )
        raise ConfigError(text)
    return url


def _connection_limits(env: Mapping[str, str]) -> dict[str, int]:
    return {
        "head_seconds": _number(env, "CASELEDGER_HEAD_SECONDS", 10, low=1, high=3_600),
        "body_seconds": _number(env, "CASELEDGER_BODY_SECONDS", 30, low=1, high=3_600),
        "body_rate": _number(env, "CASELEDGER_BODY_RATE", 500, low=0, high=_MIB),
        "connections_per_address": _number(
            env, "CASELEDGER_CONNECTIONS_PER_ADDRESS", 200, low=1, high=1_000_000
        ),
    }


def _login_limits(env: Mapping[str, str]) -> dict[str, int]:
    most = 1_000_000
    return {
        "login_tries": _number(env, "CASELEDGER_LOGIN_TRIES", 10, low=1, high=most),
        "login_tries_per_account": _number(
            env, "CASELEDGER_LOGIN_TRIES_PER_ACCOUNT", 100, low=1, high=most
        ),
        "login_tries_per_address": _number(
            env, "CASELEDGER_LOGIN_TRIES_PER_ADDRESS", 100, low=1, high=most
        ),
        "login_minutes": _number(
            env, "CASELEDGER_LOGIN_MINUTES", 15, low=1, high=24 * 60
        ),
    }


def _import_limits(env: Mapping[str, str]) -> dict[str, int]:
    usual = DEFAULT_LIMITS
    return {
        "import_rows": _number(
            env, "CASELEDGER_IMPORT_ROWS", usual.rows, low=1, high=10_000_000
        ),
        "import_columns": _number(
            env, "CASELEDGER_IMPORT_COLUMNS", usual.columns, low=1, high=16_384
        ),
        "import_file_size": _number(
            env,
            "CASELEDGER_IMPORT_FILE_SIZE",
            usual.file_size,
            low=_MIB,
            high=512 * _MIB,
        ),
    }


def _sunbird(env: Mapping[str, str]) -> SunbirdSettings:
    usual = SunbirdSettings()

    def limit(name: str) -> int:
        return _number(env, f"CASELEDGER_SUNBIRD_{name}", 0, low=0, high=10_000_000)

    return SunbirdSettings(
        rules=_sunbird_rules(env),
        file_limit_mb=_number(
            env,
            "CASELEDGER_SUNBIRD_FILE_LIMIT_MB",
            usual.file_limit_mb,
            low=1,
            high=500,
        ),
        user_rows=limit("USER_ROWS"),
        organisation_rows=limit("ORGANISATION_ROWS"),
        location_rows=limit("LOCATION_ROWS"),
        as_text=_switch(env, "CASELEDGER_SUNBIRD_PROCESS_ID_AS_STRING", default="off"),
    )


def _sunbird_rules(env: Mapping[str, str]) -> Rules:
    usual = Rules()
    name = "CASELEDGER_SUNBIRD_LOCATION_TYPES"
    chains = (env.get(name) or _chains(usual.location_types)).lower().split(";")
    types = "CASELEDGER_SUNBIRD_USER_TYPES"
    roles = "CASELEDGER_SUNBIRD_ROLES"
    return Rules(
        location_types=tuple(_words(name, chain) for chain in chains),
        user_types=_words(types, env.get(types, "").lower() or _list(usual.user_types)),
        roles=_words(roles, env.get(roles) or _list(usual.roles)),
        phone_pattern=_pattern(
            env, "CASELEDGER_SUNBIRD_PHONE_PATTERN", usual.phone_pattern
        ),
    )


def _sunbird_env(settings: SunbirdSettings) -> dict[str, str]:
    rules = settings.rules
    return {
        "CASELEDGER_SUNBIRD_FILE_LIMIT_MB": str(settings.file_limit_mb),
        "CASELEDGER_SUNBIRD_USER_ROWS": str(settings.user_rows),
        "CASELEDGER_SUNBIRD_ORGANISATION_ROWS": str(settings.organisation_rows),
        "CASELEDGER_SUNBIRD_LOCATION_ROWS": str(settings.location_rows),
        "CASELEDGER_SUNBIRD_PROCESS_ID_AS_STRING": "on" if settings.as_text else "off",
        "CASELEDGER_SUNBIRD_LOCATION_TYPES": _chains(rules.location_types),
        "CASELEDGER_SUNBIRD_USER_TYPES": _list(rules.user_types),
        "CASELEDGER_SUNBIRD_ROLES": _list(rules.roles),
        "CASELEDGER_SUNBIRD_PHONE_PATTERN": rules.phone_pattern,
    }


def _list(words: Iterable[str]) -> str:
    return ",".join(words)


def _chains(chains: Iterable[Iterable[str]]) -> str:
    return ";".join(map(_list, chains))


def _words(name: str, text: str) -> tuple[str, ...]:
    words = tuple(word.strip() for word in text.split(","))
    if not all(words) or len(set(words)) < len(words):
        message = f"{name} must be different words with commas between, not {text!r}"
        raise ConfigError(message)
    return words


def _pattern(env: Mapping[str, str], name: str, default: str) -> str:
    text = env.get(name) or default
    try:
        re.compile(text)
    except re.error:
        message = f"{name} must be a regular expression, not {text!r}"
        raise ConfigError(message) from None
    return text


def _attachments(env: Mapping[str, str]) -> tuple[str, ...]:
    name = "CASELEDGER_ATTACHMENTS"
    text = env.get(name) or "all"
    kinds = tuple(word.strip().lower().removeprefix(".") for word in text.split(","))
    if all(kind.isascii() and kind.isalnum() for kind in kinds):
        return kinds
    message = (
        f"{name} must be all, media, or endings of files such as jpg with commas "
        f"between, not {text!r}"
    )
    raise ConfigError(message)


def _public_url(env: Mapping[str, str]) -> str:
    url = env.get("CASELEDGER_PUBLIC_URL", "").rstrip("/")
    if url and (_PUBLIC_URL.fullmatch(url) is None or host_of(url) is None):
        text = (
            "CASELEDGER_PUBLIC_URL must be http:// or https://, a host, and a path or "
            f"none, such as https://cases.example.org/ledger, not {url!r}"
        )
        raise ConfigError(text)
    return url


def _trusted_proxies(
    env: Mapping[str, str],
) -> tuple[IPv4Network | IPv6Network, ...]:
    name = "CASELEDGER_TRUSTED_PROXIES"
    words = filter(None, map(str.strip, env.get(name, "").split(",")))
    found = []
    for word in words:
        try:
            found.append(ip_network(word, strict=False))
        except ValueError:
            text = (
                f"{name} must be addresses and networks with commas between, such as "
                f"127.0.0.1,10.0.0.0/8, not {word!r}"
            )
            raise ConfigError(text) from None
    return tuple(found)


def _allowed_hosts(env: Mapping[str, str]) -> tuple[str, ...]:
    name = "CASELEDGER_ALLOWED_HOSTS"
    words = tuple(filter(None, map(str.strip, env.get(name, "").split(","))))
    for word in words:
        if not is_host_pattern(word):
            text = (
                f"{name} must be hosts without ports, with commas between, such as "
                f"cases.example.org,.example.net, not {word!r}"
            )
            raise ConfigError(text)
    return words


def _number(
    env: Mapping[str, str], name: str, default: int, *, low: int, high: int
) -> int:
    text = env.get(name) or str(default)
    if text.isascii() and text.isdigit() and low <= int(text) <= high:
        return int(text)
    message = f"{name} must be a whole number from {low} to {high}, not {text!r}"
    raise ConfigError(message)


def _choice(
    env: Mapping[str, str], name: str, choices: tuple[str, ...], *, default: str
) -> str:
    text = env.get(name) or default
    for choice in choices:
        if text.lower() == choice.lower():
            return choice
    message = f"{name} must be one of {', '.join(choices)}, not {text!r}"
    raise ConfigError(message)


def _switch(env: Mapping[str, str], name: str, *, default: str = "on") -> bool:
    return _choice(env, name, ("on", "off"), default=default) == "on"

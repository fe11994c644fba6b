from __future__ import annotations

import pytest

from api.config import Config, ConfigError
from importers.sunbird.rules.settings import (
    Rules,
    SunbirdSettings,
    rules_from_json,
    rules_to_json,
)

OTHERS = SunbirdSettings(
    rules=Rules(
        location_types=(("state", "school"), ("country", "town")),
        user_types=("nurse",),
        roles=("MATRON", "PUBLIC"),
        phone_pattern="^[0-9]{3}$",
    ),
    file_limit_mb=3,
    user_rows=1000,
    organisation_rows=299,
    location_rows=7,
    as_text=True,
)


def test_without_any_variable_uploads_are_those_of_the_service():
    """rules/batch-imports.md 2.3.2 and 2.4: ten MB, no limits of rows, five types."""
    settings = Config.from_env({}).sunbird
    assert settings == SunbirdSettings()
    assert (settings.file_limit, settings.user_rows) == (10_000_000, 0)
    assert settings.rules.types == ("state", "district", "block", "cluster", "school")


def test_settings_survive_the_way_to_a_worker():
    """What the parent writes into a worker's environment reads back the same."""
    config = Config(sunbird=OTHERS)
    assert Config.from_env(config.to_env()) == config


def test_rules_survive_the_way_through_a_job():
    """A job is run by the rules under which it was taken."""
    assert rules_from_json(rules_to_json(OTHERS.rules)) == OTHERS.rules


def test_types_are_read_in_small_letters():
    """rules/batch-imports.md 2.4: they are compared so."""
    env = {
        "CASELEDGER_SUNBIRD_LOCATION_TYPES": "State, District;Country",
        "CASELEDGER_SUNBIRD_USER_TYPES": "Nurse",
    }
    rules = Config.from_env(env).sunbird.rules
    assert rules.location_types == (("state", "district"), ("country",))
    assert rules.user_types == ("nurse",)


@pytest.mark.parametrize(
    ("location_type", "parents"),
    [
        ("state", ()),
        ("district", ("state",)),
        ("cluster", ("block",)),
        ("school", ("cluster", "block")),
        ("continent", ()),
    ],
)
def test_which_types_a_parent_may_have(location_type, parents):
    """rules/batch-imports.md 2.5.1: one level up, for a school one or two."""
    assert Rules().parents_of(location_type) == parents


def test_a_school_below_the_top_has_one_level_to_stand_on():
    """rules/batch-imports.md 2.4b: several chains."""
    chains = (("state", "school"), ("town", "ward", "school"))
    assert Rules(location_types=chains).parents_of("school") == (
        "state",
        "ward",
        "town",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CASELEDGER_SUNBIRD_FILE_LIMIT_MB", "0"),
        ("CASELEDGER_SUNBIRD_USER_ROWS", "-1"),
        ("CASELEDGER_SUNBIRD_ORGANISATION_ROWS", "many"),
        ("CASELEDGER_SUNBIRD_LOCATION_ROWS", "1.5"),
        ("CASELEDGER_SUNBIRD_PROCESS_ID_AS_STRING", "maybe"),
        ("CASELEDGER_SUNBIRD_LOCATION_TYPES", "state,,district"),
        ("CASELEDGER_SUNBIRD_LOCATION_TYPES", "state;"),
        ("CASELEDGER_SUNBIRD_LOCATION_TYPES", "state,State"),
        ("CASELEDGER_SUNBIRD_USER_TYPES", ","),
        ("CASELEDGER_SUNBIRD_ROLES", "A,A"),
        ("CASELEDGER_SUNBIRD_PHONE_PATTERN", "["),
    ],
)
def test_a_senseless_value_is_refused_by_the_name_of_its_variable(name, value):
    """An operator is told which variable to change, before anything starts."""
    with pytest.raises(ConfigError, match=name):
        Config.from_env({name: value})

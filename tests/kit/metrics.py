"""Metrics as pages, alert rules and the dashboard speak of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml
from prometheus_client.parser import text_string_to_metric_families

_ROOT = Path(__file__).parents[2]
_FOLDER = _ROOT / "docs/operating"
_ROW = re.compile(r"^\| `(caseledger_\w+)` \|([^|]*)\|", re.MULTILINE)
_NAME = re.compile(r"\bcaseledger_[a-z_]+\b")

PAGE = (_ROOT / "docs/operating/monitoring.md").read_text()
ALERTS = yaml.safe_load((_FOLDER / "alerts.yml").read_text())["groups"]
DASHBOARD = json.loads((_FOLDER / "grafana-dashboard.json").read_text())

DOCUMENTED = {
    name: set(re.findall(r"`(\w+)`", labels)) for name, labels in _ROW.findall(PAGE)
}
"""The labels of each metric, as the page has them."""

USED = {
    "alerts.yml": {
        name
        for group in ALERTS
        for rule in group["rules"]
        for name in _NAME.findall(rule["expr"])
    },
    "grafana-dashboard.json": {
        name
        for panel in DASHBOARD["panels"]
        for target in panel["targets"]
        for name in _NAME.findall(target["expr"])
    },
}
"""The names that each file asks for."""


def samples(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Return the samples of an answer by name and labels."""
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }

"""A real engine of browsers fills a form and submits it to a real server.

Nothing is written by hand here: the parts, their names and the meta block are those
that ODK Web Forms makes of a form with a case block (rules/submission.md 1.3 and
rules/case-xml.md 13).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.request
from pathlib import Path

import pytest

from api.cli.database import OPERATOR
from ledger.directory.api_keys import create_key
from ledger.directory.users import create_user, find_user
from tests.e2e.test_changes import ask
from tests.e2e.test_cli import serving
from tests.kit.domains import an_open_domain

ROOT = Path(__file__).parents[2]
MODULES = ROOT / ".cache" / "web_forms"
SCRIPTS = ROOT / "tests" / "kit" / "web_forms"
CASE = "web-forms-1"
FACE = "\U0001f600"


@pytest.fixture(scope="module")
def node():
    """Name the program; without it or the packages there is nothing to test.

    In CI that is a failure.
    """
    program = shutil.which("node")
    if program is not None and (MODULES / "node_modules").is_dir():
        return program
    reason = "Node and npm are needed: install them and run 'make web-forms'"
    if os.environ.get("CI", "").lower() not in {"", "0", "false"}:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def fill(node):
    """Return what fills the form, or edits an instance, and submits it."""

    def run(base, answers, instance=None):
        address = f"{base}/a/demo/receiver/submission"
        words = [MODULES, SCRIPTS / "visit.xml", address, json.dumps(answers)]
        words += [] if instance is None else [instance]
        done = subprocess.run(
            [node, SCRIPTS / "submit.mjs", *words],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert (found["head"], found["address"]) == (204, address)
        assert found["status"] == "ready"
        return found["said"]

    return run


@pytest.fixture
def header(store):
    """Make a domain with open submissions; return what lets a reader in."""
    an_open_domain(store)
    with store.writing("demo") as writer:
        create_user(writer, "ann", role="viewer", password=None, author=OPERATOR)
        user = find_user(writer, "ann")
        _, secret = create_key(writer, user, name="", read_only=True, author=OPERATOR)
    return {"Authorization": f"ApiKey ann:{secret}"}


def picture(name):
    return {"name": f"{name}.jpg", "content": name * 1200}


def fetched(address, header):
    request = urllib.request.Request(address, headers=header)  # noqa: S310
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        return response.read()


def test_what_the_engine_of_web_forms_sends_becomes_a_case(url, header, fill, tmp_path):
    """It has no xmlns, two submissions for its pictures, and edits by deprecatedID."""
    with serving(url) as (_, base):
        answers = {"name": f"Ada {FACE}", "weight": "62"}
        files = {"first": picture("a"), "second": picture("b")}
        sent = fill(base, {**answers, **files})
        assert len(sent) == 2
        assert {part["filename"] for said in sent for part in said["parts"][:1]} == {
            "xml_submission_file"
        }
        assert [said["status"] for said in sent] == [201, 201]
        assert all("submit_success" in said["text"] for said in sent)
        (form_id,) = {said["form"] for said in sent}
        assert form_id.startswith("uuid:")

        case = ask(base, f"case/v2/{CASE}/", header)
        assert (case["case_name"], case["case_type"]) == (f"Ada {FACE}", "patient")
        assert case["properties"] == {"weight": "62"}
        form = ask(base, f"ledger/v1/forms/{form_id}/", header)
        assert (form["state"], form["xmlns"]) == ("normal", "visit_2026")
        contents = {a["name"]: fetched(a["url"], header) for a in form["attachments"]}
        assert contents == {"a.jpg": b"a" * 1200, "b.jpg": b"b" * 1200}

        instance = tmp_path / "instance.xml"
        filled = sent[0]["xml"].replace(">a.jpg<", "><").replace(">b.jpg<", "><")
        instance.write_text(filled, encoding="utf-8")
        (edited,) = fill(base, {"weight": "63"}, instance)
        assert "submit_success" in edited["text"]
        assert ask(base, f"case/v2/{CASE}/", header)["properties"] == {"weight": "63"}
        old = ask(base, f"ledger/v1/forms/{form_id}/", header)
        assert (old["state"], old["in_force_form_id"]) == ("deprecated", edited["form"])

"""A ledger and a naive model are driven side by side; they must never differ."""

from __future__ import annotations

import os
import re
import shutil
from collections import Counter
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    rule,
    run_state_machine_as_test,
)

from ledger import log
from ledger.changes import IndexRef, Intent
from ledger.entry import Answer, Kind, Receipt
from ledger.errors import Conflict
from ledger.form import CASE_API_XMLNS
from ledger.migrations import migrate
from ledger.store import Store, open_store
from projections.hashing import CASE_TYPE, CLOSED, OWNER, TOTAL, value_hash
from projections.replay import replay
from projections.verify import verify
from tests import build, strategies
from tests.model import Model, text_of

EXAMPLES = {
    "ci": {"sqlite": 30, "postgresql": 12},
    "dev": {"sqlite": 100, "postgresql": 20},
    "nightly": {"sqlite": 2000, "postgresql": 500},
}[os.environ.get("CASELEDGER_TEST_PROFILE", "ci")]
STEPS = 8
HOUR = 3_600_000_000

_DOMAINS, _FRESH = count(1), count(1)
_LATE = st.sampled_from((None, None, None, -24 * HOUR, -HOUR, -1, 0, HOUR))
_PASSED = st.sampled_from((0, 1, 5_000_000, HOUR, -HOUR))
_THEN = st.sampled_from(("", "", "", "", "", "directory", "rebuild"))
_PLACE = st.integers(0, 20)
_FORM = st.tuples(st.just("form"), strategies.forms(), _LATE)
ACTS = st.one_of(
    _FORM,
    _FORM,
    st.tuples(st.just("retry"), _PLACE),
    st.tuples(st.just("retry"), _PLACE),
    st.tuples(st.just("everybody"), _LATE),
    st.tuples(st.just("again"), _PLACE, st.sampled_from(((), strategies.FILES)), _LATE),
    st.tuples(
        st.just("edit"), _PLACE, st.lists(strategies.blocks(), min_size=1, max_size=2)
    ),
    st.tuples(
        st.just("broken"),
        st.sampled_from((b"", b"<a", b"<a/>", b"\xff\xfe", b"<!DOCTYPE a><a/>")),
    ),
    st.tuples(
        st.just("changes"),
        st.lists(strategies.rows(), max_size=4),
        st.sampled_from((False, False, True)),
    ),
    st.tuples(
        st.just("flag"),
        st.lists(st.sampled_from(strategies.CASES), min_size=1, max_size=3),
        st.booleans(),
    ),
)
PLAIN: dict[str, Any] = {
    "form_id": "plain",
    "xmlns": build.XMLNS,
    "user_id": build.USER,
    "blocks": [],
    "files": (),
}
BEGINNING = {**PLAIN, "form_id": "first", "blocks": [strategies.A_TOUCH]}


class Side:
    """One command as both sides are told it."""

    def __init__(self, command: Any, kind: str, told: Any) -> None:
        """Keep the command for the ledger and what the model is told."""
        self.command = command
        self.kind = kind
        self.told = told
        self.receipt: Receipt | None = None


class LedgerMachine(RuleBasedStateMachine):
    """Drives one domain of a store; every example gets a domain of its own."""

    def __init__(self, make_store: Callable[[], Store]) -> None:
        """Use a store with a domain ``other`` that owns the foreign case."""
        super().__init__()
        self.store = make_store()
        self.domain = f"d{next(_DOMAINS)}"
        self.clock = build.FixedClock()
        self.sent: list[dict[str, Any]] = []

    @initialize()
    def begin(self) -> None:
        """Create the domain."""
        build.a_domain(self.store, self.domain, now=self.clock.now)
        self.model = Model(foreign={strategies.FOREIGN}, last=self.clock.now)
        self.commit([("form", BEGINNING, None)], 0, "")

    @rule(acts=st.lists(ACTS, min_size=1, max_size=6), passed=_PASSED, then=_THEN)
    def commit(self, acts: list[Any], passed: int, then: str) -> None:
        """Do several things in one transaction; clocks may go back."""
        self.clock.now += passed
        self.model.now = self.clock.now
        sides = [getattr(self, f"_{name}")(*told) for name, *told in acts]
        commands = [side.command for side in sides]
        outcomes = build.write(
            self.store, *commands, domain=self.domain, clock=self.clock
        )
        for side, outcome in zip(sides, outcomes, strict=True):
            self._compare(side, outcome)
        self._compare_cases()
        if then:
            getattr(self, f"_{then}")()

    def _directory(self) -> None:
        """Record a change of the directory."""
        with self.store.writing(self.domain) as writer:
            log.record_directory(
                writer, "noted", {"what": "x"}, user_id="root", now=self.clock.now
            )
        self.model.take("directory")

    def _rebuild(self) -> None:
        """Replay the domain: replay_equals_live."""
        before = build.derived(self.store, self.domain)
        replay(self.store, self.domain)
        assert build.derived(self.store, self.domain) == before

    def teardown(self) -> None:
        """Prove the log, the counters, and that a fresh fold agrees."""
        if not hasattr(self, "model"):
            return
        found = build.dump(self.store, self.domain)
        check_log(self.store, self.domain, self.model.kinds)
        check_beside(found, self.model)
        proved = verify(self.store, self.domain)
        assert proved.ok, [*proved.breaks, *map(str, proved.differences)]
        self.store.close()

    # What may happen in a commit

    def _form(self, form: dict[str, Any], late: int | None) -> Side:
        self.sent.append(form)
        return self._submission(form, late)

    def _everybody(self, late: int | None) -> Side:
        """Touch every case, so that what failed for want of one can succeed."""
        touches = [{**strategies.A_TOUCH, "case_id": name} for name in strategies.CASES]
        return self._submission(
            {**PLAIN, "form_id": f"all-{next(_FRESH)}", "blocks": touches}, late
        )

    def _again(self, place: int, files: Any, late: int | None) -> Side:
        """Submit the bytes of an earlier form again, perhaps with other files."""
        return self._submission({**self._earlier(place), "files": files}, late)

    def _retry(self, place: int) -> Side:
        """Submit the bytes of an error form again; its cause may be gone."""
        bodies = {f["body"] for f in self.model.first.values() if f["state"] == "error"}
        errors = [
            form
            for form in self.sent
            if strategies.body_of(form, self.domain) in bodies
        ]
        return self._submission(errors[place % len(errors)] if errors else PLAIN, None)

    def _edit(self, place: int, blocks: list[dict[str, Any]]) -> Side:
        """Submit other bytes under the id of an earlier form."""
        return self._form({**self._earlier(place), "blocks": blocks}, None)

    def _broken(self, body: bytes) -> Side:
        told = {"blocks": None, "form_id": None}
        return Side(build.a_submission(body), "form", told)

    def _changes(self, rows: list[dict[str, Any]], dry_run: bool) -> Side:  # noqa: FBT001
        wishes = [self._change(place, row) for place, row in enumerate(rows, 1)]
        side = Side(None, "dry" if dry_run else "changes", rows)

        def seen(receipt: Receipt) -> None:
            side.receipt = receipt

        side.command = build.changes(*wishes, dry_run=dry_run, seen=seen)
        return side

    def _flag(self, names: list[str], deleted: bool) -> Side:  # noqa: FBT001
        case_ids = [strategies.named(name, self.domain) for name in names]
        kind = Kind.CASE_DELETE if deleted else Kind.CASE_RESTORE
        command = build.a_flag(*case_ids, kind=kind)
        return Side(command, "flag", (case_ids, deleted))

    # Both sides

    def _earlier(self, place: int) -> dict[str, Any]:
        return self.sent[place % len(self.sent)] if self.sent else PLAIN

    def _submission(self, form: dict[str, Any], late: int | None) -> Side:
        body = strategies.body_of(form, self.domain)
        when = None if late is None else self.clock.now + late
        command = build.a_submission(
            body,
            submit_time=when,
            attachments=[build.a_file(name) for name in form["files"]],
        )
        told = {
            **strategies.told(form, self.domain),
            "body": body,
            "submit_time": when,
        }
        return Side(command, "form", told)

    def _change(self, place: int, row: dict[str, Any]) -> Any:
        refs = {
            name: IndexRef(case_id=strategies.named(target, self.domain), case_type="t")
            for name, target in row["index"].items()
        }
        case_id = row["case_id"] and strategies.named(row["case_id"], self.domain)
        return build.a_change(
            Intent(row["intent"]),
            row=place,
            case_id=case_id,
            external_id=row["external_id"],
            properties=row["properties"],
            indices=refs,
            close=row["close"],
            **row["special"],
        )

    def _compare(self, side: Side, outcome: Any) -> None:
        if side.kind == "form":
            self._compare_receipt(self.model.submit(side.told), outcome)
        elif side.kind == "flag":
            case_ids, deleted = side.told
            known = self.model.flag(case_ids, deleted=deleted)
            assert isinstance(outcome, Receipt if known else Conflict)
        else:
            self._compare_changes(side, outcome)

    def _compare_receipt(self, said: dict[str, Any], receipt: Receipt) -> None:
        assert receipt.kind == said["kind"], (receipt, said)
        if said["form_id"] is not None:
            assert receipt.form_id == said["form_id"]
        elif "form" in said:
            said["form"]["form_id"] = receipt.form_id
        assert receipt.resubmitted == said.get("resubmitted", False)
        expected = said.get("problem")
        if expected == "EditNotSupported: ":
            assert receipt.problem.startswith(expected)
        elif expected is not None:
            expected = re.sub(
                r"(?<=^AttachmentNotFound: )None", receipt.form_id, expected
            )
            assert receipt.problem == expected

    def _compare_changes(self, side: Side, outcome: Any) -> None:
        rows = side.told
        resolved = self._resolve(rows)
        if resolved is None:
            assert isinstance(outcome, Conflict)
            return
        receipt = side.receipt
        assert isinstance(outcome, Answer)
        assert receipt is not None
        if not rows:
            assert (receipt.form_id, receipt.cases) == (None, ())
            return
        if side.kind == "dry":
            return
        made = dict(zip(resolved, receipt.cases, strict=False))
        form = {
            "form_id": receipt.form_id,
            "xmlns": CASE_API_XMLNS,
            "user_id": build.USER,
            "body": receipt.form_id,
            "files": (),
            "submit_time": None,
            "blocks": self._json_blocks(rows, resolved, made),
        }
        said = self.model.submit(form)
        assert receipt.kind == said["kind"], (receipt, said)
        if receipt.kind == "normal":
            assert len(receipt.cases) == len(rows)
            assert receipt.created == tuple(
                wanted.startswith("new ") and wanted not in resolved[:place]
                for place, wanted in enumerate(resolved)
            )

    def _resolve(self, rows: list[dict[str, Any]]) -> list[str] | None:
        """Return the case of each row, ``new N`` for new ones; None for a conflict."""
        given: dict[str, str] = {}
        resolved = []
        for place, row in enumerate(rows):
            if row["intent"] == "create":
                resolved.append(f"new {place}")
            elif row["intent"] == "update":
                case_id = strategies.named(row["case_id"], self.domain)
                mark = self.model.marks.get(case_id)
                if mark is None or mark["deleted_on"] is not None:
                    return None
                resolved.append(case_id)
            else:
                external_id = row["external_id"]
                found = self.model.holders(external_id)
                if external_id not in given and len(found) > 1:
                    return None
                own = found[0] if found else f"new {place}"
                resolved.append(given.setdefault(external_id, own))
        return resolved

    def _json_blocks(
        self, rows: list[dict[str, Any]], resolved: list[str], made: dict[str, Any]
    ) -> list[dict[str, Any]]:
        """Return one block per case: of what several rows say, the last wins."""
        merged: dict[str, dict[str, Any]] = {}
        for row, wanted in zip(rows, resolved, strict=True):
            case_id = made[wanted].case_id if wanted in made else wanted
            block = merged.setdefault(
                case_id,
                {
                    "case_id": case_id,
                    "user_id": build.USER,
                    "date_modified": text_of(self.clock.now),
                    "create": {},
                    "update": {},
                    "index": {},
                    "close": False,
                },
            )
            full = {
                "case_type": "patient",
                "case_name": "Idris",
                "owner_id": build.USER,
            }
            if row["intent"] == "update":
                full = {}
            block["update"] |= {**full, **row["special"], **row["properties"]}
            if row["external_id"] is not None:
                block["update"]["external_id"] = row["external_id"]
            block["index"] |= {
                name: (strategies.named(target, self.domain), "t", None)
                for name, target in row["index"].items()
            }
            block["close"] = block["close"] or row["close"]
        return list(merged.values())

    def _compare_cases(self) -> None:
        found = build.cases_of(self.store, self.domain)
        wanted = self.model.cases()
        assert sorted(found) == sorted(wanted)
        for case_id, case in found.items():
            assert plain(case) == wanted[case_id], case_id


def plain(case: Any) -> dict[str, Any]:
    """Return a case in the words of the model."""
    names = [
        "case_type",
        "case_name",
        "owner_id",
        "external_id",
        "opened_on",
        "opened_by",
        "modified_on",
        "modified_by",
        "closed",
        "closed_on",
        "closed_by",
        "location_id",
        "deleted_on",
        "position",
        "indexed_on",
        "server_modified_on",
    ]
    indices = {
        name: (index.case_id, index.case_type, index.relationship)
        for name, index in case.indices.items()
    }
    return {
        **{name: getattr(case, name) for name in names},
        "key": (case.folded_to.received_on, case.folded_to.position),
        "properties": dict(case.properties),
        "indices": {name: index for name, index in indices.items() if index[0]},
        "cleared": {name: index[1:] for name, index in indices.items() if not index[0]},
        "attachments": {
            name: (found.form_id, found.source)
            for name, found in case.attachments.items()
        },
    }


def check_log(store: Store, domain: str, kinds: list[str]) -> None:
    """Check positions_are_gapless_and_times_rise and chain_verifies."""
    with store.snapshot(domain) as reader:
        entries = [e for e, _ in log.entries_after(reader, 0, limit=10_000)]
        assert [entry.kind for entry in entries] == kinds
        assert [entry.position for entry in entries] == list(range(1, len(kinds) + 1))
        times = [entry.appended_on for entry in entries]
        assert times == sorted(set(times))
        assert reader.head.appended_on >= times[-1]
        assert list(log.verify_chain(reader)) == []


def check_beside(found: dict[str, list[tuple[Any, ...]]], model: Model) -> None:
    """Check counters, external ids and references against the model."""
    cases = model.cases()
    live = {i: case for i, case in cases.items() if case["deleted_on"] is None}
    counts: Counter[tuple[int, int]] = Counter()
    for case in live.values():
        counts[TOTAL, 0] += 1
        counts[CASE_TYPE, value_hash(case["case_type"])] += 1
        counts[OWNER, value_hash(case["owner_id"])] += 1
        counts[CLOSED, int(case["closed"])] += 1
    assert {(r[1], r[2]): r[3] for r in found["case_counts"] if r[3]} == dict(counts)
    assert {row[1:] for row in found["external_ids"]} == {
        (case["external_id"], i) for i, case in cases.items() if case["external_id"]
    }
    assert {row[1:] for row in found["case_indices"]} == {
        (target, name, i, relationship)
        for i, case in cases.items()
        for name, (target, _, relationship) in case["indices"].items()
    }
    positions = [row[2] for row in found["cases"]]
    assert len(set(positions)) == len(positions)
    states = {row[1]: row[4] for row in found["forms"]}
    for form_id, form in model.first.items():
        assert states[form_id] == form["state"], form_id


@pytest.mark.timeout(3600)
def test_the_ledger_and_a_naive_model_agree_whatever_happens(url, tmp_path):
    """Whatever is submitted, in whatever commits, the read tables are the model's."""
    begun = open_store(url)
    migrate(begun)
    build.a_domain(begun, "other")
    build.submit(begun, build.a_form([build.a_create("elsewhere")]), domain="other")
    begun.close()
    names = count(1)

    def make_store() -> Store:
        if not url.startswith("sqlite"):
            return open_store(url)
        # Domains of earlier examples would only make later ones slower.
        file = tmp_path / f"{next(names)}.db"
        shutil.copy(url.removeprefix("sqlite:///"), file)
        return open_store(f"sqlite:///{file}")

    run_state_machine_as_test(
        lambda: LedgerMachine(make_store),
        settings=settings(
            max_examples=EXAMPLES[url.partition(":")[0]],
            stateful_step_count=STEPS,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )

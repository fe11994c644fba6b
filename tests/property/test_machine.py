"""A ledger and a naive model are driven side by side; they must never differ."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from itertools import count, pairwise
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
from ledger.commands.completions import ChangeFiles
from ledger.directory.domains import DomainSettings, save_settings
from ledger.entry import Answer, Author, Kind, Receipt
from ledger.errors import Conflict
from ledger.forms.form import CASE_API_XMLNS
from ledger.migrations import migrate
from ledger.store import Store, open_store
from projections.rebuild.replay import replay
from projections.rebuild.verify import verify
from tests.kit import build, strategies, wishes
from tests.kit.acts import (
    ACTS,
    BEGINNING,
    OTHERWISE,
    PASSED,
    PLAIN,
    SUITED,
    THEN,
    TRIED,
    Side,
    Tried,
)
from tests.kit.compare import (
    case_ids_in,
    check_beside,
    check_forms,
    check_log,
    check_past,
    learn_ids,
    plain,
)
from tests.kit.model import Model
from tests.kit.model_corrections import BESIDE, was_moved

EXAMPLES = {
    "ci": {"sqlite": 30, "postgresql": 12},
    "dev": {"sqlite": 100, "postgresql": 20},
    "nightly": {"sqlite": 2000, "postgresql": 500},
}[os.environ.get("CASELEDGER_TEST_PROFILE", "ci")]
STEPS = 8
IDS = "same"
"""What all ids begin with: they are the same ones in every domain."""

_DOMAINS, _FRESH = count(1), count(1)


class LedgerMachine(RuleBasedStateMachine):
    """Drives one domain of a store; every example gets a domain of its own."""

    def __init__(self, make_store: Callable[[], Store]) -> None:
        """Use a store with a domain ``other`` that has cases and forms of these ids."""
        super().__init__()
        self.store = make_store()
        self.domain = f"d{next(_DOMAINS)}"
        self.clock = build.FixedClock()
        self.sent: list[dict[str, Any]] = []
        self.wanted: list[str] = []
        self.past: list[tuple[int, dict[str, Any]]] = []
        self.other = build.dump(self.store, "other")

    @initialize(closes=st.booleans())
    def begin(self, closes: bool) -> None:  # noqa: FBT001
        """Create the domain."""
        build.a_domain(self.store, self.domain, now=self.clock.now)
        self.model = Model(last=self.clock.now)
        if closes:
            self._settings()
        self.commit([(False, ("form", BEGINNING, None))], 0, "")

    @rule(
        acts=st.lists(st.tuples(TRIED, ACTS), min_size=1, max_size=6),
        passed=PASSED,
        then=THEN,
    )
    def commit(self, acts: list[Any], passed: int, then: str) -> None:
        """Do several things in one transaction; clocks may go back."""
        self.clock.now += passed
        self.model.now = self.clock.now
        sides = [self._side(*act) for act in acts]
        commands = [side.command for side in sides]
        outcomes = build.write(
            self.store, *commands, domain=self.domain, clock=self.clock
        )
        for side, outcome in zip(sides, outcomes, strict=True):
            model = self.model.scratch() if side.tried else self.model
            getattr(self, f"_compare_{side.kind}")(model, side, outcome)
        self._compare_tables()
        if then:
            getattr(self, f"_{then}")()

    def _side(self, tried: bool, act: tuple[Any, ...]) -> Side:  # noqa: FBT001
        name, *told = act
        side: Side = getattr(self, f"_{name}")(*told)
        if tried:
            side.command, side.tried = Tried(side.command), True
        return side

    def _directory(self) -> None:
        """Record a change of the directory."""
        with self.store.writing(self.domain) as writer:
            log.record_directory(
                writer, "noted", {"what": "x"}, user_id="root", now=self.clock.now
            )
        self.model.take("directory")

    def _settings(self) -> None:
        """Begin or cease to close extensions with their hosts."""
        closes = not self.model.closes_extensions
        with self.store.writing(self.domain) as writer:
            save_settings(
                writer,
                DomainSettings(close_extensions=closes),
                author=Author(user_id="root"),
                now=self.clock.now,
            )
        self.model.take("directory")
        self.model.closes_extensions = closes

    def _rebuild(self) -> None:
        """Replay the domain: replay_equals_live."""
        before = build.derived(self.store, self.domain)
        replay(self.store, self.domain)
        assert build.derived(self.store, self.domain) == before

    def teardown(self) -> None:
        """Prove the log, the counters, the past, and that a fresh fold agrees."""
        if not hasattr(self, "model"):
            return
        found = build.dump(self.store, self.domain)
        check_log(self.store, self.domain, self.model)
        check_beside(found, self.model)
        for place in {len(self.past) // 3, len(self.past) // 2, len(self.past) - 1}:
            if self.past:
                check_past(self.store, self.domain, *self.past[place])
        proved = verify(self.store, self.domain)
        assert proved.ok, [*proved.breaks, *map(str, proved.differences)]
        assert build.dump(self.store, "other") == self.other
        self.store.close()

    # What may happen in a commit

    def _form(self, form: dict[str, Any], late: int | None) -> Side:
        self.sent.append(form)
        return self._submission(form, late)

    def _everybody(self, late: int | None) -> Side:
        """Touch every case, so that what failed for want of one can succeed."""
        names = (*strategies.CASES, *self.wanted)
        touches = [{**strategies.A_TOUCH, "case_id": name} for name in names]
        return self._submission(
            {**PLAIN, "form_id": f"all-{next(_FRESH)}", "blocks": touches}, late
        )

    def _lacking(
        self, form: dict[str, Any], place: int | None, late: int | None
    ) -> Side:
        """Submit a form, or an edit, with an index to a case that is yet to come."""
        block = {
            **strategies.A_TOUCH,
            "case_id": "c",
            "index": {"parent": (f"w{len(self.wanted)}", "patient", "extension")},
        }
        self.wanted.append(f"w{len(self.wanted)}")
        form = {**form, "blocks": [*form["blocks"], block]}
        if place is not None:
            return self._edit(place, form, late)
        return self._form({**form, "form_id": f"lacks-{next(_FRESH)}"}, late)

    def _chain(self, names: list[str], late: int | None) -> Side:
        """Make new cases of which each extends the one before; the first a known one.

        The last of several names is a second host of the last case.
        """
        links = [names[0], *(f"k{next(_FRESH)}" for _ in range(2))]
        blocks = []
        for host, name in pairwise(links):
            index = {"host": (host, "patient", "extension")}
            blocks.append({**strategies.A_TOUCH, "case_id": name, "index": index})
        blocks[-1]["index"]["parent"] = (names[-1], "patient", "extension")
        return self._form(
            {**PLAIN, "form_id": f"chain-{next(_FRESH)}", "blocks": blocks}, late
        )

    def _close(self, place: int, late: int | None) -> Side:
        """Close a case that is open."""
        is_open = [i for i, case in self.model.cases().items() if not case["closed"]]
        name = is_open[place % len(is_open)] if is_open else "a"
        name = name.removeprefix(f"{IDS}-")
        block = {**strategies.A_TOUCH, "case_id": name, "close": True}
        return self._form(
            {**PLAIN, "form_id": f"close-{next(_FRESH)}", "blocks": [block]}, late
        )

    def _again(self, place: int, files: Any, late: int | None) -> Side:
        """Submit the bytes of an earlier form again, perhaps with other files."""
        earlier = self.sent[place % len(self.sent)] if self.sent else PLAIN
        return self._submission({**earlier, "files": files}, late)

    def _retry(self, place: int) -> Side:
        """Submit the bytes of an error form again; its cause may be gone."""
        bodies = {
            form["version"]["body"]
            for form in self.model.forms
            if form["state"] == "error" and form["orig"] is None
        }
        errors = [form for form in self.sent if strategies.body_of(form, IDS) in bodies]
        return self._submission(errors[place % len(errors)] if errors else PLAIN, None)

    def _edit(self, place: int, form: dict[str, Any], late: int | None) -> Side:
        """Submit other bytes under the id of an earlier form, whoever made that."""
        held = [
            form
            for form in self.model.forms
            if form["orig"] is None and form["version"]["blocks"] is not None
        ]
        old = held[place % len(held)]
        same = {"whole_id": old["form_id"], "xmlns": old["version"]["xmlns"]}
        return self._form({**form, **same}, late)

    def _correct(self, place: int, form: dict[str, Any], late: int | None) -> Side:
        """Submit a form of an id of its own that names an earlier one, or nobody."""
        known = [f for f in self.model.forms if f["form_id"] is not None]
        old = known[place % len(known)]
        new = {"form_id": f"fix-{next(_FRESH)}", "corrects": old["form_id"]}
        if place % 7:
            new["xmlns"] = old["version"]["xmlns"] or build.XMLNS
        if place % 11 == 10:
            new["corrects"] = "nobody"
        return self._form({**form, **new}, late)

    def _squat(self, place: int, form: dict[str, Any]) -> Side:
        """Submit a form under a random id: of a duplicate, or an older version."""
        taken = [
            form["form_id"]
            for form in self.model.forms
            if form["form_id"] is not None
            and (form["born"] in BESIDE or was_moved(form))
        ]
        if not taken:
            return self._form(form, None)
        return self._form({**form, "whole_id": taken[place % len(taken)]}, None)

    def _broken(self, body: bytes) -> Side:
        told = {"blocks": None, "form_id": None, "xmlns": "", "user_id": None}
        told |= {"body": body, "files": (), "submit_time": None}
        return Side(build.a_submission(body), "form", told)

    def _changes(self, rows: list[dict[str, Any]], dry_run: bool) -> Side:  # noqa: FBT001
        changes = [
            wishes.change_of(row, IDS, place=place) for place, row in enumerate(rows, 1)
        ]
        side = Side(None, "changes", rows)

        def seen(receipt: Receipt) -> None:
            side.receipt = receipt

        side.command = build.changes(*changes, dry_run=dry_run, seen=seen)
        side.tried = dry_run
        return side

    def _flag(self, names: list[str], deleted: bool) -> Side:  # noqa: FBT001
        case_ids = [strategies.named(name, IDS) for name in names]
        kind = Kind.CASE_DELETE if deleted else Kind.CASE_RESTORE
        command = build.a_flag(*case_ids, kind=kind)
        return Side(command, "flag", (case_ids, deleted))

    def _refold(self, names: list[str]) -> Side:
        case_ids = [strategies.named(name, IDS) for name in names]
        return Side(build.a_rebuild(*case_ids), "refold", case_ids)

    def _states(self, kind: str, places: list[int], strict: bool) -> Side:  # noqa: FBT001
        forms = [form for form in self.model.forms if form["form_id"] is not None]
        if not any(f["state"] in SUITED[kind] for f in forms):
            kind = OTHERWISE.get(kind, kind)
        suited = [f["form_id"] for f in forms if f["state"] in SUITED[kind]]
        known = [*(form["form_id"] for form in forms), "nobody"]
        form_ids = []
        for place in places:
            pool = suited if suited and place % 5 else known
            form_ids.append(pool[place % len(pool)])
        return self._act(kind, form_ids, strict=strict)

    def _withdraw(self, place: int, delete: bool) -> Side:  # noqa: FBT001
        """Archive or delete a form that is in force."""
        counting = [form["form_id"] for form in self.model.forms if form["on"]]
        kind = "form_delete" if delete else "archive"
        form_ids = [counting[place % len(counting)]] if counting else []
        return self._act(kind, form_ids, strict=False)

    def _bring_back(self, place: int) -> Side:
        """Undo the archiving or deletion of a form."""
        undo = {"archived": "unarchive", "deleted": "form_restore"}
        away = [form for form in self.model.forms if form["state"] in undo]
        if not away:
            return self._withdraw(place, place % 2 == 0)
        form = away[place % len(away)]
        return self._act(undo[form["state"]], [form["form_id"]], strict=True)

    def _files(self, place: int) -> Side:
        """Undo a completion, or the undoing of one."""
        found = [
            (kind, form["form_id"], entry[0])
            for form in self.model.forms
            for kind, name in (("uncomplete", "completions"), ("complete", "taken"))
            for entry in form[name]
            if form["form_id"] is not None
        ]
        if not found:
            return self._again(place, strategies.FILES, None)
        kind, form_id, position = found[place % len(found)]
        command = ChangeFiles(
            form_ids=(form_id,),
            kind=Kind(kind),
            positions=frozenset((position,)),
            author=Author(user_id="root"),
        )
        return Side(command, "files", (kind, form_id, position))

    def _act(self, kind: str, form_ids: list[str], *, strict: bool) -> Side:
        command = build.an_act(Kind(kind), *form_ids, strict=strict)
        return Side(command, "states", (kind, form_ids, strict))

    def _submission(self, form: dict[str, Any], late: int | None) -> Side:
        body = strategies.body_of(form, IDS)
        when = None if late is None else self.clock.now + late
        command = build.a_submission(
            body,
            submit_time=when,
            attachments=[build.a_file(name) for name in form["files"]],
        )
        told = {
            **strategies.told(form, IDS),
            "body": body,
            "submit_time": when,
        }
        return Side(command, "form", told)

    # Both sides

    def _compare_form(self, model: Model, side: Side, receipt: Receipt) -> None:
        said = model.submit(side.told)
        assert receipt.kind == said["kind"], (receipt, said)
        if said["form_id"] is not None:
            assert receipt.form_id == said["form_id"]
        elif "form" in said:
            model.name(said["form"], receipt.form_id)
        assert receipt.resubmitted == said.get("resubmitted", False)
        expected = said.get("problem")
        if expected is not None:
            expected = re.sub(
                r"(?<=^AttachmentNotFound: )None", receipt.form_id, expected
            )
            assert receipt.problem == expected

    def _compare_files(self, model: Model, side: Side, outcome: Any) -> None:
        changed, state = model.change_files(*side.told)
        ((found),) = outcome
        assert found.changed == changed, (found, side.told)
        assert (found.position is not None) == changed
        assert state is None or found.state == state

    def _compare_flag(self, model: Model, side: Side, outcome: Any) -> None:
        case_ids, deleted = side.told
        done = model.flag(case_ids, deleted=deleted)
        assert isinstance(outcome, Conflict if done is None else Receipt)
        if done is not None:
            assert (outcome.position is not None) == done

    def _compare_refold(self, model: Model, side: Side, outcome: Any) -> None:
        done = model.refold(side.told)
        assert isinstance(outcome, Conflict if done is None else Receipt)

    def _compare_states(self, model: Model, side: Side, outcome: Any) -> None:
        kind, form_ids, strict = side.told
        said = model.act(kind, form_ids, strict=strict)
        if isinstance(said, set):
            assert type(outcome).__name__ in said, (outcome, said)
            return
        assert isinstance(outcome, tuple), (outcome, said)
        assert len(outcome) == len(said)
        for found, (form_id, changed, state, failed) in zip(outcome, said, strict=True):
            assert (found.form_id, found.changed) == (form_id, changed), (found, said)
            assert (found.position is not None) == changed
            assert (found.problem is not None) == failed, (found, said)
            assert state is None or found.state == state, (found, said)

    def _compare_changes(self, model: Model, side: Side, outcome: Any) -> None:
        rows = side.told
        resolved = wishes.resolved(rows, model, IDS)
        if resolved is None:
            assert isinstance(outcome, Conflict)
            return
        receipt = side.receipt
        assert isinstance(outcome, Answer)
        assert receipt is not None
        if not rows:
            assert (receipt.form_id, receipt.cases) == (None, ())
            return
        made = dict(zip(resolved, receipt.cases, strict=False))
        now = self.clock.now
        form = {
            "form_id": receipt.form_id,
            "xmlns": CASE_API_XMLNS,
            "user_id": build.USER,
            "body": receipt.form_id,
            "files": (),
            "submit_time": None,
            "blocks": wishes.blocks_of(rows, resolved, made, IDS, now=now),
        }
        said = model.submit(form)
        assert receipt.kind == said["kind"], (receipt, said)
        if receipt.kind == "error" and not side.tried:
            # It may be run again one day, and then its cases have these ids.
            ids = case_ids_in(self.store, self.domain, receipt.position)
            for block, case_id in zip(form["blocks"], ids, strict=True):
                block["case_id"] = case_id
        if receipt.kind == "normal":
            assert len(receipt.cases) == len(rows)
            assert receipt.created == tuple(
                wanted.startswith("new ") and wanted not in resolved[:place]
                for place, wanted in enumerate(resolved)
            )

    def _compare_tables(self) -> None:
        rows = build.dump(self.store, self.domain)["forms"]
        learn_ids(rows, self.model)
        found = build.cases_of(self.store, self.domain)
        wanted = self.model.cases()
        assert sorted(found) == sorted(wanted)
        for case_id, case in found.items():
            assert plain(case) == wanted[case_id], case_id
        check_forms(rows, self.model)
        self.past.append((self.model.last, wanted))


def fill_another(store: Store) -> None:
    """Give a domain everything that the others will name, as it is nowhere else."""
    for name in strategies.FORMS:
        blocks = [
            build.a_create(strategies.named(case, IDS), update={"external_id": holder})
            for case, holder in zip(strategies.CASES, strategies.EXTERNAL, strict=True)
        ]
        form_id = strategies.named(name, IDS)
        build.submit(store, build.a_form(blocks, form_id=form_id), domain="other")


@pytest.mark.timeout(3600)
def test_the_ledger_and_a_naive_model_agree_whatever_happens(url, tmp_path):
    """Whatever is submitted, in whatever commits, the read tables are the model's."""
    begun = open_store(url)
    migrate(begun)
    build.a_domain(begun, "other")
    fill_another(begun)
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

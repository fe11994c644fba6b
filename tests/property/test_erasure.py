"""An erasure takes all of one case and nothing of any other, whatever happened before.

Each block of a form says something that is said only once, so that whatever is left
of it can be found.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger.entry import Kind
from projections.past.history import history
from projections.rebuild.replay import prune, replay
from projections.rebuild.verify import verify
from tests.kit import build, strategies
from tests.kit.erasing import erase_and_repack, everything

HOUR = 3_600_000_000
FORM_IDS = ("first", *strategies.FORMS[:4])
ACTS = (
    Kind.ARCHIVE,
    Kind.UNARCHIVE,
    Kind.FORM_DELETE,
    Kind.FORM_RESTORE,
    Kind.REPROCESS,
)
_DOMAINS = count(1)
_LATE = st.sampled_from((None, None, -24 * HOUR, -1))
_FORM_ID = st.sampled_from(FORM_IDS)
_FORM = st.tuples(
    st.just("form"), _FORM_ID.flatmap(lambda i: strategies.forms(form_id=i)), _LATE
)
_SOME = st.sets(st.sampled_from(strategies.CASES), min_size=1)
_NAMES = st.lists(st.sampled_from(strategies.CASES), min_size=1, max_size=3)
HAPPENINGS = st.lists(
    st.one_of(
        _FORM,
        _FORM,
        _FORM,
        st.tuples(st.just("again"), st.integers(0, 20)),
        st.tuples(st.just("stock"), _NAMES, st.integers(0, 9)),
        st.tuples(
            st.just("act"), st.sampled_from(ACTS), st.lists(_FORM_ID, max_size=3)
        ),
        st.tuples(st.just("flag"), _NAMES, st.booleans()),
        st.tuples(st.just("rebuild"), _NAMES),
    ),
    min_size=2,
    max_size=12,
)
QUICK = settings(
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


class Scene:
    """A domain in which things happen, and what was said in it of each case."""

    def __init__(self, store: Any) -> None:
        """Make the domain; each of its cases is there from the start."""
        self.store = store
        self.domain = f"d{next(_DOMAINS)}"
        self.clock = build.FixedClock()
        self.secrets: dict[str, list[str]] = {}
        self._sent: list[Any] = []
        self._number = count(1)
        build.a_domain(store, self.domain, now=self.clock.now)
        blocks = [{**strategies.A_TOUCH, "case_id": name} for name in strategies.CASES]
        first = {
            "form_id": "first",
            "xmlns": build.XMLNS,
            "user_id": build.USER,
            "blocks": blocks,
            "files": (),
        }
        self.happen([("form", first, None)])

    def happen(self, happenings: list[Any]) -> None:
        """Do one after the other, a commit each."""
        for what, *told in happenings:
            self.clock.now += 1_000_000
            for command in getattr(self, f"_{what}")(*told):
                build.write(self.store, command, domain=self.domain, clock=self.clock)

    def id_of(self, name: str) -> str:
        """Return the id of a case by its short name."""
        return strategies.named(name, self.domain)

    def _form(self, form: dict[str, Any], late: int | None) -> Iterator[Any]:
        blocks = [self._telling(block) for block in form["blocks"]]
        body = strategies.body_of({**form, "blocks": blocks}, self.domain)
        sent = build.a_submission(
            body,
            submit_time=None if late is None else self.clock.now + late,
            attachments=[
                build.a_file(name, f"{name} of {self.domain}".encode())
                for name in form["files"]
            ],
        )
        self._sent.append(sent)
        yield sent

    def _telling(self, block: dict[str, Any]) -> dict[str, Any]:
        said = f"told-{self.domain}-{next(self._number)}-of-{block['case_id'][:9]}."
        self.secrets.setdefault(block["case_id"], []).append(said)
        return {**block, "update": {**(block["update"] or {}), "said": said}}

    def _stock(self, names: list[str], quantity: int) -> Iterator[Any]:
        parts = []
        for name in names:
            said = f"stock-{self.domain}-{next(self._number)}-of-{name}."
            self.secrets.setdefault(name, []).append(said)
            parts.append(
                '<balance xmlns="http://commcarehq.org/ledger/v1" '
                f'entity-id="{self.id_of(name)}"><entry id="{said}" '
                f'quantity="{quantity}"/></balance>'
            )
        yield build.a_submission(build.a_form(inside="".join(parts)))

    def _again(self, place: int) -> Iterator[Any]:
        yield self._sent[place % len(self._sent)]

    def _act(self, kind: Kind, names: list[str]) -> Iterator[Any]:
        form_ids = [strategies.named(name, self.domain) for name in names]
        yield build.an_act(kind, *form_ids, strict=False)

    def _flag(self, names: list[str], deleted: bool) -> Iterator[Any]:  # noqa: FBT001
        kind = Kind.CASE_DELETE if deleted else Kind.CASE_RESTORE
        yield build.a_flag(*map(self.id_of, names), kind=kind)

    def _rebuild(self, names: list[str]) -> Iterator[Any]:
        yield build.a_rebuild(*map(self.id_of, names))

    def others(self, erased: set[str]) -> dict[str, Any]:
        """Return everything about the cases that are not erased, their past too."""
        cases = build.cases_of(self.store, self.domain)
        with self.store.snapshot(self.domain) as reader:
            return {
                i: (case, history(reader, i))
                for i, case in cases.items()
                if i not in erased
            }

    def check(self) -> None:
        """Prove the log and the tables; a replay makes the same ones."""
        proved = verify(self.store, self.domain)
        assert proved.ok, [*proved.breaks, *map(str, proved.differences)]
        before = build.derived(self.store, self.domain)
        replay(self.store, self.domain)
        assert build.derived(self.store, self.domain) == before
        prune(self.store, older_than=0)


def test_an_erasure_takes_one_case_and_leaves_the_others(store):
    """No secret of it is left, all else is as it was, proves and replays."""

    @QUICK
    @given(
        HAPPENINGS, st.sets(st.sampled_from(strategies.CASES), min_size=1), HAPPENINGS
    )
    def erase_some(before, names, after):
        scene = Scene(store)
        scene.happen(before)
        case_ids = {scene.id_of(name) for name in names}
        others, headers = scene.others(case_ids), build.entries_of(store, scene.domain)
        scene.clock.now += 1_000_000
        told = {"domain": scene.domain, "now": scene.clock.now}
        erase_and_repack(store, *case_ids, **told)
        left = everything(store)
        secrets = [text for name in names for text in scene.secrets[name]]
        assert [text for text in secrets if text.encode() in left] == []
        assert scene.others(case_ids) == others
        found = build.entries_of(store, scene.domain)
        assert found[: len(headers)] == headers
        assert erase_and_repack(store, *case_ids, **told).bodies == 0
        scene.check()
        scene.happen(after)
        scene.check()

    erase_some()

"""A clock that jumps ahead stamps nothing (rules/operator.md 4.11)."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

import pytest

from ledger import log
from ledger.clock import boot_id, now_micros
from ledger.clock_guard import LATEST, ClockGuard, Clocks
from ledger.errors import StoreUnavailable
from ledger.jobs import queue
from ledger.store import open_store
from ledger.submit import Ledger
from ledger.tables import jobs
from ledger.times import format_micros, to_datetime
from ledger.writer import LedgerWriter
from projections.commit.projector import LiveProjector
from projections.rebuild.verify import verify
from tests.kit import build
from tests.kit.jobs import enqueue

SECOND, MINUTE, DAY = 1_000_000, 60_000_000, 86_400_000_000
YEARS = 365 * DAY
LIMIT = 10 * MINUTE


@dataclass
class Machine:
    """A machine whose clocks the test moves; ``pass_by`` moves both of them."""

    wall: int = field(default_factory=now_micros)
    steady: int = 5 * DAY
    boot: str = "first"

    def pass_by(self, micros: int) -> None:
        """Let time pass."""
        self.wall += micros
        self.steady += micros

    def reboot(self) -> None:
        """Start the machine again."""
        self.steady, self.boot = SECOND, f"{self.boot}+"

    def clocks(self) -> Clocks:
        """Return the clocks of the machine."""
        return Clocks(
            wall=lambda: self.wall,
            steady=lambda: self.steady,
            boot=lambda: self.boot,
        )


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def served(store, machine):
    """Return a store that a process on the machine has opened, with two domains."""
    for name in (build.DOMAIN, "other"):
        build.a_domain(store, name, now=machine.wall)
    begin(store, machine)
    return store


def begin(store, machine):
    """Begin a process: whatever the one before knew in memory is gone."""
    guard = ClockGuard(limit=600, clocks=machine.clocks())
    store.watch_clock = guard.look
    return guard


def write(store, machine, domain=build.DOMAIN):
    """Commit a form a second later, and return the time that its entry got."""
    machine.pass_by(SECOND)
    build.submit(store, build.a_form(), domain=domain, clock=lambda: machine.wall)
    return build.entries_of(store, domain)[-1].appended_on


def is_refused(store, machine, domain=build.DOMAIN):
    """Tell whether a form is refused as in an outage, and nothing is kept of it."""
    before = build.dump(store, domain)
    with pytest.raises(StoreUnavailable, match="jumped ahead by"):
        write(store, machine, domain)
    assert build.dump(store, domain) == before
    return True


def accept(store, machine):
    """Do what ``caseledger domain settings --accept-clock`` does."""
    usual = store.watch_clock
    store.watch_clock = ClockGuard(limit=600, clocks=machine.clocks()).accept
    with store.writing(build.DOMAIN) as writer:
        log.record_directory(
            writer, "clock accepted", {}, user_id="root", now=machine.wall
        )
    store.watch_clock = usual


def test_a_jump_of_a_running_process_is_refused_until_the_clock_is_right(
    served, machine
):
    """And then everything goes on as if nothing had been."""
    assert write(served, machine) == machine.wall
    machine.wall += 100 * YEARS
    assert is_refused(served, machine)
    assert is_refused(served, machine, "other")
    with pytest.raises(StoreUnavailable), served.administering():
        pass
    machine.pass_by(MINUTE)
    assert is_refused(served, machine)
    machine.wall -= 100 * YEARS
    assert write(served, machine) == machine.wall
    assert verify(served, build.DOMAIN).ok


def test_an_operator_accepts_the_clock(served, machine):
    """The running process learns of it at the next commit, in every domain."""
    write(served, machine)
    machine.wall += 2 * YEARS
    assert is_refused(served, machine)
    accept(served, machine)
    machine.pass_by(DAY)
    assert write(served, machine) == machine.wall
    assert write(served, machine, "other") == machine.wall
    machine.wall += 20 * MINUTE
    assert is_refused(served, machine)


@pytest.mark.parametrize("idle", [SECOND, DAY, 90 * DAY])
def test_time_that_really_passes_is_no_jump(served, machine, idle):
    """A ledger may be idle for months, in a process that runs and in a new one."""
    write(served, machine)
    machine.pass_by(idle)
    assert write(served, machine) == machine.wall
    machine.pass_by(idle)
    begin(served, machine)
    assert write(served, machine) == machine.wall


def test_small_steps_are_no_jump_however_many_there_are(served, machine):
    """A clock that is set again and again is followed, by new processes too."""
    write(served, machine)
    for _ in range(30):
        machine.pass_by(DAY)
        machine.wall += LIMIT - MINUTE
        assert write(served, machine) == machine.wall
    begin(served, machine)
    assert write(served, machine) == machine.wall


def test_a_clock_that_was_set_back_may_come_back(served, machine):
    """What was right before is no jump ahead; meanwhile times go on by a tick."""
    last = write(served, machine)
    machine.wall -= DAY
    assert write(served, machine) == last + 1
    machine.pass_by(MINUTE)
    machine.wall += DAY
    assert write(served, machine) == machine.wall


def test_a_new_process_knows_of_a_jump_before_its_start(served, machine):
    """The table of clocks outlives the process, until the machine starts again."""
    write(served, machine)
    machine.wall += YEARS
    begin(served, machine)
    assert is_refused(served, machine)
    begin(served, machine)
    assert is_refused(served, machine)


def test_a_jump_before_the_first_commit_of_a_process_is_noticed(served, machine):
    """A server that nobody has written to yet has looked when it began."""
    machine.reboot()
    machine.pass_by(MINUTE)
    guard = begin(served, machine)
    machine.wall += YEARS
    assert guard.reason(served.connection)
    assert is_refused(served, machine)


def test_a_machine_that_started_again_is_believed(served, machine):
    """There is nothing to compare with: it may have been off for a year.

    Unless the server of the database is another machine, with a clock of its own.
    """
    write(served, machine)
    machine.wall += YEARS
    machine.reboot()
    begin(served, machine)
    if served.dialect.name == "postgresql":
        assert is_refused(served, machine)
    else:
        assert write(served, machine) == machine.wall


def test_nobody_believes_a_clock_of_the_next_century(served, machine):
    """However new the machine and the process are; an operator may."""
    machine.wall += 100 * YEARS
    machine.reboot()
    begin(served, machine)
    assert machine.wall > LATEST
    assert is_refused(served, machine)
    machine.reboot()
    begin(served, machine)
    assert is_refused(served, machine)
    accept(served, machine)
    begin(served, machine)
    assert write(served, machine) == machine.wall


def test_a_jump_in_the_middle_of_a_commit_is_refused_too(served, machine):
    """What it stamped is rolled back."""
    write(served, machine)
    before = build.dump(served)

    def late():
        machine.wall += YEARS
        return machine.wall

    with pytest.raises(StoreUnavailable):
        build.submit(served, build.a_form(), clock=late)
    assert build.dump(served) == before


def test_a_log_that_is_ahead_already_goes_on_by_ticks_with_one_warning(
    served, machine, caplog
):
    """Also while the clock shows what the log has: it has nothing to lose."""
    write(served, machine)
    future = machine.wall + 100 * YEARS
    served.watch_clock = lambda *_: None
    build.submit(served, build.a_form(), clock=lambda: future)
    begin(served, machine)
    with caplog.at_level(logging.WARNING):
        times = [write(served, machine) for _ in range(3)]
    assert times == [future + 1, future + 2, future + 3]
    told = [r for r in caplog.records if r.message == "log_ahead_of_clock"]
    assert [record.domain for record in told] == [build.DOMAIN]
    machine.wall = future
    assert write(served, machine) == machine.wall
    assert is_refused(served, machine, "other")


async def test_commands_are_refused_and_nothing_of_them_is_kept(served, machine):
    """The group commit answers each with the outage; none becomes an XFormError."""
    ledger = Ledger(LiveProjector(), lambda: machine.wall)
    writer = LedgerWriter(served, ledger)
    writer.start()
    try:
        await writer.submit(build.DOMAIN, build.a_submission())
        machine.wall += YEARS
        before = build.dump(served)
        with pytest.raises(StoreUnavailable):
            await writer.submit(build.DOMAIN, build.a_submission())
        with pytest.raises(StoreUnavailable):
            await writer.run(build.DOMAIN, lambda w: w.head.position)
        assert build.dump(served) == before
        machine.wall -= YEARS
        await writer.submit(build.DOMAIN, build.a_submission())
    finally:
        await writer.stop()


def test_no_job_is_claimed_with_a_lease_of_the_next_century(served, machine):
    """It is there for whoever comes when the clock is right again."""
    write(served, machine)
    enqueue(served)
    before = build.rows_of(served.connection.raw, jobs, build.DOMAIN)
    machine.wall += 100 * YEARS
    with pytest.raises(StoreUnavailable), served.administering() as conn:
        assert queue.claim(conn, now=machine.wall, until=machine.wall + MINUTE)
    assert build.rows_of(served.connection.raw, jobs, build.DOMAIN) == before


def test_the_reason_is_told_without_a_write(served, machine):
    """And goes away when an operator has accepted the clock elsewhere."""
    guard = begin(served, machine)
    assert guard.reason(served.connection) is None
    write(served, machine)
    machine.wall += 2 * DAY
    assert guard.reason(served.connection) == (
        "The clock of the server jumped ahead by 2 days, 0:00:00: nothing is written "
        "until it is right again or an operator accepts it"
    )
    accept(served, machine)
    assert guard.reason(served.connection) is None


def test_two_processes_of_one_machine_begin_together(url, served, machine):
    """Each notes what it knows; the second finds it there."""
    second = open_store(url)
    begin(second, machine)
    assert write(served, machine) == machine.wall
    machine.pass_by(MINUTE)
    assert write(second, machine) == machine.wall
    second.close()


def test_a_system_without_an_id_of_its_run_is_guarded_while_the_process_runs(
    served, machine
):
    """Only what outlives the process needs the id."""
    machine.boot = ""
    begin(served, machine)
    write(served, machine)
    machine.wall += YEARS
    assert is_refused(served, machine)


@pytest.mark.parametrize("year", [9_999, 10_001, 250_000])
def test_the_end_of_the_calendar_is_no_end(served, machine, year):
    """Times that no date can say are stored, shown as the last one, and rise."""
    served.watch_clock = lambda *_: None
    machine.wall = (year - 1970) * 366 * DAY
    build.submit(
        served,
        build.a_form([build.a_create(), build.a_block("c2", close=True)]),
        clock=lambda: machine.wall,
    )
    build.write(
        served,
        build.changes(build.a_change(external_id="x")),
        build.a_flag("c1"),
        clock=lambda: machine.wall,
    )
    build.submit(
        served, build.a_form([build.an_update(p="1")]), clock=lambda: machine.wall
    )
    entries = build.entries_of(served)
    times = [entry.appended_on for entry in entries]
    assert times == sorted(set(times))
    last = format_micros(times[-1])
    assert last == "9999-12-31T23:59:59.999999Z" or last.startswith("9999")
    assert to_datetime(times[-1]).year == 9999
    assert verify(served, build.DOMAIN).ok


def test_the_real_clocks_of_this_machine_are_believed(store):
    """Nothing is refused where nobody has set anything."""
    build.a_domain(store)
    store.watch_clock = ClockGuard(limit=600).look
    build.submit(store, build.a_form(), clock=now_micros)
    store.watch_clock = ClockGuard(limit=600).look
    build.submit(store, build.a_form(), clock=now_micros)
    rows = store.connection.raw.execute("SELECT boot FROM clocks").fetchall()
    assert [boot for (boot,) in rows] == ([boot_id()] if boot_id() else [])

"""Reading rows in portions, in threads."""

from __future__ import annotations

import asyncio
import threading

import pytest

from importers.jobs.pace import Pace
from importers.rows.job import commit_each
from importers.rows.reading import closing_rows, in_portions, skip


def numbers(count, closed=None):
    """Yield numbers; note when that is over."""
    try:
        yield from range(count)
    finally:
        if closed is not None:
            closed.append(True)


def sizes(portions):
    return [len(portion) for portion in portions]


def test_portions_are_as_large_as_the_pace_says_when_they_are_read():
    pace, found = Pace(60), []
    for portion in in_portions(numbers(160), pace):
        with pace:
            found.append(len(portion))
    assert found == [25, 50, 60, 25]


def test_large_rows_make_small_portions():
    """The row that passes the bound is the last one of its portion."""
    portions = in_portions(numbers(5), Pace(60), length=lambda _: 600_000)
    assert sizes(portions) == [2, 2, 1]


def test_no_rows_are_no_portion():
    assert sizes(in_portions(numbers(0), Pace(60))) == []


async def test_rows_that_were_taken_before_are_passed():
    rows = numbers(5)
    await skip(rows, 3)
    assert list(rows) == [3, 4]
    await skip(rows, 3)


async def test_the_next_portion_is_read_while_one_commits():
    read, committed = [threading.Event() for _ in range(3)], []

    def reading():
        for number, event in enumerate(read):
            event.set()
            yield number

    async def commit(number):
        following = read[min(number + 1, 2)]
        assert await asyncio.to_thread(following.wait, 60)
        committed.append(number)

    await commit_each(reading(), commit, pace=Pace(60))
    assert committed == [0, 1, 2]


async def test_what_breaks_the_reading_off_ends_the_import_behind_what_was_read():
    committed = []

    def reading():
        yield 1
        raise OSError("broken")

    async def commit(number):
        committed.append(number)

    with pytest.raises(OSError, match="broken"):
        await commit_each(reading(), commit, pace=Pace(60))
    assert committed == [1]


def test_a_reader_is_closed_at_the_end():
    closed = []
    with closing_rows(numbers(5, closed)) as rows:
        assert next(rows) == 0
    assert closed == [True]


def test_a_reader_that_a_thread_still_uses_is_left_alone():
    """The process stops: that the file is still read is no fault of the job."""
    begun, go_on = threading.Event(), threading.Event()

    def waiting():
        begun.set()
        go_on.wait()
        yield 1

    rows = waiting()
    reader = threading.Thread(target=lambda: next(rows))
    with closing_rows(rows):
        reader.start()
        begun.wait()
    go_on.set()
    reader.join()

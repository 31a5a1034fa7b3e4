"""`conferences.update`, the loop that looks, changes and writes, and the outcome of a statement."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.storage.test_storage import NOW, OPENING_HOURS, fill, one_off, rows, series
from tests.support.clock import DAY
from tests.support.fault_proxy import FaultProxy
from tests.support.mariadb import MariaServer
from wsgi_app.domain.conference import Conference
from wsgi_app.storage import conferences, requests
from wsgi_app.storage.database import Database, Outcome, Row, Unavailable
from wsgi_app.storage.migrations import migrate
from wsgi_app.storage.opening import open_database
from wsgi_app.storage.url import parse_database_url

STORED = series(1, NOW)
OUTDATED = STORED._replace(rid=1)


def looks(*found: Conference) -> Callable[[], Conference]:
    """Return what finds these, one at each look; a look too many is an error."""
    return iter(found).__next__


def writes(database: Database, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that grows by each statement that may write."""
    statements: list[str] = []
    run = database.run

    def recorded(sql: str, **values: object) -> Outcome:
        statements.append(sql)
        return run(sql, **values)

    monkeypatch.setattr(database, "run", recorded)
    return statements


def test_a_change_that_was_outrun_is_made_of_what_is_there(database: Database) -> None:
    fill(database, [STORED])
    find = looks(OUTDATED, OUTDATED._replace(recev=9), STORED)
    seen: list[Conference] = []

    def change(before: Conference) -> Conference:
        seen.append(before)
        return before._replace(time=before.time + DAY)

    assert conferences.update(database, find, change) == STORED._replace(time=NOW + DAY)
    assert rows(database) == [STORED._replace(time=NOW + DAY)]
    assert seen == [OUTDATED, OUTDATED._replace(recev=9), STORED]


def test_a_removal_that_was_outrun_begins_with_another_look(database: Database) -> None:
    other = one_off(2, NOW)
    fill(database, [STORED, other])
    find = looks(OUTDATED, STORED)

    def removed(before: Conference) -> None:
        assert before.iid == STORED.iid

    conferences.update(database, find, removed)
    assert rows(database) == [other]


@pytest.mark.parametrize("after", [OUTDATED.renewed(), None])
def test_who_is_always_outrun_gives_up(database: Database, after: Conference | None) -> None:
    fill(database, [STORED])
    find = looks(*[OUTDATED] * conferences.TRIES)
    with pytest.raises(Unavailable, match="the row keeps changing"):
        conferences.update(database, find, lambda _: after)
    with pytest.raises(StopIteration):
        find()
    assert rows(database) == [STORED]


def test_what_is_changed_to_itself_is_compared_as_well(database: Database) -> None:
    fill(database, [STORED])
    find = looks(OUTDATED, STORED)
    assert conferences.update(database, find, lambda before: before) == STORED


def test_a_change_that_is_refused_leaves_the_row(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, [STORED])
    written = writes(database, monkeypatch)

    def refuse(before: Conference) -> Conference:
        raise PermissionError

    with pytest.raises(PermissionError):
        conferences.update(database, looks(STORED), refuse)
    assert written == []
    assert rows(database) == [STORED]


def test_who_finds_a_series_that_another_advances_gets_the_stored_room(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, [STORED])
    current = STORED.at(NOW + 7 * DAY, OPENING_HOURS)
    assert current
    one = database.one

    def look_and_be_outrun(sql: str, **values: object) -> Row | None:
        monkeypatch.undo()
        found = one(sql, **values)
        assert conferences.replace_if_unchanged(database, STORED, current)
        return found

    monkeypatch.setattr(database, "one", look_and_be_outrun)
    assert conferences.find(database, STORED.iid, OPENING_HOURS, NOW + 7 * DAY) == current
    assert rows(database) == [current]


def test_who_finds_what_is_past_leaves_it_to_the_clean_up(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, [STORED])
    written = writes(database, monkeypatch)
    assert conferences.find(database, STORED.iid, OPENING_HOURS, NOW + 99 * DAY) is None
    assert written == []


def test_a_key_that_is_used_tells_what_for(database: Database) -> None:
    appointment = STORED.appointment("UTC")
    booked = requests.book_once(database, appointment, "key", "first", NOW)
    assert isinstance(booked, Conference)
    used = requests.book_once(database, appointment, "key", "second", NOW)
    assert used == requests.UsedKey("first", booked.iid)
    assert rows(database) == [booked]


def test_a_keyed_booking_draws_again_where_its_number_is_taken(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, [STORED])
    free = one_off(7, NOW)
    drawn = iter([OUTDATED, OUTDATED, free])
    monkeypatch.setattr(Conference, "booked", lambda _: next(drawn))
    assert requests.book_once(database, STORED.appointment("UTC"), "key", "", NOW) == free
    assert rows(database) == [STORED, free]
    assert requests.find_request(database, "key") == requests.UsedKey("", free.iid)


def test_a_keyed_booking_that_never_gets_a_number_leaves_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database, [STORED])
    monkeypatch.setattr(Conference, "booked", lambda _: OUTDATED)
    with pytest.raises(Unavailable, match="the key keeps changing"):
        requests.book_once(database, STORED.appointment("UTC"), "key", "", NOW)
    assert requests.find_request(database, "key") is None
    assert rows(database) == [STORED]


def test_a_statement_tells_whether_it_was_retried(mariadb: MariaServer, mariadb_url: str) -> None:
    direct = open_database(parse_database_url(mariadb_url), "conferences", Path())
    migrate(direct)
    fill(direct, [STORED])
    direct.close()
    proxy = FaultProxy(mariadb.port)
    spoiled = open_database(parse_database_url(mariadb.url_at(proxy.port)), "conferences", Path())
    try:
        spoiled.one("SELECT 1")
        remove = "DELETE FROM {table} WHERE iid = :iid"
        proxy.break_answer(1)
        assert spoiled.run(remove, iid=STORED.iid) == Outcome(matched=0, retried=True)
        assert spoiled.run(remove, iid=STORED.iid) == Outcome(matched=0, retried=False)
        fill(spoiled, [STORED])
        assert spoiled.run(remove, iid=STORED.iid) == Outcome(matched=1, retried=False)
        fill(spoiled, [STORED])
        proxy.break_answer(1)
        assert conferences.remove_if_unchanged(spoiled, STORED)
        assert not conferences.remove_if_unchanged(spoiled, STORED)
    finally:
        spoiled.close()
        proxy.stop()

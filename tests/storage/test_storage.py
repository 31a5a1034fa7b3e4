"""Storage on both databases: at once, interrupted, upgraded; indexes and locks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from tests.support.client import Client
from tests.support.clock import DAY, HOUR, Clock
from tests.support.process import ROOT
from wsgi_app.config import Config
from wsgi_app.domain.conference import Conference, OpeningHours
from wsgi_app.storage import conferences, requests
from wsgi_app.storage.cleanup import BATCH, CleanupResult, clean_up
from wsgi_app.storage.database import Database, DuplicateKey, Outcome, Row, Unprepared
from wsgi_app.storage.migrations import ForeignTable, migrate, pending
from wsgi_app.storage.opening import open_database

OPENING_HOURS = OpeningHours(open_before=0, delete_after=HOUR)
NOW = 1_800_000_000
MIGRATIONS = sorted(file.stem for file in (ROOT / "sql/sqlite").glob("*.sql"))


def one_off(number: int, time: int) -> Conference:
    return Conference(10**15 + number, 10**15, 10**15, time, 0, "", "", "")


def series(number: int, time: int, recev: int = 5) -> Conference:
    """A weekly series in UTC that began at `time`."""
    anchor = f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M}"
    return Conference(10**15 + number, 10**15, 10**15, time, recev, "1weekly", "UTC", anchor)


def fill(database: Database, booked: list[Conference]) -> None:
    def work() -> None:
        for conference in booked:
            conferences.add(database, conference)

    database.transaction(work)


def fill_requests(database: Database, number: int) -> None:
    def work() -> None:
        for index in range(number):
            database.run(
                "INSERT INTO {table}_requests (key_hash, fingerprint, iid, time)"
                " VALUES (:key_hash, '', 1, :time)",
                key_hash=f"key {index}",
                time=NOW + index,
            )

    database.transaction(work)


def rows(database: Database) -> list[Conference]:
    return [Conference(*row) for row in database.all("SELECT * FROM {table} ORDER BY iid")]


def in_threads(number: int, work: Callable[[int], None]) -> None:
    """Run `work` in so many threads that all begin together; raise what any of them raised."""
    barrier = threading.Barrier(number)
    errors: list[BaseException] = []

    def run(index: int) -> None:
        barrier.wait()
        try:
            work(index)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(index,)) for index in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_a_hundred_book_at_once(stored_client: Client) -> None:
    answered: list[tuple[str, str]] = []

    def book(index: int) -> None:
        for _ in range(3):
            answer = stored_client.post("/book", stored_client.fields(name=f"Number {index}"))
            assert answer.status == 200, answer.text
            path = answer.link("/admin/").split("?")[0].split("/")
            answered.append((path[-2], path[-1]))
        stored_client.application.database.close()

    in_threads(100, book)
    database = stored_client.application.database
    stored = {(str(row.iid), str(row.aid)) for row in rows(database)}
    assert stored == set(answered)
    assert len({iid for iid, _ in answered}) == 300
    database.close()


def test_cleanups_at_once_never_advance_a_series_twice(database: Database) -> None:
    fill(database, [series(number, NOW - 2 * HOUR) for number in range(300)])
    fill(database, [one_off(1000 + number, NOW - 2 * HOUR) for number in range(300)])
    results: list[CleanupResult] = []

    def sweep(_: int) -> None:
        results.append(clean_up(database, OPENING_HOURS, NOW))
        database.close()

    in_threads(4, sweep)
    assert sum(each.advanced for each in results) == 300
    assert sum(each.deleted for each in results) == 300
    assert {(row.time, row.recev) for row in rows(database)} == {(NOW - 2 * HOUR + 7 * DAY, 4)}


def test_a_change_is_not_lost_to_cleanups(stored_client: Client, clock: Clock) -> None:
    """An organiser changes a series while others clean up and visitors come in."""
    client = stored_client
    clock.now = float(NOW)
    bookings = [client.book(repeat="1daily", count="20") for _ in range(8)]
    clock.advance(2 * DAY)
    hours = client.application.config.opening_hours
    database = client.application.database

    def work(index: int) -> None:
        for booked in bookings:
            if index == 0:
                fields = client.fields(date="2027-02-01", time="18:00", repeat="2weekly", count="7")
                assert client.post(booked.admin_path, fields).status == 200
            elif index == 1:
                client.visit(booked.invitation_url)
            else:
                clean_up(database, hours, clock.now)
        database.close()

    in_threads(4, work)
    assert {(row.rectype, row.recev, row.anchor) for row in rows(database)} == {
        ("2weekly", 7, "2027-02-01T18:00")
    }


def test_all_who_come_at_once_get_the_same_new_room(stored_client: Client, clock: Clock) -> None:
    booked = stored_client.book(repeat="1weekly", count="3")
    clock.advance(HOUR + 7 * DAY)
    rooms: list[str] = []

    def visit(_: int) -> None:
        rooms.append(stored_client.visit(booked.invitation_url).link("meet.jit.si/"))
        stored_client.application.database.close()

    in_threads(20, visit)
    assert len(set(rooms)) == 1


def test_a_late_cleanup_advances_a_series_as_if_it_had_been_in_time(database: Database) -> None:
    fill(database, [series(1, NOW), series(2, NOW, recev=1)])
    assert clean_up(database, OPENING_HOURS, NOW + 22 * DAY) == CleanupResult(deleted=1, advanced=1)
    [row] = rows(database)
    assert (row.time, row.recev) == (NOW + 28 * DAY, 1)
    assert row.rid != 10**15
    assert clean_up(database, OPENING_HOURS, NOW + 22 * DAY) == CleanupResult()


def test_a_cleanup_in_bounds(database: Database) -> None:
    fill(database, [one_off(number, NOW - 2 * HOUR + number % 7) for number in range(BATCH + 50)])
    fill(database, [one_off(5000, NOW - HOUR + 1)])
    assert clean_up(database, OPENING_HOURS, NOW, batches=1).deleted == BATCH
    assert clean_up(database, OPENING_HOURS, NOW).deleted == 50
    assert [row.iid for row in rows(database)] == [10**15 + 5000]


def test_a_hundred_thousand_past_rows_go_in_batches(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many of them start at the same instant; no transaction deletes more than a batch."""
    database.run(
        """
        INSERT INTO {table} (iid, aid, rid, time)
        WITH RECURSIVE ten (digit) AS (
            SELECT 0 UNION ALL SELECT digit + 1 FROM ten WHERE digit < 9
        )
        SELECT 1000000000 + a.digit * 10000 + b.digit * 1000 + c.digit * 100
               + d.digit * 10 + e.digit, 1, 1, :instant - a.digit
        FROM ten AS a, ten AS b, ten AS c, ten AS d, ten AS e
        """,
        instant=NOW - 2 * HOUR,
    )
    deleted: list[int] = []
    remove = conferences.remove_last_occurrences

    def counted(db: Database, first: Conference, last: Conference) -> int:
        deleted.append(remove(db, first, last))
        return deleted[-1]

    monkeypatch.setattr(conferences, "remove_last_occurrences", counted)
    fill(database, [one_off(1, NOW)])
    assert clean_up(database, OPENING_HOURS, NOW) == CleanupResult(deleted=100_000)
    assert max(deleted) == BATCH
    assert [row.iid for row in rows(database)] == [10**15 + 1]


def test_a_cleanup_leaves_what_it_cannot_read(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    strange = series(1, NOW - 2 * HOUR)._replace(timezone="Mars/Olympus_Mons")
    fill(database, [strange, series(2, NOW - 2 * HOUR), one_off(3, NOW - 2 * HOUR)])
    assert clean_up(database, OPENING_HOURS, NOW) == CleanupResult(deleted=1, advanced=1, left=1)
    assert strange in rows(database)
    assert "left 1 series" in caplog.text


def test_a_write_whose_answer_was_lost_happens_once(database: Database) -> None:
    conference = one_off(1, NOW)
    conferences.add(database, conference)
    conferences.add(database, conference)
    after = conference.renewed()
    assert conferences.replace_if_unchanged(database, conference, after)
    assert conferences.replace_if_unchanged(database, conference, after)
    assert rows(database) == [after]
    with pytest.raises(DuplicateKey):
        conferences.add(database, after._replace(aid=10**15 + 1))
    assert not conferences.replace_if_unchanged(database, conference, conference.renewed())


def test_an_interrupted_transaction_leaves_nothing(database: Database) -> None:
    def work() -> None:
        conferences.add(database, one_off(1, NOW))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.transaction(work)
    assert rows(database) == []
    conferences.add(database, one_off(2, NOW))
    assert len(rows(database)) == 1


def test_tables_are_made_once_also_by_many_at_once(
    make_config: Callable[[str], Config], database_url: str
) -> None:
    config = make_config(f"[database]\nurl = {database_url}\ntable = order")
    database = open_database(config.database.url, config.database.table, config.folder)
    database.create()
    assert pending(database) == MIGRATIONS
    with pytest.raises(Unprepared):
        conferences.ping(database)

    def make(_: int) -> None:
        migrate(database)
        database.close()

    in_threads(4, make)
    assert pending(database) == []
    assert migrate(database) == []
    conferences.ping(database)
    database.close()


def test_a_table_of_another_program_is_left_alone(database: Database) -> None:
    foreign = type(database).__new__(type(database))
    foreign.__dict__.update(database.__dict__)
    foreign.table = "guests"
    foreign.run("CREATE TABLE {table} (id INTEGER)")
    with pytest.raises(ForeignTable):
        migrate(foreign)
    assert pending(foreign) == MIGRATIONS


def test_every_look_up_is_indexed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(database, [one_off(number, NOW + number) for number in range(2000)])
    fill_requests(database, 2000)
    prefix = "EXPLAIN QUERY PLAN" if database.dialect == "sqlite" else "EXPLAIN"
    asked: list[tuple[str, dict[str, object]]] = []
    ask, run = database.all, database.run

    def recorded_ask(sql: str, **values: object) -> list[Row]:
        asked.append((sql, values))
        return ask(sql, **values)

    def recorded_run(sql: str, **values: object) -> Outcome:
        asked.append((sql, values))
        return run(sql, **values)

    monkeypatch.setattr(database, "all", recorded_ask)
    monkeypatch.setattr(database, "run", recorded_run)
    first, last = one_off(100, NOW + 100), one_off(110, NOW + 110)
    conferences.find(database, first.iid, OPENING_HOURS, NOW)
    conferences.list_past(database, NOW + 200, NOW + 100, first.iid, 10)
    conferences.remove_last_occurrences(database, first, last)
    conferences.replace_if_unchanged(database, last, last)
    conferences.remove_if_unchanged(database, last)
    conferences.remove(database, last.iid, last.aid)
    requests.find_request(database, "key 7")
    requests.remove_requests(database, NOW + 5)
    monkeypatch.undo()
    assert len(asked) == 9
    for sql, values in asked:
        for step in database.all(f"{prefix} {sql}", **values):
            if database.dialect == "sqlite":
                assert "SCAN" not in str(step), (sql, step)
            else:
                _, _, _, kind, _, _, _, _, read, _ = step
                # "Impossible WHERE" and the like have read the row by its key already.
                assert kind in ("const", "range", "ref", None), (sql, step)
                assert read is None or int(read) < 300, (sql, step)


def test_the_same_request_from_many_at_once_books_once(stored_client: Client) -> None:
    client = stored_client
    body = b'{"start": "2027-03-02T09:00", "timezone": "Europe/Berlin", "duration": 60}'
    answers: list[tuple[int, bytes]] = []

    def book(_: int) -> None:
        key = {"Idempotency-Key": "the-same"}
        path = "/api/v1/conferences"
        answer = client.request("POST", path, body, "application/json", key)
        answers.append((answer.status, answer.body))
        client.application.database.close()

    in_threads(20, book)
    assert {status for status, _ in answers} == {201}
    assert len(set(answers)) == 1
    assert len(rows(client.application.database)) == 1


def test_of_many_changes_to_one_state_one_wins(stored_client: Client) -> None:
    client = stored_client
    booked = client.book(repeat="1weekly", count="9")
    path = f"/api/v1/conferences/{booked.iid}"
    bearer = {"Authorization": f"Bearer {booked.aid}"}
    tag = client.request("GET", path, headers=bearer).headers["ETag"]
    statuses: list[int] = []

    def change(index: int) -> None:
        headers = {**bearer, "If-Match": tag}
        body = b'{"count": %d}' % (10 + index)
        method = "PATCH" if index % 3 else "DELETE"
        answer = client.request(method, path, body, "application/json", headers)
        statuses.append(answer.status)
        client.application.database.close()

    in_threads(12, change)
    assert len([status for status in statuses if status in (200, 204)]) == 1
    assert set(statuses) <= {200, 204, 404, 412}

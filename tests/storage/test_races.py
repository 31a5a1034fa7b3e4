"""Races against another process, statement by statement: each condition of each write, each retry,
and the requests that are outrun.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.storage.test_storage import (
    NOW,
    OPENING_HOURS,
    fill,
    fill_requests,
    in_threads,
    one_off,
    rows,
    series,
)
from tests.support.client import Booked, Client
from tests.support.clock import DAY, HOUR, Clock
from tests.support.fault_proxy import FaultProxy
from tests.support.mariadb import MariaServer
from tests.support.visitors import wait_until
from wsgi_app.application import Application
from wsgi_app.config import Config
from wsgi_app.domain.conference import Conference
from wsgi_app.storage import conferences, requests
from wsgi_app.storage.cleanup import CleanupResult, clean_up
from wsgi_app.storage.database import Database, Outcome, Unavailable
from wsgi_app.storage.migrations import migrate
from wsgi_app.storage.opening import open_database
from wsgi_app.storage.url import parse_database_url

SERIES = series(5, NOW - HOUR)
# A one-off of the same time.
OVER = one_off(5, SERIES.time)
# The series with one column changed each time, by the name of the column.
OTHERS = {
    "iid": SERIES._replace(iid=SERIES.iid + 1),
    "aid": SERIES._replace(aid=SERIES.aid + 1),
    "rid": SERIES._replace(rid=SERIES.rid + 1),
    "time": SERIES._replace(time=SERIES.time + 60),
    "recev": SERIES._replace(recev=SERIES.recev + 1),
    "rectype": SERIES._replace(rectype="2weekly"),
    "timezone": SERIES._replace(timezone="Europe/Berlin"),
    "anchor": SERIES._replace(anchor="2027-01-01T00:00"),
}


@pytest.fixture
def databases(
    make_config: Callable[[str], Config], database_url: str
) -> Iterator[Callable[[], Database]]:
    """Opens the same database once more, as another process does."""
    config = make_config(f"[database]\nurl = {database_url}")
    opened: list[Database] = []

    def connect() -> Database:
        opened.append(open_database(config.database.url, config.database.table, config.folder))
        return opened[-1]

    yield connect
    for database in opened:
        database.close()


@pytest.fixture
def database(databases: Callable[[], Database]) -> Database:
    opened = databases()
    migrate(opened)
    return opened


@pytest.fixture
def other(database: Database, databases: Callable[[], Database]) -> Database:
    """The same database on another connection."""
    return databases()


def before_each(
    database: Database, verb: str, act: Callable[[], None], times: int = 1
) -> list[None]:
    """Let somebody else act right before each of the next statements that begin with `verb`, and
    return a list that grows by one each time.
    """
    acted: list[None] = []
    run = database.run

    def outrun(sql: str, **values: object) -> Outcome:
        if sql.split(maxsplit=1)[0] == verb and len(acted) < times:
            acted.append(None)
            act()
        return run(sql, **values)

    database.run = outrun  # type: ignore[method-assign]
    return acted


def before_transaction(database: Database, act: Callable[[], None]) -> list[None]:
    """Let somebody else act between a look and the next transaction; return a list that is empty
    until then.
    """
    acted: list[None] = []
    transaction = database.transaction

    def outrun(work: Callable[[], Any]) -> Any:
        if not acted:
            acted.append(None)
            act()
        return transaction(work)

    database.transaction = outrun  # type: ignore[method-assign]
    return acted


def only(database: Database, conference: Conference) -> None:
    """Let this be the only row."""
    database.run("DELETE FROM {table}")
    conferences.add(database, conference)


def test_every_column_tells_a_row_from_another() -> None:
    assert tuple(OTHERS) == Conference._fields


def test_a_change_leaves_a_row_that_is_another_by_now(database: Database) -> None:
    for column, found in OTHERS.items():
        only(database, found)
        assert not conferences.replace_if_unchanged(database, SERIES, SERIES.renewed()), column
        assert rows(database) == [found], column


def test_a_removal_leaves_a_row_that_is_another_by_now(database: Database) -> None:
    for column, found in OTHERS.items():
        only(database, found)
        assert not conferences.remove_if_unchanged(database, SERIES), column
        assert rows(database) == [found], column


def test_a_change_writes_every_column_but_the_numbers_in_the_links(database: Database) -> None:
    for column, after in OTHERS.items():
        only(database, SERIES)
        may_change = column not in ("iid", "aid")
        assert conferences.replace_if_unchanged(database, SERIES, after) == may_change, column
        assert rows(database) == [after if may_change else SERIES], column


def test_a_change_and_a_removal_leave_a_row_with_all_else_the_same(database: Database) -> None:
    twin = SERIES._replace(iid=SERIES.iid + 1)
    fill(database, [SERIES, twin])
    after = SERIES.renewed()
    assert conferences.replace_if_unchanged(database, SERIES, after)
    assert rows(database) == [after, twin]
    assert conferences.remove_if_unchanged(database, after)
    assert rows(database) == [twin]


def test_a_row_that_is_gone_was_not_removed_by_who_comes_second(database: Database) -> None:
    fill(database, [SERIES])
    assert conferences.remove_if_unchanged(database, SERIES)
    assert not conferences.remove_if_unchanged(database, SERIES)


def test_a_conference_is_cancelled_by_both_of_its_numbers(database: Database) -> None:
    fill(database, [SERIES])
    for named in (OTHERS["iid"], OTHERS["aid"]):
        conferences.remove(database, named.iid, named.aid)
        assert rows(database) == [SERIES]
    conferences.remove(database, SERIES.iid, SERIES.aid)
    assert rows(database) == []


def test_only_what_lies_between_the_first_and_the_last_is_removed(database: Database) -> None:
    def at(time: int, number: int) -> Conference:
        return one_off(number, NOW + time)

    between = [at(0, 50), at(0, 60), at(1, 10), at(1, 90), at(2, 40), at(2, 55)]
    outside = [at(-1, 70), at(0, 49), at(2, 56), at(3, 20)]
    goes_on = series(30, NOW + 1, recev=1)
    fill(database, [*between, *outside, goes_on])
    assert conferences.remove_last_occurrences(database, between[0], between[-1]) == 6
    assert rows(database) == sorted([*outside, goes_on])


def test_requests_are_forgotten_that_are_older_than_an_instant(database: Database) -> None:
    fill_requests(database, 3)
    requests.remove_requests(database, NOW + 1)
    assert requests.find_request(database, "key 0") is None
    assert requests.find_request(database, "key 1")
    assert requests.find_request(database, "key 2")


def test_who_tries_to_write_leaves_all_else(database: Database) -> None:
    fill(database, [SERIES])
    conferences.try_to_write(database)
    assert rows(database) == [SERIES]


@pytest.mark.parametrize(
    ("looked_at", "changed"),
    [
        (OVER, OVER._replace(time=NOW + DAY)),
        (OVER, SERIES),
        (OVER, None),
        (SERIES, SERIES._replace(time=NOW + DAY)),
        (SERIES, SERIES._replace(rid=1)),
        (SERIES, SERIES._replace(rectype="1daily", recev=20)),
        (SERIES, None),
    ],
)
def test_a_clean_up_leaves_what_was_changed_since_its_look(
    database: Database, other: Database, looked_at: Conference, changed: Conference | None
) -> None:
    fill(database, [looked_at])

    def change() -> None:
        if changed:
            assert conferences.replace_if_unchanged(other, looked_at, changed)
        else:
            conferences.remove(other, looked_at.iid, looked_at.aid)

    before_transaction(database, change)
    assert clean_up(database, OPENING_HOURS, NOW) == CleanupResult()
    assert rows(database) == ([changed] if changed else [])


def test_a_series_whose_last_date_is_over_stays_when_it_was_prolonged(
    database: Database, other: Database
) -> None:
    over = series(5, NOW - 30 * DAY, recev=1)
    prolonged = over._replace(recev=9)
    fill(database, [over])

    def prolong() -> None:
        assert conferences.replace_if_unchanged(other, over, prolonged)

    before_transaction(database, prolong)
    assert clean_up(database, OPENING_HOURS, NOW) == CleanupResult()
    assert rows(database) == [prolonged]


def test_who_comes_in_while_a_series_is_advanced_gets_the_stored_room(
    database: Database, other: Database
) -> None:
    fill(database, [SERIES])
    rooms: list[int] = []

    def come_in() -> None:
        found = conferences.find(other, SERIES.iid, OPENING_HOURS, NOW)
        assert found
        rooms.append(found.rid)

    before_each(database, "UPDATE", come_in)
    found = conferences.find(database, SERIES.iid, OPENING_HOURS, NOW)
    assert found
    assert rooms == [found.rid] == [row.rid for row in rows(database)]


def test_a_row_that_keeps_changing_is_told_in_the_end(database: Database, other: Database) -> None:
    fill(database, [SERIES])
    acted = before_each(database, "UPDATE", lambda: _renew(other), times=1000)
    with pytest.raises(Unavailable, match="keeps changing"):
        conferences.find(database, SERIES.iid, OPENING_HOURS, NOW)
    assert 1 < len(acted) < 100


def _renew(database: Database) -> None:
    """Do what an organiser does who draws a new room."""
    for row in rows(database):
        assert conferences.replace_if_unchanged(database, row, row.renewed())


def test_a_number_that_is_taken_is_drawn_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = SERIES._replace(iid=SERIES.iid + 1, aid=1)
    fill(database, [SERIES])
    drawn = iter([SERIES, SERIES, taken])
    monkeypatch.setattr(Conference, "booked", lambda _: next(drawn)._replace(aid=1))
    appointment = SERIES.appointment("UTC")
    assert conferences.book(database, appointment) == taken
    assert rows(database) == [SERIES, taken]


# The organiser's pages and calls.


@pytest.fixture
def booked(stored_client: Client, clock: Clock) -> Booked:
    return stored_client.book(repeat="1weekly", count="9")


@pytest.fixture
def renew(
    stored_client: Client, databases: Callable[[], Database], booked: Booked
) -> Callable[[], None]:
    """Draws a new room for what is stored, as another process does."""
    elsewhere = databases()
    return lambda: _renew(elsewhere)


def bearer(booked: Booked) -> dict[str, str]:
    return {"Authorization": f"Bearer {booked.aid}"}


def patch(client: Client, booked: Booked) -> int:
    path = f"/api/v1/conferences/{booked.iid}"
    body = b'{"count": 3}'
    answer = client.request("PATCH", path, body, "application/json", headers=bearer(booked))
    return answer.status


def delete(client: Client, booked: Booked) -> int:
    path = f"/api/v1/conferences/{booked.iid}"
    return client.request("DELETE", path, headers=bearer(booked)).status


def change(client: Client, booked: Booked) -> int:
    fields = client.fields(repeat="1weekly", count="3")
    return client.post(booked.admin_path, fields).status


def draw(client: Client, booked: Booked) -> int:
    return client.post(f"{booked.admin_path}/renew").status


def skip(client: Client, booked: Booked) -> int:
    return client.post(f"{booked.admin_path}/skip").status


Act = Callable[[Client, Booked], int]


@pytest.mark.parametrize(
    ("act", "status", "recev"), [(patch, 200, 3), (change, 200, 3), (draw, 303, 9), (skip, 303, 8)]
)
def test_who_was_outrun_looks_again_and_changes_what_is_there(
    stored_client: Client,
    booked: Booked,
    renew: Callable[[], None],
    act: Act,
    status: int,
    recev: int,
) -> None:
    database = stored_client.application.database
    [before] = rows(database)
    acted = before_each(database, "UPDATE", renew, times=3)
    assert act(stored_client, booked) == status
    assert len(acted) == 3
    [row] = rows(database)
    assert row.recev == recev
    assert row.rid != before.rid


def test_who_was_outrun_cancels_what_is_there(
    stored_client: Client, booked: Booked, renew: Callable[[], None]
) -> None:
    database = stored_client.application.database
    acted = before_each(database, "DELETE", renew, times=3)
    assert delete(stored_client, booked) == 204
    assert len(acted) == 3
    assert rows(database) == []


@pytest.mark.parametrize(
    ("act", "verb"),
    [(patch, "UPDATE"), (change, "UPDATE"), (draw, "UPDATE"), (skip, "UPDATE"), (delete, "DELETE")],
)
def test_who_is_always_outrun_is_told_to_come_again(
    stored_client: Client,
    booked: Booked,
    renew: Callable[[], None],
    caplog: pytest.LogCaptureFixture,
    act: Act,
    verb: str,
) -> None:
    database = stored_client.application.database
    acted = before_each(database, verb, renew, times=1000)
    assert act(stored_client, booked) == 503
    assert 1 < len(acted) < 100
    assert "the row keeps changing" in caplog.text
    [row] = rows(database)
    assert row.recev == 9


def test_two_who_press_skip_leave_out_one_date(
    stored_client: Client, booked: Booked, databases: Callable[[], Database]
) -> None:
    database = stored_client.application.database
    elsewhere = databases()
    [before] = rows(database)
    after = before.skipped()
    assert after

    def skip_first() -> None:
        assert conferences.replace_if_unchanged(elsewhere, before, after)

    acted = before_each(database, "UPDATE", skip_first)
    assert skip(stored_client, booked) == 303
    assert len(acted) == 1
    assert rows(database) == [after]


@pytest.mark.parametrize(("method", "verb"), [("PATCH", "UPDATE"), ("DELETE", "DELETE")])
def test_a_call_that_another_has_outrun_is_refused_by_its_tag(
    stored_client: Client, booked: Booked, renew: Callable[[], None], method: str, verb: str
) -> None:
    client = stored_client
    path = f"/api/v1/conferences/{booked.iid}"
    tag = client.request("GET", path, headers=bearer(booked)).headers["ETag"]
    database = client.application.database
    headers = {**bearer(booked), "If-Match": tag}
    acted = before_each(database, verb, renew)
    answer = client.request(method, path, b'{"count": 3}', "application/json", headers=headers)
    assert (answer.status, len(acted)) == (412, 1)
    assert [row.recev for row in rows(database)] == [9]


def test_a_key_that_another_was_faster_with_gets_the_same_answer(
    stored_client: Client, databases: Callable[[], Database]
) -> None:
    here, clock = stored_client.application, stored_client.clock
    there = Client(Application(here.config, databases(), clock), clock)
    first: list[bytes] = []

    def book(client: Client) -> bytes:
        body = b'{"start": "2027-03-02T09:00", "timezone": "Europe/Berlin", "duration": 60}'
        key = {"Idempotency-Key": "the-same"}
        answer = client.request("POST", "/api/v1/conferences", body, "application/json", key)
        assert answer.status == 201
        return answer.body

    before_transaction(here.database, lambda: first.append(book(there)))
    assert [book(stored_client)] == first
    assert len(rows(here.database)) == 1


# What a database refuses or loses on the way.


@pytest.fixture
def maria(mariadb_url: str) -> Iterator[Database]:
    opened = open_database(parse_database_url(mariadb_url), "conferences", Path())
    migrate(opened)
    yield opened
    opened.close()


def test_of_two_that_wait_for_each_other_the_loser_is_run_again(
    maria: Database, mariadb: MariaServer
) -> None:
    first, *others = [one_off(number, NOW) for number in range(50)]
    last = others[-1]
    fill(maria, [first, *others])
    attempts: list[None] = []
    with mariadb.connect() as rival, rival.cursor() as cursor, ThreadPoolExecutor() as pool:
        cursor.execute("START TRANSACTION")
        # InnoDB rolls back who has written less.
        cursor.execute(f"DELETE FROM planado.conferences WHERE iid > {first.iid}")

        def ask_for_the_first() -> None:
            cursor.execute(f"DELETE FROM planado.conferences WHERE iid = {first.iid}")
            cursor.execute("ROLLBACK")

        def work() -> None:
            attempts.append(None)
            assert conferences.replace_if_unchanged(maria, first, first._replace(rid=1))
            if len(attempts) == 1:
                pool.submit(ask_for_the_first)
                wait_until(lambda: waiting_for_a_lock(mariadb) == 1)
            assert conferences.replace_if_unchanged(maria, last, last._replace(rid=1))

        maria.transaction(work)
    assert len(attempts) == 2
    assert [row.rid for row in rows(maria)] == [1, *[10**15] * 48, 1]


def waiting_for_a_lock(server: MariaServer) -> int:
    [(number,)] = server.administrate(
        "SELECT count(*) FROM information_schema.innodb_trx WHERE trx_state = 'LOCK WAIT'"
    )
    return int(str(number))


@pytest.fixture
def spoiled(mariadb: MariaServer, maria: Database) -> Iterator[tuple[FaultProxy, Database]]:
    """A connection to a filled database that can be told to lose an answer."""
    fill(maria, [SERIES])
    proxy = FaultProxy(mariadb.port)
    opened = open_database(parse_database_url(mariadb.url_at(proxy.port)), "conferences", Path())
    opened.one("SELECT 1")
    yield proxy, opened
    opened.close()
    proxy.stop()


def test_who_removed_a_row_and_lost_the_answer_has_removed_it(
    spoiled: tuple[FaultProxy, Database],
) -> None:
    proxy, database = spoiled
    proxy.break_answer(1)
    assert conferences.remove_if_unchanged(database, SERIES)
    assert proxy.has_broken
    assert rows(database) == []
    # What was lost before says nothing of the next one.
    assert not conferences.remove_if_unchanged(database, SERIES)


def test_who_lost_the_answer_has_not_removed_a_row_that_is_another_by_now(
    spoiled: tuple[FaultProxy, Database], maria: Database
) -> None:
    proxy, database = spoiled
    renewed = SERIES.renewed()
    assert conferences.replace_if_unchanged(maria, SERIES, renewed)
    proxy.break_answer(1)
    assert not conferences.remove_if_unchanged(database, SERIES)
    assert proxy.has_broken
    assert rows(database) == [renewed]


def test_a_transaction_whose_connection_was_lost_is_run_again_from_its_beginning(
    spoiled: tuple[FaultProxy, Database],
) -> None:
    proxy, database = spoiled
    booked = [one_off(1, NOW), one_off(2, NOW)]
    # The answers to its beginning, to the first and to the second INSERT.
    proxy.break_answer(3)
    fill(database, booked)
    assert proxy.has_broken
    assert rows(database) == [*booked, SERIES]


def test_who_changed_a_row_and_lost_the_answer_has_changed_it(
    spoiled: tuple[FaultProxy, Database],
) -> None:
    proxy, database = spoiled
    after = SERIES.renewed()
    proxy.break_answer(1)
    assert conferences.replace_if_unchanged(database, SERIES, after)
    assert proxy.has_broken
    assert rows(database) == [after]


def test_who_stored_a_row_and_lost_the_answer_has_stored_it(
    spoiled: tuple[FaultProxy, Database],
) -> None:
    proxy, database = spoiled
    conference = one_off(1, NOW)
    proxy.break_answer(1)
    conferences.add(database, conference)
    assert proxy.has_broken
    assert rows(database) == [conference, SERIES]


@pytest.fixture
def files(tmp_path: Path) -> Iterator[tuple[Database, Database]]:
    """Two processes' connections to one file."""
    url = parse_database_url("sqlite:///planado.db")
    pair = (
        open_database(url, "conferences", tmp_path),
        open_database(url, "conferences", tmp_path),
    )
    migrate(pair[0])
    yield pair
    for opened in pair:
        opened.close()


def test_who_writes_a_file_waits_for_another_process(
    files: tuple[Database, Database],
) -> None:
    here, there = files
    # For a clean-up it waits less long.
    here.checkpoint()
    holds, ends = threading.Event(), threading.Event()

    def hold() -> None:
        def work() -> None:
            conferences.add(there, one_off(1, NOW))
            holds.set()
            ends.wait()

        there.transaction(work)
        there.close()

    with ThreadPoolExecutor() as pool:
        held = pool.submit(hold)
        holds.wait()
        later = threading.Timer(0.5, ends.set)
        later.start()
        conferences.add(here, one_off(2, NOW))
        assert held.done() or ends.is_set()
        held.result()
    assert rows(here) == [one_off(1, NOW), one_off(2, NOW)]


def test_a_transaction_that_looks_before_it_writes_never_meets_another(
    files: tuple[Database, Database],
) -> None:
    fill(files[0], [one_off(0, NOW)])

    def count(index: int) -> None:
        database = files[index]

        def work() -> None:
            [row] = rows(database)
            assert conferences.replace_if_unchanged(
                database, row, row._replace(recev=row.recev + 1)
            )

        for _ in range(50):
            database.transaction(work)
        database.close()

    in_threads(2, count)
    assert [row.recev for row in rows(files[0])] == [100]

"""Planado is killed with -9 at each statement: what it did has happened or has not, never half."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.conftest import MakeClient
from tests.storage.test_storage import NOW, one_off, rows, series
from tests.support.client import A_PERSON, Client
from tests.support.clock import DAY, HOUR, Clock
from tests.support.fault_proxy import FaultProxy
from tests.support.mariadb import MariaServer
from tests.support.visitors import wait_until
from wsgi_app.domain.conference import Conference
from wsgi_app.storage import conferences
from wsgi_app.storage.cleanup import clean_up
from wsgi_app.storage.database import Database
from wsgi_app.storage.mariadb import MariaDatabase
from wsgi_app.storage.sqlite import SqliteDatabase

BOOKED = one_off(1, NOW + HOUR)
OVER = [one_off(2, NOW - 2 * DAY), series(3, NOW - 2 * DAY), series(4, NOW - 20 * DAY, recev=1)]
PATH = f"/{BOOKED.iid}/{BOOKED.aid}"

Work = Callable[[Client], int]
Rows = list[Conference]


@dataclass(frozen=True)
class Case:
    """Something a visitor does, and what the rows are after it."""

    work: Work
    is_done: Callable[[Rows], bool]
    before: tuple[Conference, ...] = (BOOKED,)
    again: tuple[int, ...] = (200,)


def book(client: Client) -> int:
    return client.submit_booking().status


def book_with_a_key(client: Client) -> int:
    body = b'{"start": "2027-06-01T10:00", "timezone": "UTC", "duration": 60}'
    path, key = "/api/v1/conferences", {"Idempotency-Key": "once"}
    return client.request("POST", path, body, "application/json", key).status


def change(client: Client) -> int:
    return client.post(f"/admin{PATH}", client.fields(repeat="1weekly", count="7")).status


def change_by_program(client: Client) -> int:
    path = f"/api/v1/conferences/{BOOKED.iid}"
    body = b'{"timezone": "UTC", "repeat": "1weekly", "count": 7}'
    return client.request("PATCH", path, body, "application/json", bearer()).status


def cancel_by_program(client: Client) -> int:
    path = f"/api/v1/conferences/{BOOKED.iid}"
    return client.request("DELETE", path, headers=bearer()).status


def bearer() -> dict[str, str]:
    return {"Authorization": f"Bearer {BOOKED.aid}"}


def visit(client: Client) -> int:
    return client.request("GET", f"/i/{OVER[1].iid}", headers=A_PERSON).status


def sweep(client: Client) -> int:
    application = client.application
    clean_up(application.database, application.config.opening_hours, client.clock.now)
    return 200


CASES = {
    "a booking": Case(book, lambda rows: len(rows) == 1, before=()),
    "a booking with a key": Case(
        book_with_a_key, lambda rows: len(rows) == 1, before=(), again=(201,)
    ),
    "a change": Case(change, lambda rows: rows[0].recev == 7),
    "a change by a program": Case(change_by_program, lambda rows: rows[0].recev == 7),
    "a new room": Case(
        lambda client: client.post(f"/admin{PATH}/renew").status,
        lambda rows: rows[0].rid != BOOKED.rid,
        again=(303,),
    ),
    # Done before, it is gone.
    "a cancelling": Case(
        lambda client: client.post(f"/admin{PATH}/cancel").status,
        lambda rows: rows == [],
        again=(200, 404),
    ),
    "a cancelling by a program": Case(cancel_by_program, lambda rows: rows == [], again=(204, 404)),
    "a visit to a series on its next date": Case(
        visit, lambda rows: rows[0].time > NOW, before=(OVER[1],)
    ),
    "a clean-up": Case(
        sweep,
        lambda rows: [row.iid for row in rows] == [OVER[1].iid] and rows[0].time > NOW,
        before=tuple(OVER),
    ),
}


@pytest.fixture
def killed_client(make_client: MakeClient, database_url: str, clock: Clock) -> Client:
    clock.now = float(NOW)
    return make_client("[cleanup]\nwhen = cron", url=database_url)


@pytest.mark.parametrize("name", CASES)
def test_killed_at_each_statement(killed_client: Client, name: str) -> None:
    is_server = isinstance(killed_client.application.database, MariaDatabase)
    for moment in ("before", "unanswered", "after") if is_server else ("before", "after"):
        number = 1
        while is_killed_and_done_again(killed_client, name, number, moment):
            number += 1
        assert number > 1


@pytest.mark.parametrize("name", CASES)
def test_each_answer_of_the_database_is_lost(
    mariadb: MariaServer, proxy: FaultProxy, make_client: MakeClient, clock: Clock, name: str
) -> None:
    """It is retried, and the visitor learns nothing of it."""
    clock.now = float(NOW)
    client = make_client("[cleanup]\nwhen = cron", url=mariadb.url_at(proxy.port))
    database, case = client.application.database, CASES[name]
    number = 1
    while True:
        start_with(database, case.before)
        proxy.break_answer(number)
        assert case.work(client) == case.again[0], f"answer {number} was lost"
        if not proxy.has_broken:
            break
        assert case.is_done(rows(database))
        number += 1
    assert number > 1


def is_killed_and_done_again(client: Client, name: str, number: int, moment: str) -> bool:
    """Kill it at a statement, do it again and look at what is left; False where it was done
    before.
    """
    database, case = client.application.database, CASES[name]
    start_with(database, case.before)
    # A connection may not be shared with the child.
    database.close()
    killed = dies(client, case.work, number, moment)
    wait_until(lambda: is_alone(database))
    left = rows(database)
    assert left == list(case.before) or case.is_done(left), f"half done at statement {number}"
    assert len(keys(database)) == (len(left) if name == "a booking with a key" else 0)
    if not killed:
        assert case.is_done(left)
        return False
    assert case.work(client) in case.again
    # A booking without a key is retried by a person, who then has two.
    if name == "a booking":
        assert len(rows(database)) == 1 + len(left)
    else:
        assert case.is_done(rows(database))
    return True


def is_alone(database: Database) -> bool:
    """Say whether the server has seen that the others of its user are gone."""
    return isinstance(database, SqliteDatabase) or not database.all(
        "SELECT id FROM information_schema.processlist WHERE id <> CONNECTION_ID()"
    )


def start_with(database: Database, before: tuple[Conference, ...]) -> None:
    database.run("DELETE FROM {table}")
    database.run("DELETE FROM {table}_requests")
    for conference in before:
        conferences.add(database, conference)


def keys(database: Database) -> list[object]:
    return list(database.all("SELECT * FROM {table}_requests"))


def dies(client: Client, work: Work, number: int, moment: str) -> bool:
    """Let a child process do the work that kills itself at a statement; say whether it did."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            kill_at(client.application.database, number, moment)
            work(client)
            status = 0
        finally:
            os._exit(status)
    _, ended = os.waitpid(child, 0)
    if os.WIFSIGNALED(ended):
        assert os.WTERMSIG(ended) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(ended) == 0
    return False


def kill_at(database: Database, number: int, moment: str) -> None:
    """End this process around the `number`-th statement, or the `number`-th answer."""
    if moment == "unanswered":
        import pymysql

        # What a connection reads after each statement that it has sent.
        owner: type = pymysql.connections.Connection
        wrapped = "_read_query_result"
    else:
        owner, wrapped = type(database), "_execute"
    original = getattr(owner, wrapped)
    count = 0

    def counted(*arguments: object, **named: object) -> object:
        nonlocal count
        count += 1
        if count == number and moment != "after":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*arguments, **named)
        if count == number:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, wrapped, counted)

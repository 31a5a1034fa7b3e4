"""What only a file can do: keep what was deleted, be copied, belong to somebody."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.storage.test_storage import NOW, OPENING_HOURS, one_off, series
from tests.support.client import Client
from tests.support.clock import DAY, HOUR, Clock
from tests.support.process import planado
from wsgi_app.domain.conference import Conference
from wsgi_app.storage import conferences
from wsgi_app.storage.cleanup import clean_up
from wsgi_app.storage.database import Database
from wsgi_app.storage.migrations import migrate
from wsgi_app.storage.opening import open_database
from wsgi_app.storage.sqlite import SqliteDatabase
from wsgi_app.storage.url import parse_database_url


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = open_database(parse_database_url("sqlite:///planado.db"), "conferences", tmp_path)
    migrate(opened)
    yield opened
    opened.close()


def stored(folder: Path, numbers: list[int]) -> list[int]:
    """Return those of the numbers that stand in a file beside the database, or in itself."""
    content = b"".join(file.read_bytes() for file in folder.glob("planado.db*"))
    return [
        number
        for number in numbers
        # SQLite writes a number with as few bytes as it needs, a row's key seven bits at a time.
        if number.to_bytes(7, "big") in content
        or _varint(number) in content
        or str(number).encode() in content
    ]


def _varint(number: int) -> bytes:
    digits = [number >> shift & 0x7F for shift in range(49, -7, -7)]
    return bytes([digit | 0x80 for digit in digits[:-1]] + digits[-1:])


def numbers_of(conference: Conference) -> list[int]:
    return [conference.iid, conference.aid, conference.rid]


def drawn(conference: Conference) -> Conference:
    """Return a conference with numbers that stand nowhere else."""
    return conference.renewed()._replace(iid=conference.renewed().rid, aid=conference.renewed().rid)


@pytest.mark.parametrize("through", ["page", "api"])
def test_of_a_cancelled_conference_no_number_stands_in_any_file(
    client: Client, tmp_path: Path, through: str
) -> None:
    other = client.book()
    booked = client.book()
    [row] = client.application.database.all(
        "SELECT iid, aid, rid FROM {table} WHERE iid = :iid", iid=int(booked.iid)
    )
    assert stored(tmp_path, list(row)) == list(row)
    if through == "page":
        assert client.post(f"{booked.admin_path}/cancel").status == 200
    else:
        bearer = {"Authorization": f"Bearer {booked.aid}"}
        path = f"/api/v1/conferences/{booked.iid}"
        assert client.request("DELETE", path, headers=bearer).status == 204
    assert stored(tmp_path, list(row)) == []
    assert stored(tmp_path, [int(other.iid)]) == [int(other.iid)]


def test_of_what_a_clean_up_deleted_or_advanced_no_number_stands_in_any_file(
    database: Database, tmp_path: Path
) -> None:
    over, moved = drawn(one_off(1, NOW - 2 * HOUR)), drawn(series(2, NOW - 2 * HOUR))
    for conference in (over, moved):
        conferences.add(database, conference)
    assert stored(tmp_path, [*numbers_of(over), moved.rid]) == [*numbers_of(over), moved.rid]
    clean_up(database, OPENING_HOURS, NOW)
    assert stored(tmp_path, [*numbers_of(over), moved.rid]) == []
    assert stored(tmp_path, [moved.iid]) == [moved.iid]


def test_a_visit_that_cleans_up_leaves_none_either(
    client: Client, clock: Clock, tmp_path: Path
) -> None:
    booked = client.book()
    clock.advance(3 * DAY)
    client.get("/health")
    assert stored(tmp_path, [int(booked.iid), int(booked.aid)]) == []


def test_what_a_reader_holds_up_is_gone_after_the_next_clean_up(
    database: Database, tmp_path: Path
) -> None:
    cancelled = drawn(one_off(1, NOW))
    conferences.add(database, cancelled)
    with closing(sqlite3.connect(tmp_path / "planado.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM conferences").fetchone() == (1,)
        conferences.remove(database, cancelled.iid, cancelled.aid)
        database.checkpoint()
        assert stored(tmp_path, numbers_of(cancelled)) != []
        # Nobody else waits for the reader.
        conferences.add(database, one_off(2, NOW))
    clean_up(database, OPENING_HOURS, NOW)
    assert stored(tmp_path, numbers_of(cancelled)) == []


def test_all_stands_in_the_one_file_after_a_checkpoint(database: Database, tmp_path: Path) -> None:
    conferences.add(database, one_off(1, NOW))
    database.checkpoint()
    assert (tmp_path / "planado.db-wal").stat().st_size == 0
    copy = tmp_path / "copy.db"
    copy.write_bytes((tmp_path / "planado.db").read_bytes())
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT iid FROM conferences").fetchall() == [(10**15 + 1,)]


def test_a_checkpoint_that_cannot_be_made_is_left_for_the_next(
    database: Database, tmp_path: Path
) -> None:
    database.transaction(database.checkpoint)
    database.close()
    (tmp_path / "planado.db").unlink()
    database.checkpoint()


def test_init_db_clears_a_file_of_what_was_deleted_before(
    database: Database, tmp_path: Path
) -> None:
    deleted = [drawn(one_off(0, NOW)) for _ in range(50)]
    for conference in deleted:
        conferences.add(database, conference)
    with closing(sqlite3.connect(tmp_path / "planado.db", isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = OFF")
        connection.execute("DELETE FROM conferences")
    database.checkpoint()
    assert stored(tmp_path, numbers_of(deleted[0])) != []
    assert planado(tmp_path, "init-db").returncode == 0
    for conference in deleted:
        assert stored(tmp_path, numbers_of(conference)) == []


def test_a_folder_that_this_user_may_not_enter_shows_no_files(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    database = SqliteDatabase(closed / "planado.db", "conferences")
    user = os.geteuid()
    # Root may enter any.
    os.seteuid(user or 65534)
    try:
        assert database.files() == []
    finally:
        os.seteuid(user)
        closed.chmod(0o700)

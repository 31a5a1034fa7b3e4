"""Taking over a table of the PHP original, on a real MariaDB, also when interrupted."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import MakeClient
from tests.support.clock import DAY, HOUR, Clock
from tests.support.mariadb import MariaServer
from tests.support.process import ROOT, planado
from wsgi_app.config import Config
from wsgi_app.domain.conference import Conference
from wsgi_app.storage.database import Database
from wsgi_app.storage.import_php import NotUnderstood
from wsgi_app.storage.migrations import ForeignTable, migrate, pending
from wsgi_app.storage.opening import open_database

CREATE = """
    CREATE TABLE planado.conferences (
        iid BIGINT, aid BIGINT, rid BIGINT, time BIGINT, recev BIGINT, rectype CHAR(16)
    )
"""
NOW = 1_803_970_800  # Tuesday, 2 March 2027, 07:00 UTC
CODES = ["1daily", "1weekly", "2weekly", "4weekly", "1monthly", "daily", "weekly1", "monthly1"]

OldRow = tuple[object, ...]


@pytest.fixture
def database(make_config: Callable[[str], Config], mariadb_url: str) -> Iterator[Database]:
    config = make_config(f"[database]\nurl = {mariadb_url}")
    opened = open_database(config.database.url, config.database.table, config.folder)
    yield opened
    opened.close()


def fill(server: MariaServer, rows: list[OldRow], create: str = CREATE) -> None:
    server.administrate(create)
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO planado.conferences VALUES (%s, %s, %s, %s, %s, %s)", rows)


def rows_of_every_kind(number: int) -> list[OldRow]:
    """Return rows as years of use leave them, each conference yet to come."""
    chance = random.Random(1)  # the same rows each time
    rows: list[OldRow] = []
    for index in range(number):
        digits = chance.choice([15, 16, 18, 19])
        iid, aid, rid = (
            chance.randrange(10 ** (digits - 1), min(10**digits, 2**63)) for _ in range(3)
        )
        start = NOW + HOUR + index * 60
        code = CODES[index % len(CODES)]
        match index % 10:
            case 0 | 1 | 2 | 3:
                rows.append((iid, aid, rid, start, 0, chance.choice(["", None, "1weekly"])))
            case 4:
                rows.append((iid, aid, rid, start, None, None))
            case 5:
                rows += [(iid, aid, rid, start, 0, "")] * 2
            case _:
                rows.append((iid, aid, rid, start, 1 + index % 20, code))
    return rows


def test_ten_thousand_rows_answer_as_before(
    mariadb: MariaServer, mariadb_url: str, make_client: MakeClient, clock: Clock, tmp_path: Path
) -> None:
    rows = rows_of_every_kind(10_000)
    fill(mariadb, [*rows, (None, 1, 1, NOW, 0, ""), (5, 6, 7, None, 3, "1weekly")])
    environ = {"PLANADO_DATABASE_URL": mariadb_url}
    refused = planado(tmp_path, "init-db", environ=environ)
    assert refused.returncode == 1
    assert "--timezone" in refused.stderr

    done = planado(tmp_path, "init-db", "--timezone", "Europe/Berlin", environ=environ)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "took over 10000 conferences from 11002 rows",
        "dropped: rows stored twice (1000)",
        "repaired: rhythms in an older spelling (1500)",
        "dropped, as no link leads to them: rows without an invitation number (1)",
        "dropped, as they never take place: rows without a start in the calendar (1)",
        "applied 0001_conferences",
        "applied 0002_requests",
        "the table conferences is up to date",
    ]
    clock.now = float(NOW)
    client = make_client(url=mariadb_url)
    room = "https://meet.jit.si/{}"
    for iid, aid, rid, start, *_ in rows:
        entry = client.get(f"/admin/{iid}/{aid}/enter")
        assert entry.link("meet.jit.si/") == room.format(rid)
        waiting = client.get(f"/i/{iid}")
        assert waiting.heading == "The conference has not started yet"
        assert isinstance(start, int)
        opens = waiting.find("section[@data-opens-in]").get("data-opens-in")
        assert opens == str((start - NOW) * 1000)
    tables = {name for (name,) in mariadb.administrate("SHOW TABLES FROM planado")}
    assert tables == {"conferences", "conferences_migrations", "conferences_requests"}


def test_a_series_goes_on_at_its_clock_time(
    mariadb: MariaServer,
    mariadb_url: str,
    database: Database,
    make_client: MakeClient,
    clock: Clock,
) -> None:
    fill(mariadb, [(11, 12, 13, NOW + HOUR, 9, "1weekly")])
    migrate(database, "Europe/Berlin")
    client = make_client(url=mariadb_url)
    clock.now = float(NOW + HOUR + 28 * DAY - HOUR - 1)  # 30 March, after the clocks have changed
    assert client.visit("/i/11").heading == "The conference has not started yet"
    clock.advance(1)
    entry = client.visit("/i/11")
    assert entry.heading == "Into the conference"
    assert not entry.link("meet.jit.si/").endswith("/13")


def test_what_is_missing_is_repaired_and_told(mariadb: MariaServer, database: Database) -> None:
    fill(
        mariadb,
        [
            (1, None, 3, NOW, 0, None),
            (2, 2, 0, NOW, None, "1weekly"),
            (3, 3, 3, NOW, 5, ""),
            (4, 4, 4, NOW, -5, "1weekly"),
            (5, 5, 5, NOW, 0, ""),
            (5, 9, 9, NOW, 0, ""),
            (6, 6, 6, 10**15, 0, ""),
            (7, 7, 7, -1, 0, ""),
            (-8, 8, 8, NOW, 0, ""),
        ],
    )
    assert migrate(database)[:-2] == [
        "took over 5 conferences from 9 rows",
        "repaired: conferences without admin number got a new one (1)",
        "repaired: conferences without room got a new one (1)",
        "repaired to take place once: rows with repetitions and no rhythm, or below 0 (2)",
        "dropped, as only the first was ever found: other rows with the same invitation number (1)",
        "dropped, as they never take place: rows without a start in the calendar (2)",
        "dropped, as no link leads to them: rows without an invitation number (1)",
    ]
    found = [Conference(*row) for row in database.all("SELECT * FROM {table} ORDER BY iid")]
    assert [row.iid for row in found] == [1, 2, 3, 4, 5]
    assert found[0].aid >= 10**15
    assert found[1].rid >= 10**15
    assert {row.recev for row in found} == {0}
    assert found[4].aid == 5


def test_what_cannot_be_understood_is_left_as_it_is(
    mariadb: MariaServer, database: Database
) -> None:
    rows: list[OldRow] = [(1, 2, 3, NOW, 3, "hourly"), (4, 5, 6, NOW, 0, "")]
    fill(mariadb, rows)
    with pytest.raises(NotUnderstood, match="the rhythm 'hourly' is unknown"):
        migrate(database, "Europe/Berlin")
    assert mariadb.administrate("SELECT * FROM planado.conferences") == tuple(rows)
    assert mariadb.administrate("SHOW TABLES FROM planado") == (("conferences",),)


def test_a_table_with_other_columns_is_refused(mariadb: MariaServer, database: Database) -> None:
    mariadb.administrate(CREATE.replace("iid BIGINT,", "iid BIGINT, name TEXT,"))
    with pytest.raises(ForeignTable):
        migrate(database, "Europe/Berlin")
    mariadb.administrate("DROP TABLE planado.conferences")
    fill(mariadb, [(1, 2, 3, NOW, 1, 7)], CREATE.replace("rectype CHAR(16)", "rectype INT"))
    with pytest.raises(NotUnderstood, match="the column rectype is not of a text type"):
        migrate(database, "Europe/Berlin")
    texts = CREATE.replace("aid BIGINT", "aid TEXT")
    mariadb.administrate("DROP TABLE planado.conferences")
    fill(mariadb, [(1, "x", 3, NOW, 0, "")], texts)
    with pytest.raises(NotUnderstood, match="the column aid is not of an integer type"):
        migrate(database, "Europe/Berlin")


def test_what_an_interruption_left_is_cleared_away(
    mariadb: MariaServer, database: Database
) -> None:
    row = (1, 2, 3, NOW, 0, "")
    fill(mariadb, [row])
    # Ended while the new table was filled.
    mariadb.administrate(CREATE.replace("conferences", "conferences_planado_new"))
    assert migrate(database)[0] == "took over 1 conferences from 1 rows"
    # Ended when the new table had taken the old one's place.
    mariadb.administrate(CREATE.replace("conferences", "conferences_planado_old"))
    assert migrate(database) == []
    tables = {name for (name,) in mariadb.administrate("SHOW TABLES FROM planado")}
    assert tables == {"conferences", "conferences_migrations", "conferences_requests"}
    assert database.all("SELECT iid, aid, rid FROM {table}") == [(1, 2, 3)]


def test_a_backup_beside_it_is_left_alone(mariadb: MariaServer, database: Database) -> None:
    mariadb.administrate(CREATE.replace("conferences", "conferences_original"))
    fill(mariadb, [(1, 2, 3, NOW, 0, "")])
    migrate(database)
    assert ("conferences_original",) in mariadb.administrate("SHOW TABLES FROM planado")


def test_of_two_at_once_one_steps_back(mariadb: MariaServer, database: Database) -> None:
    fill(mariadb, [(1, 2, 3, NOW, 0, "")])
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT get_lock('conferences_takeover', 0)")
        with pytest.raises(NotUnderstood, match="another init-db is at work"):
            migrate(database)
        # The server may see only later that a connection was closed.
        cursor.execute("SELECT release_lock('conferences_takeover')")
    assert migrate(database)[0] == "took over 1 conferences from 1 rows"


def test_numbers_that_no_link_can_name_are_dropped(
    mariadb: MariaServer, database: Database
) -> None:
    unsigned = CREATE.replace("iid BIGINT", "iid BIGINT UNSIGNED")
    fill(mariadb, [(2**63, 2, 3, NOW, 0, ""), (2**63 - 1, 2, 3, NOW, 0, "")], unsigned)
    assert migrate(database)[0] == "took over 1 conferences from 2 rows"


@pytest.mark.parametrize("delay", [0.0, 0.05, 0.1, 0.2, 0.3, 0.45, 0.6, 0.8])
def test_killed_in_the_middle_and_run_again(
    mariadb: MariaServer, mariadb_url: str, database: Database, tmp_path: Path, delay: float
) -> None:
    """The delay only chooses where it is hit; what follows holds wherever that is."""
    rows = rows_of_every_kind(4000)
    fill(mariadb, rows)
    command = ["init-db", "--timezone", "Europe/Berlin"]
    process = subprocess.Popen(
        [sys.executable, ROOT / "planado.py", *command],
        cwd=tmp_path,
        env={"PLANADO_DATABASE_URL": mariadb_url, "PATH": "/usr/bin:/bin"},
        stdout=subprocess.DEVNULL,
    )
    # Imports take a while: the delay counts from the first sign of work on the tables.
    while process.poll() is None and len(mariadb.administrate("SHOW TABLES FROM planado")) == 1:
        time.sleep(0.005)
    time.sleep(delay)
    process.kill()
    process.wait()

    again = planado(tmp_path, *command, environ={"PLANADO_DATABASE_URL": mariadb_url})
    assert again.returncode == 0, again.stderr
    assert pending(database) == []
    found = set(database.all("SELECT iid, aid, rid, time FROM {table}"))
    assert found == {row[:4] for row in rows}
    tables = {name for (name,) in mariadb.administrate("SHOW TABLES FROM planado")}
    assert tables == {"conferences", "conferences_migrations", "conferences_requests"}

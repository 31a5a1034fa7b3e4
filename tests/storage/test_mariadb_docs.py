"""docs/mariadb.md, carried out word for word on a MariaDB of this module's own."""

from __future__ import annotations

import getpass
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pymysql
import pytest
import trustme

from tests.conftest import missing
from tests.storage.test_import_php import CREATE
from tests.support.client import Client
from tests.support.clock import DAY, Clock
from tests.support.mariadb import MariaServer
from tests.support.process import ROOT, Server, planado
from tests.support.visitors import FORM, booking_form
from wsgi_app.application import Application
from wsgi_app.config import Config
from wsgi_app.storage.database import Database, DatabaseError
from wsgi_app.storage.migrations import migrate
from wsgi_app.storage.opening import open_database
from wsgi_app.storage.url import parse_database_url
from wsgi_app.web.request import JSON_TYPE

PAGE = (ROOT / "docs/mariadb.md").read_text("utf-8")
SOCKET, TCP = "A user on the same machine", "A user on another machine"


@dataclass
class Place:
    """A server with TLS, and an administrator's connection to it that no statement takes away."""

    server: MariaServer
    authority: Path
    administrator: pymysql.cursors.Cursor

    def carry_out(self, statements: str) -> None:
        for statement in filter(None, map(str.strip, self.here(statements).split(";"))):
            self.administrator.execute(statement)

    def here(self, text: str) -> str:
        """Return a text of the page with this machine's names in it."""
        account = getpass.getuser()
        for theirs, ours in (
            ("planado@localhost", f"'{account}'@localhost"),
            ("planado@/", f"{account}@/"),
            ("/run/mysqld/mysqld.sock", str(self.server.socket)),
            ("planado@192.0.2.10", "planado@127.0.0.1"),
            ("db.example.org:3306", f"127.0.0.1:{self.server.port}"),
            (".venv/bin/python planado.py", f"{sys.executable} {ROOT}/planado.py"),
        ):
            text = text.replace(theirs, ours)
        return text


def blocks(heading: str, language: str) -> list[str]:
    section = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    [text] = [each for each in section if each.startswith(f"{heading}\n")]
    found = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert found, (heading, language)
    return found


def rights(purpose: str) -> list[str]:
    [row] = [line for line in PAGE.splitlines() if line.startswith(f"| {purpose}")]
    return row.split("`")[-2].split(", ")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    if not MariaServer.installed():
        missing("MariaDB", "apt-get install mariadb-server-core mariadb-client-core")
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.private_key_and_cert_chain_pem.write_to_path(folder / "server.pem")
    server = MariaServer()
    try:
        server.install()
        server.start(f"--ssl-cert={folder / 'server.pem'}", f"--ssl-key={folder / 'server.pem'}")
        with server.connect() as connection, connection.cursor() as administrator:
            # Whoever runs the tests may be root, and the page makes a user of that name.
            administrator.execute("RENAME USER root@localhost TO administrator@localhost")
            yield Place(server, folder / "ca.pem", administrator)
    finally:
        server.remove()


@pytest.fixture
def database(place: Place) -> Iterator[Place]:
    """The page's database, and none of its users."""
    place.carry_out("".join(blocks("The database", "sql")))
    yield place
    place.administrator.execute("DROP DATABASE planado")
    for account in (f"'{getpass.getuser()}'@localhost", "planado@127.0.0.1", "limited@localhost"):
        place.administrator.execute(f"DROP USER IF EXISTS {account}")


@pytest.mark.parametrize("heading", [SOCKET, TCP])
def test_who_follows_the_page_can_book(database: Place, tmp_path: Path, heading: str) -> None:
    database.carry_out("".join(blocks(heading, "sql")))
    (tmp_path / "planado.ini").write_text(database.here("".join(blocks(heading, "ini"))))
    (tmp_path / "ca.pem").write_bytes(database.authority.read_bytes())
    commands = [*(blocks(TCP, "sh") if heading == TCP else []), *blocks("The tables", "sh")]
    done = subprocess.run(
        ["sh", "-eu", "-c", database.here("".join(commands))],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done
    assert "ok     database: mariadb, table conferences" in done.stdout
    server = Server(tmp_path)
    try:
        response, text = server.request("POST", "/book", booking_form(), **FORM)
        assert response.status == 200, text
        assert server.request("GET", "/health")[1] == "ok\n"
    finally:
        server.stop()
    cleanup = planado(tmp_path, "cleanup")
    assert (cleanup.stdout, cleanup.stderr) == ("deleted 0, advanced 0\n", "")


def test_nobody_else_comes_in_over_the_socket(database: Place, tmp_path: Path) -> None:
    database.administrator.execute("CREATE USER limited@localhost IDENTIFIED VIA unix_socket")
    url = f"mysql://limited@/planado?unix_socket={database.server.socket}"
    done = planado(tmp_path, "check", environ={"PLANADO_DATABASE_URL": url})
    assert "access denied: this user comes in over the Unix socket" in done.stdout
    assert "(error 1698)" in done.stdout


MakeDatabase = Callable[..., Database]


@pytest.fixture
def as_user_with(database: Place, tmp_path: Path) -> Iterator[MakeDatabase]:
    """Returns the database as a user sees it who has the given rights and no other."""
    opened: list[Database] = []
    url = f"mysql://limited@/planado?unix_socket={database.server.socket}"

    def make(*rights: str) -> Database:
        database.administrator.execute("CREATE OR REPLACE USER limited@localhost")
        if rights:
            database.administrator.execute(
                f"GRANT {', '.join(rights)} ON planado.* TO limited@localhost"
            )
        opened.append(open_database(parse_database_url(url), "conferences", tmp_path))
        return opened[-1]

    yield make
    for each in opened:
        each.close()


def live(client: Client) -> None:
    """Book, enter, change, cancel, and let all of it be cleaned up."""
    booked = client.book(repeat="1daily", count="3")
    client.visit(booked.invitation_url)
    client.post(f"{booked.admin_path}/renew")
    start = client.clock.local("UTC", DAY).isoformat(timespec="minutes")
    body = json.dumps({"start": start, "timezone": "UTC", "duration": 60}).encode()
    key = {"Idempotency-Key": "one"}
    client.request("POST", "/api/v1/conferences", body, JSON_TYPE, key)
    client.clock.advance(3 * DAY)
    client.get("/health")
    client.post(f"{booked.admin_path}/cancel")


SERVING = rights("serving and cleaning up")
MAKING = rights("`init-db`: making the tables")
TAKING_OVER = rights("`init-db`: [taking over the PHP version]")


def test_the_rights_to_serve_are_enough_and_none_too_many(
    as_user_with: MakeDatabase,
    make_config: Callable[[str], Config],
    caplog: pytest.LogCaptureFixture,
) -> None:
    migrate(as_user_with(*SERVING, *MAKING))

    def serve(*rights: str) -> None:
        clock = Clock()
        live(Client(Application(make_config(""), as_user_with(*rights), clock), clock))

    serve(*SERVING)
    assert caplog.text == ""
    for right in SERVING:
        caplog.clear()
        with suppress(AssertionError):
            serve(*(each for each in SERVING if each != right))
        assert "this user lacks a right" in caplog.text, right


def test_the_rights_to_make_the_tables_are_enough_and_none_too_many(
    as_user_with: MakeDatabase,
) -> None:
    with pytest.raises(DatabaseError, match=r"this user lacks a right: .* \(error 1142\)"):
        migrate(as_user_with(*SERVING))
    assert migrate(as_user_with(*SERVING, *MAKING))


def test_the_rights_to_take_a_table_over_are_enough_and_none_too_many(
    database: Place, as_user_with: MakeDatabase
) -> None:
    database.administrator.execute(CREATE)
    database.administrator.execute(
        "INSERT INTO planado.conferences VALUES (1, 2, 3, 1803970800, 0, '')"
    )
    for right in TAKING_OVER:
        with pytest.raises(DatabaseError, match="lacks a right"):
            others = [each for each in TAKING_OVER if each != right]
            migrate(as_user_with(*SERVING, *MAKING, *others))
    done = migrate(as_user_with(*SERVING, *MAKING, *TAKING_OVER))
    assert done[0] == "took over 1 conferences from 1 rows"


def test_the_page_grants_what_it_lists() -> None:
    for heading in (SOCKET, TCP):
        assert f"GRANT {', '.join(SERVING + MAKING)} ON" in "".join(blocks(heading, "sql"))

"""What MariaDB refuses is told in a sentence with its number, on the command line and in the log;
and what cannot be written to does not count as healthy.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import MakeClient
from tests.support.mariadb import MariaServer, free_port
from tests.support.process import planado
from wsgi_app.storage.opening import open_database
from wsgi_app.storage.url import parse_database_url

ACCOUNTS = {
    "sock": "IDENTIFIED VIA unix_socket",
    "locked": "IDENTIFIED BY 'x' ACCOUNT LOCK",
    "expired": "IDENTIFIED BY 'x' PASSWORD EXPIRE",
    "busy": "IDENTIFIED BY 'x' WITH MAX_QUERIES_PER_HOUR 1",
    "reader": "IDENTIFIED BY 'x'",
}
NOBODY = "mysql://planado:secret@"


@pytest.fixture
def accounts(
    mariadb: MariaServer, mariadb_url: str, make_client: MakeClient
) -> Iterator[MariaServer]:
    """A database with its tables, and accounts that each come to grief."""
    make_client(url=mariadb_url)
    for name, identified in ACCOUNTS.items():
        mariadb.administrate(f"CREATE USER {name}@localhost {identified}")
        mariadb.administrate(f"GRANT SELECT ON planado.* TO {name}@localhost")
    yield mariadb
    for name in ACCOUNTS:
        mariadb.administrate(f"DROP USER {name}@localhost")


@pytest.mark.parametrize(
    ("account", "name", "told"),
    [
        ("planado:secret", "planado", "access denied: there is no such user, the password is"),
        ("nobody", "planado", "access denied: there is no such user, the password is wrong, or"),
        ("sock", "planado", "access denied: this user comes in over the Unix socket alone"),
        ("root", "nowhere", "there is no database of this name (error 1049)"),
        ("reader:x", "nowhere", "this user has no right to this database"),
        ("reader:x", "planado", "this user lacks a right: see docs/mariadb.md (error 1142)"),
        ("locked:x", "planado", "this user is locked (error 4151)"),
        ("expired:x", "planado", "the password has expired (error 1820)"),
        ("busy:x", "planado", "this user has used up what its account allows (error 1226)"),
    ],
)
def test_what_it_refuses_is_told_in_a_sentence(
    tmp_path: Path, accounts: MariaServer, account: str, name: str, told: str
) -> None:
    url = f"mysql://{account}@/{name}?unix_socket={accounts.socket}"
    done = planado(tmp_path, "check", environ={"PLANADO_DATABASE_URL": url})
    assert done.returncode == 1
    [line] = [line for line in done.stdout.splitlines() if line.startswith("fault  database: ")]
    assert told in line
    assert "secret" not in line
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("127.0.0.1:{free}/planado", "127.0.0.1:{free}: nothing listens there (error 2003)"),
        ("nowhere.invalid/planado", "nowhere.invalid:3306: its name is unknown or cannot be"),
        ("a..b/planado", "a..b:3306: this cannot be the name of a host"),
        ("/planado?unix_socket={tmp}/none", "{tmp}/none: there is no such socket (error 2003)"),
        ("/planado?unix_socket={tmp}/dead", "{tmp}/dead: nothing listens there (error 2003)"),
    ],
)
def test_why_nothing_answers_is_told_in_a_sentence(
    tmp_path: Path, mariadb: MariaServer, place: str, told: str
) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(mariadb.folder / "dead"))
    names = {"free": free_port(), "tmp": mariadb.folder}
    url = NOBODY + place.format(**names)
    try:
        done = planado(tmp_path, "cleanup", environ={"PLANADO_DATABASE_URL": url})
    finally:
        (mariadb.folder / "dead").unlink()
    assert done.stderr.startswith(f"planado: cannot connect to {told.format(**names)}")
    assert "secret" not in done.stderr


def test_a_page_says_the_same_in_the_log(
    accounts: MariaServer, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    client = make_client()
    url = parse_database_url(f"mysql://sock@/planado?unix_socket={accounts.socket}")
    client.application.database = open_database(url, "conferences", Path())
    assert client.get(f"/i/{10**15}").status == 503
    assert "GET /i/{iid}: database: cannot connect" in caplog.text
    assert "(error 1698)" in caplog.text
    assert str(10**15) not in caplog.text


def test_without_the_tls_that_was_asked_for_it_does_not_go_on(tmp_path: Path) -> None:
    server = MariaServer()
    try:
        server.install()
        server.start("--skip-ssl")
        server.add_account()
        environ = {"PLANADO_DATABASE_URL": f"{server.url_at(server.port)}?tls=yes"}
        done = planado(tmp_path, "init-db", environ=environ)
    finally:
        server.remove()
    place = f"127.0.0.1:{server.port}"
    assert (
        done.stderr == f"planado: cannot connect to {place}: it does not offer TLS (error 2026)\n"
    )


def test_another_kind_of_server_is_told_in_a_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as listener:
        connected = threading.Thread(target=_greet, args=(listener,))
        connected.start()
        url = f"{NOBODY}127.0.0.1:{listener.getsockname()[1]}/planado"
        done = planado(tmp_path, "cleanup", environ={"PLANADO_DATABASE_URL": url})
        connected.join()
    assert "what answers there does not speak as MariaDB does" in done.stderr


def _greet(listener: socket.socket) -> None:
    with listener.accept()[0] as connection:
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
        connection.recv(1024)


def inserts(server: MariaServer) -> int:
    [(_, number)] = server.administrate("SHOW GLOBAL STATUS LIKE 'Com_insert'")
    return int(str(number))


def test_health_tries_to_write_once_in_ten_seconds(
    mariadb: MariaServer, mariadb_url: str, make_client: MakeClient
) -> None:
    client = make_client(url=mariadb_url)
    before = inserts(mariadb)
    for _ in range(50):
        assert client.get("/health").text == "ok\n"
    assert inserts(mariadb) == before + 1
    client.clock.advance(9.9)
    client.get("/health")
    assert inserts(mariadb) == before + 1
    client.clock.advance(0.1)
    client.get("/health")
    assert inserts(mariadb) == before + 2
    # A clock that was set back does not stop it.
    client.clock.advance(-3600)
    client.get("/health")
    assert inserts(mariadb) == before + 3
    assert mariadb.administrate("SELECT count(*) FROM planado.conferences") == ((0,),)


def test_read_only_is_not_healthy(
    mariadb: MariaServer, mariadb_url: str, make_client: MakeClient, tmp_path: Path
) -> None:
    client = make_client(url=mariadb_url)
    assert client.get("/health").status == 200
    mariadb.administrate("SET GLOBAL read_only = 1")
    try:
        client.clock.advance(10)
        for _ in range(2):
            assert client.get("/health").status == 503
        checked = planado(tmp_path, "check", environ={"PLANADO_DATABASE_URL": mariadb_url})
        assert "fault  database: it is read-only (error 1290)" in checked.stdout
    finally:
        mariadb.administrate("SET GLOBAL read_only = 0")
    client.clock.advance(10)
    assert client.get("/health").status == 200


def test_a_binary_log_that_refuses_every_change_is_not_healthy(
    make_client: MakeClient, tmp_path: Path
) -> None:
    server = MariaServer()
    try:
        server.install()
        server.start("--log-bin=binary", "--binlog-format=MIXED")
        server.add_account()
        client = make_client(url=server.url)
        assert client.get("/health").status == 200
        client.application.database.close()
        server.administrate("SET GLOBAL binlog_format = 'STATEMENT'")
        client.clock.advance(10)
        assert client.get("/health").status == 503
        assert client.submit_booking().status == 503
        checked = planado(tmp_path, "check", environ={"PLANADO_DATABASE_URL": server.url})
        assert checked.returncode == 1
        assert "fault  database: it cannot write with binlog_format = STATEMENT" in checked.stdout
        assert "(error 1665)" in checked.stdout
        client.application.database.close()
    finally:
        server.remove()

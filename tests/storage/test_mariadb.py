"""What only a server can do: connections kept and lost, locks, hosts, TLS."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from tests.conftest import MakeClient
from tests.storage.test_storage import NOW, one_off, rows
from tests.support.client import Client
from tests.support.clock import Clock
from tests.support.mariadb import PASSWORD, MariaServer, free_port
from tests.support.process import ROOT
from tests.support.visitors import wait_until
from wsgi_app.application import Application
from wsgi_app.config import Config
from wsgi_app.storage import conferences
from wsgi_app.storage.database import Unavailable
from wsgi_app.storage.mariadb import MariaDatabase
from wsgi_app.storage.migrations import pending
from wsgi_app.storage.opening import open_database
from wsgi_app.storage.url import parse_database_url


def test_a_thread_keeps_its_connection(
    mariadb: MariaServer, mariadb_url: str, make_client: MakeClient
) -> None:
    client = make_client(url=mariadb_url)
    client.get("/health")
    before = connections(mariadb)
    for _ in range(20):
        assert client.get("/health").status == 200
    assert connections(mariadb) == before


def test_a_connection_is_reopened_after_the_server_cut_it(
    mariadb: MariaServer, mariadb_url: str, make_client: MakeClient
) -> None:
    client = make_client(url=mariadb_url)
    booked = client.book()
    for number, *_ in mariadb.administrate(
        "SELECT id FROM information_schema.processlist WHERE user = 'planado'"
    ):
        mariadb.administrate(f"KILL {number}")
    assert client.visit(booked.invitation_url).status == 200


def test_the_server_goes_and_comes_back(make_client: MakeClient) -> None:
    server = MariaServer()
    try:
        server.install()
        server.start()
        server.administrate("CREATE DATABASE planado")
        client = make_client(url=f"mysql://root@/planado?unix_socket={server.socket}")
        booked = client.book()
        server.kill()
        down = client.visit(booked.invitation_url)
        assert (down.status, down.headers["Retry-After"]) == (503, "10")
        assert client.get("/").status == 200
        server.start()
        assert client.visit(booked.invitation_url).heading == "The conference has not started yet"
        assert client.submit_booking().status == 200
        client.application.database.close()
    finally:
        server.remove()


def test_a_lock_that_is_held_gives_503_in_time(
    mariadb: MariaServer, mariadb_url: str, make_client: MakeClient
) -> None:
    client = make_client(url=mariadb_url)
    booked = client.book()
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET autocommit = 0")
        cursor.execute("SELECT * FROM planado.conferences FOR UPDATE")
        assert client.post(f"{booked.admin_path}/renew").status == 503
        assert client.visit(booked.invitation_url).status == 200


def test_the_first_host_that_answers_serves(
    mariadb: MariaServer, mariadb_url: str, make_client: MakeClient
) -> None:
    hosts = f"127.0.0.1:{free_port()},127.0.0.1:{mariadb.port}"
    account = mariadb_url.split("@", maxsplit=1)[0]
    assert make_client(url=f"{account}@{hosts}/planado").book()


def test_a_host_that_is_read_only_is_left_for_the_next(
    mariadb: MariaServer, mariadb_url: str, make_client: MakeClient
) -> None:
    account = mariadb_url.split("@", maxsplit=1)[0]
    make_client(url=mariadb_url)
    server = MariaServer()
    try:
        server.install()
        server.start("--read-only")
        server.administrate("CREATE DATABASE planado")
        server.administrate(f"CREATE USER planado IDENTIFIED BY '{PASSWORD}'")
        server.administrate("GRANT ALL ON planado.* TO planado")
        hosts = f"127.0.0.1:{server.port},127.0.0.1:{mariadb.port}"
        url = parse_database_url(f"{account}@{hosts}/planado")
        database = open_database(url, "conferences", Path())
        conferences.add(database, one_off(1, NOW))
        assert rows(database) == [one_off(1, NOW)]
        database.close()
    finally:
        server.remove()


def test_a_host_that_hangs_is_asked_last(mariadb: MariaServer, mariadb_url: str) -> None:
    account = mariadb_url.split("@", maxsplit=1)[0]
    with socket.create_server(("127.0.0.1", free_port())) as silent:
        hosts = f"127.0.0.1:{silent.getsockname()[1]},127.0.0.1:{mariadb.port}"
        url = parse_database_url(f"{account}@{hosts}/planado")
        database = open_database(url, "conferences", Path(), answer_seconds=1)
        for _ in range(3):
            assert database.one("SELECT 1") == (1,)
            database.close()
        silent.accept()[0].close()
        silent.setblocking(False)
        with pytest.raises(BlockingIOError):
            silent.accept()


def test_while_it_hangs_one_thread_at_a_time_waits(mariadb: MariaServer, mariadb_url: str) -> None:
    database = open_database(parse_database_url(mariadb_url), "conferences", Path(), 1)
    assert isinstance(database, MariaDatabase)
    mariadb.freeze()
    try:
        for _ in range(2):
            with pytest.raises(Unavailable, match=r"no answer within 1 seconds|cannot connect"):
                database.one("SELECT 1")
        database.answer_seconds = 60
        with ThreadPoolExecutor() as pool:
            waits = pool.submit(database.one, "SELECT 2")
            wait_until(database._asking_whether_it_hangs.locked)
            for _ in range(3):
                with pytest.raises(Unavailable, match="it hangs"):
                    database.one("SELECT 3")
            assert not waits.done()
            mariadb.thaw()
            assert waits.result() == (2,)
    finally:
        mariadb.thaw()
    assert database.one("SELECT 4") == (4,)
    database.close()


def test_tls_over_tcp(mariadb: MariaServer, make_client: MakeClient, tmp_path: Path) -> None:
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate.cert_chain_pems[0].write_to_path(tmp_path / "server.pem")
    certificate.private_key_pem.write_to_path(tmp_path / "server.key")
    (tmp_path / "server.key").chmod(0o644)
    server = MariaServer()
    try:
        server.install()
        server.start(
            f"--ssl-cert={tmp_path / 'server.pem'}",
            f"--ssl-key={tmp_path / 'server.key'}",
            "--bind-address=127.0.0.1,127.0.0.2",
        )
        server.administrate("CREATE DATABASE planado")
        server.administrate("CREATE USER planado IDENTIFIED BY 'word' REQUIRE SSL")
        server.administrate("GRANT ALL ON planado.* TO planado")
        (tmp_path / "password").write_text("word\n")
        address = f"mysql://planado@127.0.0.1:{server.port}/planado?password_file=password"
        assert make_client(url=f"{address}&tls_ca=ca.pem").book()
        with pytest.raises(Unavailable, match=r"access denied: .* without TLS \(error 1045\)"):
            make_client(url=address)
        with pytest.raises(Unavailable, match=r"certificate was refused: .* \(error 2003\)"):
            make_client(url=f"{address}&tls=yes")
        elsewhere = address.replace("127.0.0.1", "127.0.0.2")
        with pytest.raises(Unavailable, match=r"refused: .*mismatch.* '127.0.0.2'"):
            make_client(url=f"{elsewhere}&tls_ca=ca.pem")
    finally:
        server.remove()


@pytest.fixture
def empty(mariadb_url: str, make_config: Callable[[str], Config], clock: Clock) -> Iterator[Client]:
    """A visitor of an application whose database has no table yet."""
    config = make_config(f"[database]\nurl = {mariadb_url}\n")
    database = open_database(config.database.url, "conferences", config.folder)
    yield Client(Application(config, database, clock), clock)
    database.close()


def test_the_first_visit_makes_the_tables_where_there_is_none(empty: Client) -> None:
    booked = empty.book()
    assert empty.visit(booked.invitation_url).status == 200
    assert pending(empty.application.database) == []


def test_a_database_with_other_tables_is_no_new_one(
    empty: Client, mariadb: MariaServer, caplog: pytest.LogCaptureFixture
) -> None:
    mariadb.administrate("CREATE TABLE planado.meetings (id INTEGER)")
    assert empty.get("/health").status == 503
    assert "1146: tables missing or older than this program" in caplog.text
    assert mariadb.administrate("SHOW TABLES FROM planado") == (("meetings",),)


def test_whose_user_may_not_make_tables_is_told(
    empty: Client, mariadb: MariaServer, caplog: pytest.LogCaptureFixture
) -> None:
    mariadb.administrate("REVOKE ALL ON planado.* FROM planado")
    try:
        mariadb.administrate("GRANT SELECT, INSERT, UPDATE, DELETE ON planado.* TO planado")
        assert empty.get("/health").status == 503
    finally:
        mariadb.administrate("GRANT ALL ON planado.* TO planado")
    assert "no table, and they cannot be made: this user lacks a right" in caplog.text
    assert "(error 1142)" in caplog.text


def test_many_first_visits_by_cgi_make_the_tables_once(mariadb_url: str, tmp_path: Path) -> None:
    calls = [cgi_call(mariadb_url, tmp_path) for _ in range(4)]
    for call in calls:
        answer, complaints = call.communicate(timeout=120)
        assert "Status: 200 OK" in answer, answer
        assert complaints == ""


def test_a_cgi_call_asks_for_no_tables_that_are_there(
    mariadb: MariaServer, mariadb_url: str, tmp_path: Path
) -> None:
    assert "Status: 200 OK" in cgi_call(mariadb_url, tmp_path).communicate(timeout=120)[0]
    before = selects(mariadb)
    invitation = cgi_call(mariadb_url, tmp_path, f"/i/{10**15}")
    assert "Status: 404 Not Found" in invitation.communicate(timeout=120)[0]
    assert selects(mariadb) - before == 1


def selects(server: MariaServer) -> int:
    [(_, number)] = server.administrate("SHOW GLOBAL STATUS LIKE 'Com_select'")
    return int(str(number))


def cgi_call(url: str, folder: Path, path: str = "/health") -> subprocess.Popen[str]:
    """Let a web server ask for a path, in a process of its own."""
    (folder / "planado.ini").write_text("[cleanup]\nwhen = cron\n")
    return subprocess.Popen(
        [sys.executable, "-c", "import planado; planado.answer_cgi()"],
        cwd=folder,
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "PLANADO_DATABASE_URL": url,
            "REQUEST_METHOD": "GET",
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "SERVER_NAME": "planado.example",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def connections(server: MariaServer) -> tuple[tuple[object, ...], ...]:
    return server.administrate(
        "SELECT id FROM information_schema.processlist WHERE user = 'planado' ORDER BY id"
    )

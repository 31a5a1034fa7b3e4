"""MariaDB dies, hangs, is full or closed: who was told "booked" is, the others are told so."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import pymysql
import pytest

from tests.faults.conftest import MakeServer
from tests.support.fault_proxy import FaultProxy
from tests.support.mariadb import PASSWORD, MariaServer
from tests.support.process import Server
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.visitors import (
    FORM,
    Visitors,
    admin_in,
    booking_form,
    invitation_in,
    wait_until,
)


@pytest.fixture
def server(mariadb: MariaServer, make_server: MakeServer) -> Server:
    return make_server(mariadb.url)


def book(server: Server) -> str:
    """Book a conference and return the overview."""
    response, page = server.request("POST", "/book", booking_form(), **FORM)
    assert response.status == 200, page
    return page


def refuses_honestly(server: Server, method: str, path: str, body: bytes | None = None) -> bool:
    """Say whether it answers 503; another answer than that or 200 is a fault."""
    response, page = server.request(method, path, body, **(FORM if body else {}))
    assert response.status in (200, 503), page
    if response.status == 503:
        assert response.getheader("Retry-After") == "10"
        assert "<h1>" in page
    return response.status == 503


def test_killed_and_started_again(mariadb: MariaServer, server: Server) -> None:
    with Visitors(server) as visitors:
        for _ in range(2):
            visitors.wait_for("POST", 200, 20)
            mariadb.kill()
            visitors.wait_for("POST", 503, 5)
            mariadb.start()
        visitors.wait_for("POST", 200, 20)
    visitors.check()


def test_stopped_in_order_and_started_again(mariadb: MariaServer, server: Server) -> None:
    with Visitors(server) as visitors:
        visitors.wait_for("POST", 200, 20)
        mariadb.stop()
        visitors.wait_for("POST", 503, 5)
        mariadb.start()
        visitors.wait_for("POST", 200, 20)
    visitors.check()


def test_hanging_and_going_on(mariadb: MariaServer, server: Server) -> None:
    with Visitors(server) as visitors:
        visitors.wait_for("POST", 200, 20)
        mariadb.freeze()
        try:
            # Nobody has an answer for 10 seconds; then everybody is told at once.
            visitors.wait_for("POST", 503, 20)
        finally:
            mariadb.thaw()
        visitors.wait_for("POST", 200, 20)
    visitors.check()


def test_connections_are_cut(
    mariadb: MariaServer, proxy: FaultProxy, make_server: MakeServer
) -> None:
    server = make_server(mariadb.url_at(proxy.port))
    with Visitors(server) as visitors:
        for _ in range(20):
            visitors.wait_for("POST", 200, 5)
            proxy.cut()
    visitors.check()


def test_answers_arrive_by_half(
    mariadb: MariaServer, proxy: FaultProxy, make_server: MakeServer
) -> None:
    server = make_server(mariadb.url_at(proxy.port))
    with Visitors(server) as visitors:
        for number in range(1, 20):
            proxy.break_answer(number)
            wait_until(lambda: proxy.has_broken)
            visitors.wait_for("POST", 200, 1)
    visitors.check()


def test_answers_come_five_seconds_late(
    mariadb: MariaServer, proxy: FaultProxy, make_server: MakeServer
) -> None:
    # With one thread, so that its connection is there already: opening one takes many answers.
    server = make_server(mariadb.url_at(proxy.port), ini="[server]\nprocesses = 1\nthreads = 1\n")
    page = book(server)
    proxy.delay = 5.0
    assert not refuses_honestly(server, "GET", invitation_in(page))
    assert not refuses_honestly(server, "POST", "/book", booking_form())


def test_all_connections_are_taken(mariadb: MariaServer, server: Server) -> None:
    [(_, usual)] = mariadb.administrate("SHOW VARIABLES LIKE 'max_connections'")
    page = book(server)
    with ExitStack() as taken:
        administrator = taken.enter_context(mariadb.connect())
        with administrator.cursor() as cursor:
            # Fewer are not allowed.
            cursor.execute("SET GLOBAL max_connections = 10")
            # Planado's own are given up first.
            cursor.execute("SELECT id FROM information_schema.processlist WHERE user = 'planado'")
            for (number,) in cursor.fetchall():
                cursor.execute(f"KILL {number}")
            with suppress(pymysql.err.OperationalError):
                for _ in range(20):
                    taken.enter_context(connect_as_planado(mariadb))
            assert refuses_honestly(server, "POST", "/book", booking_form())
            assert refuses_honestly(server, "GET", invitation_in(page))
            assert not refuses_honestly(server, "GET", "/")
            cursor.execute(f"SET GLOBAL max_connections = {usual}")
    assert not refuses_honestly(server, "GET", invitation_in(page))
    book(server)


def connect_as_planado(mariadb: MariaServer) -> pymysql.Connection[pymysql.cursors.Cursor]:
    return pymysql.connect(unix_socket=str(mariadb.socket), user="planado", password=PASSWORD)


def test_read_only(mariadb: MariaServer, server: Server) -> None:
    with Visitors(server) as visitors:
        visitors.wait_for("POST", 200, 20)
        mariadb.administrate("SET GLOBAL read_only = 1")
        try:
            visitors.wait_for("POST", 503, 20)
            # Who only looks is served.
            visitors.wait_for("GET", 200, 20)
        finally:
            mariadb.administrate("SET GLOBAL read_only = 0")
        visitors.wait_for("POST", 200, 20)
    visitors.check()
    assert visitors.answers["GET", 503] == 0


def test_a_row_is_locked_for_longer_than_planado_waits(
    mariadb: MariaServer, server: Server
) -> None:
    page = book(server)
    with mariadb.connect() as holder, holder.cursor() as cursor:
        cursor.execute("START TRANSACTION")
        iid = invitation_in(page).rsplit("/", 1)[1]
        cursor.execute(f"SELECT * FROM planado.conferences WHERE iid = {iid} FOR UPDATE")
        changes = {
            f"{admin_in(page)}/renew": b"name=x",
            f"{admin_in(page)}/cancel": b"name=x",
            admin_in(page): booking_form(),
        }
        with ThreadPoolExecutor(len(changes)) as organisers:
            refused = [
                organisers.submit(refuses_honestly, server, "POST", path, body)
                for path, body in changes.items()
            ]
            # Others are served meanwhile, and so is who only looks.
            assert not refuses_honestly(server, "GET", invitation_in(page))
            book(server)
            assert all(each.result() for each in refused)
    response, _ = server.request("POST", f"{admin_in(page)}/renew", b"", **FORM)
    assert response.status == 303
    assert not refuses_honestly(server, "POST", admin_in(page), booking_form())


@pytest.fixture
def mariadb_on_a_small_disk() -> Iterator[tuple[MariaServer, SmallDisk]]:
    server = MariaServer()
    log_size = "--innodb-log-file-size=8M"
    try:
        with small_disk(server.folder / "data", 220) as disk:
            try:
                server.install(log_size)
                server.start(log_size)
                server.add_account()
                yield server, disk
            finally:
                server.stop()
    finally:
        server.remove()


def test_its_disk_is_full(
    mariadb_on_a_small_disk: tuple[MariaServer, SmallDisk], make_server: MakeServer
) -> None:
    mariadb, disk = mariadb_on_a_small_disk
    server = make_server(mariadb.url)
    page = book(server)
    disk.fill()
    # Room that the tables took beforehand.
    with suppress(pymysql.err.Error):
        fill_tables(mariadb)
    with Visitors(server) as visitors:
        visitors.wait_for("POST", 503, 5)
        disk.free()
        visitors.wait_for("POST", 200, 20)
    visitors.check()
    assert not refuses_honestly(server, "GET", invitation_in(page))


def fill_tables(mariadb: MariaServer) -> None:
    """Write until there is no room, to an end far in the future that nobody cleans up."""
    with mariadb.connect() as connection, connection.cursor() as cursor:
        for batch in range(1000):
            rows = ", ".join(f"({batch * 1000 + row}, 1, 1, 4000000000)" for row in range(1000))
            cursor.execute(f"INSERT INTO planado.conferences (iid, aid, rid, time) VALUES {rows}")
    raise AssertionError("the disk is not full")

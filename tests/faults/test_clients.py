"""Visitors who are slow, silent, hasty or hostile: the others go on being served."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from tests.conftest import missing
from tests.faults.conftest import MakeServer
from tests.support.process import Server
from tests.support.visitors import FORM, booking_form

IDLE_CONNECTIONS = 1000

BOOKING = booking_form()
REQUEST = (
    b"POST /book HTTP/1.1\r\nHost: planado.example\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(BOOKING), BOOKING)
)


@pytest.fixture
def server(make_server: MakeServer) -> Server:
    return make_server()


@contextmanager
def connections(server: Server, number: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as opened:
        yield [opened.enter_context(connect(server)) for _ in range(number)]


def connect(server: Server) -> socket.socket:
    return socket.create_connection(("127.0.0.1", server.port), timeout=60)


def answer_on(connection: socket.socket) -> bytes:
    """Return all that arrives until the other side closes."""
    pieces = []
    with suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            pieces.append(piece)
    return b"".join(pieces)


def assert_others_are_served(server: Server) -> None:
    assert server.request("GET", "/")[0].status == 200
    assert server.request("POST", "/book", BOOKING, **FORM)[0].status == 200


def test_a_byte_a_second(server: Server) -> None:
    with connections(server, 20) as slow:
        for number in range(5):
            for connection in slow:
                connection.sendall(REQUEST[number : number + 1])
            assert_others_are_served(server)
            time.sleep(1)
        for connection in slow:
            connection.sendall(REQUEST[5:])
        for connection in slow:
            assert b" 200 OK" in answer_on(connection)


@pytest.mark.parametrize("length", [10, REQUEST.index(b"\r\n\r\n") + 4, len(REQUEST) - 1])
def test_half_requests_hold_up_nobody(server: Server, length: int) -> None:
    with connections(server, 50) as halves:
        for connection in halves:
            connection.sendall(REQUEST[:length])
        assert_others_are_served(server)
    # Half a booking is none, and a visitor who hangs up is no fault.
    assert_others_are_served(server)
    assert len(server.printed().splitlines()) == 1


def test_a_thousand_idle_connections(server: Server) -> None:
    limit, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = IDLE_CONNECTIONS + 200
    if most != resource.RLIM_INFINITY and most < needed:
        missing(f"the right to open {needed} files", f"ulimit -Hn {needed}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(limit, needed), most))
    try:
        with connections(server, IDLE_CONNECTIONS):
            for _ in range(3):
                assert_others_are_served(server)
        assert_others_are_served(server)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, most))
    assert len(server.printed().splitlines()) == 1


def test_many_requests_in_one_go_are_answered_in_their_order(server: Server) -> None:
    paths = [b"/i/%d" % (10**15 + number) for number in range(50)]
    with connect(server) as connection:
        connection.sendall(
            b"".join(b"HEAD %s HTTP/1.1\r\nHost: a\r\n\r\n" % path for path in paths)
        )
        assert_others_are_served(server)
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        answers = answer_on(connection)
    assert answers.count(b"HTTP/1.1 404 Not Found") == 50
    assert answers.rpartition(b"HTTP/1.1 ")[2].startswith(b"200 OK")


def test_who_asks_and_never_reads_holds_up_nobody(server: Server) -> None:
    request = b"GET /api/v1/openapi.json HTTP/1.1\r\n\r\n"
    with connections(server, 8) as deaf:
        for connection in deaf:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(request * (8192 // len(request)))
        assert_others_are_served(server)


MALFORMED = [
    b"\r\n\r\n",
    b"\x00" * 100 + b"\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",  # TLS
    b"nonsense\r\n\r\n",
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET / HTTP/1.1 and more\r\n\r\n",
    b"get / HTTP/1.1\r\n\r\n",
    b"GET /\xff\xfe HTTP/1.1\r\n\r\n",
    b"GET /%zz HTTP/1.1\r\n\r\n",
    b"GET //// HTTP/1.1\r\n\r\n",
    b"GET http://[::1/ HTTP/1.1\r\n\r\n",
    b"GET http://elsewhere.example/ HTTP/1.1\r\nHost: a\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
    b"CONNECT planado.example:443 HTTP/1.1\r\nHost: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost a\r\n\r\n",
    b"GET / HTTP/1.1\r\n Host: a\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nX\x00Y: b\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: \xf0\x9f\x98\x80\r\n\r\n",
    b"POST /book HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    b"POST /book HTTP/1.1\r\nContent-Length: one\r\n\r\n",
    b"POST /book HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    b"POST /book HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    b"POST /book HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n",
    b"POST /book HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
    b"POST /book HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n",
    b"POST /book HTTP/1.1\r\nExpect: the unexpected\r\nContent-Length: 0\r\n\r\n",
    b"POST /book HTTP/1.1\r\nContent-Type: \xff\r\nContent-Length: 3\r\n\r\na=b",
    b"GET / HTTP/1.1\r\nAccept-Language: " + b"\xff;q=\xfe," * 100 + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nAccept-Language: de;q=1e999, en;q=-0, *;q=nan\r\n\r\n",
    b"GET /i/" + b"1" * 5000 + b" HTTP/1.1\r\n\r\n",
]


def test_malformed_requests_are_refused_and_leave_no_trace(server: Server) -> None:
    for request in MALFORMED:
        with connect(server) as connection:
            connection.sendall(request)
            connection.shutdown(socket.SHUT_WR)
            answer = answer_on(connection)
        for status in (b"500", b"502", b"503"):
            assert not answer.startswith(b"HTTP/1.1 " + status), (request, answer)
            assert not answer.startswith(b"HTTP/1.0 " + status), (request, answer)
    assert_others_are_served(server)
    assert len(server.printed().splitlines()) == 1, server.printed()


@pytest.mark.parametrize("piece", [b"X: y\r\n", b"X-Long: " + b"y" * 10**6 + b"\r\n"])
def test_headers_of_a_megabyte_are_refused(server: Server, piece: bytes) -> None:
    assert_others_are_served(server)
    before = server.resident_bytes()
    headers = piece * (10**6 // len(piece) + 1)
    for _ in range(20):
        with connect(server) as connection:
            # It is closed before all has been sent.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(b"GET / HTTP/1.1\r\n" + headers + b"\r\n")
            answer = answer_on(connection)
        assert answer[:12] in (b"HTTP/1.0 431", b"HTTP/1.1 431", b""), answer
        assert_others_are_served(server)
    after = server.resident_bytes()
    assert max(after[pid] - size for pid, size in before.items()) < 20_000_000

"""`planado serve` with several processes: one that dies is replaced, and who ends them all loses no
request.
"""

from __future__ import annotations

import http.client
import os
import re
import resource
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from tests.faults.conftest import MakeServer
from tests.support.process import Server
from tests.support.visitors import FORM, Visitors, booking_form, invitation_in, wait_until

TWO = "[server]\nprocesses = 2\n"
ONE = "[server]\nprocesses = 1\n"


def children(server: Server) -> list[int]:
    """Return the processes that a server has started."""
    listed = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text()
    return [int(number) for number in listed.split()]


def open_files(process: int) -> list[str]:
    return [str(file.readlink()) for file in Path(f"/proc/{process}/fd").iterdir()]


def test_each_process_keeps_to_a_core_of_its_own(make_server: MakeServer) -> None:
    server = make_server(ini=TWO)
    wait_until(lambda: len(children(server)) == 2)
    cores = len(os.sched_getaffinity(0))
    wait_until(lambda: all(len(os.sched_getaffinity(each)) == 1 for each in children(server)))
    kept = {frozenset(os.sched_getaffinity(each)) for each in children(server)}
    assert len(kept) == min(2, cores)
    assert len(os.sched_getaffinity(server.pid)) == cores


def test_a_single_process_is_its_own_supervisor(make_server: MakeServer) -> None:
    server = make_server(ini=ONE)
    assert server.request("GET", "/")[0].status == 200
    assert children(server) == []
    assert len(os.sched_getaffinity(server.pid)) == 1


def test_nothing_is_taken_through_a_fork(make_server: MakeServer) -> None:
    server = make_server(ini=TWO)
    assert server.request("POST", "/book", booking_form(), **FORM)[0].status == 200
    assert len(list(Path(f"/proc/{server.pid}/task").iterdir())) == 1
    assert not [file for file in open_files(server.pid) if "planado.db" in file]
    assert any("planado.db" in file for each in children(server) for file in open_files(each))


def test_one_that_dies_is_replaced_while_others_serve(make_server: MakeServer) -> None:
    server = make_server(ini=TWO)
    wait_until(lambda: len(children(server)) == 2)
    with Visitors(server, server_may_die=True) as visitors:
        visitors.wait_for("POST", 200, 5)
        killed = children(server)[0]
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: len(children(server)) == 2 and killed not in children(server))
        visitors.wait_for("POST", 200, 5)
    visitors.check()
    assert "a process ended (signal 9); another one starts in 0.5 s" in server.printed()


def test_one_that_dies_at_once_is_started_ever_more_slowly(make_server: MakeServer) -> None:
    server = make_server(ini=TWO)
    for number in (1, 2, 3):
        wait_until(lambda: len(children(server)) == 2)
        os.kill(max(children(server)), signal.SIGKILL)
        wait_until(partial(has_paused, server, number))
    assert printed_pauses(server) == ["0.5", "1.0", "2.0"]
    assert server.request("GET", "/health")[0].status == 200


def has_paused(server: Server, times: int) -> bool:
    return len(printed_pauses(server)) == times


def printed_pauses(server: Server) -> list[str]:
    return re.findall(r"another one starts in ([0-9.]+) s", server.printed())


def test_without_their_supervisor_they_give_the_address_free(make_server: MakeServer) -> None:
    server = make_server(ini=TWO)
    wait_until(lambda: len(children(server)) == 2)
    orphans = children(server)
    server.kill()
    wait_until(lambda: not any(Path(f"/proc/{each}/task").exists() for each in orphans))


@pytest.mark.parametrize("ini", [ONE, TWO])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_who_is_being_served_is_served_to_the_end(
    make_server: MakeServer, ini: str, number: signal.Signals
) -> None:
    server = make_server(ini=ini)
    statuses: list[int] = []
    failures: list[str] = []
    ends = threading.Event()
    crowd = [
        threading.Thread(target=book_on, args=(server, statuses, failures, ends)) for _ in range(8)
    ]
    for thread in crowd:
        thread.start()
    wait_until(lambda: len(statuses) > 40)
    ends.set()
    os.kill(server.pid, number)
    for thread in crowd:
        thread.join(60)
    assert server.wait(60) == 0
    assert failures == []
    assert set(statuses) == {200}
    assert "WARNING" not in server.printed(), server.printed()
    # The last one to leave has put everything into the one file.
    assert not (server.folder / "planado.db-wal").exists()


def book_on(
    server: Server, statuses: list[int], failures: list[str], ends: threading.Event
) -> None:
    """Book on connections that stay open until the server closes them or cannot be reached."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    while True:
        try:
            connection.connect()
        except OSError:
            return  # It does not listen any more.
        try:
            answered = book_until_closed(connection, statuses)
        except (OSError, http.client.HTTPException) as error:
            failures.append(repr(error))
            return
        finally:
            connection.close()
        if not answered and ends.is_set():
            return


def book_until_closed(connection: http.client.HTTPConnection, statuses: list[int]) -> int:
    """Book again and again until an answer closes the connection; return how often."""
    number = 0
    headers = {name.replace("_", "-"): value for name, value in FORM.items()}
    while number == 0 or connection.sock is not None:
        connection.request("POST", "/book", booking_form(), headers)
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
        number += 1
    return number


@pytest.mark.parametrize("ini", [ONE, TWO])
def test_a_request_that_is_not_complete_yet_is_waited_for(
    make_server: MakeServer, ini: str
) -> None:
    server = make_server(ini=ini)
    body = booking_form()
    with connected(server) as connection:
        connection.putrequest("POST", "/book")
        connection.putheader("Content-Type", FORM["Content_Type"])
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:20])
        time.sleep(0.5)
        os.kill(server.pid, signal.SIGTERM)
        time.sleep(1)
        connection.send(body[20:])
        response = connection.getresponse()
        assert response.status == 200
        assert response.getheader("Connection") == "close"
        response.read()
    assert server.wait(60) == 0


def test_who_sends_nothing_more_does_not_hold_up_the_end(make_server: MakeServer) -> None:
    server = make_server(ini=TWO)
    with connected(server) as idle, connected(server) as half:
        idle.request("GET", "/")
        idle.getresponse().read()
        half.putrequest("POST", "/book")
        half.putheader("Content-Length", "1000")
        half.endheaders(b"name=")
        os.kill(server.pid, signal.SIGTERM)
        assert server.wait(60) == 0


def test_out_of_memory_it_writes_down_nothing_of_anybody(make_server: MakeServer) -> None:
    server = make_server(ini=TWO)
    _, page = server.request("POST", "/book", booking_form(), **FORM)
    iid = invitation_in(page).rpartition("/")[2]
    secrets = [iid, "1234123412341234", "Nobodys-business", "127.0.0.1:"]
    # Code that has not been read yet needs memory that is not there.
    paths = [
        f"/cal/{iid}.ics?name=Nobodys-business&time=1900000000&repeat=1weekly&count=500",
        f"/admin/{iid}/1234123412341234?name=Nobodys-business",
        f"/qr/{iid}.svg",
    ]
    statuses: list[int] = []
    with starved(children(server)):
        for number in range(30):
            with suppress(OSError, http.client.HTTPException):
                statuses.append(server.request("GET", paths[number % len(paths)])[0].status)
    assert 500 in statuses
    printed = server.printed().partition("\n")[2]
    assert "Error" in printed
    for secret in secrets:
        assert secret not in printed, printed
    wait_until(lambda: is_served(server, invitation_in(page)))


def is_served(server: Server, path: str) -> bool:
    with suppress(OSError, http.client.HTTPException):
        return server.request("GET", path)[0].status == 200
    return False


@contextmanager
def connected(server: Server) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def starved(processes: list[int]) -> Iterator[None]:
    """Within it, these processes get no more memory than they have."""
    unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    for process in processes:
        status = Path(f"/proc/{process}/status").read_text()
        [kilobytes] = re.findall(r"^VmSize:\s+([0-9]+) kB", status, re.MULTILINE)
        taken = int(kilobytes) * 1024
        resource.prlimit(process, resource.RLIMIT_AS, (taken, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        for process in processes:
            with suppress(ProcessLookupError):
                resource.prlimit(process, resource.RLIMIT_AS, unlimited)

"""The limits of deploy/nginx.conf, before the program or, where they are counted out, before
nothing: what nginx lets through is 502 then, at any speed of the machine.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

import pytest

from tests.hosts.hosts import Programs, nginx_alone, nginx_waitress_unix
from tests.hosts.site import NetworkVisitor, Site
from tests.hosts.test_hosts import links_of, soon
from tests.support.visitors import wait_until

# So many requests nginx answers on one connection.
MOST_REQUESTS = 1000


@pytest.fixture
def site() -> Iterator[Site]:
    started = Site("")
    yield started
    started.stop()


@pytest.fixture
def visitor(site: Site, programs: Programs) -> NetworkVisitor:
    nginx_waitress_unix(site, programs)
    site.wait_until_it_answers()
    return NetworkVisitor(site)


@pytest.fixture
def nginx(site: Site) -> Site:
    """The web server alone."""

    def listens() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", site.port)) == 0

    nginx_alone(site)
    wait_until(listens)
    return site


def at_once(nginx: Site, path: str, number: int) -> list[int]:
    """Ask for a path so often without waiting for answers; return their statuses in order."""
    statuses: list[int] = []
    while number > len(statuses):
        times = min(MOST_REQUESTS, number - len(statuses))
        request = f"HEAD {path} HTTP/1.1\r\nHost: planado.example\r\n"
        sent = f"{request}\r\n" * (times - 1) + f"{request}Connection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", nginx.port), 60) as connection:
            connection.sendall(sent.encode())
            with connection.makefile("rb") as received:
                found = re.findall(rb"^HTTP/1\.1 ([0-9]+) ", received.read(), re.MULTILINE)
        assert len(found) == times
        statuses += map(int, found)
    return statuses


def test_three_hundred_guests_behind_one_address_wait_and_come_in_at_once(
    visitor: NetworkVisitor,
) -> None:
    booked, is_open = visitor.book(), visitor.book(**soon(visitor))
    files = [link for link in links_of(visitor.visit(booked.invitation_url)) if "/static/" in link]
    assert {link.partition("?")[0].rpartition(".")[2] for link in files} == {"css", "js", "svg"}
    for url in (booked.invitation_url, *files, is_open.invitation_url, booked.calendar_url):
        assert {visitor.visit(url).status for _ in range(300)} == {200}, url


def test_who_tries_numbers_is_held_up(nginx: Site) -> None:
    statuses = at_once(nginx, "/i/1000000000000000", 1000)
    assert set(statuses[:600]) == {502}
    assert 429 in statuses
    assert at_once(nginx, "/", 1) == [502]


def test_who_asks_for_what_is_dear_is_held_up(nginx: Site) -> None:
    urls = ("/cal/1000000000000000.ics?name=x", "/qr/1000000000000000.svg", "/cal.php?id=1")
    assert set(at_once(nginx, urls[0], 300)) == {502}
    for url in urls:
        assert 429 in at_once(nginx, url, 300), url
    assert at_once(nginx, "/", 1) == [502]


@pytest.mark.parametrize("path", ["/", "/static/planado.css", "/when", "/nowhere"])
def test_who_asks_for_anything_all_the_time_is_held_up(nginx: Site, path: str) -> None:
    statuses = at_once(nginx, path, 4000)
    assert set(statuses[:3000]) == {502}
    assert 429 in statuses


def test_a_class_books_at_once_and_no_more_than_that(visitor: NetworkVisitor) -> None:
    statuses = [visitor.post("/room").status for _ in range(100)]
    assert statuses[:30] == [200] * 30
    assert 429 in statuses
    assert visitor.get("/").status == 200

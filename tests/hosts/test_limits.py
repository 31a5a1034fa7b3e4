"""The limits of deploy/nginx.conf."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hosts.hosts import Programs, nginx_waitress_unix
from tests.hosts.site import NetworkVisitor, Site
from tests.hosts.test_hosts import links_of, soon


@pytest.fixture
def visitor(programs: Programs) -> Iterator[NetworkVisitor]:
    site = Site("")
    try:
        nginx_waitress_unix(site, programs)
        site.wait_until_it_answers()
        yield NetworkVisitor(site)
    finally:
        site.stop()


def test_three_hundred_guests_behind_one_address_wait_and_come_in_at_once(
    visitor: NetworkVisitor,
) -> None:
    booked, is_open = visitor.book(), visitor.book(**soon(visitor))
    files = [link for link in links_of(visitor.visit(booked.invitation_url)) if "/static/" in link]
    assert {link.partition("?")[0].rpartition(".")[2] for link in files} == {"css", "js", "svg"}
    for url in (booked.invitation_url, *files, is_open.invitation_url, booked.calendar_url):
        assert {visitor.visit(url).status for _ in range(300)} == {200}, url


def test_who_tries_numbers_is_held_up(visitor: NetworkVisitor) -> None:
    # 600 are let through at once; the rest come faster than 10 a second.
    statuses = (visitor.visit("/i/1000000000000000").status for _ in range(5000))
    assert next(status for status in statuses if status != 404) == 429
    assert visitor.get("/").status == 200


def test_who_asks_for_what_is_dear_is_held_up(visitor: NetworkVisitor) -> None:
    booked = visitor.book()
    for url in (booked.calendar_url, f"/qr/{booked.iid}.svg", "/cal.php?id=1"):
        statuses = {visitor.get(url).status for _ in range(700)}
        assert 429 in statuses, url
    assert visitor.get("/").status == 200


@pytest.mark.parametrize("path", ["/", "/static/planado.css", "/when", "/nowhere"])
def test_who_asks_for_anything_all_the_time_is_held_up(visitor: NetworkVisitor, path: str) -> None:
    assert any(visitor.request("HEAD", path).status == 429 for _ in range(20_000))


def test_a_class_books_at_once_and_no_more_than_that(visitor: NetworkVisitor) -> None:
    statuses = [visitor.post("/room").status for _ in range(100)]
    assert statuses[:30] == [200] * 30
    assert 429 in statuses
    assert visitor.get("/").status == 200

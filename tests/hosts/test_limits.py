"""The limits of deploy/nginx.conf."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.hosts.hosts import Programs, nginx_waitress_unix
from tests.hosts.site import NetworkVisitor, Site


@pytest.fixture
def visitor(programs: Programs) -> Iterator[NetworkVisitor]:
    site = Site("")
    try:
        nginx_waitress_unix(site, programs)
        site.wait_until_it_answers()
        yield NetworkVisitor(site)
    finally:
        site.stop()


def test_three_hundred_guests_behind_one_address_come_in_at_once(visitor: NetworkVisitor) -> None:
    invitation = visitor.book().invitation_url
    assert {visitor.visit(invitation).status for _ in range(600)} == {200}


def test_who_tries_numbers_is_held_up(visitor: NetworkVisitor) -> None:
    # 600 are let through at once; the rest come faster than 10 a second.
    statuses = (visitor.visit("/i/1000000000000000").status for _ in range(5000))
    assert next(status for status in statuses if status != 404) == 429
    assert visitor.get("/").status == 200


def test_a_class_books_at_once_and_no_more_than_that(visitor: NetworkVisitor) -> None:
    statuses = [visitor.post("/room").status for _ in range(100)]
    assert statuses[:30] == [200] * 30
    assert 429 in statuses
    assert visitor.get("/").status == 200

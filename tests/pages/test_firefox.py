"""The story in Firefox, which reloads in another way than Chromium (`tests/browser`)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import MakeClient
from tests.pages.conftest import Browser, started
from tests.support.clock import HOUR, Clock
from tests.support.live import Live
from tests.support.mariadb import free_port

# How long a guest has to wait, in seconds of the real clock.
WAIT = 3


@pytest.fixture(scope="module")
def firefox() -> Iterator[Browser]:
    with started("firefox") as browser:
        yield browser


@pytest.fixture
def live(make_client: MakeClient) -> Iterator[Live]:
    rooms_port = free_port()
    ini = f"[jitsi]\nroom_url = http://127.0.0.1:{rooms_port}/{{room}}"
    started_site = Live(make_client(ini).application, rooms_port)
    yield started_site
    started_site.stop()


def book(firefox: Browser, live: Live) -> str:
    """Book a conference in an hour through the form and return the link that guests are sent."""
    firefox.goto(f"{live.url}/")
    fields = {"name": "Ärzte & Söhne", "date": "2027-03-02", "time": "09:00"}
    for name, value in {**fields, "timezone": "Europe/Berlin"}.items():
        firefox.fill(f"#{name}", value)
    firefox.wait("document.querySelector('.answer').textContent.startsWith('Tuesday, 2 March')")
    firefox.click("form[action$='/book'] button")
    firefox.wait("document.querySelector('h1')?.textContent === 'Your conference is booked'")
    return str(firefox.evaluate("document.querySelector(\".link a[href*='/i/']\").href"))


def heading(firefox: Browser, text: str) -> None:
    firefox.wait(f"document.querySelector('h1')?.textContent === '{text}'")


def test_book_wait_and_be_taken_to_the_room(firefox: Browser, live: Live, clock: Clock) -> None:
    invitation = book(firefox, live)
    clock.advance(HOUR - WAIT)
    firefox.goto(invitation)
    heading(firefox, "The conference has not started yet")
    firefox.wait("/^00:00:0[0-3]$/.test(document.querySelector('.countdown').textContent)")
    assert firefox.evaluate("document.querySelector('.name').textContent") == "Ärzte & Söhne"
    clock.advance(WAIT)
    heading(firefox, "Into the conference")
    path, _, fragment = invitation.partition("#")
    assert firefox.url() == f"{path}/enter#{fragment}"
    assert firefox.evaluate("document.querySelector('.name').textContent") == "Ärzte & Söhne"
    firefox.click("main .button")
    heading(firefox, "Room")


def test_a_page_that_reloads_itself_keeps_the_name(
    firefox: Browser, live: Live, clock: Clock
) -> None:
    invitation = book(firefox, live)
    clock.advance(HOUR - WAIT)
    firefox.goto(invitation)
    heading(firefox, "The conference has not started yet")
    live.application.database.run("DELETE FROM {table}")
    heading(firefox, "Invitation number")
    assert firefox.url() == invitation


def test_another_language_keeps_the_name(firefox: Browser, live: Live) -> None:
    invitation = book(firefox, live)
    firefox.goto(invitation)
    firefox.click("a[lang=de]")
    heading(firefox, "Die Konferenz hat noch nicht begonnen")
    assert firefox.url() == invitation.replace("#", "?language=de#")
    assert firefox.evaluate("document.querySelector('.name').textContent") == "Ärzte & Söhne"

"""The story in Firefox, which reloads in another way than Chromium (`tests/browser`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import pytest

from tests.pages.conftest import started
from tests.support.browser import Browser
from tests.support.client import Client
from tests.support.clock import HOUR, Clock
from tests.support.live import Live, Looks, broken_script
from tests.support.wsgi import call

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# How long a guest has to wait, in seconds of the real clock.
WAIT = 3


@pytest.fixture(scope="module")
def firefox() -> Iterator[Browser]:
    with started("firefox") as browser:
        yield browser


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


@pytest.mark.parametrize("how", ["gone", "half"])
def test_who_has_no_whole_script_looks_again_and_gets_in(
    firefox: Browser, live: Live, clock: Clock, how: str
) -> None:
    # Not in this browser, which would have kept the whole script.
    invitation = Client(live.application, clock, host=live.host).book().invitation_url
    live.served = broken_script(live.served, how)
    looks = Looks(live)
    clock.advance(HOUR - WAIT)
    firefox.goto(f"{invitation}#Name")
    looks.wait_for("navigate", 3)
    heading(firefox, "The conference has not started yet")
    clock.advance(WAIT)
    heading(firefox, "Into the conference")
    assert set(looks.all) == {"navigate"}


def kept_in_memory(application: WSGIApplication) -> WSGIApplication:
    """Return the application for a browser that keeps pages to come back to whatever it is told, as
    Safari does.
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        status, headers, content = call(application, environ)
        start_response(status, [each for each in headers if each[0] != "Cache-Control"])
        return [content]

    return answer


@pytest.mark.parametrize("keeps", [False, True], ids=["asks anew", "from memory"])
def test_script_looks_in_place_and_the_name_stays(
    firefox: Browser, live: Live, clock: Clock, keeps: bool
) -> None:
    invitation = book(firefox, live)
    if keeps:
        live.served = kept_in_memory(live.served)
    looks = Looks(live)
    clock.advance(HOUR - WAIT)
    firefox.goto(invitation)
    looks.wait_for("cors", 3)
    assert looks.all.count("navigate") == 1
    assert firefox.evaluate("location.href") == invitation
    firefox.goto(f"{live.url}/")
    looked = looks.all.count("cors")
    firefox.evaluate("history.back()")
    looks.wait_for("cors", looked + 3)
    assert looks.all.count("navigate") == (1 if keeps else 2)
    assert firefox.evaluate("location.href") == invitation

"""The story in a browser of 2018: what came to browsers later may be missing, nobody may be kept
out.
"""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

import pytest

from tests.support.browser import Browser
from tests.support.clock import HOUR, Clock
from tests.support.live import Live

NAME = "Ärzte & Söhne"
# How long a guest has to wait, in seconds of the real clock.
WAIT = 3


@pytest.fixture
def guest(chromium69: Browser) -> Iterator[Browser]:
    assert "Chrome/69." in chromium69.version
    chromium69.complaints()
    yield chromium69
    assert chromium69.complaints() == []


def heading(guest: Browser, text: str) -> None:
    guest.wait(f"(document.querySelector('h1') || {{}}).textContent === '{text}'")


def book(guest: Browser, live: Live, **fields: str) -> tuple[str, str]:
    """Book a conference in an hour through the form; return the invitation and the admin link."""
    guest.goto(f"{live.url}/")
    standard = {"name": NAME, "date": "2027-03-02", "time": "09:00", "timezone": "Europe/Berlin"}
    for name, value in {**standard, **fields}.items():
        guest.fill(f"#{name}", value)
    guest.wait("document.querySelector('.answer').textContent.includes(' March 2027, 09:00')")
    guest.click("form[action$='/book'] button")
    heading(guest, "Your conference is booked")
    invitation, admin = (
        guest.evaluate(f"document.querySelector(\".link a[href*='/{part}/']\").href")
        for part in ("i", "admin")
    )
    return str(invitation), str(admin)


def test_a_guest_waits_and_gets_in_with_the_name(guest: Browser, live: Live, clock: Clock) -> None:
    invitation, _ = book(guest, live)
    assert unquote(urlsplit(invitation).fragment) == NAME
    clock.advance(HOUR - WAIT)
    guest.goto(invitation)
    heading(guest, "The conference has not started yet")
    guest.wait("/^00:00:0[0-3]$/.test(document.querySelector('.countdown').textContent)")
    assert guest.evaluate("document.querySelector('.name').textContent") == NAME
    clock.advance(WAIT)
    heading(guest, "Into the conference")
    assert guest.evaluate("document.querySelector('.name').textContent") == NAME
    assert guest.url() == invitation.replace("#", "/enter#")
    guest.click("main .button")
    heading(guest, "Room")


def test_an_invitation_that_is_open_leads_right_in(
    guest: Browser, live: Live, clock: Clock
) -> None:
    invitation, _ = book(guest, live)
    clock.advance(HOUR)
    guest.goto(invitation)
    heading(guest, "Into the conference")


def test_days_to_wait_are_counted_in_hours(guest: Browser, live: Live) -> None:
    invitation, _ = book(guest, live, repeat="1daily", date="2027-03-04", count="2")
    guest.goto(invitation)
    guest.wait("/^49:00:00$|^48:59:5/.test(document.querySelector('.countdown').textContent)")


def test_the_chime_rings(guest: Browser, live: Live, clock: Clock) -> None:
    invitation, _ = book(guest, live)
    clock.advance(HOUR - WAIT)
    guest.goto(invitation)
    guest.evaluate(
        "void (window.tones = 0, ((start) => { OscillatorNode.prototype.start = function (at)"
        " { window.tones += 1; start.call(this, at); }; })(OscillatorNode.prototype.start))"
    )
    guest.click("[data-chime]")
    assert guest.evaluate("window.tones") == 2
    clock.advance(WAIT)
    guest.wait("window.tones === 4")
    heading(guest, "Into the conference")


def test_the_organiser_changes_and_cancels(guest: Browser, live: Live) -> None:
    invitation, admin = book(guest, live)
    guest.goto(admin)
    heading(guest, "Your conference")
    assert guest.evaluate("document.querySelector('#time').value") == "09:00"
    guest.fill("#time", "10:30")
    guest.click("form:not([action$='/cancel']) button:not(.quiet)")
    heading(guest, "Your conference has been changed")
    assert "10:30" in guest.evaluate("document.querySelector('.facts').textContent")
    guest.goto(admin)
    guest.click("form[action$='/cancel'] summary")
    guest.click("form[action$='/cancel'] button")
    heading(guest, "Cancelled")
    guest.goto(invitation)
    heading(guest, "Invitation number")

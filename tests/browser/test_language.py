"""The language switch at the foot of each page, in a real browser."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, book, heading
from tests.support.clock import HOUR, Clock
from tests.support.live import Live


@pytest.mark.parametrize("hide_navigation", [False, True])
def test_a_guest_waits_and_enters_in_the_chosen_language(
    open_page: OpenPage, live: Live, clock: Clock, hide_navigation: bool
) -> None:
    invitation, _ = book(open_page(), live)
    guest = open_page()
    guest.goto(f"{invitation}#Choir")
    guest.get_by_role("link", name="Deutsch").click()
    heading(guest, "Die Konferenz hat noch nicht begonnen")
    assert guest.url == f"{invitation}?language=de#Choir"
    expect(guest.get_by_role("heading", level=2)).to_have_text("Choir")
    live.hide_navigation = hide_navigation
    clock.advance(HOUR)
    guest.clock.fast_forward(30_000)
    heading(guest, "Zur Konferenz")
    assert guest.url.endswith("?language=de#Choir")
    expect(guest.locator("html")).to_have_attribute("lang", "de")


def test_the_organiser_books_without_script_and_guests_get_their_own_language(
    open_page: OpenPage, live: Live
) -> None:
    page = open_page(script=False)
    page.goto(f"{live.url}/")
    page.get_by_role("link", name="Deutsch").click()
    page.get_by_label("Name").fill("Chor")
    page.locator("#date").fill("2027-03-02")
    page.locator("#time").fill("09:00")
    page.get_by_role("button", name="Buchen").click()
    heading(page, "Deine Konferenz ist gebucht")
    invitation = page.locator(".link a[href*='/i/']").get_attribute("href") or ""
    guest = open_page()
    guest.goto(invitation)
    heading(guest, "The conference has not started yet")

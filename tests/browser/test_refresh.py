"""The refresh of the waiting page: it leads in who has no script that works, and stays out of the
way of who has.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from threading import Event
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import heading
from tests.support.client import Client
from tests.support.clock import HOUR, Clock
from tests.support.live import Live, Looks, broken_script
from tests.support.visitors import wait_until

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# How long a guest has to wait, in seconds of the real clock: the refresh comes as late.
WAIT = 2


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    """A page with nobody who listens to what goes wrong in it."""
    context = browser.new_context(locale="en-GB")
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    ("how", "file"), [("gone", ".js"), ("half", "planado.js"), ("half", "waiting.js")]
)
def test_who_has_no_whole_script_looks_again_and_gets_in(
    visitor: Page, live: Live, clock: Clock, how: str, file: str
) -> None:
    invitation = Client(live.application, clock, host=live.host).book().invitation_url
    live.served = broken_script(live.served, how, file)
    looks = Looks(live)
    clock.advance(HOUR - WAIT)
    visitor.goto(f"{invitation}#Name")
    heading(visitor, "The conference has not started yet")
    looks.wait_for("navigate", 3)
    heading(visitor, "The conference has not started yet")
    clock.advance(WAIT)
    heading(visitor, "Into the conference")
    assert set(looks.all) == {"navigate"}
    visitor.get_by_role("link", name="Enter the room").click()
    heading(visitor, "Room")


def test_an_outage_is_waited_through_without_a_whole_script(
    visitor: Page, live: Live, clock: Clock
) -> None:
    invitation = Client(live.application, clock, host=live.host).book().invitation_url
    live.served = broken_script(live.served, "half")
    live.application.database.run("ALTER TABLE {table} RENAME TO elsewhere")
    visitor.goto(f"{invitation}#Name")
    heading(visitor, "Please wait a moment")
    live.application.database.run("ALTER TABLE elsewhere RENAME TO {table}")
    visitor.wait_for_url(invitation)
    heading(visitor, "The conference has not started yet")


def test_script_looks_in_place_and_the_name_stays(visitor: Page, live: Live, clock: Clock) -> None:
    invitation = Client(live.application, clock, host=live.host).book().invitation_url
    looks = Looks(live)
    clock.advance(HOUR - WAIT)
    visitor.goto(f"{invitation}#Name")
    looks.wait_for("cors", 3)
    assert looks.all.count("navigate") == 1
    assert visitor.url == f"{invitation}#Name"
    expect(visitor.get_by_role("heading", level=2)).to_have_text("Name")
    assert visitor.locator("meta[http-equiv=refresh]").count() == 0


def test_who_comes_back_to_the_waiting_page_keeps_the_name(
    visitor: Page, live: Live, clock: Clock
) -> None:
    invitation = Client(live.application, clock, host=live.host).book().invitation_url
    looks = Looks(live)
    clock.advance(HOUR - WAIT)
    visitor.goto(f"{invitation}#Name")
    looks.wait_for("cors", 1)
    visitor.goto(f"{live.url}/")
    heading(visitor, "Book a conference")
    before = looks.all.count("cors")
    visitor.go_back()
    looks.wait_for("cors", before + 3)
    assert visitor.url == f"{invitation}#Name"
    expect(visitor.get_by_role("heading", level=2)).to_have_text("Name")
    assert looks.all.count("navigate") <= 2


@pytest.mark.parametrize(
    "fault",
    [
        "Object.defineProperty(Document.prototype, 'title', { set() { throw new Error(); } })",
        "Object.defineProperty(Element.prototype, 'remove', { value: undefined })",
        "Object.defineProperty(window, 'Intl', { value: undefined })",
    ],
)
def test_what_fails_in_script_keeps_nobody_out(
    visitor: Page, live: Live, clock: Clock, fault: str
) -> None:
    invitation = Client(live.application, clock, host=live.host).book().invitation_url
    looks = Looks(live)
    clock.advance(HOUR - WAIT)
    visitor.add_init_script(fault)
    visitor.goto(f"{invitation}#Name")
    heading(visitor, "The conference has not started yet")
    wait_until(lambda: len(looks.all) > 2)
    clock.advance(WAIT)
    heading(visitor, "Into the conference")


def test_a_page_that_is_slow_to_load_is_left_to_script_all_the_same(
    visitor: Page, live: Live, clock: Clock
) -> None:
    invitation = Client(live.application, clock, host=live.host).book().invitation_url
    arrived = Event()

    def slow(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].endswith(".svg"):
            arrived.wait(60)
        return live.application(environ, start_response)

    live.served = slow
    looks = Looks(live)
    clock.advance(HOUR - WAIT)
    visitor.goto(f"{invitation}#Name", wait_until="commit")
    looks.wait_for("cors", 2)
    assert visitor.evaluate("document.readyState") == "interactive"
    arrived.set()
    looks.wait_for("cors", 5)
    assert looks.all.count("navigate") == 1
    assert visitor.url == f"{invitation}#Name"
    assert visitor.evaluate("[...document.images].every((image) => image.naturalWidth)")

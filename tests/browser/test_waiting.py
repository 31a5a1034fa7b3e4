"""What a guest sees, hears and is told while waiting, and which name is shown where."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, book, cancel, heading
from tests.support.clock import DAY, HOUR, MINUTE, Clock
from tests.support.live import Live

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

NAME = 'Ärzte & "Söhne" <b>🎉</b>'
COUNT_TONES = """
    window.tones = 0;
    const start = OscillatorNode.prototype.start;
    OscillatorNode.prototype.start = function (at) { window.tones += 1; start.call(this, at); };
"""
# What browsers of the last years brought, taken away again.
AS_IN_2017 = """
    for (const name of ["AbortController", "AbortSignal", "AudioContext"]) delete window[name];
    delete Intl.Locale;
    Intl.NumberFormat = function () { throw new RangeError("style unit"); };
"""


def named_link(page: Page) -> str:
    return page.locator(".invitation .link a").get_attribute("href") or ""


def about(clock: str) -> re.Pattern[str]:
    """Return a pattern of this time to wait, or somewhat less: a page's own clock goes on."""
    hours, minutes, seconds = map(int, clock.split(":"))
    left = (hours * 60 + minutes) * 60 + seconds
    times = (max(0, left - passed) for passed in range(30))
    texts = (f"{each // 3600:02}:{each // 60 % 60:02}:{each % 60:02}" for each in times)
    return re.compile("^(" + "|".join(texts) + ")$")


def name_in(room_url: str) -> str:
    """Return the name that Jitsi reads from the address of a room."""
    key, _, value = urlsplit(room_url).fragment.partition("=")
    assert key == "config.localSubject"
    assert "\\u0026" in unquote(value), "Jitsi would cut a bare & off"
    return str(json.loads(unquote(value)))


def test_the_name_is_shown_to_guests_and_stays_out_of_the_room(
    open_page: OpenPage, live: Live, clock: Clock
) -> None:
    page = open_page()
    book(page, live, name=NAME)
    link = named_link(page)
    assert unquote(urlsplit(link).fragment) == NAME
    expect(page.locator(".invitation .link a")).to_have_text(link)

    guest = open_page()
    asked: list[str] = []
    guest.on("request", lambda request: asked.append(request.url.partition("#")[0]))
    guest.goto(link)
    expect(guest.get_by_role("heading", level=2)).to_have_text(NAME)
    left, _, rest = guest.title().partition(" · ")
    assert about("01:00:00").match(left)
    assert rest == f"{NAME} – Planado"
    clock.advance(HOUR)
    guest.clock.fast_forward(30_000)
    heading(guest, "Into the conference")
    expect(guest.get_by_role("heading", level=2)).to_have_text(NAME)
    assert guest.title() == f"{NAME} – Planado"
    guest.get_by_role("link", name="Enter the room").click()
    heading(guest, "Room")
    assert urlsplit(guest.url).fragment == ""
    assert not [url for url in asked if "rzte" in url]


@pytest.mark.parametrize("settings", ["[privacy]\npage = no"])
def test_a_redirect_does_not_hand_the_name_on(
    open_page: OpenPage, live: Live, clock: Clock
) -> None:
    page = open_page()
    book(page, live, name=NAME)
    link = named_link(page)
    clock.advance(HOUR)
    for script in (True, False):
        guest = open_page(script=script)
        guest.goto(link)
        heading(guest, "Room")
        assert urlsplit(guest.url).fragment == ""


@pytest.mark.parametrize(
    "settings", ["pass_name = yes", "pass_name = yes\n[privacy]\npage = no"], ids=["page", "none"]
)
@pytest.mark.parametrize("early", [True, False])
def test_the_room_gets_the_name_where_the_operator_says_so(
    open_page: OpenPage, live: Live, clock: Clock, settings: str, early: bool
) -> None:
    page = open_page()
    _, admin = book(page, live, name=NAME)
    link = named_link(page)
    guest = open_page()
    if early:
        guest.goto(link)
        clock.advance(HOUR)
        guest.clock.fast_forward(30_000)
    else:
        clock.advance(HOUR)
        guest.goto(link)
    page.goto(admin)
    page.get_by_role("link", name="Enter the room").click()
    for visitor in (guest, page):
        if "page = no" not in settings:
            visitor.get_by_role("link", name="Enter the room").click()
        heading(visitor, "Room")
        assert name_in(visitor.url) == NAME


def test_a_name_cannot_turn_text_around_or_grow_beyond_measure(
    open_page: OpenPage, live: Live
) -> None:
    invitation, _ = book(open_page(), live)
    guest = open_page()
    guest.goto(f"{invitation}#%E2%80%AEevil%0Aname%00")
    expect(guest.get_by_role("heading", level=2)).to_have_text("evil name")
    guest = open_page()
    guest.goto(f"{invitation}#{'x' * 5000}")
    expect(guest.get_by_role("heading", level=2)).to_have_text("x" * 100)
    guest = open_page()
    guest.goto(f"{invitation}#%E0%A4%A")
    expect(guest.get_by_role("timer")).to_have_text(about("01:00:00"))
    expect(guest.get_by_role("heading", level=2)).to_be_hidden()


def test_the_last_minute_and_the_start_are_said_and_the_chime_rings(
    open_page: OpenPage, live: Live, clock: Clock
) -> None:
    invitation, _ = book(open_page(), live)
    guest = open_page()
    guest.add_init_script(COUNT_TONES)
    guest.goto(invitation)
    left, _, rest = guest.title().partition(" · ")
    assert about("01:00:00").match(left)
    assert rest.startswith("The conference has not started yet")
    chime = guest.get_by_role("button", name="Chime at the start")
    expect(chime).to_have_attribute("aria-pressed", "false")
    chime.click()
    expect(chime).to_have_attribute("aria-pressed", "true")
    assert guest.evaluate("window.tones") == 2, "one hears at once what it will be"

    clock.advance(HOUR - 70)
    guest.clock.fast_forward(30_000)
    expect(guest.get_by_role("timer")).to_have_text(about("00:01:10"))
    expect(guest.get_by_role("status")).to_be_empty()
    guest.clock.run_for(10_000)
    expect(guest.get_by_role("status")).to_have_text("Less than a minute until the room opens.")
    clock.advance(70)
    guest.clock.run_for(20_000)
    expect(guest.get_by_role("status")).to_contain_text("The room is open.")
    assert guest.evaluate("window.tones") == 4
    guest.clock.run_for(2_000)
    heading(guest, "Into the conference")


def wait_until_the_start(open_page: OpenPage, live: Live, clock: Clock) -> tuple[Page, str, str]:
    """Book, open the invitation an hour early and come to the last second of it; return the guest's
    page, the invitation and the admin link.
    """
    invitation, admin = book(open_page(), live)
    guest = open_page()
    guest.goto(f"{invitation}#Name")
    clock.advance(HOUR - 10)
    with guest.expect_response(invitation):
        guest.clock.fast_forward(HOUR * 1000 - 10_000)
    expect(guest.get_by_role("timer")).to_have_text(about("00:00:10"))
    guest.clock.fast_forward(9_000)
    return guest, invitation, admin


def test_at_the_start_the_way_in_takes_one_request(
    open_page: OpenPage, live: Live, clock: Clock
) -> None:
    guest, invitation, _ = wait_until_the_start(open_page, live, clock)
    asked: list[str] = []

    def note(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        asked.append(environ["PATH_INFO"])
        return live.application(environ, start_response)

    live.served = note
    clock.advance(10)
    with guest.expect_response(f"{invitation}/enter"):
        guest.clock.fast_forward(2_000)
    heading(guest, "Into the conference")
    expect(guest.get_by_role("heading", level=2)).to_have_text("Name")
    expect(guest.get_by_role("link", name="Enter the room")).to_be_focused()
    assert guest.title() == "Name – Planado"
    assert guest.url == f"{invitation}/enter#Name"
    guest.clock.fast_forward(HOUR * 1000)
    assert asked == [f"{urlsplit(invitation).path}/enter"], "who is in waits no longer"
    assert guest.title() == "Name – Planado"
    guest.reload()
    heading(guest, "Into the conference")


def test_a_start_that_was_moved_at_the_last_moment_is_waited_for(
    open_page: OpenPage, live: Live, clock: Clock
) -> None:
    guest, invitation, admin = wait_until_the_start(open_page, live, clock)
    page = open_page()
    page.goto(admin)
    page.locator("#time").fill("09:05")
    page.get_by_role("button", name="Save changes").click()
    clock.advance(10)
    with guest.expect_response(f"{invitation}/enter"):
        guest.clock.fast_forward(2_000)
    expect(guest.get_by_role("status")).to_have_text("The organiser has changed the time.")
    expect(guest.get_by_role("timer")).to_have_text(about("00:05:00"))
    assert guest.url == f"{invitation}#Name"
    clock.advance(5 * MINUTE)
    with guest.expect_response(f"{invitation}/enter"):
        guest.clock.fast_forward(5 * MINUTE * 1000)
    heading(guest, "Into the conference")


def test_a_conference_that_was_cancelled_at_the_last_moment(
    open_page: OpenPage, live: Live, clock: Clock
) -> None:
    guest, _, admin = wait_until_the_start(open_page, live, clock)
    page = open_page()
    page.goto(admin)
    cancel(page)
    with guest.expect_navigation():
        guest.clock.fast_forward(2_000)
    expect(guest.locator("#id-error")).to_contain_text("There is no conference with this number")


@pytest.mark.parametrize("settings", ["[privacy]\npage = no"])
def test_without_the_privacy_page_the_start_leads_right_into_the_room(
    open_page: OpenPage, live: Live, clock: Clock
) -> None:
    guest, _, _ = wait_until_the_start(open_page, live, clock)
    clock.advance(10)
    guest.clock.fast_forward(2_000)
    heading(guest, "Room")


def test_an_outage_is_said_and_waited_through(
    open_page: OpenPage, live: Live, clock: Clock
) -> None:
    invitation, _ = book(open_page(), live)
    guest = open_page()
    guest.goto(invitation)
    guest.context.set_offline(True)
    guest.clock.fast_forward(30_000)
    expect(guest.get_by_role("status")).to_contain_text("No connection at the moment")
    heading(guest, "The conference has not started yet")
    guest.clock.fast_forward(5_000)
    heading(guest, "The conference has not started yet")
    guest.context.set_offline(False)
    guest.clock.fast_forward(5_000)
    expect(guest.get_by_role("status")).to_be_empty()
    clock.advance(HOUR)
    guest.clock.fast_forward(30_000)
    heading(guest, "Into the conference")


def test_a_server_without_its_database_is_waited_for(open_page: OpenPage, live: Live) -> None:
    invitation, _ = book(open_page(), live)
    live.application.database.run("ALTER TABLE {table} RENAME TO elsewhere")
    guest = open_page()
    guest.goto(f"{invitation}#Name")
    heading(guest, "Please wait a moment")
    with guest.expect_response(invitation):
        guest.clock.fast_forward(10_000)
    heading(guest, "Please wait a moment")
    live.application.database.run("ALTER TABLE elsewhere RENAME TO {table}")
    guest.clock.fast_forward(5_000)
    heading(guest, "The conference has not started yet")
    expect(guest.get_by_role("heading", level=2)).to_have_text("Name")


def test_what_came_to_browsers_later_may_be_missing(
    open_page: OpenPage, live: Live, clock: Clock
) -> None:
    invitation, _ = book(open_page(), live, date="2027-03-04")
    guest = open_page()
    guest.add_init_script(AS_IN_2017)
    guest.goto(f"{invitation}#Name")
    expect(guest.get_by_role("heading", level=2)).to_have_text("Name")
    expect(guest.get_by_role("timer")).to_have_text(about("49:00:00"))
    expect(guest.get_by_role("button")).to_have_count(0)
    clock.advance(2 * DAY + HOUR)
    guest.clock.fast_forward(30_000)
    heading(guest, "Into the conference")
    expect(guest.get_by_role("heading", level=2)).to_have_text("Name")


def test_a_server_that_never_answers_is_asked_again(
    open_page: OpenPage, live: Live, clock: Clock
) -> None:
    invitation, _ = book(open_page(), live)
    for missing in ("", "delete window.AbortController"):
        guest = open_page()
        guest.add_init_script(missing)
        guest.goto(invitation)
        guest.route(invitation, lambda route: None, times=1)
        guest.clock.fast_forward(30_000)
        guest.clock.fast_forward(21_000)
        expect(guest.get_by_role("status")).to_contain_text("No connection at the moment")
        with guest.expect_response(invitation):
            guest.clock.fast_forward(6_000)
        expect(guest.get_by_role("status")).to_be_empty()


def test_the_start_is_shown_in_both_zones_where_they_differ(
    open_page: OpenPage, live: Live
) -> None:
    invitation, _ = book(open_page(), live, rhythm="1weekly", count="2")
    far = open_page(timezone_id="America/New_York")
    far.goto(invitation)
    expect(far.locator("time")).to_contain_text("03:00")
    expect(far.locator(".start .hint")).to_have_text(
        "Tuesday, 2 March 2027, 09:00, Europe/Berlin (UTC+01:00)"
    )
    near = open_page(timezone_id="Europe/Paris")
    near.goto(invitation)
    expect(near.locator("time")).to_contain_text("09:00")
    expect(near.locator(".start .hint")).to_have_count(0)
    plain = open_page(script=False)
    plain.goto(invitation)
    expect(plain.locator("time")).to_contain_text("09:00, Europe/Berlin")


@pytest.mark.parametrize("settings", ["[privacy]\nshow_start = no"])
def test_a_hidden_start_stays_hidden_until_the_doors_open(
    open_page: OpenPage, live: Live, clock: Clock
) -> None:
    invitation, admin = book(open_page(), live)
    guest = open_page()
    guest.goto(invitation)
    for shown in (guest.get_by_role("timer"), guest.locator("time")):
        expect(shown).to_be_hidden()
    assert guest.title() == "The conference has not started yet – Planado"
    page = open_page()
    page.goto(admin)
    page.locator("#time").fill("10:00")
    page.get_by_role("button", name="Save changes").click()
    with guest.expect_response(invitation):
        guest.clock.fast_forward(30_000)
    expect(guest.get_by_role("status")).to_be_empty()
    clock.advance(2 * HOUR + MINUTE)
    guest.clock.fast_forward(30_000)
    heading(guest, "Into the conference")


def test_nothing_moves_for_who_wants_less_motion(open_page: OpenPage, live: Live) -> None:
    invitation, _ = book(open_page(), live)
    moves = "() => document.getAnimations().length"
    lively = open_page()
    lively.goto(invitation)
    assert lively.evaluate(moves) == 3
    calm = open_page(reduced_motion="reduce")
    calm.goto(invitation)
    assert calm.evaluate(moves) == 0


def test_a_language_that_the_browser_does_not_speak_keeps_the_servers_words(
    open_page: OpenPage, live: Live
) -> None:
    page = open_page()
    invitation, _ = book(page, live)
    guest = open_page(locale="eo")
    guest.goto(invitation)
    expect(guest.locator("time")).to_contain_text("de marto")
    expect(guest.locator("[role=timer]")).to_be_visible()

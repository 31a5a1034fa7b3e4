"""The story in a real browser: headless Chromium, with script and without."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import OpenPage, book, cancel, heading
from tests.conftest import MakeClient
from tests.support.clock import DAY, HOUR, MINUTE, Clock
from tests.support.live import Live
from tests.support.mariadb import free_port


def test_book_wait_and_be_taken_to_the_room(open_page: OpenPage, live: Live, clock: Clock) -> None:
    invitation, _ = book(open_page(), live)
    guest = open_page(timezone_id="America/New_York")
    guest.goto(f"{invitation}#name-of-the-day")
    heading(guest, "The conference has not started yet")
    expect(guest.get_by_role("timer")).to_have_text("01:00:00")
    expect(guest.locator("time")).to_contain_text("03:00")

    # It looks again by itself after half a minute, and keeps the fragment of its address.
    clock.advance(HOUR - 10)
    guest.clock.fast_forward(30_000)
    expect(guest.get_by_role("timer")).to_have_text("00:00:10")
    assert guest.url == f"{invitation}#name-of-the-day"

    clock.advance(10)
    with guest.expect_navigation():
        guest.clock.fast_forward(10_000)
    heading(guest, "Into the conference")
    guest.get_by_role("link", name="Enter the room").click()
    heading(guest, "Room")
    assert guest.url.startswith(f"{live.rooms_url}/")


def test_the_organiser_changes_and_cancels(open_page: OpenPage, live: Live, clock: Clock) -> None:
    page = open_page()
    invitation, admin = book(page, live)
    guest = open_page()
    guest.goto(invitation)

    page.goto(admin)
    heading(page, "Your conference")
    page.locator("#time").fill("08:30")
    page.locator("#repeat").select_option("1weekly")
    page.locator("#count").fill("3")
    page.get_by_role("button", name="Save changes").click()
    heading(page, "Your conference has been changed")
    expect(page.locator("dl")).to_contain_text("every week on Tuesday, 4 dates")

    guest.clock.fast_forward(30_000)
    expect(guest.get_by_role("timer")).to_have_text("00:30:00")
    expect(guest.get_by_role("status")).to_have_text("The organiser has changed the time.")
    expect(guest.locator("time")).to_contain_text("08:30")

    page.locator(".secret a").click()
    page.get_by_role("button", name="Leave out Tuesday, 2 March 2027, 08:30").click()
    expect(page.get_by_role("status")).to_contain_text("left out")
    page.get_by_role("button", name="Move to a new room").click()
    expect(page.get_by_role("status")).to_contain_text("new secret room")
    cancel(page)
    heading(page, "Cancelled")
    with page.expect_download() as download:
        page.get_by_role("link", name="Cancellation for the calendar").click()
    assert download.value.suggested_filename.endswith(".ics")
    assert "STATUS:CANCELLED" in download.value.path().read_text("utf-8")

    with guest.expect_navigation():
        guest.clock.fast_forward(30_000)
    expect(guest.locator("#id-error")).to_contain_text("There is no conference with this number")


def test_the_whole_story_without_script(open_page: OpenPage, live: Live, clock: Clock) -> None:
    page = open_page(script=False)
    invitation, admin = book(page, live, count="")
    expect(page.get_by_role("button", name="Copy")).to_have_count(0)
    page.get_by_text("Show as text").click()
    expect(page.locator("#all-text")).to_contain_text(invitation)

    guest = open_page(script=False)
    guest.goto(invitation)
    expect(guest.locator("time")).to_have_text("Tuesday, 2 March 2027, 08:00, UTC")
    clock.advance(HOUR - 0.5)
    guest.get_by_role("link", name="Look again").click()
    heading(guest, "The conference has not started yet")
    # Reloads itself within a second.
    clock.advance(0.5)
    heading(guest, "Into the conference")

    page.goto(admin)
    cancel(page)
    heading(page, "Cancelled")


def test_a_browser_that_does_not_say_it_navigates_is_led_in_by_script(
    open_page: OpenPage, live: Live, clock: Clock
) -> None:
    page = open_page()
    invitation, _ = book(page, live)
    clock.advance(HOUR)
    live.hide_navigation = True
    page.goto(invitation)
    heading(page, "Into the conference")
    assert page.url == f"{invitation}/enter"
    plain = open_page(script=False)
    plain.goto(invitation)
    heading(plain, "The conference is open")
    plain.get_by_role("link", name="Enter").click()
    heading(plain, "Into the conference")


def test_a_room_at_once(open_page: OpenPage, live: Live) -> None:
    page = open_page()
    page.goto(f"{live.url}/")
    page.get_by_role("button", name="Start now").click()
    page.get_by_role("link", name="Enter the room").click()
    heading(page, "Room")


def test_a_room_at_once_without_the_privacy_page(
    browser: Browser, make_client: MakeClient, clock: Clock
) -> None:
    # Browsers hold a redirect after a form to the policy for forms.
    rooms_port = free_port()
    ini = f"[jitsi]\nroom_url = http://127.0.0.1:{rooms_port}/{{room}}\n[privacy]\npage = no"
    live = Live(make_client(ini).application, rooms_port)
    context = browser.new_context()
    try:
        page = context.new_page()
        page.goto(f"{live.url}/")
        page.get_by_role("button", name="Start now").click()
        heading(page, "Room")
    finally:
        context.close()
        live.stop()


def test_the_form_suggests_the_browsers_own_next_hour(open_page: OpenPage, live: Live) -> None:
    page = open_page(timezone_id="Asia/Tokyo")
    page.goto(f"{live.url}/")
    assert page.locator("#timezone").input_value() == "Asia/Tokyo"
    assert page.locator("#date").input_value() == "2027-03-02"
    assert page.locator("#time").input_value() == "17:00"
    expect(page.get_by_label("Repetitions")).to_be_hidden()
    page.get_by_label("Rhythm").select_option("2weekly")
    expect(page.get_by_label("Repetitions")).to_be_visible()


def test_an_invitation_that_is_pasted_whole_keeps_its_name_from_the_server(
    open_page: OpenPage, live: Live
) -> None:
    page = open_page()
    invitation, _ = book(page, live)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.partition("#")[0]))
    page.goto(f"{live.url}/i")
    page.get_by_label("Number").fill(f"{invitation}#Secret%20plan")
    page.get_by_role("button", name="Go there").click()
    heading(page, "The conference has not started yet")
    expect(page.get_by_role("heading", level=2)).to_have_text("Secret plan")
    assert page.url == f"{invitation}#Secret%20plan"
    assert not [url for url in asked if "Secret" in url]


def test_an_error_keeps_what_was_typed_and_back_does_too(open_page: OpenPage, live: Live) -> None:
    page = open_page(timezone_id="Asia/Tokyo")
    page.goto(f"{live.url}/")
    page.locator("#time").fill("23:15")
    page.locator("#timezone").select_option("America/Lima")
    page.get_by_role("button", name="Book").click()
    expect(page.get_by_role("alert")).to_contain_text("One field needs another look")
    assert page.locator("#time").input_value() == "23:15"
    assert page.locator("#timezone").input_value() == "America/Lima"
    page.get_by_role("alert").get_by_role("link").click()
    expect(page.locator("#name")).to_be_focused()
    page.go_back()
    # No browser keeps this answer, as a name may stand in it; the form before it, it does.
    page.go_back()
    expect(page.get_by_role("alert")).to_have_count(0)
    assert page.locator("#time").input_value() == "23:15"
    assert page.locator("#timezone").input_value() == "America/Lima"
    page.locator("#name").fill("Now with a name")
    page.get_by_role("button", name="Book").click()
    heading(page, "Your conference is booked")
    page.go_back()
    assert page.locator("#time").input_value() == "23:15"


def test_the_keyboard_suffices(open_page: OpenPage, live: Live) -> None:
    page = open_page()
    page.goto(f"{live.url}/")
    page.locator("#name").focus()
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")
    heading(page, "Your conference is booked")
    for _ in range(30):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent") == "What this server stores":
            break
    page.keyboard.press("Enter")
    expect(page.locator(".stored table")).to_be_visible()


def test_copy(open_page: OpenPage, live: Live) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    invitation, admin = book(page, live)
    page.get_by_role("button", name="Copy all links").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("Team meeting\n")
    assert invitation in copied
    assert admin in copied
    page.get_by_role("button", name="Copy invitation").click()
    expect(page.get_by_role("button", name="Copied")).to_have_count(2)
    copied = page.evaluate("navigator.clipboard.readText()")
    assert invitation in copied
    assert admin not in copied


@pytest.mark.parametrize("script", [True, False])
def test_no_page_is_wider_than_a_small_phone(
    open_page: OpenPage, live: Live, clock: Clock, script: bool
) -> None:
    page = open_page(script=script, width=320)

    def fits() -> None:
        wide = page.locator("html").evaluate("html => html.scrollWidth") if script else 320
        box = page.locator("main").bounding_box()
        assert box
        assert max(wide, box["x"] + box["width"]) <= 320, page.url

    page.goto(f"{live.url}/")
    fits()
    page.get_by_role("button", name="Book").click()
    fits()
    invitation, admin = book(page, live, name="W" * 100)
    for details in page.locator("summary").all():
        details.click()
    fits()
    for url in (admin, invitation, f"{live.url}/i", f"{live.url}/i/1", f"{live.url}/nowhere"):
        page.goto(url)
        fits()
    clock.advance(HOUR + MINUTE)
    page.goto(invitation)
    heading(page, "Into the conference")
    fits()
    clock.advance(2 * DAY)
    page.goto(invitation)
    fits()

"""Booking and handing on: what the form answers, and every way out of the overview."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import OpenPage, book, heading
from tests.support.live import Live


def test_a_name_and_one_key_book_a_conference(open_page: OpenPage, live: Live) -> None:
    page = open_page(timezone_id="Asia/Calcutta")
    page.goto(f"{live.url}/")
    page.get_by_label("Name").fill("Quick")
    page.keyboard.press("Enter")
    heading(page, "Your conference is booked")
    expect(page.locator(".facts")).to_contain_text("Tuesday, 2 March 2027, 13:00 to 14:00")
    expect(page.locator(".facts")).to_contain_text("Asia/Calcutta (UTC+05:30)")


def test_the_form_answers_in_the_words_of_the_overview(open_page: OpenPage, live: Live) -> None:
    page = open_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or ""))
    page.goto(f"{live.url}/")
    answer = page.locator(".answer")
    page.get_by_label("Name").fill("Secret")
    expect(answer).to_be_empty()
    page.locator("#date").fill("2027-03-09")
    page.locator("#time").fill("18:30")
    page.clock.run_for(300)
    expect(answer).to_have_text("Tuesday, 9 March 2027, 18:30 to 19:30, Europe/Berlin (UTC+01:00)")
    page.get_by_label("Rhythm").select_option("1monthlyday")
    assert page.get_by_label("Repetitions").input_value() == "4", "a beginning to go on from"
    page.clock.run_for(300)
    words = "every month on the second Tuesday, 5 dates, the last on Tuesday, 13 July 2027"
    expect(answer).to_contain_text(words)
    page.locator("#date").fill("2027-03-01")
    page.clock.run_for(300)
    expect(answer).to_have_text("This day is over.")
    assert not [body for body in asked if "Secret" in body]
    page.locator("#date").fill("2027-03-09")
    page.get_by_role("button", name="Book").click()
    expect(page.locator(".facts")).to_contain_text(words)


def test_the_first_wrong_field_has_the_focus(open_page: OpenPage, live: Live) -> None:
    page = open_page()
    page.goto(f"{live.url}/")
    page.get_by_label("Name").fill("Meeting")
    page.locator("#time").fill("07:00")
    page.locator("#duration").fill("0")
    page.get_by_role("button", name="Book").click()
    expect(page.get_by_role("alert")).to_contain_text("2 fields need another look")
    expect(page.locator("#time")).to_be_focused()
    expect(page.locator("#time")).to_have_accessible_description("This time is over.")


def test_the_invitation_is_copied_with_links_too(open_page: OpenPage, live: Live) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    invitation, _ = book(page, live, name="A & <b>")
    page.get_by_role("button", name="Copy invitation").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    read = "async (type) => (await (await navigator.clipboard.read())[0].getType(type)).text()"
    assert f"{invitation}#A%20%26%20%3Cb%3E\n" in page.evaluate(read, "text/plain")
    rich = page.evaluate(read, "text/html")
    assert f'href="{invitation}#A%20%26%20%3Cb%3E"' in rich
    assert "A &amp; &lt;b&gt;" in rich
    assert "/cal/" in rich
    assert "/admin/" not in rich


def test_the_systems_share_sheet_gets_the_named_link(open_page: OpenPage, live: Live) -> None:
    # Chromium on Linux has no such sheet; what would be handed to one is looked at here.
    page = open_page()
    page.add_init_script("navigator.share = async (shared) => { window.shared = shared; };")
    invitation, _ = book(page, live)
    page.get_by_role("button", name="Share").click()
    assert page.evaluate("window.shared") == {
        "title": "Team meeting",
        "text": "Team meeting\nTuesday, 2 March 2027, 09:00 to 10:00, Europe/Berlin (UTC+01:00)",
        "url": f"{invitation}#Team%20meeting",
    }


def test_the_printed_overview_can_be_pinned_to_a_door(open_page: OpenPage, live: Live) -> None:
    page = open_page(color_scheme="dark")
    _, admin = book(page, live)
    for url in ("", admin):
        if url:
            page.goto(url)
        page.emulate_media(media="print")
        for shown in (".name", ".facts", ".invitation .link", ".qr img"):
            expect(page.locator(shown)).to_be_visible()
        assert page.get_by_role("button").count() == 0
        assert page.locator("a:visible").count() == 1
        assert admin.split("?")[0].rsplit("/", 1)[1] not in page.locator("body").inner_text()
        page.emulate_media(media="screen")

"""The browser that all tests in this folder share, and the visitors in it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.conftest import missing
from tests.support.clock import Clock
from tests.support.live import Live

OpenPage = Callable[..., Page]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    if not executable:
        missing("Chromium", "apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
        )
        yield started
        started.close()


@pytest.fixture
def open_page(browser: Browser, live: Live, clock: Clock) -> Iterator[OpenPage]:
    """Returns pages of fresh visitors with the server's time, and checks how they behaved."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def open_new(script: bool = True, width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(
            java_script_enabled=script,
            viewport={"width": width, "height": 800},
            **{"locale": "en-GB", "timezone_id": "Europe/Berlin", **options},
        )
        contexts.append(context)
        page = context.new_page()
        if script:
            page.clock.install(time=datetime.fromtimestamp(clock.now, UTC))
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: _note(troubles, message.text))
        page.on("request", lambda request: _note_outside(troubles, live, request.url))
        return page

    yield open_new
    for context in contexts:
        assert context.cookies() == []
        context.close()
    assert troubles == []


def _note(troubles: list[str], text: str) -> None:
    # The browser remarks on pages with an error and on an outage, which are meant.
    meant = ("with a status of 4", "with a status of 503", "net::ERR_INTERNET_DISCONNECTED")
    if not text.startswith("Failed to load resource:") or not any(part in text for part in meant):
        troubles.append(text)


def _note_outside(troubles: list[str], live: Live, url: str) -> None:
    if not url.startswith((live.url, live.rooms_url)):
        troubles.append(f"asked {url}")


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def book(page: Page, live: Live, **fields: str) -> tuple[str, str]:
    """Book through the form and return the invitation and the admin link."""
    page.goto(f"{live.url}/")
    if "rhythm" in fields:
        page.locator("#repeat").select_option(fields.pop("rhythm"))
    standard = {"name": "Team meeting", "date": "2027-03-02", "time": "09:00"}
    for name, value in {**standard, **fields}.items():
        page.locator(f"#{name}").fill(value)
    page.locator("#timezone").select_option("Europe/Berlin")
    page.get_by_role("button", name="Book").click()
    heading(page, "Your conference is booked")
    links = [
        page.locator(f".link a[href*='{part}']").get_attribute("href") or ""
        for part in ("/i/", "/admin/")
    ]
    return links[0].partition("#")[0], links[1]


def cancel(page: Page) -> None:
    """Cancel the conference whose admin page is open."""
    page.get_by_text("Cancel this conference …").click()
    page.get_by_role("button", name="Yes, cancel for good").click()

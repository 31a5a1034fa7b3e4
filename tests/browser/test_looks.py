"""Looks in a real browser: an operator's own, a language from right to left, every width."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, heading
from tests.support.live import Live

ARABIC = {"direction": "rtl", "book_title": "حجز مؤتمر", "field_name": "الاسم"}
OWN_COLOURS = """
:root { --accent: rgb(90, 60, 160); --font: serif; }
"""
# Where a text begins and ends, rather than the box it stands in.
TEXT_EDGES = """
    (element) => {
        const range = document.createRange();
        range.selectNodeContents(element);
        const { left, right } = range.getBoundingClientRect();
        return [left, right];
    }
"""


@pytest.fixture
def settings(tmp_path: Path) -> str:
    for folder in ("static", "translations"):
        (tmp_path / "look" / folder).mkdir(parents=True)
    (tmp_path / "look/static/own.css").write_text(OWN_COLOURS, "utf-8")
    (tmp_path / "look/translations/ar.json").write_text(json.dumps(ARABIC), "utf-8")
    return "[look]\ndirectory = look"


def assert_fits(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url


def test_own_colours_go_on_top_of_the_built_in_ones(open_page: OpenPage, live: Live) -> None:
    page = open_page()
    page.goto(f"{live.url}/")
    expect(page.get_by_role("button", name="Book")).to_have_css(
        "background-color", "rgb(90, 60, 160)"
    )
    expect(page.locator("body")).to_have_css("font-family", "serif")
    expect(page.locator("form.card")).to_have_css("background-color", "rgb(255, 254, 251)")


@pytest.mark.parametrize("width", [320, 640, 1280, 3840])
def test_a_language_that_reads_from_right_to_left(
    open_page: OpenPage, live: Live, width: int
) -> None:
    page = open_page(width=width, locale="ar")
    page.goto(f"{live.url}/")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    heading(page, "حجز مؤتمر")
    assert_fits(page, width)
    field = page.locator("#name").bounding_box()
    assert field
    _, right = page.locator("label[for=name]").evaluate(TEXT_EDGES)
    assert right == pytest.approx(field["x"] + field["width"], abs=1)

    page.locator("#name").fill("مؤتمر")
    page.keyboard.press("Enter")
    page.locator(".facts").wait_for()
    for summary in page.locator("summary").all():
        summary.click()
    assert_fits(page, width)
    expect(page.locator(".invitation .link a")).to_have_css("direction", "ltr")
    invitation = page.locator(".link a[href*='/i/']").get_attribute("href") or ""
    page.goto(page.locator(".link a[href*='/admin/']").get_attribute("href") or "")
    assert_fits(page, width)
    page.goto(invitation)
    expect(page.locator(".name")).to_have_text("مؤتمر")
    assert_fits(page, width)

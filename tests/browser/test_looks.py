"""Looks in a real browser: the one of docs/look.md, a language from right to left, every width."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import OpenPage, heading
from tests.support.live import Live

DOCUMENT = Path(__file__).parents[2] / "docs" / "look.md"
# Where a text begins and ends, rather than the box it stands in.
TEXT_EDGES = """
    (element) => {
        const range = document.createRange();
        range.selectNodeContents(element);
        const { left, right } = range.getBoundingClientRect();
        return [left, right];
    }
"""


def examples(language: str) -> list[str]:
    """Return the examples of docs/look.md in a language."""
    return re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)


@pytest.fixture
def settings(tmp_path: Path) -> str:
    german, hebrew = examples("json")
    [rules], [layout], [ini] = examples("css"), examples("html"), examples("ini")
    for file, content in {
        "static/own.css": rules,
        "translations/de.json": german,
        "translations/he.json": hebrew,
        "templates/layout.html": layout,
    }.items():
        (tmp_path / "look" / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "look" / file).write_text(content, "utf-8")
    return ini


def assert_fits(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width, page.url


def test_what_the_guide_changes_is_changed_and_the_rest_stays(
    open_page: OpenPage, live: Live
) -> None:
    page = open_page(locale="de-DE")
    page.goto(f"{live.url}/")
    heading(page, "Termin im Gemeindehaus")
    expect(page.locator("footer p")).to_have_text("Ein Dienst der Gemeinde. Imprint")
    button = page.get_by_role("button", name="Buchen")
    expect(button).to_have_css("background-color", "rgb(90, 60, 160)")
    expect(page.locator("body")).to_have_css("font-family", "Georgia, serif")
    expect(page.locator("form.card")).to_have_css("background-color", "rgb(255, 254, 251)")
    dark = open_page(color_scheme="dark")
    dark.goto(f"{live.url}/")
    button = dark.get_by_role("button", name="Book")
    expect(button).to_have_css("background-color", "rgb(195, 173, 245)")


@pytest.mark.parametrize("width", [320, 640, 1280, 3840])
def test_a_language_that_reads_from_right_to_left(
    open_page: OpenPage, live: Live, width: int
) -> None:
    page = open_page(width=width, locale="he")
    page.goto(f"{live.url}/")
    expect(page.locator("html")).to_have_attribute("dir", "rtl")
    heading(page, "קביעת שיחת ועידה")
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

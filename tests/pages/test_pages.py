"""Every page in every state, held by machines against the standards: axe-core (accessibility), vnu
(HTML and CSS) and Lighthouse.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.pages.conftest import MODULES, Shown, started
from tests.support.browser import Browser
from tests.support.client import Client
from wsgi_app.text.theme import Theme

LANGUAGES = Theme(None).languages
STATIC = Path(__file__).parents[2] / "wsgi_app" / "static"
OPEN_ALL = "document.querySelectorAll('details').forEach((details) => { details.open = true; })"
# The name of a conference, which no server knows, and which is hidden until then.
FILLED_BY_SCRIPT = "Empty heading.*"

Show = Callable[[str], Shown]


def violations(browser: Browser, shown: Shown, names: Iterable[str]) -> dict[str, object]:
    """Return what axe-core finds on each of the pages, everything on it unfolded."""
    found = {}
    for name in names:
        browser.goto(shown.url(name))
        browser.evaluate(OPEN_ALL)
        found[name] = browser.axe()
    return {name: each for name, each in found.items() if each}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["chromium", "firefox"])
def test_axe_finds_nothing_on_any_page(show: Show, name: str, scheme: str) -> None:
    with started(name, scheme) as browser:
        shown = show("en")
        dark = "matchMedia('(prefers-color-scheme: dark)').matches"
        assert browser.evaluate(dark) == (scheme == "dark")
        assert violations(browser, shown, shown.pages) == {}


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_axe_finds_nothing_in_any_language(show: Show, chromium: Browser, language: str) -> None:
    shown = show(language)
    # Pages that tell of a problem differ by their texts alone.
    names = [name for name in shown.pages if not name.startswith("problem-") or "not-found" in name]
    assert violations(chromium, shown, names) == {}


def test_axe_finds_nothing_in_what_is_printed(show: Show, chromium: Browser) -> None:
    shown = show("en")
    chromium.goto(shown.url("overview-series"))
    chromium.media("print")
    # What is pinned to a door begins with the name of the conference, not with that of the page.
    found = chromium.axe("page-has-heading-one")
    chromium.media("screen")
    assert found == []


def test_html_and_css_are_valid(show: Show, tmp_path: Path) -> None:
    files = tmp_path / "pages"
    files.mkdir()
    for language in LANGUAGES:
        for name, page in show(language).pages.items():
            (files / f"{name}-{language}.html").write_bytes(page.body)
    for file in [*STATIC.glob("*.css"), *STATIC.glob("*.svg")]:
        (files / file.name).write_bytes(file.read_bytes())
    try:
        checked = subprocess.run(
            [
                *("java", "-jar", str(MODULES / "vnu-jar/build/dist/vnu.jar"), "--format", "json"),
                *("--also-check-css", "--also-check-svg", "--filterpattern", FILLED_BY_SCRIPT),
                str(files),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    except FileNotFoundError:
        missing("Java", "apt-get install default-jre-headless")
    messages = json.loads(checked.stderr)["messages"]
    assert [f"{each['url']}: {each['message']} {each.get('extract')}" for each in messages] == []


@pytest.mark.parametrize("file", [file.name for file in STATIC.glob("*.js")])
def test_browsers_of_2018_can_read_our_script(client: Client, file: str) -> None:
    # One word of a later language and they run nothing of it. ECMAScript 2017, as Edge and Firefox
    # had not all of 2018 that year.
    served = client.get(f"/static/{file}").body
    for script in (served, (STATIC / file).read_bytes()):
        read = subprocess.run(
            ["node", MODULES / "acorn/bin/acorn", "--ecma2017", "--silent"],
            input=script,
            capture_output=True,
            check=False,
        )
        assert (read.returncode, read.stderr) == (0, b""), read.stderr.decode()


@pytest.mark.parametrize("name", ["booking", "overview-series", "waiting", "entry", "admin-series"])
def test_lighthouse_gives_full_marks(show: Show, chromium: Browser, name: str) -> None:
    report = chromium.lighthouse(show("en").url(name), ["accessibility", "best-practices"])
    assert report["scores"] == {"accessibility": 1, "best-practices": 1}, report

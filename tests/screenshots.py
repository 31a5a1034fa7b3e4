"""Pictures of the real pages: `python -m tests.screenshots ALL README` writes all of them into one
folder, and those of the README into the other.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.support.clock import HOUR, Clock
from tests.support.live import Live
from tests.support.mariadb import free_port
from wsgi_app.application import Application
from wsgi_app.config import load_config
from wsgi_app.storage.migrations import migrate
from wsgi_app.storage.opening import open_database

IN_README = {
    "booking": "booking-wide",
    "overview": "overview-wide",
    "waiting": "waiting-narrow",
    "entry": "privacy-narrow-dark",
}

VARIANTS: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1280, "height": 800}},
    "wide-dark": {"viewport": {"width": 1280, "height": 800}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 360, "height": 740}},
    "narrow-dark": {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"},
    "plain": {"viewport": {"width": 360, "height": 740}, "java_script_enabled": False},
    "german": {"viewport": {"width": 360, "height": 740}, "locale": "de-DE"},
    "arabic": {"viewport": {"width": 360, "height": 740}, "locale": "ar"},
    "tiny": {"viewport": {"width": 320, "height": 640}},
    "huge": {"viewport": {"width": 3840, "height": 2160}},
}


def main(folder: Path, readme_folder: Path) -> None:
    """Write the pictures of all variants into one folder and the README's into another."""
    folder.mkdir(parents=True, exist_ok=True)
    executable = shutil.which("chromium") or shutil.which("chromium-browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        for name, options in VARIANTS.items():
            clock = Clock()
            with _live(clock) as live:
                context = browser.new_context(**{"locale": "en-GB", **options})
                page = context.new_page()
                script = options.get("java_script_enabled", True)
                if script:
                    page.clock.install(time=clock.now)
                take_all(page, live, clock, partial(_save, page, folder, name), script)
                context.close()
        browser.close()
    for name, shot in IN_README.items():
        shutil.copyfile(folder / f"{shot}.png", readme_folder / f"{name}.png")


def take_all(
    page: Page, live: Live, clock: Clock, save: Callable[[str], None], script: bool
) -> None:
    """Walk through every page and state, and save each."""
    page.goto(f"{live.url}/")
    page.click("form[action$='/book'] button")
    save("booking-errors")
    page.goto(f"{live.url}/")
    page.fill("#name", "Choir practice")
    page.fill("#date", "2027-03-02")
    page.fill("#time", "18:30")
    page.select_option("#timezone", "Europe/Berlin")
    page.select_option("#repeat", "1weekly")
    page.fill("#count", "4")
    if script:
        page.locator(".answer:not(:empty)").wait_for()
    save("booking")
    page.click("form[action$='/book'] button")
    save("overview")
    page.emulate_media(media="print")
    save("overview-printed")
    page.emulate_media(media="screen")
    invitation = page.locator(".link a[href*='/i/']").get_attribute("href") or ""
    admin = page.locator(".link a[href*='/admin/']").get_attribute("href") or ""
    for summary in page.locator("summary").all():
        summary.click()
    save("overview-open")
    page.goto(invitation)
    save("waiting")
    page.goto(admin)
    save("admin")
    clock.advance(11 * HOUR)
    page.goto(invitation)
    save("privacy")
    live.hide_navigation = True
    page.route("**/static/planado.js*", lambda route: route.abort())
    page.goto(invitation)
    save("door")
    live.hide_navigation = False
    page.unroute("**/static/planado.js*")
    page.goto(f"{live.url}/i")
    save("number")
    page.goto(f"{live.url}/i/1234567890123456")
    save("number-unknown")
    page.goto(f"{live.url}/nowhere")
    save("problem")
    page.goto(admin)
    page.click("form[action$='/skip'] button")
    save("admin-skipped")
    page.click("form[action$='/cancel'] summary")
    page.click("form[action$='/cancel'] button")
    save("cancelled")


@contextmanager
def _live(clock: Clock) -> Iterator[Live]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "planado.ini"
        file.write_text("[site]\ntimezone = Europe/Berlin\n")
        config = load_config(file, {})
        database = open_database(config.database.url, config.database.table, config.folder)
        migrate(database)
        live = Live(Application(config, database, clock), free_port())
        try:
            yield live
        finally:
            live.stop()
            database.close()


def _save(page: Page, folder: Path, variant: str, shot: str) -> None:
    page.wait_for_load_state()
    page.screenshot(path=folder / f"{shot}-{variant}.png", full_page=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))

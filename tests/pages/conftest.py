"""The two browsers of this suite, and a server that shows every page in every state."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.conftest import MakeClient, missing
from tests.support.browser import Browser
from tests.support.client import Answer, Client
from tests.support.clock import Clock
from tests.support.live import Live
from tests.support.mariadb import free_port
from tests.support.pages import WITHOUT_SCRIPT, every_page

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

FOLDER = Path(__file__).parent
MODULES = FOLDER / "node_modules"
PROGRAMS = {"chromium": ("chromium", "chromium-browser"), "firefox": ("firefox-esr", "firefox")}


class Shown:
    """A server on which each of the pages stands as it was answered, and all of Planado beside
    them.
    """

    def __init__(self, client: Client, pages: Mapping[str, Answer], live: Live) -> None:
        self.pages = pages
        self._application = client.application
        self._live = live
        live.served = self

    def url(self, name: str) -> str:
        return f"{self._live.url}/shown/{name}"

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        page = self.pages.get(environ["PATH_INFO"].removeprefix("/shown/"))
        if page is None:
            return self._application(environ, start_response)
        headers = dict(page.headers)
        if page in [self.pages.get(name) for name in WITHOUT_SCRIPT]:
            policy = headers["Content-Security-Policy"]
            headers["Content-Security-Policy"] = policy.replace("script-src 'self'", "script-src")
        # Lighthouse looks at no page with an error.
        start_response("200 OK", list(headers.items()))
        return [page.body]


@pytest.fixture(scope="session", autouse=True)
def node_modules() -> None:
    if not shutil.which("node") or not MODULES.is_dir():
        missing("what package.json names", f"(cd {FOLDER} && npm ci)")


@contextmanager
def started(name: str, scheme: str = "light") -> Iterator[Browser]:
    """A browser of the name, ended at the end."""
    program = next(filter(None, map(shutil.which, PROGRAMS[name])), None)
    if program is None:
        missing(name, f"apt-get install {PROGRAMS[name][0]}")
    # Without a screen, and without the settings of whoever runs the tests.
    browser = Browser(
        name, ["node", FOLDER / "browser.mjs", name, str(program), scheme], {"MOZ_HEADLESS": "1"}
    )
    try:
        yield browser
    finally:
        browser.stop()


@pytest.fixture(scope="module", params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest) -> Iterator[Browser]:
    with started(request.param) as browser:
        yield browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with started("chromium") as browser:
        yield browser


@pytest.fixture
def show(make_client: MakeClient, clock: Clock) -> Iterator[Callable[[str], Shown]]:
    """Returns a server that shows every page in a language."""
    servers: list[Live] = []

    def make(language: str) -> Shown:
        live = Live(make_client().application, free_port())
        servers.append(live)

        def make_visitor(ini: str) -> Client:
            client = make_client(ini)
            client.host = f"127.0.0.1:{live.port}"
            client.headers["Accept-Language"] = language
            return client

        first = make_visitor("")
        return Shown(first, every_page(make_visitor, clock), live)

    yield make
    for live in servers:
        live.stop()

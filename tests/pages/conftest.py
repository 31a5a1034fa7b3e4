"""The two browsers of this suite, and a server that shows every page in every state."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import MakeClient, missing
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


class Browser:
    """A browser that `browser.mjs` drives, with one page; each method is one of its."""

    def __init__(self, name: str, scheme: str) -> None:
        program = next(filter(None, map(shutil.which, PROGRAMS[name])), None)
        if program is None:
            missing(name, f"apt-get install {PROGRAMS[name][0]}")
        self.name = name
        self._process = subprocess.Popen(
            ["node", FOLDER / "browser.mjs", name, str(program), scheme],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
            # Without a screen, and without the settings of whoever runs the tests.
            env={**os.environ, "MOZ_HEADLESS": "1"},
        )
        self._read()

    def __getattr__(self, method: str) -> Callable[..., Any]:
        return partial(self._call, method)

    def stop(self) -> None:
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)
        assert self._process.stdout
        self._process.stdout.close()

    def _call(self, method: str, *arguments: str | list[str]) -> Any:
        assert self._process.stdin
        self._process.stdin.write(json.dumps([method, *arguments]) + "\n")
        return self._read()

    def _read(self) -> Any:
        assert self._process.stdout
        answer = json.loads(self._process.stdout.readline())
        assert "error" not in answer, answer["error"]
        return answer["result"]


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
    browser = Browser(name, scheme)
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

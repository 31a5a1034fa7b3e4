"""Chromium 69, of 2018, and lynx, which knows no script; and the server that they visit."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import MakeClient, missing
from tests.support.browser import Browser
from tests.support.live import Live
from tests.support.mariadb import free_port
from tests.support.process import ROOT

PYTHON = ROOT / ".venv-oldbrowsers/bin/python"
DRIVER = ROOT / "tests/oldbrowsers/chromium69.py"


@pytest.fixture(scope="module")
def chromium69() -> Iterator[Browser]:
    if not PYTHON.exists():
        missing("Chromium 69", "script/test all")
    without_a_screen = {"QT_QPA_PLATFORM": "offscreen", "PYTHONWARNINGS": "ignore"}
    browser = Browser("Chromium 69", [PYTHON, DRIVER], without_a_screen)
    yield browser
    browser.stop()


@pytest.fixture
def live(make_client: MakeClient) -> Iterator[Live]:
    rooms_port = free_port()
    ini = f"[jitsi]\nroom_url = http://127.0.0.1:{rooms_port}/{{room}}"
    started = Live(make_client(ini).application, rooms_port)
    yield started
    started.stop()

"""Chromium 69, of 2018."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import missing
from tests.support.browser import Browser
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

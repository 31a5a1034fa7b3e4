"""The story in lynx, which knows neither script nor style, in a terminal of tmux."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.support.clock import HOUR, Clock
from tests.support.live import Live
from tests.support.visitors import wait_until


class Lynx:
    """lynx as somebody at a keyboard has it; its last line tells what the cursor is on."""

    def __init__(self, folder: Path, url: str) -> None:
        self._socket = folder / "tmux"
        settings = folder / "lynx.cfg"
        settings.write_text("DEFAULT_USER_MODE:ADVANCED\n")
        # pytest tells what it starts of a terminal of 24 lines.
        environ = ["env", "-u", "LINES", "-u", "COLUMNS", "TERM=screen", "LC_ALL=C.UTF-8"]
        lynx = ["lynx", f"-cfg={settings}", "-nopause", "-display_charset=utf-8", url]
        # Of Referrer-Policy it knows nothing either.
        lynx.append("-noreferer")
        # High enough for every page.
        size = ["-x", "110", "-y", "150"]
        self._tmux("-f", "/dev/null", "new-session", "-d", *size, *environ, *lynx)

    def stop(self) -> None:
        self._tmux("kill-server")

    def screen(self) -> str:
        return self._tmux("capture-pane", "-p").rstrip()

    def wait_for(self, text: str) -> None:
        """Wait until the screen shows the text."""
        wait_until(lambda: text in self.screen())

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def type(self, text: str) -> None:
        self._tmux("send-keys", "-l", text)

    def go_to(self, mark: str) -> None:
        """Move on from link to link and field to field until the last line has the mark."""
        for _ in range(100):
            last = self.screen().rpartition("\n")[2]
            if mark in last:
                return
            self.press("Tab")
            wait_until(partial(self._has_left, last))
        raise AssertionError(f"no {mark} in {self.screen()}")

    def _has_left(self, last_line: str) -> bool:
        return self.screen().rpartition("\n")[2] != last_line

    def _tmux(self, *arguments: str) -> str:
        return subprocess.run(
            ["tmux", "-u", "-S", self._socket, *arguments],
            check=True,
            capture_output=True,
            text=True,
        ).stdout


@pytest.fixture
def lynx(tmp_path: Path, live: Live) -> Iterator[Lynx]:
    if not shutil.which("lynx") or not shutil.which("tmux"):
        missing("lynx or tmux", "apt-get install lynx tmux")
    started = Lynx(tmp_path, f"{live.url}/")
    yield started
    started.stop()


def test_book_wait_and_enter(lynx: Lynx, live: Live, clock: Clock) -> None:
    lynx.wait_for("Book a conference")
    lynx.go_to('Textfield "name"')
    lynx.type("Ärzte & Söhne")
    lynx.go_to(f"{live.url}/book")
    lynx.press("Enter")
    lynx.wait_for("Your conference is booked")
    lynx.wait_for("Ärzte & Söhne")
    [invitation] = set(re.findall(rf"{live.url}/i/[0-9]{{16}}", lynx.screen()))

    lynx.press("g")
    lynx.type(f"{invitation}#%C3%84rzte")
    lynx.press("Enter")
    lynx.wait_for("The conference has not started yet")
    clock.advance(HOUR)
    lynx.go_to(invitation)
    lynx.press("Enter")
    lynx.wait_for("The conference is open")
    lynx.go_to(f"{invitation}/enter")
    lynx.press("Enter")
    lynx.wait_for("Into the conference")
    lynx.go_to(f"{live.rooms_url}/")
    lynx.press("Enter")
    lynx.wait_for("Room")

"""Visitors who book and come back, all the time, and remember what they were told."""

from __future__ import annotations

import http.client
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from urllib.parse import urlencode, urlsplit

from tests.support.client import booking_fields
from tests.support.clock import Clock
from tests.support.process import Server

FORM = {"Content_Type": "application/x-www-form-urlencoded"}

_PAUSE_SECONDS = 0.02


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    """Wait for something that must happen, however slow the machine is."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def booking_form(**changes: str) -> bytes:
    """Return the body of a booking in an hour."""
    clock = Clock()
    clock.now = time.time()
    return urlencode(booking_fields(clock, **changes)).encode()


def invitation_in(page: str) -> str:
    """Return the path of the invitation that an overview shows."""
    return "/i/" + page.split("/i/")[1].split('"', maxsplit=1)[0]


def admin_in(page: str) -> str:
    """Return the path of the admin page that an overview shows."""
    return "/admin/" + page.split("/admin/")[1].split("?", maxsplit=1)[0].split('"', maxsplit=1)[0]


class Visitors:
    """So many who each book a conference, look at one of theirs, and begin again.

    An answer must be right or an honest 503. `server` may be replaced while they
    are at it; with `server_may_die`, no answer at all counts as honest, too.
    """

    def __init__(self, server: Server, number: int = 4, server_may_die: bool = False) -> None:
        self.server = server
        self.server_may_die = server_may_die
        self.confirmed: list[str] = []
        self.wrong: list[str] = []
        self.answers: Counter[tuple[str, int]] = Counter()
        self._lock = threading.Lock()
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._visit) for _ in range(number)]

    def __enter__(self) -> Visitors:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join(180)

    def wait_for(self, method: str, status: int, more: int) -> None:
        """Wait until so many more answers of this kind have come; 0 stands for none at all."""
        wanted = self.answers[method, status] + more
        wait_until(lambda: self.answers[method, status] >= wanted or bool(self.wrong))
        assert not self.wrong, self.wrong

    def check(self) -> None:
        """Fail where an answer was wrong, or a conference is missing that was confirmed."""
        assert not self.wrong, self.wrong
        assert self.confirmed
        for path in self.confirmed:
            response, text = self.server.request("GET", path)
            assert response.status == 200, f"a confirmed booking answers {response.status}"
            assert "has not started yet" in text
        printed = self.server.printed()
        assert "Traceback" not in printed, printed
        assert "failed:" not in printed, printed

    def _visit(self) -> None:
        mine: list[str] = []
        while not self._ends.wait(_PAUSE_SECONDS):
            page = self._ask("POST", "/book", booking_form())
            if page:
                mine.append(invitation_in(page))
                with self._lock:
                    self.confirmed.append(mine[-1])
            if mine:
                page = self._ask("GET", mine[len(mine) // 2])
                if page and "has not started yet" not in page:
                    self.wrong.append(page)

    def _ask(self, method: str, path: str, body: bytes | None = None) -> str:
        """Return the page, empty where it was honestly refused."""
        try:
            response, text = self.server.request(method, path, body, **(FORM if body else {}))
        except (OSError, http.client.HTTPException) as error:
            self._count(method, 0)
            if not self.server_may_die:
                self.wrong.append(f"{method} {urlsplit(path).path}: {error!r}")
            return ""
        self._count(method, response.status)
        if response.status == 503 and response.getheader("Retry-After"):
            return ""
        if response.status != 200:
            self.wrong.append(f"{method}: {response.status} {text}")
            return ""
        return text

    def _count(self, method: str, status: int) -> None:
        with self._lock:
            self.answers[method, status] += 1

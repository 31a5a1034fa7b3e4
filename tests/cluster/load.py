"""Organisers, guests and clean-ups on all machines at once; each checks what it is told."""

from __future__ import annotations

import itertools
import json
import random
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

from tests.cluster.galera import wait_until
from tests.support.clock import DAY
from tests.support.process import Server, planado
from wsgi_app.domain import identifier
from wsgi_app.domain.conference import Conference
from wsgi_app.storage import conferences
from wsgi_app.storage.database import Database

_API = "/api/v1/conferences"
_ORGANISERS = 6
_GUESTS = 4
_PAST_DAYS = 5
_COUNT = 20
# How often somebody who gets 503 asks again, a few times a second.
_PATIENCE = 200


@dataclass(frozen=True)
class Booking:
    """A daily series as its organiser was told that it stands."""

    iid: str
    aid: str
    start: int
    count: int

    @property
    def path(self) -> str:
        return f"{_API}/{self.iid}"

    @property
    def admin_path(self) -> str:
        return f"/admin/{self.iid}/{self.aid}"


@dataclass(frozen=True)
class Told:
    """An answer, and whether a 503 came before it, so that the request may have happened twice."""

    status: int
    text: str
    retried: bool

    @property
    def described(self) -> dict[str, str | int]:
        described: dict[str, str | int] = json.loads(self.text)
        return described


class Load:
    """Visitors of several machines, in threads of their own until the end of a `with`.

    Each booking has a start of its own, so that one that was made twice shows.
    """

    def __init__(self, servers: Sequence[Server], folders: Sequence[Path], database: Database):
        self._servers = servers
        self._folders = folders
        self._database = database
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._errors: list[BaseException] = []
        first = (int(time.time()) // DAY + 30) * DAY
        self._starts = itertools.count(first, 60)
        self._past_series: list[Conference] = []
        self._answered: Counter[Server] = Counter()
        self.statuses: Counter[int] = Counter()
        self.bookings: dict[str, Booking] = {}
        self.cancelled: set[str] = set()
        # Starts of which nobody was told whether they were booked.
        self.in_doubt: set[int] = set()
        self.rooms: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.shared: list[Booking] = []
        self.longest_wait = 0.0

    def __enter__(self) -> Load:
        generator = random.Random(1)
        self.shared = [self._book(generator) for _ in range(3)]
        works = [self._organise] * _ORGANISERS + [self._visit] * _GUESTS + [self._clean_up]
        for number, work in enumerate(works):
            thread = threading.Thread(target=self._repeat, args=(work, random.Random(number)))
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join()
        self._raise_errors()

    def go_on(self, answers: int) -> None:
        """Return once each machine has served so many more requests."""
        before = Counter(self._answered)

        def all_served() -> bool:
            self._raise_errors()
            return all(self._answered[each] >= before[each] + answers for each in self._servers)

        wait_until(all_served, "all machines serve")

    def past_series(self) -> dict[int, tuple[int, int]]:
        """Return when each series of the past stands now, and the repetitions that follow."""
        return {
            each.iid: (each.time + _PAST_DAYS * DAY, each.recev - _PAST_DAYS)
            for each in self._past_series
        }

    def _raise_errors(self) -> None:
        if self._errors:
            raise self._errors[0]

    def _repeat(self, work: Callable[[random.Random], None], generator: random.Random) -> None:
        try:
            while not self._stopping.is_set():
                work(generator)
        except BaseException as error:
            self._errors.append(error)
            self._stopping.set()
        finally:
            self._database.close()

    def _send(
        self, server: Server, method: str, path: str, sent: bytes | None = None, **headers: str
    ) -> tuple[int, str]:
        began = time.monotonic()
        response, text = server.request(method, path, sent, **headers)
        status = response.status
        with self._lock:
            self.statuses[status] += 1
            self.longest_wait = max(self.longest_wait, time.monotonic() - began)
            if status != 503:
                self._answered[server] += 1
        assert status < 500 or status == 503, f"{method} {path}: {status}\n{server.printed()}"
        assert status != 503 or response.headers["Retry-After"] == "10"
        return status, text

    def _ask(
        self,
        generator: random.Random,
        method: str,
        path: str,
        sent: bytes | None = None,
        **headers: str,
    ) -> Told:
        """Ask any machine, and where it cannot serve now, any other again."""
        for number in range(_PATIENCE):
            server = generator.choice(self._servers)
            status, text = self._send(server, method, path, sent, **headers)
            if status != 503:
                return Told(status, text, retried=number > 0)
            time.sleep(0.2)
        raise AssertionError(f"{method} {path}: nobody serves")

    def _organise(self, generator: random.Random) -> None:
        booking = self._book(generator)
        # The guest follows the link at once, on any machine.
        invitation = self._ask(generator, "GET", f"/i/{booking.iid}")
        assert invitation.status == 200, "a confirmed booking is unknown"
        acts = generator.choices((self._change, self._renew, self._skip, self._see), k=2)
        for act in acts:
            booking = act(generator, booking)
            self.bookings[booking.iid] = booking
        if generator.random() < 0.2:
            self._cancel(generator, booking)
        if generator.random() < 0.3:
            self._skip_shared(generator)

    def _book(self, generator: random.Random) -> Booking:
        ways = (self._book_on_page, self._book_by_api, self._book_with_key)
        while True:
            with self._lock:
                start = next(self._starts)
            told = generator.choice(ways)(generator, start)
            if told is None:
                self.in_doubt.add(start)
                continue
            booking = Booking(*told, start, _COUNT)
            self.bookings[booking.iid] = booking
            return booking

    def _book_on_page(self, generator: random.Random, start: int) -> tuple[str, str] | None:
        sent = urlencode(_fields(start, _COUNT)).encode()
        status, text = self._send(generator.choice(self._servers), "POST", "/book", sent, **_FORM)
        if status == 503:
            return None
        assert status == 200, text
        found = re.search(r"/admin/(\d+)/(\d+)", text)
        assert found
        return found[1], found[2]

    def _book_by_api(self, generator: random.Random, start: int) -> tuple[str, str] | None:
        server = generator.choice(self._servers)
        status, text = self._send(server, "POST", _API, _described(start), **_JSON)
        return _identifiers(status, text) if status != 503 else None

    def _book_with_key(self, generator: random.Random, start: int) -> tuple[str, str]:
        """Send the same request to two machines at once, again until both confirm it."""
        headers = {**_JSON, "Idempotency_Key": f"key-{start}"}

        def send(seed: float) -> tuple[str, str]:
            told = self._ask(random.Random(seed), "POST", _API, _described(start), **headers)
            return _identifiers(told.status, told.text)

        with ThreadPoolExecutor(2) as both:
            first, second = both.map(send, (generator.random(), generator.random()))
        assert first == second, "two machines made two conferences of one request"
        return first

    def _change(self, generator: random.Random, booking: Booking) -> Booking:
        count = generator.randint(2, 90)
        if generator.random() < 0.5:
            sent = json.dumps({"count": count}).encode()
            bearer = _bearer(booking)
            told = self._ask(generator, "PATCH", booking.path, sent, **_JSON, **bearer)
        else:
            form = urlencode(_fields(booking.start, count)).encode()
            told = self._ask(generator, "POST", booking.admin_path, form, **_FORM)
        assert told.status == 200, told.text
        return self._see(generator, Booking(booking.iid, booking.aid, booking.start, count))

    def _renew(self, generator: random.Random, booking: Booking) -> Booking:
        before = self._shown(generator, booking)["room_url"]
        told = self._ask(generator, "POST", f"{booking.admin_path}/renew", b"", **_FORM)
        assert told.status == 303, told.text
        assert self._shown(generator, booking)["room_url"] != before
        return booking

    def _skip(self, generator: random.Random, booking: Booking) -> Booking:
        form = urlencode({"time": booking.start}).encode()
        told = self._ask(generator, "POST", f"{booking.admin_path}/skip", form, **_FORM)
        assert told.status == 303, told.text
        after = Booking(booking.iid, booking.aid, booking.start + DAY, booking.count - 1)
        return self._see(generator, after)

    def _see(self, generator: random.Random, booking: Booking) -> Booking:
        """See on any machine what the organiser was told by another."""
        shown = self._shown(generator, booking)
        assert (_instant(shown["start"]), shown["count"]) == (booking.start, booking.count)
        return booking

    def _cancel(self, generator: random.Random, booking: Booking) -> None:
        if generator.random() < 0.5:
            told = self._ask(generator, "DELETE", booking.path, None, **_bearer(booking))
        else:
            told = self._ask(generator, "POST", f"{booking.admin_path}/cancel", b"", **_FORM)
        assert told.status in (200, 204) or (told.status == 404 and told.retried), told.text
        self.cancelled.add(booking.iid)
        assert self._ask(generator, "GET", f"/i/{booking.iid}").status == 404

    def _skip_shared(self, generator: random.Random) -> None:
        """Skip the next date of a series whose organiser sits at several computers."""
        booking = generator.choice(self.shared)
        shown = self._shown(generator, booking)
        if not shown["count"]:
            return
        form = urlencode({"time": _instant(shown["start"])}).encode()
        told = self._ask(generator, "POST", f"{booking.admin_path}/skip", form, **_FORM)
        assert told.status == 303, told.text

    def _shown(self, generator: random.Random, booking: Booking) -> dict[str, str | int]:
        told = self._ask(generator, "GET", booking.path, None, **_bearer(booking))
        assert told.status == 200, told.text
        self._note_room(booking.iid, told, known=booking in self.shared)
        return told.described

    def _visit(self, generator: random.Random) -> None:
        """A series whose clean-up is late: many come at once, and all must get the same room."""
        if generator.random() < 0.3:
            self._add_past(generator)
        for series in generator.choices(self._past_series[-3:], k=3) if self._past_series else ():
            told = self._ask(generator, "GET", f"{_API}/{series.iid}")
            assert told.status == 200, told.text
            self._note_room(str(series.iid), told, known=True)

    def _note_room(self, iid: str, told: Told, known: bool) -> None:
        if not known:
            return
        with self._lock:
            rooms = self.rooms[iid, str(told.described["start"])]
            rooms.add(str(told.described["room_url"]))
            assert len(rooms) == 1, "the room of a date has changed"

    def _add_past(self, generator: random.Random) -> None:
        began = int(time.time()) // 60 * 60 - 600 - _PAST_DAYS * DAY
        anchor = f"{datetime.fromtimestamp(began, UTC):%Y-%m-%dT%H:%M}"
        aid = identifier.draw()
        series = Conference(
            identifier.draw(), aid, identifier.draw(), began, _COUNT, "1daily", "UTC", anchor
        )
        one_off = Conference(identifier.draw(), aid, identifier.draw(), began, 0, "", "", "")
        for past in (series, one_off):
            conferences.add(self._database, past)
        with self._lock:
            self._past_series.append(series)

    def _clean_up(self, generator: random.Random) -> None:
        """Every machine cleans up, all at once."""
        with ThreadPoolExecutor(len(self._folders)) as all_at_once:
            for done in all_at_once.map(lambda folder: planado(folder, "cleanup"), self._folders):
                # Without a node that serves it says so, and the next one does the work.
                assert done.returncode == 0 or done.stderr.startswith("planado: "), done.stderr


_FORM = {"Content_Type": "application/x-www-form-urlencoded"}
_JSON = {"Content_Type": "application/json"}


def _bearer(booking: Booking) -> dict[str, str]:
    return {"Authorization": f"Bearer {booking.aid}"}


def _fields(start: int, count: int) -> dict[str, str | int]:
    moment = datetime.fromtimestamp(start, UTC)
    return {
        "name": "Load",
        "date": f"{moment:%Y-%m-%d}",
        "time": f"{moment:%H:%M}",
        "timezone": "UTC",
        "duration": 60,
        "repeat": "1daily",
        "count": count,
    }


def _described(start: int) -> bytes:
    moment = datetime.fromtimestamp(start, UTC)
    described = {
        "start": f"{moment:%Y-%m-%dT%H:%M}",
        "timezone": "UTC",
        "duration": 60,
        "repeat": "1daily",
        "count": _COUNT,
    }
    return json.dumps(described).encode()


def _identifiers(status: int, text: str) -> tuple[str, str]:
    assert status == 201, text
    described = json.loads(text)
    return described["invitation_id"], described["admin_id"]


def _instant(text: str | int) -> int:
    return int(datetime.fromisoformat(str(text)).timestamp())

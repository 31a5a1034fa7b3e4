"""What strangers send does not stay: `planado.py serve` is as large after it as before."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.support.process import Server
from wsgi_app.domain.recurrence import zone_names

WARM_UP = 40
REQUESTS = 400
MOST_BYTES = 10_000_000

FORM = {"Content_Type": "application/x-www-form-urlencoded"}
IID = "1000000000000000"
ZONES = sorted(zone_names())

Sent = tuple[str, str, bytes | None, dict[str, str]]


def get(path: str, **headers: str) -> Sent:
    return "GET", path, None, headers


def posted(path: str, **fields: str) -> Sent:
    return "POST", path, urlencode(fields).encode(), FORM


def entry(number: int) -> Sent:
    # Another zone and another year each time.
    query = {
        "time": str(2**30 + number * 10_000_000),
        "timezone": ZONES[number % len(ZONES)],
        "repeat": "1monthly",
        "count": "900",
    }
    return get(f"/cal/{IID}.ics?{urlencode(query)}")


KINDS: dict[str, Callable[[int], Sent]] = {
    "a long query": lambda n: get(f"/out.php?room={IID}&x={n}{'/' * 31_000}"),
    "a query as long as can be": lambda n: get(f"/out.php?room={IID}&x={n:04}{'/' * 4000}"),
    "a short query": lambda n: get(f"/?x={n}"),
    "a language of no use": lambda n: get(f"/i?language={n}"),
    "a long host": lambda n: get("/", Host=f"{n}.{'a' * 31_000}"),
    "a host": lambda n: get("/", Host=f"{n}.{'a' * 200}"),
    "a host for a room": lambda n: get(f"/out.php?room={IID}", Host=f"{n}.{'a' * 200}"),
    "a host for a QR code": lambda n: get(f"/qr/{IID}.svg", Host=f"{n}.{'a' * 100}"),
    "a long path": lambda n: get(f"/i/{n}{'1' * 31_000}"),
    "languages": lambda n: get("/", Accept_Language=f"a{n}, " * 4000),
    "spaces between languages": lambda n: get("/", Accept_Language=f"a{' ' * 31_000}{n}"),
    "encodings": lambda n: get("/static/planado.css", Accept_Encoding=f"a{n}, " * 4000),
    "a tag": lambda n: get("/static/planado.css", If_None_Match=f'"{n}",' * 3000),
    "a time zone": lambda n: posted("/book", timezone=f"{n}{'x' * 16_000}"),
    "a recurrence": lambda n: posted("/book", repeat=f"{n}{'x' * 16_000}"),
    "a calendar entry": entry,
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_server_is_as_large_after_many_requests_as_before(tmp_path: Path, kind: str) -> None:
    numbers = itertools.count()
    server = Server(tmp_path)

    def ask(times: int) -> dict[int, int]:
        for number in itertools.islice(numbers, times):
            method, path, body, headers = KINDS[kind](number)
            server.request(method, path, body, **headers)
        return server.resident_bytes()

    try:
        # What is read at its first use is there then.
        before = ask(WARM_UP)
        after = ask(REQUESTS)
    finally:
        server.stop()
    assert max(after[pid] - size for pid, size in before.items()) < MOST_BYTES

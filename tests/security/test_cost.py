"""What one request can cost: the processor time of each address at its worst, against that of a
waiting page in the same run. Run `pytest -s` to see the figures.
"""

from __future__ import annotations

import http.client
import itertools
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.support.process import Server
from wsgi_app import routes
from wsgi_app.domain.recurrence import zone_names

SETTINGS = "[booking]\nmax_count = 1000\nmax_days_ahead = 3650\n[cleanup]\nwhen = cron\n"
ROUNDS = 8
NAME = "\\" * 100

# How many times a waiting page's, at most.
LONG_SERIES = 25
UNCOMMON_ZONES = 20
QR_CODE = 20
ALL_OTHERS = 10


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "planado.ini").write_text(SETTINGS)
    started = Server(tmp_path)
    yield started
    started.stop()


def book(server: Server, **fields: object) -> dict[str, Any]:
    start = (datetime.now(UTC) + timedelta(days=2)).strftime("%Y-%m-%dT10:00")
    return server.book(start, timezone="Asia/Hebron", **fields)


def test_no_request_costs_much_more_than_a_waiting_page(server: Server) -> None:
    short = book(server, repeat="1weekly", count=3)
    long = book(server, repeat="1daily", count=1000)
    iid, aid = short["invitation_id"], short["admin_id"]
    link_only = urlencode({"name": NAME, "timezone": "Asia/Hebron"}, quote_via=quote)
    # The same again and again, and the limit.
    asked: dict[str, tuple[Iterator[str], int]] = {
        pattern: (itertools.repeat(path), limit)
        for pattern, path, limit in [
            ("/", "/?language=ar", ALL_OTHERS),
            ("/i", "/i", ALL_OTHERS),
            ("/i/{iid}", f"/i/{long['invitation_id']}", ALL_OTHERS),
            ("/i/{iid}/enter", f"/i/{long['invitation_id']}/enter", ALL_OTHERS),
            ("/qr/{file}", f"/qr/{iid}.svg", QR_CODE),
            ("/cal/{file}", entry(iid, "Asia/Hebron", "1daily", 2), ALL_OTHERS),
            ("/static/{file}", "/static/planado.css", ALL_OTHERS),
            ("/robots.txt", "/robots.txt", ALL_OTHERS),
            ("/index.php", "/index.php", ALL_OTHERS),
            ("/inv.php", f"/inv.php?id={iid}&admin={aid}", ALL_OTHERS),
            ("/admin.php", f"/admin.php?id={iid}&admin={aid}", ALL_OTHERS),
            ("/cal.php", f"/cal.php?id={iid}&time=1&rec=9999&rtype=1daily&name=x", ALL_OTHERS),
            ("/out.php", f"/out.php?room={iid}", ALL_OTHERS),
            ("/admin/{iid}/{aid}", f"/admin/{iid}/{aid}?{link_only}", ALL_OTHERS),
            ("/admin/{iid}/{aid}/enter", f"/admin/{iid}/{aid}/enter", ALL_OTHERS),
            ("/api/v1/openapi.json", "/api/v1/openapi.json", ALL_OTHERS),
            ("/api/v1/conferences/{iid}", f"/api/v1/conferences/{iid}", ALL_OTHERS),
            ("/health", "/health", ALL_OTHERS),
        ]
    }
    assert set(asked) == {
        route.pattern for route in (*routes.PLAIN, *routes.STORED) if route.method == "GET"
    }
    long_path = f"/admin/{long['invitation_id']}/{long['admin_id']}?{link_only}"
    asked["admin page of 1,001 dates"] = itertools.repeat(long_path), LONG_SERIES
    # So many that each is forgotten before it is asked for again, with clocks that change.
    zones = itertools.cycle(zone for zone in sorted(zone_names()) if zone.startswith("Europe/"))
    uncommon = (entry(iid, zone, "99monthlyday", 2) for zone in zones)
    asked["entries over fifty years"] = uncommon, UNCOMMON_ZONES
    waiting = itertools.repeat(f"/i/{iid}")
    costs = measured(server, {"waiting": waiting} | {name: way for name, (way, _) in asked.items()})
    for name, cost in costs.items():
        print(f"{cost * 1000:6.2f} ms  {cost / costs['waiting']:5.1f}  {name}")
    for name, (_, limit) in asked.items():
        assert costs[name] < limit * costs["waiting"], name


def entry(iid: str, timezone: str, repeat: str, days: int) -> str:
    """Return the longest calendar entry that a link of ours may ask for."""
    time_ = int(time.time()) + days * 86400
    fields = {"name": NAME, "time": time_, "timezone": timezone, "repeat": repeat, "count": 1000}
    return f"/cal/{iid}.ics?" + urlencode(fields, quote_via=quote)


def measured(server: Server, ways: dict[str, Iterator[str]]) -> dict[str, float]:
    """Return the least processor time that a request cost, of several rounds in turn."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
    costs: dict[str, float] = {}
    for _, (name, paths) in itertools.product(range(ROUNDS), ways.items()):
        number = 40 if name == "waiting" else 8
        before = server.processor_seconds()
        for path in itertools.islice(paths, number):
            connection.request("GET", path)
            response = connection.getresponse()
            assert response.status < 400, (name, response.read())
            response.read()
        cost = (server.processor_seconds() - before) / number
        costs[name] = min(cost, costs.get(name, cost))
    connection.close()
    return costs

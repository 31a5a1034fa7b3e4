"""How long `planado.py cleanup` takes, and what somebody who reads meanwhile notices of it."""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.client import HTTPConnection
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from bench.servers import Place, add_coming, databases, opened, programs, served
from tests.hosts.site import give_away, run
from wsgi_app.domain.conference import Conference
from wsgi_app.domain.recurrence import to_instant
from wsgi_app.storage import conferences
from wsgi_app.storage.database import Database

PAST = 100_000
PAUSE = 0.004
_DAY = 24 * 60 * 60


def main() -> None:
    """Clean up 100,000 one-offs and 100,000 series that are past, on both databases."""
    print("| what is past | database | cleanup | p99 of a reader: usual | meanwhile |")
    print("| --- | --- | --- | --- | --- |")
    with databases() as (maria, folder):
        for name, url in (("MariaDB", maria.url), ("SQLite", f"sqlite:///{folder}/planado.db")):
            for kind in ("one-offs", "series"):
                iid = _fill(url, kind)
                give_away(folder)
                with served(url, settings="[cleanup]\nwhen = cron\n") as place:
                    times = _measure(place, f"{place.root}/i/{iid}")
                print(f"| {PAST:,} {kind} | {name} | {' | '.join(times)} |", flush=True)


def _fill(url: str, kind: str) -> int:
    """Leave nothing but what is past and one conference, which is returned."""
    database = opened(url)
    database.run("DELETE FROM {table}")
    now = int(time.time())
    add_coming(database, PAST, now - 700 * _DAY)
    if kind == "series":
        _make_series(database)
    read = Conference(2 * 10**15, 3, 4, now + 30 * _DAY, 0, "", "", "")
    conferences.add(database, read)
    database.close()
    return read.iid


def _measure(place: Place, page: str) -> list[str]:
    with _reading(page) as taken:
        time.sleep(5)
    usual = _p99(taken)
    clean_up = [programs().checkout / ".venv/bin/planado", "cleanup"]
    with _reading(page) as taken:
        begun = time.monotonic()
        run([*clean_up, "--config", place.folder / "planado.ini"], place.folder)
        seconds = time.monotonic() - begun
    return [f"{seconds:.1f} s", f"{usual:.1f} ms", f"{_p99(taken):.1f} ms"]


def _make_series(database: Database) -> None:
    # Half a year old, and last open the day before yesterday.
    zone = ZoneInfo("Europe/Berlin")
    last = datetime.now(zone).replace(hour=10, minute=0, second=0, microsecond=0, tzinfo=None)
    last -= timedelta(days=2)
    database.run(
        """
        UPDATE {table} SET recev = 50, rectype = '1weekly', timezone = 'Europe/Berlin',
               time = :time, anchor = :anchor
        """,
        time=to_instant(last, zone),
        anchor=(last - timedelta(weeks=26)).isoformat(timespec="minutes"),
    )


@contextmanager
def _reading(url: str) -> Iterator[list[float]]:
    """Let somebody ask every few milliseconds; the list has how many seconds each answer took."""
    place = urlsplit(url)
    taken: list[float] = []
    done = threading.Event()

    def read() -> None:
        connection = HTTPConnection(place.netloc)
        # At chance, lest they keep step with what they shall notice.
        while not done.wait(random.uniform(0, 2 * PAUSE)):
            begun = time.perf_counter()
            connection.request("GET", place.path)
            answer = connection.getresponse()
            answer.read()
            taken.append(time.perf_counter() - begun)
            assert answer.status == 200
        connection.close()

    with ThreadPoolExecutor() as pool:
        reader = pool.submit(read)
        yield taken
        done.set()
        reader.result()


def _p99(taken: list[float]) -> float:
    """Return the milliseconds within which 99 of 100 answers came."""
    return statistics.quantiles(taken, n=100)[-1] * 1000


if __name__ == "__main__":
    main()

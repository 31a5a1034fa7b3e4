"""How long `planado.py cleanup` takes, and what somebody who reads meanwhile notices of it."""

from __future__ import annotations

import random
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from bench.servers import add_coming, opened, served
from tests.support.mariadb import running_mariadb
from tests.support.process import planado
from wsgi_app.conference import Conference
from wsgi_app.database import Database
from wsgi_app.recurrence import to_instant
from wsgi_app.storage import add_conference

PAST = 100_000
PAUSE = 0.004
_DAY = 24 * 60 * 60


def main() -> None:
    """Clean up 100,000 one-offs and 100,000 series that are past, on both databases."""
    print("| what is past | database | cleanup | p99 of a reader: usual | meanwhile |")
    print("| --- | --- | --- | --- | --- |")
    with ExitStack() as stack:
        url = stack.enter_context(running_mariadb()).url
        for database_url in (url, "sqlite:///planado.db"):
            for kind in ("one-offs", "series"):
                with tempfile.TemporaryDirectory(prefix="planado-bench-") as folder:
                    _measure(Path(folder), database_url, kind)


def _measure(folder: Path, url: str, kind: str) -> None:
    database = opened(folder, url)
    database.run("DELETE FROM {table}")
    now = int(time.time())
    add_coming(database, PAST, now - 700 * _DAY)
    if kind == "series":
        _make_series(database)
    read = Conference(2 * 10**15, 3, 4, now + 30 * _DAY, 0, "", "", "")
    add_conference(database, read)
    database.close()
    with served(folder, "waitress") as root:
        page = f"{root}/i/{read.iid}"
        with _reading(page) as taken:
            time.sleep(5)
        usual = _p99(taken)
        with _reading(page) as taken:
            begun = time.monotonic()
            done = planado(folder, "cleanup")
            seconds = time.monotonic() - begun
        meanwhile = _p99(taken)
        assert done.returncode == 0, done.stderr
        name = url.partition(":")[0]
        print(
            f"| {PAST:,} {kind} | {name} | {seconds:.1f} s | {usual:.1f} ms | {meanwhile:.1f} ms |",
            flush=True,
        )


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

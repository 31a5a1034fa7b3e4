"""How long `planado.py cleanup` takes, and what somebody who reads meanwhile notices of it."""

from __future__ import annotations

import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from bench.servers import add_coming, opened, served
from tests.support.mariadb import running_mariadb
from tests.support.process import planado
from wsgi_app.conference import Conference
from wsgi_app.database import Database
from wsgi_app.recurrence import to_instant
from wsgi_app.storage import add_conference

PAST = 100_000
LONGEST = 300
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
        with _readers(page) as told:
            time.sleep(5)
        usual = _p99(told)
        with _readers(page) as told:
            begun = time.monotonic()
            done = planado(folder, "cleanup")
            seconds = time.monotonic() - begun
        meanwhile = _p99(told)
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
def _readers(url: str) -> Iterator[list[str]]:
    """Let a few readers ask all the time; what wrk tells of them is in the list afterwards."""
    told: list[str] = []
    command = ["wrk", "-t1", "-c2", f"-d{LONGEST}", "--latency", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        yield told
        process.send_signal(signal.SIGINT)
        told.append(process.communicate()[0])


def _p99(told: list[str]) -> float:
    """Return the milliseconds within which 99 of 100 answers came."""
    [text] = told
    assert "Non-2xx" not in text, text
    found = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    assert found, text
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]]


if __name__ == "__main__":
    main()

"""What the benchmarks start and fill."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

from tests.support.mariadb import free_port
from tests.support.process import ROOT, planado
from wsgi_app.conference import Conference
from wsgi_app.config import load_config
from wsgi_app.database import Database, open_database
from wsgi_app.storage import add_conference

CORES = sorted(os.sched_getaffinity(0))
"""Servers run on the first core, all else on the others: threads of one Python process that move
between cores are slower and measure the machine.
"""
SERVER_CORES, OTHER_CORES = set(CORES[:1]), set(CORES[1:] or CORES)

_DAY = 24 * 60 * 60
# Odd and large: its multiples lie all over the range.
_SCATTER = 7_368_787_141_951


@contextmanager
def on_cores(cores: set[int]) -> Iterator[None]:
    """Let this process and those that it starts run on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Numbers(NamedTuple):
    """Invitations of conferences that are in the database."""

    waiting: list[int]
    open: int


def opened(folder: Path, url: str) -> Database:
    """Write a planado.ini for this database, make its tables, and return it."""
    (folder / "planado.ini").write_text(f"[database]\nurl = {url}\n[cleanup]\nwhen = cron\n")
    done = planado(folder, "init-db")
    assert done.returncode == 0, done.stderr
    config = load_config(folder / "planado.ini", {})
    return open_database(config.database.url, config.database.table, config.folder, 600)


def fill(folder: Path, url: str, size: int) -> Numbers:
    """Make a database of so many conferences to come and one that is open."""
    database = opened(folder, url)
    now = int(time.time())
    add_coming(database, size, now + _DAY)
    is_open = Conference(2 * 10**15, 3, 4, now - 60, 0, "", "", "")
    add_conference(database, is_open)
    database.close()
    # All over the rows; of the same few days, as those who wait at the same time are.
    asked = [number for number in range(1, size + 1) if number % 600 <= 10]
    waiting = [10**15 + number * _SCATTER % (9 * 10**15) for number in asked]
    return Numbers(waiting, is_open.iid)


def add_coming(database: Database, size: int, start: int) -> None:
    """Store so many one-offs that begin at `start` and on the days after it."""
    # The numbers are scattered as drawing them would.
    if database.dialect == "mariadb":
        database.run(
            """
            INSERT INTO {table} (iid, aid, rid, time, recev, rectype, timezone, anchor)
            SELECT 1000000000000000 + seq * :scatter % 9000000000000000, 1, 2,
                   :start + seq % 600 * 86400, 0, '', '', ''
            FROM seq_1_to_1000000 WHERE seq <= :size
            """,
            scatter=_SCATTER,
            size=size,
            start=start,
        )
    else:
        database.run(
            """
            WITH RECURSIVE numbers (seq) AS
                (SELECT 1 UNION ALL SELECT seq + 1 FROM numbers WHERE seq < :size)
            INSERT INTO {table} (iid, aid, rid, time, recev, rectype, timezone, anchor)
            SELECT 1000000000000000 + seq * :scatter % 9000000000000000, 1, 2,
                   :start + seq % 600 * 86400, 0, '', '', ''
            FROM numbers
            """,
            scatter=_SCATTER,
            size=size,
            start=start,
        )


@contextmanager
def served(folder: Path, host: str) -> Iterator[str]:
    """Serve a folder with one process of waitress or four workers of gunicorn at the address it
    yields.
    """
    port = free_port()
    address = f"127.0.0.1:{port}"
    commands = {
        "waitress": [sys.executable, str(ROOT / "planado.py"), "serve", "--listen", address],
        "gunicorn": [
            str(ROOT / ".venv-bench/bin/gunicorn"), "--workers=4", f"--bind={address}",
            "--keep-alive=30", "--worker-class=gthread", "planado:application",
        ],
    }  # fmt: skip
    environ = {**os.environ, "PLANADO_CONFIG": str(folder / "planado.ini")}
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            commands[host], cwd=folder, env=environ, stdout=output, stderr=output
        )
    try:
        _wait_until_served(address, process)
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_served(address: str, process: subprocess.Popen[bytes]) -> None:
    while True:
        assert process.poll() is None, "the server has ended"
        with suppress(OSError), urlopen(f"http://{address}/health"):
            return
        time.sleep(0.1)

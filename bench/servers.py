"""What the benchmarks install, start and fill: each host as its recipe starts it, on whatever
cores the system gives it.
"""

from __future__ import annotations

import atexit
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.hosts.hosts import HOSTS as RECIPES
from tests.hosts.hosts import Programs
from tests.hosts.site import Site, copy_of_the_program, give_away, install
from tests.support.mariadb import MariaServer, running_mariadb
from tests.support.process import ROOT
from wsgi_app.domain.conference import Conference
from wsgi_app.storage import conferences
from wsgi_app.storage.database import Database
from wsgi_app.storage.migrations import migrate
from wsgi_app.storage.opening import open_database
from wsgi_app.storage.url import parse_database_url

SERVE, GUNICORN = "waitress", "gunicorn-gthread"
HOSTS = {
    SERVE: "`planado serve`",
    "nginx-waitress-unix": "behind nginx",
    GUNICORN: "gunicorn",
    "uwsgi": "uWSGI",
    "granian": "granian",
}
"""What is measured: the names that `tests.hosts` has for hosts, and those for a table."""

_DAY = 24 * 60 * 60
# Odd and large: its multiples lie all over the range.
_SCATTER = 7_368_787_141_951


class Place(Site):
    """A host on a database, configured as it comes but for `settings`."""

    def __init__(self, url: str, settings: str = "") -> None:
        super().__init__("")
        self._settings = f"[database]\nurl = {url}\n{settings}"

    def configure(self, folder: Path | None = None, base_url: bool = False) -> Path:
        file = (folder or self.folder) / "planado.ini"
        site = f"[site]\nbase_url = {self.root}\n" if base_url else ""
        file.write_text(site + self._settings, "utf-8")
        file.chmod(0o600)
        return file

    def derive(self, name: str, changes: Mapping[str, str], to: Path | None = None) -> Path:
        target = super().derive(name, changes, to)
        # All the load comes from one address: nginx counts it as always, and lets it through.
        lifted = re.sub(r"\brate=\d+r/[sm]", "rate=1000000r/s", target.read_text("utf-8"))
        target.write_text(lifted, "utf-8")
        return target

    def process_ids(self) -> list[int]:
        """Return the processes of the host that run."""
        sessions = {process.pid for process in self._processes}
        running = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
        return [pid for pid in running if os.getsid(pid) in sessions]


@contextmanager
def served(
    url: str,
    start: str | Callable[[Site, Programs], None] = SERVE,
    checkout: Path = ROOT,
    settings: str = "",
) -> Iterator[Place]:
    """Serve a database with a host of `tests.hosts`, or with what is started like one."""
    place = Place(url, settings)
    try:
        (RECIPES[start] if isinstance(start, str) else start)(place, programs(checkout))
        place.wait_until_it_answers()
        yield place
    finally:
        place.stop()


@cache
def programs(checkout: Path = ROOT) -> Programs:
    """Install a checkout as docs/hosting.md says, until the benchmark ends."""
    folder = Path(tempfile.mkdtemp(prefix="planado-bench-"))
    atexit.register(shutil.rmtree, folder)
    copy = copy_of_the_program(folder / "planado", checkout)
    install(copy)
    give_away(folder)
    return Programs(copy, folder)


@contextmanager
def databases() -> Iterator[tuple[MariaServer, Path]]:
    """Yield a MariaDB, and a folder for SQLite files which hosts may use once it is given away."""
    with (
        running_mariadb() as maria,
        tempfile.TemporaryDirectory(prefix="planado-bench-") as folder,
    ):
        # Where root measures, hosts are another user's.
        maria.folder.chmod(0o711)
        yield maria, Path(folder)


class Filled(NamedTuple):
    """A database, conferences in it that people wait for (a file of numbers), and one that is
    open.
    """

    url: str
    waiting: Path
    open: int


def fill(maria: MariaServer | None, folder: Path, name: str, size: int) -> Filled:
    """Make a database of so many conferences to come and one that is open; without MariaDB an
    SQLite file.
    """
    url = f"sqlite:///{folder}/{name}.db"
    if maria:
        maria.administrate(f"CREATE DATABASE {name}")
        maria.administrate(f"GRANT ALL ON {name}.* TO planado")
        url = maria.url.replace("/planado?", f"/{name}?")
    database = opened(url)
    now = int(time.time())
    add_coming(database, size, now + _DAY)
    is_open = Conference(2 * 10**15, 3, 4, now - 60, 0, "", "", "")
    conferences.add(database, is_open)
    database.close()
    give_away(folder)
    # All over the rows; of the same few days, as those who wait at the same time are.
    asked = [number for number in range(1, size + 1) if number % 600 <= 10]
    waiting = folder / f"{database.dialect}-{name}"
    waiting.write_text("".join(f"{10**15 + n * _SCATTER % (9 * 10**15)}\n" for n in asked))
    return Filled(url, waiting, is_open.iid)


def opened(url: str) -> Database:
    """Make the tables of a database and return it."""
    database = open_database(parse_database_url(url), "conferences", Path("/"), 600)
    migrate(database)
    return database


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

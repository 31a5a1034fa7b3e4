"""Real databases, a clock that tests move, and a visitor."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.support.client import Client
from tests.support.clock import Clock
from tests.support.live import Live
from tests.support.mariadb import MariaServer, free_port, running_mariadb
from wsgi_app.application import Application
from wsgi_app.config import Config, load_config
from wsgi_app.storage.database import Database
from wsgi_app.storage.migrations import migrate
from wsgi_app.storage.opening import open_database

# The same examples each time where they decide: a find of luck may not keep good work from landing.
hypothesis.settings.register_profile("all", max_examples=2000, derandomize=True, deadline=None)
hypothesis.settings.register_profile("default", max_examples=100, deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# A shell makes what it starts in the background deaf to Ctrl-C, which the servers would inherit.
signal.signal(signal.SIGINT, signal.default_int_handler)

MakeClient = Callable[..., Client]


def missing(what: str, command: str) -> None:
    """Skip a test for want of a program, loudly; fail it where all of them must run."""
    message = f"{what} is missing: {command}"
    if os.environ.get("CI"):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def started_mariadb() -> Iterator[MariaServer]:
    """Yield a running MariaDB with the database `planado` and its user."""
    if not MariaServer.installed():
        missing("MariaDB", "apt-get install mariadb-server-core mariadb-client-core")
    with running_mariadb() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaServer]:
    """A running MariaDB with the database `planado` and its user."""
    yield from started_mariadb()


@pytest.fixture
def mariadb_url(mariadb: MariaServer) -> Iterator[str]:
    """The address of an empty database."""
    yield mariadb.url
    for (table,) in mariadb.administrate("SHOW TABLES FROM planado"):
        mariadb.administrate(f"DROP TABLE planado.{table}")


@pytest.fixture(params=["sqlite", "mariadb"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of an empty database, once of each kind."""
    if request.param == "mariadb":
        return str(request.getfixturevalue("mariadb_url"))
    return "sqlite:///planado.db"


@pytest.fixture
def make_config(tmp_path: Path) -> Callable[[str], Config]:
    """Returns settings of an ini text, with the database in this test's folder."""

    def make(ini: str = "") -> Config:
        file = tmp_path / "planado.ini"
        file.write_text(ini, "utf-8")
        return load_config(file, {})

    return make


@pytest.fixture
def make_client(
    tmp_path: Path, clock: Clock, make_config: Callable[[str], Config]
) -> Iterator[MakeClient]:
    """Returns visitors of an application with the settings of an ini text."""
    opened: list[Database] = []

    def make(ini: str = "", url: str = "sqlite:///planado.db", mount: str = "") -> Client:
        config = make_config(f"{ini}\n[database]\nurl = {url}\n")
        database = open_database(config.database.url, config.database.table, config.folder)
        opened.append(database)
        migrate(database)
        return Client(Application(config, database, clock), clock, mount)

    yield make
    for database in opened:
        database.close()


@pytest.fixture
def client(make_client: MakeClient) -> Client:
    """A visitor of an application on SQLite with all defaults."""
    return make_client()


@pytest.fixture
def stored_client(make_client: MakeClient, database_url: str) -> Client:
    """A visitor of an application with all defaults, once on each database."""
    return make_client(url=database_url)


@pytest.fixture
def settings() -> str:
    """The ini text of the server, below [jitsi]; a test may give others."""
    return ""


@pytest.fixture
def live(make_client: MakeClient, settings: str) -> Iterator[Live]:
    """A server with all defaults, for browsers, and the site where the rooms would be."""
    rooms_port = free_port()
    ini = f"[jitsi]\nroom_url = http://127.0.0.1:{rooms_port}/{{room}}\n{settings}"
    started = Live(make_client(ini).application, rooms_port)
    yield started
    started.stop()

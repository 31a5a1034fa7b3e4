"""A MariaDB that a module may stop and kill, a proxy before it, and Planado as a process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.conftest import started_mariadb
from tests.support.fault_proxy import FaultProxy
from tests.support.mariadb import MariaServer
from tests.support.process import Server, planado

MakeServer = Callable[..., Server]


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaServer]:
    """A running MariaDB of this module's own, with the database `planado` and its user."""
    yield from started_mariadb()


@pytest.fixture
def proxy(mariadb: MariaServer) -> Iterator[FaultProxy]:
    started = FaultProxy(mariadb.port)
    yield started
    started.stop()


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[MakeServer]:
    """Returns Planado as a process, on the database at an address, its tables made."""
    started: list[Server] = []

    def make(url: str = "", folder: Path = tmp_path, ini: str = "", **environ: str) -> Server:
        text = f"{ini}\n[database]\nurl = {url}\n" if url else ini
        (folder / "planado.ini").write_text(text, "utf-8")
        made = planado(folder, "init-db")
        assert made.returncode == 0, made.stderr
        server = Server(folder, environ=environ)
        started.append(server)
        return server

    yield make
    for server in started:
        server.stop()

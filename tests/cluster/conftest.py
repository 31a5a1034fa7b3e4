"""A cluster, tables in it, and Planado on several machines that share nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.cluster.galera import Cluster, Node
from tests.conftest import missing
from tests.support.mariadb import PASSWORD
from tests.support.process import Server, planado
from wsgi_app.config import load_config
from wsgi_app.storage.database import Database
from wsgi_app.storage.opening import open_database

# A node that is gone is missed after 2 s instead of 5.
_FAST = "evs.keepalive_period=PT0.5S;evs.suspect_timeout=PT2S;evs.inactive_timeout=PT5S"

Machine = Callable[..., Path]
Serve = Callable[..., Server]


@pytest.fixture(scope="session")
def running_cluster() -> Iterator[Cluster]:
    program = Cluster.missing()
    if program:
        missing(program, "apt-get install mariadb-server galera-4 rsync")
    cluster = Cluster(_FAST)
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.remove()


@pytest.fixture
def cluster(running_cluster: Cluster) -> Iterator[Cluster]:
    """A cluster of three nodes that all serve, its database empty."""
    yield running_cluster
    running_cluster.repair()
    node = running_cluster.nodes[0]
    for (table,) in node.administrate("SHOW TABLES FROM planado"):
        node.administrate(f"DROP TABLE planado.{table}")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """Returns a folder with the settings of a machine that reaches some nodes, in this order."""

    def make(*nodes: Node, ini: str = "") -> Path:
        folder = tmp_path / f"machine{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        hosts = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        url = f"mysql://planado:{quote(PASSWORD, safe='')}@{hosts}/planado"
        (folder / "planado.ini").write_text(f"[database]\nurl = {url}\n{ini}", "utf-8")
        return folder

    return make


@pytest.fixture
def tables(cluster: Cluster, machine: Machine) -> None:
    """The tables, made by `planado.py init-db`."""
    made = planado(machine(cluster.nodes[0]), "init-db")
    assert made.returncode == 0, made.stderr


@pytest.fixture
def serve(machine: Machine, tables: None) -> Iterator[Serve]:
    """Returns `planado.py serve` on a machine that reaches some nodes, in this order."""
    with ExitStack() as servers:

        def start(*nodes: Node, ini: str = "[cleanup]\nwhen = cron\n") -> Server:
            server = Server(machine(*nodes, ini=ini))
            servers.callback(server.stop)
            return server

        yield start


@pytest.fixture
def database(cluster: Cluster, machine: Machine, tables: None) -> Iterator[Database]:
    """The database as Planado reaches it, over all nodes."""
    config = load_config(machine(*cluster.nodes) / "planado.ini", {})
    opened = open_database(config.database.url, config.database.table, config.folder)
    yield opened
    opened.close()

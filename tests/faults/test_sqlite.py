"""The SQLite file is locked, full, read-only, or its writer killed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.faults.conftest import MakeServer
from tests.support.process import Server, planado
from tests.support.small_disk import small_disk
from tests.support.visitors import Visitors


@contextmanager
def ended(server: Server) -> Iterator[Server]:
    """End the server before its disk goes."""
    try:
        yield server
    finally:
        server.stop()


def test_another_program_holds_the_lock(tmp_path: Path, make_server: MakeServer) -> None:
    with Visitors(make_server(), number=3) as visitors:
        visitors.wait_for("POST", 200, 10)
        with closing(sqlite3.connect(tmp_path / "planado.db", isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            visitors.wait_for("POST", 503, 3)
            other.execute("ROLLBACK")
        visitors.wait_for("POST", 200, 10)
    visitors.check()
    assert visitors.answers["GET", 503] == 0, "who only looks need not wait for a writer"


def test_the_disk_is_full(tmp_path: Path, make_server: MakeServer) -> None:
    with small_disk(tmp_path / "disk", 4) as disk, ended(make_server(folder=disk.folder)) as server:
        with Visitors(server) as visitors:
            visitors.wait_for("POST", 200, 10)
            disk.fill()
            visitors.wait_for("POST", 503, 10)
            # Who only looks is served.
            visitors.wait_for("GET", 200, 10)
            disk.free()
            visitors.wait_for("POST", 200, 10)
        visitors.check()
        with closing(sqlite3.connect(disk.folder / "planado.db")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_it_starts_on_a_full_disk_and_says_why_not(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 1) as disk:
        (disk.folder / "planado.ini").touch()
        disk.fill()
        started = planado(disk.folder, "serve", "--listen=127.0.0.1:0")
        assert started.returncode == 1
        assert f"{disk.folder}/planado.db: SQLITE_" in started.stderr
        assert "Traceback" not in started.stderr


def test_in_a_read_only_folder_it_says_why_it_does_not_start(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4) as disk:
        assert planado(disk.folder, "init-db").returncode == 0
        disk.make_read_only()
        for command in ("serve", "cleanup", "init-db"):
            done = planado(disk.folder, command)
            assert done.returncode == 1, done.stdout
            assert f"{disk.folder}/planado.db: " in done.stderr
            assert "Traceback" not in done.stderr
        checked = planado(disk.folder, "check")
        assert checked.returncode == 1
        assert f"fault  database: {disk.folder}/planado.db: SQLITE_" in checked.stdout


def test_killed_while_visitors_book(tmp_path: Path, make_server: MakeServer) -> None:
    server = make_server()
    with Visitors(server, server_may_die=True) as visitors:
        for _ in range(5):
            visitors.wait_for("POST", 200, 10)
            server.kill()
            server = Server(tmp_path)
            visitors.server = server
        visitors.wait_for("POST", 200, 10)
    visitors.check()
    server.stop()
    with closing(sqlite3.connect(tmp_path / "planado.db")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]


def test_thirty_two_who_book_at_once_are_all_served(make_server: MakeServer) -> None:
    with Visitors(make_server(), number=32) as visitors:
        visitors.wait_for("POST", 200, 1000)
    visitors.check()
    assert visitors.answers["POST", 503] == 0

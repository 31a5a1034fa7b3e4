"""The SQLite file is locked, full, read-only, or its writer killed."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from tests.faults.conftest import MakeServer
from tests.support.process import ROOT, Server, planado
from tests.support.small_disk import small_disk
from tests.support.visitors import Visitors, wait_until


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
            wait_until(lambda: server.request("GET", "/health")[0].status == 503)
            assert "planado.db: SQLITE_FULL" in planado(disk.folder, "check").stdout
            disk.free()
            visitors.wait_for("POST", 200, 10)
        visitors.check()
        wait_until(lambda: server.request("GET", "/health")[0].status == 200)
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


def test_a_backup_while_visitors_book_holds_all_that_was_confirmed(
    tmp_path: Path, make_server: MakeServer
) -> None:
    with Visitors(make_server()) as visitors:
        for number in range(3):
            visitors.wait_for("POST", 200, 20)
            confirmed = {int(path.rpartition("/")[2]) for path in list(visitors.confirmed)}
            done = planado(tmp_path, "backup", f"copy-{number}.db")
            assert done.returncode == 0, done.stderr
            assert confirmed <= invitations(tmp_path / f"copy-{number}.db")
    visitors.check()
    assert visitors.answers["POST", 503] == 0


def invitations(file: Path) -> set[int]:
    """Return what a whole database holds."""
    with closing(sqlite3.connect(file)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        return {iid for (iid,) in connection.execute("SELECT iid FROM conferences")}


def test_a_backup_that_is_killed_leaves_no_file_of_its_name(tmp_path: Path) -> None:
    assert planado(tmp_path, "init-db").returncode == 0
    with closing(sqlite3.connect(tmp_path / "planado.db")) as connection, connection:
        row = "INSERT INTO conferences (iid, aid, rid, time) VALUES (?, 1, 1, 4000000000)"
        connection.executemany(row, ((number,) for number in range(200_000)))
    for size in (0, 1, 1_000_000):
        backup = subprocess.Popen(
            [sys.executable, ROOT / "planado.py", "backup", "copy.db"], cwd=tmp_path
        )
        unfinished = tmp_path / f".copy.db.{backup.pid}"
        while not (unfinished.exists() and unfinished.stat().st_size >= size):
            assert backup.poll() is None
        backup.kill()
        backup.wait()
        assert not (tmp_path / "copy.db").exists()
        assert unfinished.stat().st_mode & 0o077 == 0
    assert planado(tmp_path, "backup", "copy.db").returncode == 0
    assert len(invitations(tmp_path / "copy.db")) == 200_000


def test_thirty_two_who_book_at_once_are_all_served(make_server: MakeServer) -> None:
    with Visitors(make_server(), number=32) as visitors:
        visitors.wait_for("POST", 200, 1000)
    visitors.check()
    assert visitors.answers["POST", 503] == 0

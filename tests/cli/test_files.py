"""Who may read the files with secrets: said by `check` and at the start."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.process import ROOT, Server, planado

FIRST_REQUEST = """
import planado
from wsgiref.util import setup_testing_defaults
for _ in range(2):
    environ = {}
    setup_testing_defaults(environ)
    planado.application(environ, lambda status, headers: print(status))
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter, unlike those of the tests."""
    made = Path(tempfile.mkdtemp(prefix="planado-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


def first_request(folder: Path, program: str = FIRST_REQUEST, **environ: str) -> str:
    """Let a WSGI host load the application, and return what it complained of."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **environ},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert "200 OK" in done.stdout
    return done.stderr


def complaint(file: Path) -> str:
    return f"{file} is open to everybody on this machine: chmod o= {file}"


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_a_database_that_everybody_may_read_is_complained_of(folder: Path, suffix: str) -> None:
    assert planado(folder, "init-db").returncode == 0
    # What stands beside it is there as long as somebody uses it.
    with closing(sqlite3.connect(folder / "planado.db")) as user:
        with user:
            user.execute(
                "INSERT INTO conferences (iid, aid, rid, time) VALUES (1, 1, 1, 4000000000)"
            )
        file = folder / f"planado.db{suffix}"
        file.chmod(0o644)
        checked = planado(folder, "check")
        assert checked.returncode == 1
        assert f"fault  files: {complaint(file)}" in checked.stdout
        assert complaint(file) in first_request(folder).splitlines()
        server = Server(folder)
        server.stop()
        assert f"ERROR {complaint(file)}" in server.printed().splitlines()
        file.chmod(0o640)
        assert planado(folder, "check").returncode == 0


def test_a_file_in_a_folder_that_nobody_may_enter_is_closed(folder: Path) -> None:
    assert planado(folder, "init-db").returncode == 0
    (folder / "planado.db").chmod(0o644)
    folder.chmod(0o750)
    assert planado(folder, "check").returncode == 0


def test_settings_with_a_password_are_for_the_service_alone(folder: Path) -> None:
    settings = folder / "planado.ini"
    away = f"me:secret@/planado?unix_socket={folder}/none"
    settings.write_text(f"[database]\nurl = mysql://{away}\n")
    settings.chmod(0o644)
    checked = planado(folder, "check")
    assert f"fault  files: {complaint(settings)}" in checked.stdout
    # The environment overrides it, which does not make it less of a secret.
    sqlite = {"PLANADO_DATABASE_URL": "sqlite:///planado.db"}
    assert complaint(settings) in planado(folder, "check", environ=sqlite).stdout
    assert first_request(folder, **sqlite).splitlines() == [complaint(settings)]
    settings.chmod(0o640)
    assert "ok     files: closed to others" in planado(folder, "check").stdout


def test_a_file_with_the_password_is_for_the_service_alone(folder: Path) -> None:
    settings, password = folder / "planado.ini", folder / "password"
    url = f"mysql://me@/planado?unix_socket={folder}/none&password_file=password"
    settings.write_text(f"[database]\nurl = {url}\n")
    settings.chmod(0o644)
    password.write_text("secret\n")
    password.chmod(0o604)
    checked = planado(folder, "check")
    assert f"fault  files: {complaint(password)}" in checked.stdout
    password.chmod(0o600)
    assert "ok     files: closed to others" in planado(folder, "check").stdout


def test_settings_without_a_secret_may_be_read(folder: Path) -> None:
    shutil.copy(ROOT / "planado.ini", folder)
    (folder / "planado.ini").chmod(0o644)
    assert planado(folder, "init-db").returncode == 0
    assert planado(folder, "check").returncode == 0
    assert first_request(folder) == ""
    elsewhere = {"PLANADO_DATABASE_URL": f"mysql://me:secret@/x?unix_socket={folder}/none"}
    assert "ok     files: closed to others" in planado(folder, "check", environ=elsewhere).stdout


def test_a_database_whose_folder_is_missing_is_not_made_at_the_first_start(folder: Path) -> None:
    url = {"PLANADO_DATABASE_URL": f"sqlite:///{folder}/none/planado.db"}
    checked = planado(folder, "check", environ=url)
    assert checked.returncode == 1
    told = f"{folder}/none/planado.db: its folder is not there, or may not be written"
    assert f"fault  database: {told}\n" in checked.stdout


def test_each_call_by_cgi_says_it_to_nobody(folder: Path) -> None:
    assert planado(folder, "init-db").returncode == 0
    (folder / "planado.db").chmod(0o644)
    call = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "SERVER_NAME": "x", "SERVER_PORT": "80"}
    call["SERVER_PROTOCOL"] = "HTTP/1.1"
    assert first_request(folder, "import planado; planado.answer_cgi()", **call) == ""


@pytest.mark.skipif(os.geteuid() != 0, reason="root alone may give files away")
def test_what_root_makes_belongs_to_whose_folder_it_is(folder: Path) -> None:
    os.chown(folder, 65534, 65534)
    assert planado(folder, "init-db").returncode == 0
    made = (folder / "planado.db").stat()
    assert (made.st_uid, made.st_mode & 0o777) == (65534, 0o600)
    told = "of nobody, and this is root: look with runuser -u nobody -- planado check"
    assert f"ok     files: {told}\n" in planado(folder, "check").stdout
    os.chown(folder / "planado.db", 0, 0)
    checked = planado(folder, "check")
    assert checked.returncode == 1
    file = folder / "planado.db"
    told = f"{file} belongs to root, its folder to nobody: chown nobody {file}"
    assert f"fault  files: {told}\n" in checked.stdout
    os.chown(folder, 0, 0)
    assert "ok     files: of root, closed to others\n" in planado(folder, "check").stdout

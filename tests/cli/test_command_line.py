"""The command line, as processes of their own."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
import tzdata

from tests.support.client import booking_fields
from tests.support.clock import Clock
from tests.support.mariadb import PASSWORD, MariaServer
from tests.support.process import ROOT, Server, planado
from wsgi_app import __version__

FORM = {"Content_Type": "application/x-www-form-urlencoded"}


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    started = Server(tmp_path)
    yield started
    started.stop()


@pytest.fixture
def socket_path() -> Iterator[Path]:
    """A path that is short enough for a Unix socket, wherever the tests' own folders are."""
    with tempfile.TemporaryDirectory(prefix="planado-") as folder:
        yield Path(folder) / "socket"


def form() -> bytes:
    clock = Clock()
    clock.now = time.time()
    return urlencode(booking_fields(clock, name="Nobody's business")).encode()


def test_one_command_serves_on_sqlite_with_no_configuration(server: Server, tmp_path: Path) -> None:
    assert (
        server.printed() == f"Planado serves on http://127.0.0.1:{server.port}/ (Ctrl-C ends it)\n"
    )
    response, text = server.request("GET", "/")
    assert response.status == 200
    assert response.getheader("Server") is None
    response, text = server.request("POST", "/book", form(), **FORM)
    assert response.status == 200, text
    assert f"http://127.0.0.1:{server.port}/i/" in text
    assert (tmp_path / "planado.db").exists()
    # Nothing personal was printed either: one line, from the start.
    assert len(server.printed().splitlines()) == 1


def test_a_confirmed_booking_survives_kill_9(tmp_path: Path) -> None:
    server = Server(tmp_path)
    _, text = server.request("POST", "/book", form(), **FORM)
    iid = text.split("/i/")[1].split('"')[0]
    server.kill()
    again = Server(tmp_path)
    try:
        response, _ = again.request("GET", f"/i/{iid}")
        assert response.status == 200
    finally:
        again.stop()


def test_a_large_body_is_refused_with_a_page(server: Server) -> None:
    response, text = server.request("POST", "/book", b"x" * 16385, **FORM)
    assert response.status == 413
    assert "Too much at once" in text
    response, text = server.request("POST", "/book", b"x" * 16384, **FORM)
    assert response.status == 400
    response, text = server.request("POST", "/book", b"x" * 16385, Accept_Language="de", **FORM)
    assert "Zu viel auf einmal" in text


def test_a_huge_body_is_not_waited_for(server: Server) -> None:
    response, text = server.request("POST", "/book", b"", Content_Length=str(10**9), **FORM)
    assert response.status == 413
    assert "Too much at once" in text


def test_a_chunked_body_is_read(server: Server) -> None:
    def send(*chunks: bytes) -> tuple[int, str]:
        body = b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks)
        response, text = server.request(
            "POST", "/book", body + b"0\r\n\r\n", Transfer_Encoding="chunked", **FORM
        )
        return response.status, text

    fields = form()
    assert send(fields[:20], fields[20:])[0] == 200
    assert send(b"x" * 9000, b"x" * 9000)[0] == 413


def test_a_unix_socket_serves_its_user_and_group_alone(tmp_path: Path, socket_path: Path) -> None:
    path = socket_path
    server = Server(tmp_path, unix_socket=path)
    try:
        assert server.printed() == f"Planado serves on unix:{path} (Ctrl-C ends it)\n"
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        response, text = server.request("POST", "/book", form(), **FORM)
        assert response.status == 200, text

        beside = planado(tmp_path, "serve", f"--listen=unix:{path}")
        assert beside.returncode == 1
        assert f"cannot listen on unix:{path}: " in beside.stderr
        assert "another server listens there" in beside.stderr
        assert server.request("GET", "/health")[1] == "ok\n"

        server.kill()
        assert path.is_socket()
        server = Server(tmp_path, unix_socket=path)
        assert server.request("GET", "/health")[1] == "ok\n"
        server.interrupt()
        assert not path.exists()
    finally:
        server.stop()


def test_a_unix_socket_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("kept")
    for path in (tmp_path / "none/socket", file):
        done = planado(tmp_path, "serve", f"--listen=unix:{path}")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(f"planado: cannot listen on unix:{path}: ")
    assert file.read_text() == "kept"
    done = planado(tmp_path, "serve", f"--listen=unix:/{'x' * 107}")
    assert done.returncode == 2
    assert "its path up to 107 bytes long" in done.stderr


def test_a_trusted_proxy_says_where_visitors_come_from(tmp_path: Path, server: Server) -> None:
    forwarded = {"X_Forwarded_Proto": "https", "X_Forwarded_Host": "meet.example"}
    _, text = server.request("GET", "/", None, **forwarded)
    assert "meet.example" not in text
    (tmp_path / "behind").mkdir()
    (tmp_path / "behind/planado.ini").write_text("[server]\ntrusted_proxy = 127.0.0.1\n")
    behind = Server(tmp_path / "behind")
    try:
        _, text = behind.request("GET", "/", None, **forwarded)
        assert 'action="https://meet.example/book"' in text
    finally:
        behind.stop()


def test_cleanup_prints_what_it_did(tmp_path: Path) -> None:
    empty = planado(tmp_path, "cleanup")
    assert (empty.returncode, empty.stdout) == (0, "deleted 0, advanced 0\n")
    assert empty.stderr == "planado: there is no database yet\n"
    assert list(tmp_path.iterdir()) == []
    assert planado(tmp_path, "init-db").returncode == 0
    assert (tmp_path / "planado.db").stat().st_mode & 0o077 == 0
    long_ago = int(time.time()) - 30 * 86400
    with sqlite3.connect(tmp_path / "planado.db") as connection:
        insert = "INSERT INTO conferences VALUES (?, 2, 3, ?, ?, ?, ?, ?)"
        connection.execute(insert, (1, long_ago, 0, "", "", ""))
        anchor = time.strftime("%Y-%m-%dT%H:%M", time.gmtime(long_ago // 60 * 60))
        row = (2, long_ago // 60 * 60, 50, "1weekly", "UTC", anchor)
        connection.execute(insert, row)
    connection.close()
    done = planado(tmp_path, "cleanup")
    assert (done.returncode, done.stdout, done.stderr) == (0, "deleted 1, advanced 1\n", "")


def test_init_db_and_check_on_mariadb(tmp_path: Path, mariadb_url: str) -> None:
    environ = {"PLANADO_DATABASE_URL": mariadb_url}
    before = planado(tmp_path, "check", environ=environ)
    assert before.returncode == 1
    assert (
        'fault  database: 0001_conferences, 0002_requests not applied: run "planado.py init-db"'
        in before.stdout
    )
    first = planado(tmp_path, "init-db", environ=environ)
    assert first.stdout == (
        "applied 0001_conferences\napplied 0002_requests\nthe table conferences is up to date\n"
    )
    assert planado(tmp_path, "init-db", environ=environ).stdout.startswith("the table")
    after = planado(tmp_path, "check", environ=environ)
    assert after.returncode == 0
    assert "ok     database: mariadb, table conferences" in after.stdout
    assert "ok     translations: en, ar, de" in after.stdout


def test_serve_makes_the_tables_where_a_database_has_none(
    tmp_path: Path, mariadb: MariaServer, mariadb_url: str
) -> None:
    environ = {"PLANADO_DATABASE_URL": mariadb_url}
    mariadb.administrate("CREATE TABLE planado.meetings (id INTEGER)")
    unprepared = planado(tmp_path, "serve", environ=environ)
    assert (unprepared.returncode, unprepared.stdout) == (1, "")
    assert 'run "planado.py init-db"' in unprepared.stderr
    mariadb.administrate("DROP TABLE planado.meetings")

    started = Server(tmp_path, environ=environ)
    try:
        assert started.request("POST", "/book", form(), **FORM)[0].status == 200
    finally:
        started.stop()


def test_what_is_wrong_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "wrong.ini").write_text("[server]\nthreads = many\n")
    told = "wrong.ini: [server] threads: allowed is a whole number from 1 to 64\n"
    for command in ("serve", "cleanup", "init-db"):
        done = planado(tmp_path, command, "--config", "wrong.ini")
        assert (done.returncode, done.stderr) == (1, f"planado: {told}")
    checked = planado(tmp_path, "check", "--config", "wrong.ini")
    assert (checked.returncode, checked.stdout) == (1, f"fault  configuration: {told}")
    away = {"PLANADO_DATABASE_URL": f"mysql://me:secret@/planado?unix_socket={tmp_path}/none"}
    done = planado(tmp_path, "cleanup", environ=away)
    assert done.returncode == 1
    assert done.stderr == (
        f"planado: cannot connect to {tmp_path}/none: there is no such socket (error 2003)\n"
    )
    assert planado(tmp_path, "serve", "--listen", "nowhere").returncode == 2
    (tmp_path / "away.ini").write_text("[server]\nlisten = nosuch.invalid:8080\n")
    done = planado(tmp_path, "serve", "--config", "away.ini")
    assert done.returncode == 1
    assert done.stderr.startswith("planado: cannot listen on nosuch.invalid:8080: ")


def test_check_on_a_new_machine_makes_nothing(tmp_path: Path) -> None:
    done = planado(tmp_path, "check")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "ok     configuration: built-in defaults",
        "ok     translations: en, ar, de, eo, es, fr, it, nl, pl, pt, tr",
        f"ok     templates: {len(list((ROOT / 'wsgi_app/templates').iterdir()))} files",
        "ok     time zones: " + ", ".join(newer_zones()),
        "ok     database: sqlite, made at the first start",
        "ok     files: closed to others",
    ]
    assert list(tmp_path.iterdir()) == []


def newer_zones() -> tuple[str, str]:
    """Return the version of the newer time zone data on this machine, and where it is."""
    system = Path("/usr/share/zoneinfo/tzdata.zi")
    version = system.read_text().split()[2] if system.exists() else ""
    if version < tzdata.IANA_VERSION:
        return tzdata.IANA_VERSION, "of the package tzdata"
    return version, "in /usr/share/zoneinfo"


@pytest.mark.parametrize("version", ["", "# version 1999a\n", "# version 9999a\n"])
def test_the_newer_time_zone_data_is_used(tmp_path: Path, version: str) -> None:
    """The system's are made up here: in them Vancouver keeps the time of Tokyo."""
    package = Path(tzdata.__path__[0], "zoneinfo")
    (tmp_path / "zones/America").mkdir(parents=True)
    shutil.copy(package / "Asia/Tokyo", tmp_path / "zones/America/Vancouver")
    if version:
        (tmp_path / "zones/tzdata.zi").write_text(version)
    environ = {**os.environ, "PYTHONTZPATH": str(tmp_path / "zones")}
    # As a host program may have read a zone before.
    program = (
        "from zoneinfo import ZoneInfo; ZoneInfo('America/Vancouver')\n"
        "from datetime import datetime\n"
        "from wsgi_app.domain.recurrence import to_instant\n"
        "print(to_instant(datetime(2027, 1, 1), ZoneInfo('America/Vancouver')) % 86400 // 3600)"
    )
    asked = [sys.executable, "-c", program]
    result = subprocess.run(asked, cwd=ROOT, env=environ, capture_output=True, check=True)
    checked = planado(tmp_path, "check", environ=environ).stdout
    if "9999a" in version:
        assert result.stdout == b"15\n"
        assert f"ok     time zones: 9999a, in {tmp_path}/zones\n" in checked
    else:
        assert result.stdout != b"15\n"
        assert f"ok     time zones: {tzdata.IANA_VERSION}, of the package tzdata\n" in checked


@pytest.mark.parametrize(
    ("file", "content", "fault"),
    [
        ("templates/door.html", "5 $ 3", "templates: door.html: a $ that begins no name"),
        ("templates/door.html", "$nosuch", "templates: door.html: unknown ${nosuch}"),
        ("templates/door.html", "${t.nosuch}", "templates: door.html: unknown ${t.nosuch}"),
        ("templates/gate.html", "x", "templates: gate.html: no page uses"),
        (
            "translations/de.json",
            '{"nosuch": ""}',
            "translations: de.json: there is no text nosuch",
        ),
        (
            "translations/de.json",
            '{"span": "{x}"}',
            "translations: de.json: span has an unknown {x}",
        ),
        ("translations/de.json", '{"span": ["x"]}', "translations: de.json: span has another form"),
        ("translations/fr.json", "{", "configuration: "),
    ],
)
def test_check_finds_what_would_break_a_page(
    tmp_path: Path, file: str, content: str, fault: str
) -> None:
    (tmp_path / "planado.ini").write_text("[look]\ndirectory = look\n")
    target = tmp_path / "look" / file
    target.parent.mkdir(parents=True)
    target.write_text(content)
    done = planado(tmp_path, "check")
    assert done.returncode == 1
    assert f"fault  {fault}" in done.stdout


def test_a_backup_is_one_file_that_its_owner_alone_may_read(server: Server, tmp_path: Path) -> None:
    _, text = server.request("POST", "/book", form(), **FORM)
    iid = int(text.split("/i/")[1].split('"')[0])
    done = planado(tmp_path, "backup", "copies.db")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    [copy] = [file for file in tmp_path.iterdir() if "copies" in file.name]
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    # The format that needs no file beside it (https://sqlite.org/fileformat.html, 1.3.3).
    assert copy.read_bytes()[18:20] == b"\x01\x01"
    with closing(sqlite3.connect(f"file:{copy}?immutable=1", uri=True)) as connection:
        assert connection.execute("SELECT iid FROM conferences").fetchall() == [(iid,)]

    again = planado(tmp_path, "backup", "copies.db")
    assert (again.returncode, again.stderr) == (1, "planado: copies.db: File exists\n")
    nowhere = planado(tmp_path, "backup", "none/copies.db")
    assert nowhere.stderr == "planado: none/copies.db: No such file or directory\n"
    assert {file.name for file in tmp_path.iterdir()} == {
        "copies.db", "output", "planado.db", "planado.db-shm", "planado.db-wal"
    }  # fmt: skip


def test_a_backup_that_fails_leaves_nothing(tmp_path: Path) -> None:
    missing = planado(tmp_path, "backup", "copy.db")
    assert missing.returncode == 1
    assert missing.stderr == f"planado: {tmp_path}/planado.db: SQLITE_CANTOPEN\n"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "planado.db").write_bytes(b"no database" * 1000)
    broken = planado(tmp_path, "backup", "copy.db")
    assert (broken.returncode, broken.stderr) == (1, "planado: SQLITE_NOTADB\n")
    assert {file.name for file in tmp_path.iterdir()} == {"planado.db"}


def test_a_damaged_database_is_not_taken_for_a_backup(tmp_path: Path) -> None:
    planado(tmp_path, "init-db")
    file = tmp_path / "planado.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
        [(page, size)] = connection.execute(
            "SELECT rootpage, page_size FROM sqlite_schema, pragma_page_size "
            "WHERE name = 'conferences_by_time'"
        )
    content = bytearray(file.read_bytes())
    content[(page - 1) * size : page * size] = b"\xff" * size
    file.write_bytes(content)
    done = planado(tmp_path, "backup", "copy.db")
    assert (done.returncode, done.stdout) == (1, "")
    assert "damaged" in done.stderr or "SQLITE_CORRUPT" in done.stderr
    assert not (tmp_path / "copy.db").exists()


def test_a_backup_of_mariadb_is_the_command_that_makes_it(tmp_path: Path, mariadb_url: str) -> None:
    environ = {"PLANADO_DATABASE_URL": mariadb_url}
    planado(tmp_path, "init-db", environ=environ)
    done = planado(tmp_path, "backup", "the copy.sql", environ=environ)
    assert (done.returncode, done.stdout) == (1, "")
    assert PASSWORD not in done.stderr
    assert quote(PASSWORD, safe="") not in done.stderr
    account = f"--user=planado --password --socket={mariadb_url.rpartition('=')[2]}"
    tables = "planado conferences conferences_migrations conferences_requests"
    command = f"mariadb-dump --single-transaction {account} {tables} > 'the copy.sql'"
    told = f"planado: MariaDB copies itself: (umask 077; set -C; {command})\n"
    assert done.stderr == told


@pytest.mark.parametrize(
    ("url", "options"),
    [
        (
            "mysql://me@db.example:3307/planado",
            "--user=me --host=db.example --port=3307 --skip-ssl",
        ),
        (
            "mysql://me@a,b/planado?password_file=word&tls_ca=ca.pem",
            "--user=me --password --host=a --port=3306 --ssl-verify-server-cert --ssl-ca={}/ca.pem",
        ),
    ],
)
def test_the_command_for_mariadb_connects_as_planado_does(
    tmp_path: Path, url: str, options: str
) -> None:
    done = planado(tmp_path, "backup", "copy", environ={"PLANADO_DATABASE_URL": url})
    expected = f"mariadb-dump --single-transaction {options.format(tmp_path)} planado conferences "
    assert expected in done.stderr


def test_every_command_is_in_the_help_and_the_readme() -> None:
    text = planado(ROOT, "--help").stdout
    readme = (ROOT / "README.md").read_text("utf-8")
    for command in ("serve", "cleanup", "init-db", "check", "backup"):
        assert command in text
        assert f"planado.py {command}" in readme
    assert "--version" in text
    assert planado(ROOT).returncode == 2
    assert planado(ROOT, "dance").returncode == 2


def test_it_says_which_version_it_is(tmp_path: Path) -> None:
    done = planado(tmp_path, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"planado {__version__}\n", "")


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) < 900


def test_a_cgi_visitor_who_has_left_leaves_no_traceback(tmp_path: Path) -> None:
    environ = {"REQUEST_METHOD": "GET", "SERVER_NAME": "x", "SERVER_PORT": "80"}
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-c", "from planado import answer_cgi; answer_cgi()"],
            cwd=tmp_path,
            env={**environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (0, "")

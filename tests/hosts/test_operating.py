"""Every command of docs/operating.md, on a machine's folders of its own."""

from __future__ import annotations

import http.client
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.hosts.site import PYTHON, copy_of_the_program, run
from tests.support.mariadb import PASSWORD, MariaServer
from tests.support.process import ROOT
from tests.support.visitors import booking_form, invitation_in, wait_until

DOCUMENT = (ROOT / "docs/operating.md").read_text("utf-8")
FOLDERS = ("/srv/planado", "/etc/planado", "/var/lib/planado", "/var/backups/planado")
# There is no systemd where tests run: this ends and starts the one service that counts.
SYSTEMCTL = """#!/bin/sh
echo "$@" >>{folder}/systemctl.log
case "$*" in
stop*planado.service* | disable*planado.service*) kill "$(cat {folder}/pid)" ;;
start*planado.service* | enable*planado.service*)
    cd {folder}
    {as_service} {folder}/srv/planado/.venv/bin/planado serve \\
        --config {folder}/etc/planado/planado.ini --listen unix:{folder}/socket \\
        >>{folder}/output 2>&1 &
    echo $! >{folder}/pid ;;
esac
"""
ROOT_RUNS = os.getuid() == 0
SQLITE = "sqlite:////var/lib/planado/planado.db"


def blocks(heading: str, kind: str = "sh") -> list[str]:
    """Return the blocks of a section, which may lie in another: "Restore/SQLite"."""
    text = DOCUMENT
    for depth, title in enumerate(heading.split("/"), start=2):
        marks = "#" * depth
        text = text.split(f"\n{marks} {title}\n")[1].split(f"\n{marks} ")[0]
        text = re.split(r"\n## ", text)[0]
    return re.findall(rf"```{kind}\n(.*?)```", text, re.DOTALL)


def install(upstream: Path, folder: Path) -> Path:
    """Make the folders of a machine and install Planado there."""
    for name in ("srv", "etc/planado", "etc/cron.d", "var/lib/planado", "var/backups", "bin"):
        (folder / name).mkdir(parents=True)
    folder.chmod(0o777)
    if ROOT_RUNS:
        shutil.chown(folder / "var/lib/planado", "www-data", "www-data")
    program = folder / "srv/planado"
    run(["git", "clone", "--quiet", upstream, program], folder)
    run([PYTHON, "-m", "venv", ".venv"], program)
    run([".venv/bin/pip", "install", "--quiet", "."], program)
    return folder


class Machine:
    """Folders of a machine on which Planado is installed, and its one service."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.settings.write_text(f"[database]\nurl = {self._replaced(url)}\n")
        self.settings.chmod(0o640)
        if ROOT_RUNS:
            shutil.chown(self.settings, group="www-data")
        self.path("/etc/planado/backup.cnf").touch(0o600)
        as_service = "exec runuser -u www-data --" if ROOT_RUNS else "exec"
        for name, script in (("systemctl", SYSTEMCTL), ("userdel", "#!/bin/sh\n")):
            file = self.folder / "bin" / name
            file.write_text(
                script.format(folder=self.folder, as_service=f"sh -c '{as_service} \"$@\"' -")
            )
            file.chmod(0o755)

    @property
    def settings(self) -> Path:
        return self.path("/etc/planado/planado.ini")

    def path(self, name: str) -> Path:
        return self.folder / name[1:]

    def run(self, script: str) -> str:
        """Run commands of the document here, as root where root runs the tests."""
        return run(["sh", "-ec", self._replaced(script)], self.folder)

    def _replaced(self, text: str) -> str:
        places = "|".join((*FOLDERS, "/etc/cron.d", "/etc/systemd"))
        text = re.sub(rf"(?<!\w)({places})", rf"{self.folder}\1", text)
        text = re.sub(r"^systemctl|^userdel", rf"{self.folder}/bin/\g<0>", text, flags=re.MULTILINE)
        if ROOT_RUNS:
            return text.replace("-u planado", "-u www-data").replace(
                "-o planado -g planado", "-o www-data -g www-data"
            )
        return text.replace("runuser -u planado -- ", "").replace("-o planado -g planado ", "")

    def start(self) -> None:
        self.run("systemctl start planado.service")

    def request(self, method: str, path: str, body: bytes | None = None) -> tuple[int, str]:
        """Return status and page, as soon as the service answers."""
        wait_until(self._listens)
        connection = http.client.HTTPConnection("localhost", timeout=60)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.folder / "socket"))
        form = {"Content-Type": "application/x-www-form-urlencoded"} if body else {}
        connection.request(method, path, body, form)
        response = connection.getresponse()
        text = response.read().decode("utf-8")
        connection.close()
        return response.status, text

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.folder / "socket")) == 0

    def book(self) -> str:
        """Book, and return the path of the invitation."""
        status, page = self.request("POST", "/book", booking_form())
        assert status == 200, page
        return invitation_in(page)

    def knows(self, invitation: str) -> bool:
        """Say whether the service runs and has this conference."""
        status, page = self.request("GET", invitation)
        assert status in (200, 404), page
        return status == 200

    def remove(self) -> None:
        with suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int((self.folder / "pid").read_text()), 15)
            time.sleep(1)
        shutil.rmtree(self.folder)


@pytest.fixture(scope="module")
def made() -> Iterator[Path]:
    """A repository of the program, with a module more than it has, and a machine on which it is
    installed, to be copied back to where they were made.
    """
    for program in ("git", "mariadb-dump"):
        if not shutil.which(program):
            missing(program, "script/test all")
    # Short: the path of a Unix socket may have 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="planado-"))
    folder.chmod(0o755)
    repository = copy_of_the_program(folder / "repository")
    (repository / "wsgi_app/obsolete.py").touch()
    run(["git", "init", "--quiet", "--initial-branch=main"], repository)
    commit(repository, "The old version")
    install(repository, folder / "machine")
    original = folder.rename(folder.with_suffix(".made"))
    yield original
    shutil.rmtree(original)


@pytest.fixture
def upstream(made: Path) -> Iterator[Path]:
    """The repository, and the machine beside it, as they were made."""
    folder = made.with_suffix("")
    run(["cp", "--archive", made, folder], ROOT)
    yield folder / "repository"
    shutil.rmtree(folder)


def commit(repository: Path, subject: str) -> None:
    run(["git", "add", "--all", "--force"], repository)
    author = ["-c", "user.name=Nobody", "-c", "user.email=nobody@example.org"]
    run(["git", *author, "commit", "--quiet", "--message", subject], repository)


@pytest.fixture(params=["SQLite", "MariaDB"])
def machine(request: pytest.FixtureRequest, upstream: Path) -> Iterator[Machine]:
    url = SQLITE
    if request.param == "MariaDB":
        request.getfixturevalue("mariadb_url")
        mariadb: MariaServer = request.getfixturevalue("mariadb")
        url = mariadb.url_at(mariadb.port)
    machine = Machine(upstream.with_name("machine"), url)
    try:
        if request.param == "MariaDB":
            machine.path("/etc/planado/backup.cnf").write_text(
                f'[client]\nuser = planado\npassword = "{PASSWORD}"\n'
                f"host = 127.0.0.1\nport = {mariadb.port}\n"
            )
        machine.run(
            "runuser -u planado -- /srv/planado/.venv/bin/planado init-db "
            "--config /etc/planado/planado.ini"
        )
        machine.start()
        yield machine
    finally:
        machine.remove()


@pytest.fixture
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.node.callspec.params["machine"])


def test_the_life_of_an_installation(machine: Machine, kind: str, upstream: Path) -> None:
    kept = machine.book()
    [backup] = blocks(f"Backup/{kind}")
    machine.run(backup)
    [copy] = machine.path("/var/backups/planado").iterdir()
    assert copy.stat().st_mode & 0o077 == 0
    if kind == "MariaDB":
        assert copy.read_text().splitlines()[-1].startswith("-- Dump completed")
    lost = machine.book()

    [restore] = blocks(f"Restore/{kind}")
    machine.run(restore)
    assert machine.knows(kept)
    assert not machine.knows(lost)
    kept_since = machine.book()

    (upstream / "wsgi_app/obsolete.py").unlink()
    commit(upstream, "The new version")
    [installed] = machine.path("/srv/planado").glob(".venv/lib/python3*/site-packages/wsgi_app")
    assert (installed / "obsolete.py").exists()
    [upgrade] = blocks("Upgrade")
    told = machine.run(upgrade)
    assert "fault" not in told
    assert machine.knows(kept)
    assert machine.knows(kept_since)
    assert not (installed / "obsolete.py").exists()

    uninstall, drop = blocks("Uninstall")
    if kind == "MariaDB":
        machine.run(drop)
    machine.run(uninstall)
    left = {file.name for file in machine.folder.rglob("*") if file.is_file()}
    assert left == {"systemctl", "userdel", "systemctl.log", "pid", "output"}


@pytest.mark.parametrize("machine", ["SQLite"], indirect=True)
def test_cron_makes_a_backup_and_removes_old_ones(machine: Machine) -> None:
    backups = machine.path("/var/backups/planado")
    machine.run(blocks("Backup/SQLite")[0].splitlines()[0])
    old = backups / "planado-2020-01-01.db"
    old.touch()
    os.utime(old, (0, 0))
    [line] = blocks("Backup/SQLite", "cron")
    [command] = re.findall(r"^15 3 \* \* \*  planado  (.*)\n$", line)
    machine.run(f"runuser -u planado -- sh -c {shell_quoted(command)}")
    [copy] = backups.iterdir()
    assert copy.name == f"planado-{time.strftime('%Y-%m-%d')}.db"


def shell_quoted(command: str) -> str:
    """Return what cron hands to the shell, as one word."""
    return "'" + command.replace("\\%", "%").replace("'", "'\\''") + "'"


@pytest.mark.parametrize("machine", ["SQLite"], indirect=True)
def test_another_machine_goes_on(machine: Machine, made: Path, tmp_path: Path) -> None:
    booked = machine.book()
    machine.run(blocks("Backup/SQLite")[0].splitlines()[0])
    on_the_old, on_the_new = blocks("Move to another machine")
    machine.run(on_the_old)
    shutil.copytree(machine.path("/var/backups/planado"), tmp_path / "backups")
    machine.remove()
    run(["cp", "--archive", made / "machine", machine.folder], ROOT)
    other = Machine(machine.folder, SQLITE)
    shutil.copytree(tmp_path / "backups", other.path("/var/backups/planado"))
    other.run(on_the_new)
    assert other.knows(booked)


def test_every_block_is_run() -> None:
    run_here = [
        *blocks("Backup/SQLite"), *blocks("Backup/MariaDB"), *blocks("Restore/SQLite"),
        *blocks("Restore/MariaDB"), *blocks("Upgrade"), *blocks("Move to another machine"),
        *blocks("Uninstall"),
    ]  # fmt: skip
    assert len(re.findall(r"^```sh$", DOCUMENT, re.MULTILINE)) == len(run_here) == 9


def test_the_options_for_mariadb_are_those_its_programs_know() -> None:
    [options] = blocks("Backup/MariaDB", "ini")
    with tempfile.NamedTemporaryFile("w", suffix=".cnf") as file:
        file.write(options)
        file.flush()
        told = run(["mariadb-dump", f"--defaults-extra-file={file.name}", "--print-defaults"], ROOT)
    assert "--socket=/run/mysqld/mysqld.sock" in told


@pytest.mark.skipif(not ROOT_RUNS, reason="root alone may give files away")
@pytest.mark.parametrize("machine", ["SQLite"], indirect=True)
def test_who_may_not_open_the_database_is_told_whose_it_is(machine: Machine) -> None:
    folder = machine.path("/var/lib/planado")
    file = folder / "planado.db"
    machine.run("systemctl stop planado.service")

    def told(place: Path, *commands: str) -> None:
        for command in commands or ("check", "serve", "cleanup", "backup copy.db"):
            words = ["runuser", "-u", "www-data", "--", ".venv/bin/planado", *command.split()]
            done = subprocess.run(
                [*words, "--config", machine.settings],
                cwd=machine.path("/srv/planado"),
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 1
            said = done.stdout + done.stderr
            assert f"{file}: " in said
            assert f": {place} belongs to root, and this is www-data" in said
            assert "Traceback" not in said

    shutil.chown(file, "root", "root")
    told(file)
    shutil.chown(file, "www-data", "www-data")
    shutil.chown(folder, "root", "root")
    folder.chmod(0o700)
    told(folder)
    folder.chmod(0o755)
    file.unlink()
    told(folder, "check", "serve")

"""A real MariaDB of the tests' own, in a temporary folder, on loopback."""

from __future__ import annotations

import getpass
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pymysql

PASSWORD = "planado: p@ss/word%"  # awkward in an address on purpose


def free_port() -> int:
    """Return a port below those that are handed out to outgoing connections."""
    for port in random.sample(range(20000, 32000), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


class MariaServer:
    """A server that the test run starts and ends; `socket` and `port` are where it listens."""

    def __init__(self) -> None:
        # Short: the path of a Unix socket may have 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="planado-"))
        self.socket = self.folder / "socket"
        self.port = free_port()
        self._options = [
            "--no-defaults",
            f"--datadir={self.folder / 'data'}",
            f"--user={getpass.getuser()}",
        ]
        self._process: subprocess.Popen[bytes] | None = None

    @staticmethod
    def installed() -> bool:
        return bool(shutil.which("mariadbd") and shutil.which("mariadb-install-db"))

    def install(self, *options: str) -> None:
        """Create the system tables."""
        subprocess.run(
            [
                "mariadb-install-db",
                *self._options,
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                *options,
            ],
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def start(self, *options: str) -> None:
        """Start the server and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "mariadbd",
                    *self._options,
                    f"--socket={self.socket}",
                    f"--port={self.port}",
                    "--bind-address=127.0.0.1",
                    f"--pid-file={self.folder / 'pid'}",
                    "--max-connections=300",
                    *options,
                ],
                stdout=log,
                stderr=log,
            )
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.1)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0

    def connect(self) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """Return a connection of the administrator."""
        return pymysql.connect(unix_socket=str(self.socket), user="root", autocommit=True)

    def administrate(self, sql: str) -> tuple[tuple[object, ...], ...]:
        """Carry out a statement as administrator and return its rows."""
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def add_account(self) -> None:
        """Create the database `planado` and its user."""
        self.administrate("CREATE DATABASE planado")
        self.administrate(f"CREATE USER planado IDENTIFIED BY '{PASSWORD}'")
        self.administrate("GRANT ALL ON planado.* TO planado")

    def url_at(self, port: int) -> str:
        """Return the address of the database over TCP, through a port of the loopback interface."""
        return f"mysql://planado:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/planado"

    @property
    def url(self) -> str:
        """The address of the database over the Unix socket."""
        account = f"planado:{quote(PASSWORD, safe='')}"
        return f"mysql://{account}@/planado?unix_socket={self.socket}"

    def freeze(self) -> None:
        """Let the server hang, its connections open, until `thaw`."""
        if self._process:
            self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let the server go on."""
        if self._process:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End the server in order, also one that hangs."""
        self.thaw()
        if self._process:
            self._process.terminate()
            self._process.wait(60)

    def kill(self) -> None:
        """End the server as kill -9 does."""
        if self._process:
            self._process.kill()
            self._process.wait(60)

    def remove(self) -> None:
        """Remove all that it wrote."""
        self.stop()
        shutil.rmtree(self.folder)


@contextmanager
def running_mariadb() -> Iterator[MariaServer]:
    """Yield a server of its own with the database `planado` and its user; removed afterwards."""
    server = MariaServer()
    try:
        server.install()
        server.start()
        server.add_account()
        yield server
    finally:
        server.remove()

"""Users whose passwords PyMySQL cannot send without another package: it is named."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import MakeClient, missing
from tests.support.mariadb import MariaServer, free_port
from tests.support.process import planado
from wsgi_app.storage.opening import open_database
from wsgi_app.storage.url import parse_database_url

PLUGIN = Path("/usr/lib/mysql/plugin/auth_ed25519.so")


@pytest.fixture
def without_packages(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that finds neither cryptography nor PyNaCl."""
    (tmp_path / "sitecustomize.py").write_text(
        "import sys\nsys.modules['cryptography'] = sys.modules['nacl'] = None\n"
    )
    return {"PYTHONPATH": str(tmp_path)}


@pytest.fixture
def ed25519_url() -> Iterator[str]:
    if not PLUGIN.exists():
        missing("MariaDB's plugin ed25519", "apt-get install mariadb-server")
    server = MariaServer()
    try:
        server.install()
        server.start(f"--plugin-dir={PLUGIN.parent}", "--plugin-load-add=auth_ed25519")
        server.administrate("CREATE DATABASE planado")
        server.administrate("CREATE USER planado IDENTIFIED VIA ed25519 USING PASSWORD('secret')")
        server.administrate("GRANT ALL ON planado.* TO planado")
        yield f"mysql://planado:secret@/planado?unix_socket={server.socket}"
    finally:
        server.remove()


@pytest.fixture
def mysql_url() -> Iterator[str]:
    """A server that begins as MySQL does whose cache of passwords is cold, as there is no MySQL in
    Debian or on PyPI to be started.
    """
    with socket.create_server(("127.0.0.1", free_port())) as listener:
        threading.Thread(target=_serve, args=(listener,), daemon=True).start()
        yield f"mysql://planado:secret@127.0.0.1:{listener.getsockname()[1]}/planado"
        listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket) -> None:
    with suppress(OSError):
        while True:
            connection = listener.accept()[0]
            with connection, suppress(OSError):
                _ask_for_the_password(connection)


def _ask_for_the_password(connection: socket.socket) -> None:
    # Protocol 4.1, SECURE_CONNECTION, PLUGIN_AUTH and CONNECT_WITH_DB; a salt of 20 bytes.
    greeting = (
        b"\x0a8.4.0\x00\x01\x00\x00\x00saltsalt\x00\x09\x82\xff\x02\x00\x08\x00\x15"
        + b"\x00" * 10
        + b"saltsaltsalt\x00caching_sha2_password\x00"
    )
    full_authentication, public_key = b"\x01\x04", b"\x01-----BEGIN PUBLIC KEY-----"
    for number, packet in enumerate((greeting, full_authentication, public_key)):
        connection.sendall(len(packet).to_bytes(3, "little") + bytes([2 * number]) + packet)
        connection.recv(65536)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ed25519_url", "needs the package pynacl: pip install 'pymysql[ed25519]'"),
        ("mysql_url", "needs the package cryptography: pip install 'pymysql[rsa]'"),
    ],
)
def test_the_package_that_it_takes_is_named(
    tmp_path: Path,
    request: pytest.FixtureRequest,
    without_packages: dict[str, str],
    url: str,
    told: str,
) -> None:
    environ = {**without_packages, "PLANADO_DATABASE_URL": request.getfixturevalue(url)}
    for command in ("serve", "cleanup", "init-db"):
        done = planado(tmp_path, command, environ=environ)
        assert done.returncode == 1
        assert done.stderr.startswith("planado: cannot connect to ")
        assert told in done.stderr
        assert len(done.stderr.splitlines()) == 1
    checked = planado(tmp_path, "check", environ=environ)
    assert checked.returncode == 1
    assert "fault  database: cannot connect to " in checked.stdout
    assert told in checked.stdout
    assert "secret" not in checked.stdout + checked.stderr


def test_pages_say_that_it_may_help_to_come_back(
    make_client: MakeClient, mysql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pymysql._auth._have_cryptography", False)
    client = make_client()
    url = parse_database_url(mysql_url)
    client.application.database = open_database(url, "conferences", Path())
    for path in (f"/i/{10**15}", f"/api/v1/conferences/{10**15}", "/health"):
        answer = client.get(path)
        assert (answer.status, answer.headers["Retry-After"]) == (503, "10"), path
    assert client.submit_booking().status == 503

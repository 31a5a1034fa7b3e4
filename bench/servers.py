"""Servers that several benchmarks start."""

from __future__ import annotations

from urllib.parse import quote

from tests.support.mariadb import PASSWORD, MariaServer


def maria_url(server: MariaServer) -> str:
    """Start a MariaDB and return the address of an empty database in it."""
    server.install()
    server.start()
    server.administrate("CREATE DATABASE planado")
    server.administrate(f"CREATE USER planado IDENTIFIED BY '{PASSWORD}'")
    server.administrate("GRANT ALL ON planado.* TO planado")
    socket = f"unix_socket={server.socket}"
    return f"mysql://planado:{quote(PASSWORD, safe='')}@/planado?{socket}"

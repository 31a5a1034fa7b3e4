"""Where the database is: `[database] url` → DatabaseUrl. Opens nothing."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote

FORMS = (
    "sqlite:///FILE, mysql://USER:PASSWORD@HOST:PORT/NAME (several hosts: HOST,HOST) or "
    "mysql://USER@/NAME?unix_socket=FILE; ?password_file=FILE, tls=yes and tls_ca=FILE may follow"
)
_OPTIONS = {"unix_socket", "password_file", "tls", "tls_ca"}


class DatabaseUrl(NamedTuple):
    """A SQLite file (`scheme` sqlite, `name` its path) or a MariaDB database (`scheme` mysql)."""

    scheme: str
    name: str
    hosts: tuple[tuple[str, int], ...] = ()
    user: str = ""
    password: str = ""
    unix_socket: str = ""
    password_file: str = ""
    tls: bool = False
    tls_ca: str = ""

    def read_password(self, folder: Path) -> str:
        """Return the password, from its file where one is named; raises OSError."""
        if self.password_file:
            return (folder / self.password_file).read_text("utf-8").rstrip("\r\n")
        return self.password


def parse_database_url(text: str) -> DatabaseUrl:
    """Return what `[database] url` names; raises ValueError with the forms allowed, never with the
    password.
    """
    scheme, separator, rest = text.partition("://")
    if scheme == "sqlite" and separator and len(rest) > 1 and rest[0] == "/":
        return DatabaseUrl("sqlite", rest[1:])
    if scheme != "mysql":
        raise ValueError(FORMS)
    location, _, query = rest.partition("?")
    account, at, place = location.rpartition("@")
    hosts, slash, name = place.partition("/")
    options = dict(parse_qsl(query, keep_blank_values=True))
    if not (at and slash and name) or "/" in name or not set(options) <= _OPTIONS:
        raise ValueError(FORMS)
    if bool(hosts) == ("unix_socket" in options) or options.get("tls", "yes") not in ("yes", "no"):
        raise ValueError(FORMS)
    user, _, password = account.partition(":")
    return DatabaseUrl(
        scheme="mysql",
        name=unquote(name),
        hosts=tuple(_host(host) for host in hosts.split(",")) if hosts else (),
        user=unquote(user),
        password=unquote(password),
        unix_socket=options.get("unix_socket", ""),
        password_file=options.get("password_file", ""),
        tls=options.get("tls") == "yes" or "tls_ca" in options,
        tls_ca=options.get("tls_ca", ""),
    )


def _host(text: str) -> tuple[str, int]:
    if text.startswith("["):
        host, _, port = text[1:].partition("]")
        port = port.removeprefix(":")
    else:
        host, _, port = text.partition(":")
    port = port or "3306"
    if not (host and port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise ValueError(FORMS)
    return host, int(port)

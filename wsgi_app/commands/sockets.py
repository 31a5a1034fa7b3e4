"""From an address to the sockets that listen there."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from typing import Any

from ..setting_parsers import Listen

BACKLOG = 4000
"""Connections that wait to be accepted."""


def open_sockets(address: Listen) -> list[socket.socket]:
    """Return sockets that listen at an address; raises OSError, also where another server listens,
    and ValueError.
    """
    if isinstance(address, Path):
        listeners = [_unix_socket(address)]
    else:
        host, port = address
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        places = dict.fromkeys((family, place) for family, _, _, _, place in found)
        listeners = [_tcp_socket(family, place) for family, place in places]
    for listener in listeners:
        # Guests come all at once when a conference starts. Turned away, a browser waits longer.
        listener.listen(BACKLOG)
    return listeners


def _tcp_socket(family: socket.AddressFamily, place: Any) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(place)
    except OSError:
        listener.close()
        raise
    return listener


def address_text(address: Listen) -> str:
    """Return an address as the configuration writes it."""
    if isinstance(address, Path):
        return f"unix:{address}"
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _unix_socket(path: Path) -> socket.socket:
    """Return a socket at `path` for its user and group; raises OSError, also where a server that
    runs listens there.
    """
    listener = socket.socket(socket.AF_UNIX)
    try:
        if path.is_socket():
            _remove_stale(path)
        # Narrowed before it exists: a chmod afterwards would leave a moment for anybody.
        umask = os.umask(0o117)
        try:
            listener.bind(str(path))
        finally:
            os.umask(umask)
    except OSError:
        listener.close()
        raise
    return listener


def _remove_stale(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise OSError(errno.EADDRINUSE, "another server listens there")

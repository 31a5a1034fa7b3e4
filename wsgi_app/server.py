"""Serving with waitress."""

from __future__ import annotations

import errno
import io
import logging
import os
import socket
from pathlib import Path

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask, Task, WSGITask
from waitress.utilities import RequestEntityTooLarge

from .application import Application
from .config import Config, ConfigError, Listen
from .database import Database
from .web import LARGEST_BODY

# A body is read even where it is refused: a connection that closes on unread bytes may take the
# answer with it, and a proxy then says 502. What is larger than this is not waited for.
_LARGEST_BODY_READ = 256 * 1024


class _TooLargeTask(WSGITask):  # type: ignore[misc]  # waitress has no types
    """Lets the application refuse a body that waitress has not read, in its own words."""

    def get_environment(self) -> dict[str, object]:
        environ: dict[str, object] = super().get_environment()
        environ["CONTENT_LENGTH"] = str(LARGEST_BODY + 1)
        environ["wsgi.input"] = io.BytesIO()
        return environ

    def execute(self) -> None:
        self.set_close_on_finish()
        super().execute()


def _error_task(channel: HTTPChannel, request: HTTPRequestParser) -> Task:
    if isinstance(request.error, RequestEntityTooLarge):
        return _TooLargeTask(channel, request)
    return ErrorTask(channel, request)


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    error_task_class = staticmethod(_error_task)


def serve(config: Config, database: Database, listen: Listen | None = None) -> None:
    """Serve until interrupted; raises ConfigError where the address cannot be listened on."""
    address = listen or config.server.listen
    listeners: dict[int, object] = {}
    try:
        server = create_server(
            Application(config, database), listeners, **_where(address), **_settings(config)
        )
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot listen on {_named(address)}: {error}") from error
    for listener in listeners.values():
        if isinstance(listener, BaseWSGIServer):
            listener.channel_class = _Channel
    # It warns of every request that has to wait for a thread.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    shown = _named(address) if isinstance(address, Path) else f"http://{_named(address)}/"
    print(f"Planado serves on {shown} (Ctrl-C ends it)", flush=True)
    try:
        server.run()
    finally:
        server.close()
        if isinstance(address, Path):
            address.unlink(missing_ok=True)
        database.close()


def _where(address: Listen) -> dict[str, object]:
    if isinstance(address, Path):
        return {"sockets": [_unix_socket(address)]}
    host, port = address
    return {"host": host, "port": port}


def _named(address: Listen) -> str:
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


def _settings(config: Config) -> dict[str, object]:
    settings: dict[str, object] = {
        "threads": config.server.threads,
        "max_request_body_size": _LARGEST_BODY_READ,
        "ident": None,
    }
    if config.server.trusted_proxy:
        settings |= {
            "trusted_proxy": config.server.trusted_proxy,
            "trusted_proxy_headers": {"x-forwarded-host", "x-forwarded-proto"},
            "clear_untrusted_proxy_headers": True,
        }
    return settings

"""Serving with waitress."""

from __future__ import annotations

import errno
import io
import logging
import os
import resource
import socket
import sys
from collections.abc import Callable, Sized
from functools import partial
from pathlib import Path

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask, Task, WSGITask
from waitress.utilities import RequestEntityTooLarge

from . import log
from .application import Application
from .config import Config, ConfigError, Listen
from .database import Database
from .web import LARGEST_BODY

# A body is read even where it is refused: a connection that closes on unread bytes may take the
# answer with it, and a proxy then says 502. What is larger than this is not waited for.
_LARGEST_BODY_READ = 256 * 1024
# An idle connection costs some kilobytes and no thread; few of them may not keep others out.
_MOST_CONNECTIONS = 4000
# Requests that wait for a thread; more newcomers wait to be taken.
_MOST_QUEUED = 32
# Of the database, of the log, of what is read on the way.
_OTHER_FILES = 200
# Above this, what proxies and browsers send is no honest request.
_LARGEST_HEADER = 32 * 1024
# Longer than a waiting screen takes to ask again.
_IDLE_SECONDS = 60


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


class _Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError:
            # An address such as http://[::1/, at which waitress would give up the connection.
            raise ParsingError("Bad URI") from None


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    error_task_class = staticmethod(_error_task)
    parser_class = _Parser

    def handle_error(self) -> None:
        # waitress would write the visitor's address into the log.
        error = type(sys.exc_info()[1]).__name__
        log.error("a connection failed: %s", error)
        self.handle_close()


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
            listener.readable = partial(_accepts, listener.readable, listener.task_dispatcher.queue)
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


def _accepts(accepts: Callable[[], bool], queued: Sized) -> bool:
    # waitress looks at every open connection for each that it takes: who comes when thousands do
    # is served sooner if left to the kernel until there is a thread.
    return accepts() and len(queued) < _MOST_QUEUED


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
        "max_request_header_size": _LARGEST_HEADER,
        "connection_limit": max(100, _open_files() - _OTHER_FILES),
        # Who comes when a conference starts may have to queue; turned away, a browser waits longer.
        "backlog": _MOST_CONNECTIONS,
        "channel_timeout": _IDLE_SECONDS,
        # select() ends the server at the 1024th open file.
        "asyncore_use_poll": True,
        "ident": None,
    }
    if config.server.trusted_proxy:
        settings |= {
            "trusted_proxy": config.server.trusted_proxy,
            "trusted_proxy_headers": {"x-forwarded-host", "x-forwarded-proto"},
            "clear_untrusted_proxy_headers": True,
        }
    return settings


def _open_files() -> int:
    """Allow this process as many open files as it needs, and return how many it got."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_CONNECTIONS + _OTHER_FILES
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return wanted

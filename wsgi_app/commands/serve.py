"""Serving with waitress."""

from __future__ import annotations

import io
import logging
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Sized
from functools import partial
from pathlib import Path
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser, ParsingError
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask, Task, WSGITask
from waitress.utilities import RequestEntityTooLarge

from .. import log
from ..application import Application
from ..config import Config, ConfigError
from ..setting_parsers import Listen
from ..storage.database import Database
from ..web.request import LARGEST_BODY
from . import processes
from .sockets import BACKLOG, address_text, open_sockets

# A body is read even where it is refused: a connection that closes on unread bytes may take the
# answer with it, and a proxy then says 502. What is larger than this is not waited for.
_LARGEST_BODY_READ = 256 * 1024
# An idle connection costs some kilobytes and no thread; a few of them must not shut others out.
_MOST_CONNECTIONS = 4000
# Requests that wait for a thread; further connections wait to be accepted.
_MOST_QUEUED = 32
# Of the database, of the log, of what is read on the way.
_OTHER_FILES = 200
# Proxies and browsers send less.
_LARGEST_HEADER = 32 * 1024
# Longer than a waiting screen takes to ask again.
_IDLE_SECONDS = 60
# When the server ends, a connection on which nothing comes for so long is closed: between two
# requests, and in the middle of one.
_QUIET_SECONDS = 0.5
_STALLED_SECONDS = 5
_LONGEST_END_SECONDS = 20


class _Task(WSGITask):  # type: ignore[misc]  # waitress has no types
    def execute(self) -> None:
        if not self.channel.server.accepting:
            # The server ends: the next request has to find another one.
            self.set_close_on_finish()
        super().execute()


class _TooLargeTask(_Task):
    """Lets the application refuse a body that waitress has not read, in its own words."""

    def get_environment(self) -> dict[str, object]:
        environ: dict[str, object] = super().get_environment()
        environ["CONTENT_LENGTH"] = str(LARGEST_BODY + 1)
        environ["wsgi.input"] = io.BytesIO()
        return environ

    def execute(self) -> None:
        self.set_close_on_finish()
        super().execute()


class _Parser(HTTPRequestParser):  # type: ignore[misc]  # waitress has no types
    # waitress logs it where the visitor has left, also when it could not be parsed.
    path = ""

    def parse_header(self, header_plus: bytes) -> None:
        try:
            super().parse_header(header_plus)
        except ValueError:
            # An address such as http://[::1/, at which waitress would give up the connection.
            raise ParsingError("Bad URI") from None


class _Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    task_class = _Task
    parser_class = _Parser

    @staticmethod
    def error_task_class(channel: HTTPChannel, request: HTTPRequestParser) -> Task:
        if isinstance(request.error, RequestEntityTooLarge):
            return _TooLargeTask(channel, request)
        return ErrorTask(channel, request)

    def handle_error(self) -> None:
        # Of the line that waitress logs, the filter would leave not even the kind of the error.
        error = type(sys.exc_info()[1]).__name__
        log.error("a connection failed: %s", error)
        self.handle_close()


def serve(config: Config, database: Database, listen: Listen | None = None) -> None:
    """Serve until SIGTERM or Ctrl-C, and then finish what has begun; raises ConfigError where the
    address cannot be listened on.
    """
    address = listen or config.server.listen
    try:
        listeners = open_sockets(address)
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot listen on {address_text(address)}: {error}") from error
    silence_waitress()
    # A connection cannot be taken through a fork.
    database.close()
    shown = address_text(address)
    where = shown if isinstance(address, Path) else f"http://{shown}/"
    print(f"Planado serves on {where} (Ctrl-C ends it)", flush=True)
    number = config.server.processes or processes.suitable_number(config.database.url.scheme)
    try:
        processes.run(partial(_serve_on, listeners, config, database), number, listeners)
    finally:
        if isinstance(address, Path):
            address.unlink(missing_ok=True)
        database.checkpoint()
        database.close()


class _EndOfLife(wasyncore.file_dispatcher):  # type: ignore[misc]  # waitress has no types
    """The reading end of a pipe: its end says that this process ends, too."""

    def __init__(self, file: int, channels: dict[int, Any], end: Callable[[], None]) -> None:
        super().__init__(file, channels)
        self._end = end

    def writable(self) -> bool:
        return False

    def handle_read(self) -> None:
        self.handle_close()

    def handle_close(self) -> None:
        self._end()
        self.close()


def _serve_on(
    listeners: list[socket.socket], config: Config, database: Database, end_of_life: int | None
) -> None:
    """Serve on sockets that listen until SIGTERM, Ctrl-C or the end of the pipe `end_of_life`."""
    channels: dict[int, Any] = {}
    server = create_server(
        Application(config, database), channels, sockets=listeners, **_settings(config)
    )
    servers = [each for each in channels.values() if isinstance(each, BaseWSGIServer)]
    for each in servers:
        each.channel_class = _Channel
        each.readable = partial(_accepts, each.readable, each.task_dispatcher.queue)
    ends = False

    def end(*_: object) -> None:
        nonlocal ends
        ends = True
        servers[0].pull_trigger()

    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, end)
    if end_of_life is not None:
        _EndOfLife(end_of_life, channels, end)
    while not ends:
        wasyncore.loop(timeout=1, use_poll=True, map=channels, count=1)
    for each in servers:
        _stop_listening(each)
    _finish(channels)
    server.task_dispatcher.shutdown()
    # Each thread closes its connection when it ends, the last one the database.
    for thread in set(threading.enumerate()) - {threading.current_thread()}:
        thread.join(_STALLED_SECONDS)


def _stop_listening(server: Any) -> None:
    """Accept the connections that have been made already, and no others."""
    for _ in range(_MOST_CONNECTIONS):
        before = len(server.active_channels)
        server.handle_accept()
        if len(server.active_channels) == before:
            break
    server.accepting = False
    server.del_channel()
    server.socket.close()


def _finish(channels: dict[int, Any]) -> None:
    """Answer the requests that have been sent, and close the connections."""
    deadline = time.monotonic() + _LONGEST_END_SECONDS
    while time.monotonic() < deadline:
        wasyncore.loop(timeout=0.1, use_poll=True, map=channels, count=1)
        open_channels = [each for each in channels.values() if isinstance(each, HTTPChannel)]
        if not open_channels:
            return
        for channel in open_channels:
            quiet = _QUIET_SECONDS if channel.request is None else _STALLED_SECONDS
            answered = not channel.requests and not channel.total_outbufs_len
            if answered and time.time() - channel.last_activity > quiet:
                channel.will_close = True


def silence_waitress() -> None:
    """Keep what visitors sent, and where they came from, out of the messages of waitress."""
    logging.getLogger("waitress").addFilter(_without_words)
    # It warns of each request that has to wait for a thread.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)


def _without_words(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    where = f"waitress, {record.module}.{record.funcName}, line {record.lineno}"
    record.msg = f"{where}: {log.without_values(error)}" if error else where
    record.args = record.exc_info = record.exc_text = None
    return True


def _accepts(accepts: Callable[[], bool], queued: Sized) -> bool:
    # waitress looks at every open connection for each that it accepts: when thousands come at
    # once, they are served sooner if the kernel holds them until there is a thread.
    return accepts() and len(queued) < _MOST_QUEUED


def _settings(config: Config) -> dict[str, object]:
    settings: dict[str, object] = {
        "threads": config.server.threads,
        "max_request_body_size": _LARGEST_BODY_READ,
        "max_request_header_size": _LARGEST_HEADER,
        "connection_limit": max(100, _open_files() - _OTHER_FILES),
        "backlog": BACKLOG,
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

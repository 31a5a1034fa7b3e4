"""Serving with waitress."""

from __future__ import annotations

import io
import logging

from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import BaseWSGIServer, create_server
from waitress.task import ErrorTask, Task, WSGITask
from waitress.utilities import RequestEntityTooLarge

from .application import Application
from .config import Config, ConfigError
from .database import Database
from .web import LARGEST_BODY


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


def serve(config: Config, database: Database, listen: tuple[str, int] | None = None) -> None:
    """Serve until interrupted; raises ConfigError where the address cannot be listened on."""
    host, port = listen or config.server.listen
    address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
    listeners: dict[int, object] = {}
    try:
        server = create_server(
            Application(config, database), listeners, host=host, port=port, **_settings(config)
        )
    except (OSError, ValueError) as error:
        raise ConfigError(f"cannot listen on {host}:{port}: {error}") from error
    for listener in listeners.values():
        if isinstance(listener, BaseWSGIServer):
            listener.channel_class = _Channel
    # It warns of every request that has to wait for a thread.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    print(f"Planado serves on {address}/ (Ctrl-C ends it)", flush=True)
    try:
        server.run()
    finally:
        server.close()
        database.close()


def _settings(config: Config) -> dict[str, object]:
    settings: dict[str, object] = {
        "threads": config.server.threads,
        "max_request_body_size": LARGEST_BODY + 1,
        "ident": None,
    }
    if config.server.trusted_proxy:
        settings |= {
            "trusted_proxy": config.server.trusted_proxy,
            "trusted_proxy_headers": {"x-forwarded-host", "x-forwarded-proto"},
            "clear_untrusted_proxy_headers": True,
        }
    return settings

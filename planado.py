#!/usr/bin/env python3
"""Planado: `application` for WSGI hosts, and the command line."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, NoReturn

from wsgi_app import log
from wsgi_app.application import Application, answer_failure
from wsgi_app.config import ConfigError, find_config, load_config
from wsgi_app.storage.migrations import prepare
from wsgi_app.storage.opening import open_database

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer a request; until the configuration can be read, each one with 500 and a line in the
    log.
    """
    try:
        planado = _lasting_application()
    except ConfigError as error:
        # A host would log the address that was asked for.
        log.error("%s", error)
        return answer_failure(start_response)
    return planado(environ, start_response)


def answer_cgi() -> NoReturn:
    """Answer a CGI call and end the process; raises ConfigError."""
    # Its danger is HTTP_PROXY, which HTTP clients read; Planado is none.
    from wsgiref.handlers import CGIHandler  # nosec B412

    planado = _application()
    CGIHandler().run(planado)  # nosec B412
    # Apache loses the answer to a body that was refused unread (mod_cgid, measured).
    while sys.stdin.buffer.read(65536):
        pass
    planado.database.close()
    with suppress(BrokenPipeError):  # The visitor has left.
        sys.stdout.flush()
    # Without this, Python would tear down all modules, which takes a tenth of the whole call.
    os._exit(0)


def main() -> None:
    """Run the command line and exit with its status."""
    from wsgi_app.commands.cli import run

    sys.exit(run(sys.argv[1:]))


@cache
def _lasting_application() -> Application:
    # Not under CGI, where each call would log it again.
    from wsgi_app.commands.check import complain

    planado = _application()
    complain(planado.config, find_config(os.environ), planado.database)
    return planado


def _application() -> Application:
    config = load_config(find_config(os.environ))
    database = open_database(config.database.url, config.database.table, config.folder)
    prepare(database)
    return Application(config, database)


if __name__ == "__main__":
    main()

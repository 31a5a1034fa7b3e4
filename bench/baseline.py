"""What Planado is held against: bare WSGI functions that do nothing but what cannot be left out,
in the place of the application in `planado serve`, and so with its processes and threads.

They give the very answer that Planado gives at ADDRESS, headers and all, from
memory, so that what is compared is the work behind it.
Run: python bench/baseline.py bare|select|insert ADDRESS SOCKET DATABASE serve --config=FILE
"""

from __future__ import annotations

import random
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pymysql

from planado import main
from wsgi_app.application import Application
from wsgi_app.commands import serve

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_, KIND, ADDRESS, SOCKET, DATABASE, *COMMAND = sys.argv
KEPT = threading.local()

with urllib.request.urlopen(ADDRESS) as response:
    PAGE = response.read()
    HEADERS = [
        (name, value)
        for name, value in response.getheaders()
        if name not in ("Date", "Via", "Connection")
    ]


class Baseline(Application):
    """Answers as KIND says; /health as always."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/health":
            return super().__call__(environ, start_response)
        FUNCTIONS[KIND](environ)
        start_response("200 OK", HEADERS)
        return [PAGE]


def bare(environ: WSGIEnvironment) -> None:
    """Answer from memory."""


def select(environ: WSGIEnvironment) -> None:
    """Look up one row by its key, on a connection that the thread keeps."""
    iid = int(environ["PATH_INFO"].removeprefix("/i/"))
    with _connection().cursor() as cursor:
        cursor.execute(
            "SELECT iid, aid, rid, time, recev, rectype, timezone, anchor"
            " FROM conferences WHERE iid = %s",
            (iid,),
        )
        assert cursor.fetchone()


def insert(environ: WSGIEnvironment) -> None:
    """Store one row, committed."""
    environ["wsgi.input"].read()
    row = [random.randrange(10**15, 10**16) for _ in range(3)]
    with _connection().cursor() as cursor:
        cursor.execute(
            "INSERT INTO conferences (iid, aid, rid, time, recev, rectype, timezone, anchor)"
            " VALUES (%s, %s, %s, 4000000000, 0, '', '', '')",
            row,
        )


FUNCTIONS: dict[str, Callable[[WSGIEnvironment], None]] = {
    "bare": bare,
    "select": select,
    "insert": insert,
}


def _connection() -> Any:
    if not hasattr(KEPT, "connection"):
        KEPT.connection = pymysql.connect(
            unix_socket=SOCKET, user="root", database=DATABASE, autocommit=True, ssl_disabled=True
        )
    return KEPT.connection


if __name__ == "__main__":
    vars(serve)["Application"] = Baseline
    sys.argv[1:] = COMMAND
    main()

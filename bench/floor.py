"""What Planado is held against: bare WSGI functions on waitress that do nothing but what cannot be
left out.

They give the very answer that Planado gives at ADDRESS, headers and all, from
memory, so that what is compared is the work behind it.
Run: python -m bench.floor bare|select|insert PORT ADDRESS [SOCKET DATABASE]
"""

from __future__ import annotations

import logging
import random
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterable
from typing import Any

import pymysql
from waitress.server import create_server

KIND, PORT, ADDRESS = sys.argv[1:4]
DATABASE = sys.argv[4:6]
KEPT = threading.local()

with urllib.request.urlopen(ADDRESS) as response:
    PAGE = response.read()
    HEADERS = [
        (name, value)
        for name, value in response.getheaders()
        if name not in ("Date", "Via", "Connection")
    ]


def bare(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer from memory."""
    start_response("200 OK", HEADERS)
    return [PAGE]


def select(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Look up one row by its key, on a connection that the thread keeps."""
    iid = int(environ["PATH_INFO"].removeprefix("/i/"))
    with _connection().cursor() as cursor:
        cursor.execute(
            "SELECT iid, aid, rid, time, recev, rectype, timezone, anchor"
            " FROM conferences WHERE iid = %s",
            (iid,),
        )
        assert cursor.fetchone()
    return bare(environ, start_response)


def insert(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Store one row, committed."""
    environ["wsgi.input"].read()
    row = [random.randrange(10**15, 10**16) for _ in range(3)]
    with _connection().cursor() as cursor:
        cursor.execute(
            "INSERT INTO conferences (iid, aid, rid, time, recev, rectype, timezone, anchor)"
            " VALUES (%s, %s, %s, 4000000000, 0, '', '', '')",
            row,
        )
    return bare(environ, start_response)


def _connection() -> Any:
    if not hasattr(KEPT, "connection"):
        KEPT.connection = pymysql.connect(
            unix_socket=DATABASE[0],
            user="root",
            database=DATABASE[1],
            autocommit=True,
            ssl_disabled=True,
        )
    return KEPT.connection


if __name__ == "__main__":
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    function = {"bare": bare, "select": select, "insert": insert}[KIND]
    create_server(function, host="127.0.0.1", port=int(PORT), threads=4).run()

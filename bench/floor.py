"""What Planado is held against: bare WSGI functions that do nothing but what cannot be left out."""

from __future__ import annotations

import random
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any

import pymysql
from waitress.server import create_server

ADDRESS = "/i/"
PAGE = b"x" * 2000
KEPT = threading.local()


def bare(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Answer from memory."""
    return _answer(start_response)


def select(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Look up one row by its key, on a connection that the thread keeps."""
    iid = int(environ["PATH_INFO"].removeprefix(ADDRESS))
    with _connection().cursor() as cursor:
        cursor.execute(
            "SELECT iid, aid, rid, time, recev, rectype, timezone, anchor"
            " FROM conferences WHERE iid = %s",
            (iid,),
        )
        assert cursor.fetchone()
    return _answer(start_response)


def insert(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Store one row, committed."""
    row = [random.randrange(10**15, 10**16) for _ in range(3)]
    with _connection().cursor() as cursor:
        cursor.execute(
            "INSERT INTO conferences (iid, aid, rid, time, recev, rectype, timezone, anchor)"
            " VALUES (%s, %s, %s, 4000000000, 0, '', '', '')",
            row,
        )
    return _answer(start_response)


def _answer(start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", str(len(PAGE)))])
    return [PAGE]


def _connection() -> Any:
    if not hasattr(KEPT, "connection"):
        KEPT.connection = pymysql.connect(
            unix_socket=sys.argv[3],
            user="root",
            database=sys.argv[4],
            autocommit=True,
            ssl_disabled=True,
        )
    return KEPT.connection


if __name__ == "__main__":
    functions = {"bare": bare, "select": select, "insert": insert}
    server = create_server(
        functions[sys.argv[1]], host="127.0.0.1", port=int(sys.argv[2]), threads=4
    )
    server.run()

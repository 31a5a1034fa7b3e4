"""A program as it must not be, so that it is known that the scanners find what there is."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from tests.support.targets import Target

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

# One weakness in each of the places that a target's parameters go to.
TARGETS = (
    Target("GET", "/i/{iid}", {"iid": "1"}),
    Target("GET", "/query", query={"id": "1"}),
    Target("POST", "/form", form={"id": "1"}),
    Target("POST", "/json", json={"id": "1"}),
    Target("GET", "/header", header={"Id": "1"}),
)


def vulnerable(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Looks up a number in a statement put together from pieces, and shows it unescaped."""
    number = _number(environ)
    database = sqlite3.connect(":memory:")
    database.execute("CREATE TABLE rooms (id INTEGER, name TEXT)")
    database.execute("INSERT INTO rooms VALUES (1, 'one'), (2, 'two')")
    try:
        rows = database.execute(f"SELECT name FROM rooms WHERE id = {number}").fetchall()
        status, found = "200 OK", ", ".join(str(name) for (name,) in rows)
    except sqlite3.Error as error:
        status, found = "200 OK", f"sqlite3.OperationalError: {error}"
    finally:
        database.close()
    start_response(status, [("Content-Type", "text/html; charset=utf-8")])
    page = f"<!doctype html><title>Room</title><p>{number} is {found}</p>"
    return [page.encode("utf-8", "surrogateescape")]


def _number(environ: WSGIEnvironment) -> str:
    path = str(environ["PATH_INFO"]).encode("latin-1").decode("utf-8", "surrogateescape")
    body: str = environ["wsgi.input"].read().decode("utf-8", "surrogateescape")
    match path:
        case "/query":
            query = str(environ["QUERY_STRING"])
            return parse_qs(query, errors="surrogateescape").get("id", [""])[0]
        case "/form":
            return parse_qs(body, errors="surrogateescape").get("id", [""])[0]
        case "/json":
            return str(json.loads(body)["id"])
        case "/header":
            return str(environ["HTTP_ID"])
    return path.removeprefix("/i/")

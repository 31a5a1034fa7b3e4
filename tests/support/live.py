"""Planado on a real port within the test's own process, so that a test can move its clock."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import partial
from typing import TYPE_CHECKING, Any

from waitress.server import create_server

from tests.support.mariadb import free_port
from tests.support.visitors import wait_until
from tests.support.wsgi import call
from wsgi_app.application import Application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Live:
    """An application and, on a port beside it, a site that stands where the Jitsi rooms would."""

    def __init__(self, application: Application, rooms_port: int) -> None:
        self.port = free_port()
        self.host = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.host}"
        self.rooms_url = f"http://127.0.0.1:{rooms_port}"
        self.hide_navigation = False
        self.application = application
        self.served: WSGIApplication = application
        self._servers = [_serve(self._answer, self.port), _serve(_room, rooms_port)]

    def stop(self) -> None:
        """End both servers."""
        for server, thread in self._servers:
            server.trigger.pull_trigger(partial(_close_all, server))
            thread.join(10)
            server.task_dispatcher.shutdown()

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if self.hide_navigation:
            environ.pop("HTTP_SEC_FETCH_MODE", None)
        return self.served(environ, start_response)


def _room(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    assert "HTTP_REFERER" not in environ, "the room learned where its guests came from"
    start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
    page = "<!doctype html><title>Room</title><link rel=icon href='data:,'><h1>Room</h1>"
    return [page.encode()]


def _serve(application: Any, port: int) -> tuple[Any, threading.Thread]:
    server = create_server(application, host="127.0.0.1", port=port, threads=2)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    return server, thread


def _close_all(server: Any) -> None:
    # The server's loop ends when there is nothing left to listen to.
    for dispatcher in list(server._map.values()):
        dispatcher.close()


class Looks:
    """How the server was asked for an invitation, one word each time: "navigate" by the browser for
    the page itself, "cors" by script that looks again in place.
    """

    def __init__(self, live: Live) -> None:
        self.all: list[str] = []
        self._application = live.served
        live.served = self

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["PATH_INFO"].startswith("/i/"):
            self.all.append(environ["HTTP_SEC_FETCH_MODE"])
        return self._application(environ, start_response)

    def wait_for(self, kind: str, number: int) -> None:
        """Wait until there were so many of a kind."""
        wait_until(lambda: self.all.count(kind) >= number)


def broken_script(application: WSGIApplication, how: str, file: str = ".js") -> WSGIApplication:
    """Return the application with its script, or one file of it, cut off in the middle ("half") or
    not there at all ("gone").
    """

    def answer(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not environ["PATH_INFO"].endswith(file):
            return application(environ, start_response)
        status, headers, content = call(application, environ)
        if how == "gone":
            status, content = "404 Not Found", b""
        kept = [(name, value) for name, value in headers if name != "Content-Length"]
        start_response(status, kept)
        return [content[: len(content) // 2]]

    return answer

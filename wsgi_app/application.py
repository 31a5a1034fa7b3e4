"""The WSGI callable: environ → Request → route → handler → answer. Here is the one catch-all."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING

from . import log, routes
from .config import Config
from .storage.database import Database, DatabaseError, Unprepared
from .text.cache import PageCache
from .text.theme import Theme
from .web.request import Request
from .web.response import Problem, Response
from .web.router import StoredRoute, find_route

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


_ROUTES = (*routes.PLAIN, *routes.STORED)
_WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_SECONDS_BETWEEN_CLEANUPS = 60
_RETRY_AFTER_SECONDS = "10"
# For when memory does not suffice for a page: this takes next to none.
_LAST_STATUS = "500 Internal Server Error"
_LAST_TEXT = b"This did not work. Please try again later.\n"
_LAST_HEADERS = (
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Content-Length", str(len(_LAST_TEXT))),
    ("Cache-Control", "no-store"),
)


class Application:
    """Planado as a WSGI application; `clock` returns UNIX seconds."""

    def __init__(
        self, config: Config, database: Database, clock: Callable[[], float] = time.time
    ) -> None:
        self.config = config
        self.database = database
        self.clock = clock
        self.theme = Theme(config.look_folder, config.site.languages)
        self.page_cache = PageCache()
        self._headers = {"Cache-Control": "no-store", **_security_headers(config)}
        self._cleanup_lock = threading.Lock()
        self._next_cleanup = 0.0

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            return self._answer(environ, start_response)
        except Exception as error:
            # A host would log the address that was asked for.
            with suppress(Exception):
                log.error("a request failed, and its report: %s", type(error).__name__)
            return answer_failure(start_response)

    def _answer(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        request = Request(environ, self.config, self.theme, self.page_cache, self.clock())
        response, stored = self._response(request)
        if request.is_for_api:
            from .web.cors import with_cors

            response = with_cors(request, response)
        headers = {**self._headers, **response.headers}
        if response.status not in _WITHOUT_BODY:
            headers.setdefault("Content-Type", "text/html; charset=utf-8")
            headers["Content-Length"] = str(len(response.body))
        start_response(f"{response.status.value} {response.status.phrase}", list(headers.items()))
        body = b"" if request.method == "HEAD" else response.body
        if stored and self.config.cleanup.when == "request":
            return _ThenCall(body, lambda: self._clean_up(request.now))
        return [body]

    def _response(self, request: Request) -> tuple[Response, bool]:
        """Return the answer, and whether it came from the database."""
        pattern = "(no route)"
        try:
            request.refuse_long_query()
            if request.is_for_api and not self.config.api.enabled:
                raise Problem(HTTPStatus.NOT_FOUND, "problem_not_found")
            route, request.path_values = find_route(_ROUTES, request.method, request.path)
            pattern = route.pattern
            if request.method == "POST" and not request.is_for_api:
                # Before anything happens.
                request.refuse_bad_body()
            if isinstance(route, StoredRoute):
                return self._stored(route, request), True
            return route.handler(request), False
        except Problem as problem:
            return _report(request, problem), False
        except DatabaseError as error:
            log.error("%s %s: database: %s", request.method, pattern, error)
            headers = {"Retry-After": _RETRY_AFTER_SECONDS}
            unavailable = Problem(HTTPStatus.SERVICE_UNAVAILABLE, "problem_unavailable", headers)
            return _report(request, unavailable), False
        except Exception as error:
            log.error("%s %s failed: %s", request.method, pattern, log.without_values(error))
            internal = Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "problem_internal")
            return _report(request, internal), False

    def _stored(self, route: StoredRoute, request: Request) -> Response:
        try:
            return route.handler(request, self.database)
        except Unprepared:
            from .storage.migrations import make_where_empty

            if not make_where_empty(self.database):
                raise
            return route.handler(request, self.database)

    def _clean_up(self, now: float) -> None:
        with self._cleanup_lock:
            if now < self._next_cleanup <= now + _SECONDS_BETWEEN_CLEANUPS:
                return
            self._next_cleanup = now + _SECONDS_BETWEEN_CLEANUPS
        from .storage.cleanup import clean_up

        try:
            clean_up(self.database, self.config.opening_hours, now, batches=1)
        except DatabaseError as error:
            log.error("clean-up: database: %s", error)
        except Exception as error:
            log.error("clean-up failed: %s", log.without_values(error))


def answer_failure(start_response: StartResponse) -> list[bytes]:
    """Answer 500 in a line of text, in the place of an error that is being handled."""
    start_response(_LAST_STATUS, list(_LAST_HEADERS), sys.exc_info())
    return [_LAST_TEXT]


class _ThenCall:
    """A body that, once it has been sent, calls `after`."""

    def __init__(self, body: bytes, after: Callable[[], None]) -> None:
        self._body = body
        self._after = after

    def __iter__(self) -> Iterator[bytes]:
        yield self._body

    def close(self) -> None:
        self._after()


def _report(request: Request, problem: Problem) -> Response:
    # Called in each clause: a problem that outlives it forms a reference cycle with its traceback.
    from .views.problem import report

    return report(request, problem)


def _security_headers(config: Config) -> dict[str, str]:
    own = " ".join(["'self'", *filter(None, [config.site.origin])])
    # An operator's own look may have a font.
    fonts = f"font-src {own}; " if config.look_folder else ""
    policy = (
        f"default-src 'none'; style-src {own}; script-src {own}; img-src {own}; "
        # The waiting page looks again in place, and the form asks what its fields mean.
        f"connect-src {own}; {fonts}"
        # A form may redirect to the room, and its server on to another host; browsers count these
        # redirects as part of the form.
        f"form-action {own} {config.jitsi.origin} https:; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cross-Origin-Opener-Policy": "same-origin",
        "X-Robots-Tag": "noindex",
    }

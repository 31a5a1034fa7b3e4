"""A call of a WSGI application as servers make it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

Headers = list[tuple[str, str]]


def call(application: WSGIApplication, environ: WSGIEnvironment) -> tuple[str, Headers, bytes]:
    """Return the status line, the headers and the body, which is closed."""
    started: list[tuple[str, Headers]] = []

    def start_response(status: str, headers: Headers, *_: object) -> Any:
        started.append((status, headers))

    body = application(environ, start_response)
    try:
        content = b"".join(body)
    finally:
        getattr(body, "close", lambda: None)()
    [(status, headers)] = started
    return status, headers, content

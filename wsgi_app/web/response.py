"""What a handler answers: a Response, or a Problem that says why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import NamedTuple


class Response(NamedTuple):
    """What a handler answers. Without a Cache-Control of its own it is not stored anywhere."""

    body: bytes
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = {}


class Problem(Exception):
    """A request that cannot be served: an HTTP status and the key of the sentence that says why.

    `errors` says it of single fields, in the visitor's language.
    """

    def __init__(
        self,
        status: HTTPStatus,
        text: str,
        headers: Mapping[str, str] | None = None,
        errors: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers or {}
        self.errors = errors or {}


def redirect(url: str, status: HTTPStatus = HTTPStatus.FOUND) -> Response:
    """Return a redirect, to which browsers pass on the fragment of the address they asked for."""
    return Response(b"", status, {"Location": url})

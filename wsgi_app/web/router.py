"""From a method and a path to the route that serves them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Generic, TypeVar

from .request import Lazy, Request
from .response import Problem, Response

if TYPE_CHECKING:
    from ..storage.database import Database

PlainHandler = Callable[[Request], Response]
StoredHandler = Callable[[Request, "Database"], Response]
Handler = TypeVar("Handler")


class Route(Generic[Handler]):
    """A method and an address, and the handler that `find_handler` returns; `{name}` in `pattern`
    is one segment of the path.
    """

    def __init__(self, method: str, pattern: str, find_handler: Callable[[], Handler]) -> None:
        self.method = method
        self.pattern = pattern
        self.segments = pattern.split("/")
        self._find_handler = find_handler

    @Lazy
    def handler(self) -> Handler:
        return self._find_handler()

    def match(self, segments: Sequence[str]) -> dict[str, str] | None:
        """Return the values in the segments of a path, or None where it is another address."""
        if len(segments) != len(self.segments):
            return None
        values = {}
        for segment, value in zip(self.segments, segments, strict=True):
            if segment.startswith("{") and value:
                values[segment[1:-1]] = value
            elif segment != value:
                return None
        return values


class PlainRoute(Route[PlainHandler]):
    """An address whose handler has no way to reach the database."""


class StoredRoute(Route[StoredHandler]):
    """An address whose handler asks the database."""


def find_route(
    routes: Iterable[PlainRoute | StoredRoute], method: str, path: str
) -> tuple[PlainRoute | StoredRoute, dict[str, str]]:
    """Return the first route that serves a request and the values in its path; raises Problem
    where there is none.
    """
    allowed = []
    segments = path.split("/")
    for route in routes:
        values = route.match(segments)
        if values is None:
            continue
        # HEAD goes wherever GET does.
        if route.method == ("GET" if method == "HEAD" else method):
            return route, values
        allowed += ["GET", "HEAD"] if route.method == "GET" else [route.method]
    if allowed:
        headers = {"Allow": ", ".join(allowed)}
        raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, "problem_method", headers)
    raise Problem(HTTPStatus.NOT_FOUND, "problem_not_found")

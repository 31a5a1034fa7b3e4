"""A door for scanners, which know queries and nothing else: every parameter of a target, be it in
the path, the query, a form, JSON or a header, becomes a field of the query of `/NUMBER`.
"""

from __future__ import annotations

import html
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from tests.support.targets import Target

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Door:
    """A WSGI application that passes on to another what a scanner tries, and notes it."""

    def __init__(
        self,
        application: WSGIApplication,
        targets: Sequence[Target],
        restore: Callable[[], None] = lambda: None,
    ) -> None:
        self.application = application
        self.targets = targets
        self.restore = restore
        self.tried: dict[tuple[int, str], set[str]] = defaultdict(set)
        self.statuses: dict[int, int] = defaultdict(int)

    def paths(self) -> list[str]:
        """Return the address of each target that has parameters."""
        return [
            f"/{number}?{urlencode(target.parameters)}"
            for number, target in enumerate(self.targets)
            if target.parameters
        ]

    def least_tried(self) -> tuple[int, str]:
        """Return how many values the least attacked parameter got, and its name."""
        return min(
            (len(self.tried[number, name]), f"{target.method} {target.pattern} {name}")
            for number, target in enumerate(self.targets)
            for name in target.parameters
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        number = environ["PATH_INFO"].removeprefix("/")
        if not number.isdecimal() or int(number) >= len(self.targets):
            start_response("200 OK", [("Content-Type", "text/html; charset=utf-8")])
            return [self._links()]
        return self._pass_on(int(number), environ["QUERY_STRING"], start_response)

    def _links(self) -> bytes:
        links = (f'<li><a href="{html.escape(path)}">{path[:9]}</a></li>' for path in self.paths())
        return f"<!doctype html><title>Targets</title><ul>{''.join(links)}</ul>".encode()

    def _pass_on(self, number: int, query: str, start_response: StartResponse) -> Iterable[bytes]:
        target = self.targets[number]
        sent = dict(
            parse_qsl(query, keep_blank_values=True, encoding="utf-8", errors="surrogateescape")
        )
        changed = {name: value for name, value in sent.items() if name in target.parameters}
        for name, value in changed.items():
            if value != target.parameters[name]:
                self.tried[number, name].add(value)

        def start(status: str, headers: list[tuple[str, str]], *_: object) -> Any:
            self.statuses[int(status[:3])] += 1
            return start_response(status, headers)

        body = self.application(target.environ(changed), start)
        content = b"".join(body)
        getattr(body, "close", lambda: None)()
        if target.method not in ("GET", "OPTIONS"):
            self.restore()
        return [content]
